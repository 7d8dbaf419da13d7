/** A legacy MCP client in a few lines of fetch, for tests that look at the wire. */
import type { ManagerProcess } from "./manager.ts";

export interface Wire {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The message, or the last one of an event stream. */
  json(): {
    readonly id?: unknown;
    readonly result?: Record<string, unknown>;
    readonly error?: { code: number; data?: Record<string, unknown>; message: string };
  };
}

export interface SendOptions {
  readonly path?: string;
  readonly session?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly key?: string | undefined;
  readonly signal?: AbortSignal;
}

/** Posts a message, an object or text as it is; resolves when the answer begins. */
export function post(manager: ManagerProcess, message: unknown, options: SendOptions = {}): Promise<Response> {
  const { path = "/mcp", session, headers, key = manager.key, signal } = options;
  return fetch(manager.url + path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      authorization: `Bearer ${key}`,
      ...(session === undefined ? {} : { "mcp-session-id": session, "mcp-protocol-version": "2025-11-25" }),
      ...headers,
    },
    body: typeof message === "string" ? message : JSON.stringify(message),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Posts a message and reads its answer to the end. */
export async function send(manager: ManagerProcess, message: unknown, options: SendOptions = {}): Promise<Wire> {
  const response = await post(manager, message, options);
  const text = await response.text();
  const isEvents = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  const last = isEvents ? (text.split("\n").findLast((line) => line.startsWith("data: ")) ?? "data: ").slice(6) : text;
  return { status: response.status, headers: response.headers, text, json: () => JSON.parse(last) };
}

export interface InitializeOptions extends SendOptions {
  /** What the client can be asked. Default: nothing. */
  readonly capabilities?: object;
  readonly protocolVersion?: string;
  /** What it calls itself. */
  readonly clientName?: string;
}

/** Opens a session; gives its id. */
export async function initialize(manager: ManagerProcess, options: InitializeOptions = {}): Promise<string> {
  const { capabilities = {}, protocolVersion = "2025-11-25", clientName = "wire" } = options;
  const params = { protocolVersion, capabilities, clientInfo: { name: clientName, version: "1" } };
  const answer = await send(manager, { jsonrpc: "2.0", id: 0, method: "initialize", params }, options);
  const session = answer.headers.get("mcp-session-id");
  if (answer.status !== 200 || session === null) throw new Error(`initialize: ${answer.status} ${answer.text}`);
  await send(manager, { jsonrpc: "2.0", method: "notifications/initialized" }, { ...options, session });
  return session;
}

/** Ends a session. */
export async function endSession(manager: ManagerProcess, session: string, key: string = manager.key): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, "mcp-session-id": session, "mcp-protocol-version": "2025-11-25" };
  const { status } = await fetch(`${manager.url}/mcp`, { method: "DELETE", headers });
  if (status !== 204) throw new Error(`the session was not ended: ${status}`);
}

let lastId = 0;

/** A request within a session. */
export function request(
  manager: ManagerProcess,
  session: string,
  method: string,
  params: object = {},
  options: SendOptions = {},
): Promise<Wire> {
  lastId += 1;
  return send(manager, { jsonrpc: "2.0", id: lastId, method, params }, { ...options, session });
}
