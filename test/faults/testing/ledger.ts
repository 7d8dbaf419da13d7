/**
 * What clients sent and how each of it ended, for the invariants: nothing is judged here. A call has a marker of its own, which the server
 * writes into its journal, and its client has a token, which nobody else may ever get to see.
 */
import type { ManagerProcess } from "../../e2e/testing/manager.ts";
import { endSession, initialize, send, type Wire } from "../../e2e/testing/mcp.ts";
import { modernRequest } from "../../e2e/testing/modern.ts";

/** How a request ended, as its client saw it. */
export type Ending =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly text: string;
      readonly responses: readonly Response[];
    }
  /** The connection was closed before there was a whole answer. */
  | { readonly kind: "closed"; readonly error: string }
  /** By the client. */
  | { readonly kind: "cancelled" };

export interface Response {
  readonly id: unknown;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: {
    readonly code: number;
    readonly message: string;
    readonly data?: Readonly<Record<string, unknown>>;
  };
}

export interface Entry {
  readonly call: string;
  readonly client: string;
  readonly token: string;
  readonly server: string;
  readonly id: number;
  readonly deadlineMs: number;
  /** By `performance.now()`. */
  readonly startedMs: number;
  /** Undefined while it is under way. */
  end?: EntryEnd;
}

/** What is kept of an ending: answers can be long. */
export interface EntryEnd {
  readonly kind: Ending["kind"];
  readonly tookMs: number;
  /** Ids of the responses. */
  readonly responses: readonly unknown[];
  /** Tokens of others that were in the answer. */
  readonly foreign: readonly string[];
  /** How the answer begins, or what went wrong. */
  readonly text: string;
}

/** Everything that was sent. */
export class Ledger {
  readonly entries: Entry[] = [];
  readonly tokens: Map<string, string> = new Map();
  #last = 0;

  open(of: Omit<Entry, "call" | "id" | "startedMs">): Entry {
    this.#last += 1;
    const entry: Entry = { ...of, call: `call-${this.#last}`, id: this.#last, startedMs: performance.now() };
    this.entries.push(entry);
    return entry;
  }

  close(entry: Entry, ending: Ending, tookMs: number): void {
    const text = ending.kind === "answered" ? ending.text : ending.kind === "closed" ? ending.error : "";
    entry.end = {
      kind: ending.kind,
      tookMs,
      responses: ending.kind === "answered" ? ending.responses.map(({ id }) => id) : [],
      foreign: [...this.tokens.values()].filter((token) => token !== entry.token && text.includes(token)),
      text: text.slice(0, 500),
    };
  }
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** When it must have ended; default: the one of its client. */
  readonly deadlineMs?: number;
  /** More of `_meta`. */
  readonly meta?: object;
}

/** One caller: a key, an era, and what it can be asked. */
export class FaultClient {
  readonly name: string;
  readonly #manager: () => ManagerProcess;
  readonly #ledger: Ledger;
  readonly #options: FaultClientOptions;
  #session: Promise<string> | undefined;

  constructor(name: string, manager: () => ManagerProcess, ledger: Ledger, options: FaultClientOptions) {
    this.name = name;
    this.#manager = manager;
    this.#ledger = ledger;
    this.#options = options;
    ledger.tokens.set(name, options.token);
  }

  /** Opens the session of a legacy client anew; a modern one has none. */
  reset(): void {
    this.#session = undefined;
  }

  /** Ends the session of a legacy client. */
  async leave(): Promise<void> {
    const session = await this.#session;
    this.reset();
    if (session !== undefined) await endSession(this.#manager(), session, this.#options.key);
  }

  /** Calls a tool of a server; resolves with how that ended. Never rejects: that a connection breaks is an ending. */
  async call(server: string, tool: string, args: object = {}, options: CallOptions = {}): Promise<Ending> {
    const { token, deadlineMs } = this.#options;
    const entry = this.#ledger.open({
      client: this.name,
      token,
      server,
      deadlineMs: options.deadlineMs ?? deadlineMs,
    });
    const params = {
      name: `${server}__${tool}`,
      arguments: { ...args, call: entry.call, who: token },
      ...(options.meta === undefined ? {} : { _meta: options.meta }),
    };
    const ending = await this.#send(entry.id, params, options);
    this.#ledger.close(entry, ending, performance.now() - entry.startedMs);
    return ending;
  }

  /** The answer's text; throws with the whole ending when there is none. */
  async text(server: string, tool: string, args: object = {}, options: CallOptions = {}): Promise<string> {
    return textOf(await this.call(server, tool, args, options));
  }

  async #send(id: number, params: Readonly<Record<string, unknown>>, { signal, meta }: CallOptions): Promise<Ending> {
    try {
      return endingOf(await this.#post(id, params, signal, meta));
    } catch (error) {
      if (signal?.aborted === true) return { kind: "cancelled" };
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
      return { kind: "closed", error: `${String(error)} ${cause}` };
    }
  }

  async #post(
    id: number,
    params: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
    meta?: object,
  ): Promise<Wire> {
    const { era, key, capabilities = {} } = this.#options;
    const manager = this.#manager();
    const more = { key, ...(signal === undefined ? {} : { signal }) };
    if (era === "modern") {
      const { message, headers } = modernRequest("tools/call", params, {
        id,
        capabilities,
        ...(meta === undefined ? {} : { meta }),
      });
      return send(manager, message, { ...more, headers });
    }
    this.#session ??= initialize(manager, { key, capabilities });
    const session = await this.#session.catch((error: unknown) => {
      this.#session = undefined;
      throw error;
    });
    return send(manager, { jsonrpc: "2.0", id, method: "tools/call", params }, { ...more, session });
  }
}

export interface FaultClientOptions {
  readonly era: "legacy" | "modern";
  readonly key: string;
  readonly token: string;
  readonly deadlineMs: number;
  readonly capabilities?: object;
}

function endingOf({ status, text, headers }: Wire): Ending {
  // Whose request did not come in whole in its time hears this much, and is let go.
  if (status === 408) return { kind: "closed", error: "408 Request Timeout" };
  const isEvents = headers.get("content-type")?.startsWith("text/event-stream") === true;
  const texts = isEvents
    ? text.split("\n").flatMap((line) => (line.startsWith("data: ") ? [line.slice(6)] : []))
    : [text];
  const messages = texts.filter((each) => each !== "").map((each) => JSON.parse(each) as Response);
  return {
    kind: "answered",
    status,
    text,
    responses: messages.filter(({ result, error }) => (result ?? error) !== undefined),
  };
}

/** Does `turn` again and again until `work` has ended; gives how long each took, in milliseconds. */
export async function meanwhile(work: Promise<unknown>, turn: () => Promise<unknown>): Promise<readonly number[]> {
  const watch = { isOver: false };
  const over = work.finally(() => (watch.isOver = true));
  const tookMs: number[] = [];
  while (!watch.isOver) {
    const startMs = performance.now();
    await turn();
    tookMs.push(performance.now() - startMs);
  }
  await over;
  return tookMs;
}

/** The result of what was answered; undefined for everything else. */
export function resultOf(ending: Ending): Readonly<Record<string, unknown>> | undefined {
  return ending.kind === "answered" ? ending.responses.at(-1)?.result : undefined;
}

/** The text of a tool's result; throws with the whole ending when there is none. */
export function textOf(ending: Ending): string {
  const content = resultOf(ending)?.["content"] as readonly { readonly text?: string }[] | undefined;
  const text = content?.[0]?.text;
  if (text === undefined) throw new Error(`no result: ${JSON.stringify(ending).slice(0, 1_000)}`);
  return text;
}

/** The error of what was answered; undefined for everything else. */
export function errorOf(ending: Ending): Response["error"] {
  return ending.kind === "answered" ? ending.responses.at(-1)?.error : undefined;
}

/** The manager's own word for what went wrong: `unavailable`; undefined where it was no failure of its own. */
export function codeOf(ending: Ending): unknown {
  return errorOf(ending)?.data?.["code"];
}
