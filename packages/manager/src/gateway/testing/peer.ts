/**
 * A client as plain as it gets, for tests: one POST, its headers as told, the answer as it came. Speaks either era, keeps a
 * legacy session, reads events one by one.
 */
import { SseParser } from "../../protocol/sse.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The JSON of the body, or of the last event; undefined when there is none. */
  readonly body: JsonRpc | undefined;
  /** What came before it. */
  readonly events: readonly JsonRpc[];
}

export interface JsonRpc {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: {
    readonly code: number;
    readonly message: string;
    readonly data?: Readonly<Record<string, unknown>>;
  };
}

export interface PeerOptions {
  /** Default `/mcp`. */
  readonly path?: string;
  /** Default `ada`; `none` sends no credential. */
  readonly who?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Send {
  readonly id?: string | number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** More of `_meta`. */
  readonly meta?: Readonly<Record<string, unknown>>;
}

const metaPrefix = "io.modelcontextprotocol/";

export class Peer {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  #sessionId: string | undefined;
  #ids = 0;

  constructor(base: string, options: PeerOptions = {}) {
    const { path = "/mcp", who = "ada", headers = {} } = options;
    this.#url = base + path;
    this.#headers = {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...(who === "none" ? {} : { authorization: `Bearer ${who}` }),
      ...headers,
    };
  }

  get sessionId(): string {
    return this.#sessionId ?? "";
  }

  /** Opens a legacy session. */
  async initialize(
    protocolVersion = "2025-11-25",
    capabilities: Readonly<Record<string, unknown>> = {},
  ): Promise<Answer> {
    const params = { protocolVersion, capabilities, clientInfo: { name: "peer", version: "1" } };
    const answer = await this.legacy("initialize", params);
    this.#sessionId = answer.headers.get("mcp-session-id") ?? undefined;
    return answer;
  }

  /** A request of the legacy era. */
  legacy(method: string, params: Readonly<Record<string, unknown>> = {}, send: Send = {}): Promise<Answer> {
    const { id = ++this.#ids, meta } = send;
    const whole = meta === undefined ? params : { ...params, _meta: meta };
    return this.post(JSON.stringify({ jsonrpc: "2.0", id, method, params: whole }), send);
  }

  /** A request of the modern era, with everything it must carry. */
  modern(method: string, params: Readonly<Record<string, unknown>> = {}, send: Send = {}): Promise<Answer> {
    const { id = ++this.#ids, headers = {}, meta = {} } = send;
    const _meta = {
      [`${metaPrefix}protocolVersion`]: "2026-07-28",
      [`${metaPrefix}clientCapabilities`]: {},
      ...meta,
    };
    const name = params["name"] ?? params["uri"];
    return this.post(JSON.stringify({ jsonrpc: "2.0", id, method, params: { ...params, _meta } }), {
      ...send,
      headers: {
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": method,
        ...(typeof name === "string" ? { "mcp-name": name } : {}),
        ...headers,
      },
    });
  }

  /** Any text, whole answer. */
  async post(text: string, send: Send = {}): Promise<Answer> {
    return answerOf(await this.request("POST", text, send));
  }

  /** Any request; the answer's body is not read yet. */
  request(method: string, body: string | undefined, { headers = {}, signal }: Send = {}): Promise<Response> {
    const session = this.#sessionId === undefined ? {} : { "mcp-session-id": this.#sessionId };
    return fetch(this.#url, {
      method,
      headers: { ...this.#headers, ...session, ...headers },
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
  }
}

/** Reads an answer to its end. */
export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const isStream = response.headers.get("content-type") === "text/event-stream";
  const messages = isStream ? eventsIn(text) : text === "" ? [] : [JSON.parse(text) as JsonRpc];
  const body = messages.at(-1);
  return { status: response.status, headers: response.headers, text, body, events: messages.slice(0, -1) };
}

function eventsIn(text: string): JsonRpc[] {
  const messages: JsonRpc[] = [];
  const parser = new SseParser({
    eventBytesMax: 64 * 1024 * 1024,
    onEvent: ({ data }) => {
      // One that only carries an id, to come back with.
      if (data.length > 0) messages.push(JSON.parse(data.toString()) as JsonRpc);
    },
  });
  parser.push(Buffer.from(text));
  return messages;
}
