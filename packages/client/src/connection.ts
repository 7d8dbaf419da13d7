/**
 * One request to the manager over `fetch`, and what can go wrong with it as a ManagerError. Runs in browsers and in Node; keeps
 * no state and retries nothing.
 */
import { fromProblem, ManagerError } from "@mcp-manager/api";

/** Where the manager is, and as whom to ask. */
export interface ClientOptions {
  /** The manager's root: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** An API key or the admin key. Without one only a session's cookie, in a browser, may help. */
  readonly key?: string;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/** What every call takes. */
export interface CallOptions {
  /** Aborting rejects the call with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** One request. */
export interface Ask extends CallOptions {
  readonly method: string;
  /** Below the root, with its query. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export class Connection {
  readonly #root: string;
  readonly #key: string | undefined;
  readonly #fetch: typeof fetch;

  /** Throws `invalid_argument` when `url` is none. */
  constructor(options: ClientOptions) {
    this.#root = rootOf(options.url);
    this.#key = options.key;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  /** The answer's JSON, as the type that the operation promises. */
  async json<T>(ask: Ask): Promise<T> {
    const response = await this.send(ask);
    return (await readJson(response, this.#root)) as T;
  }

  /** The answer's text as it came. */
  async text(ask: Ask): Promise<string> {
    const response = await this.send(ask);
    return response.text().catch(lostOr);
  }

  /** The answer once its head is there. Rejects with the ManagerError that it stands for when it is no success. */
  async send(ask: Ask): Promise<Response> {
    const headers = new Headers(ask.headers);
    if (!headers.has("accept")) headers.set("accept", "application/json");
    if (this.#key !== undefined) headers.set("authorization", `Bearer ${this.#key}`);
    if (ask.body !== undefined) headers.set("content-type", "application/json");
    const init = {
      method: ask.method,
      headers,
      ...(ask.body === undefined ? {} : { body: JSON.stringify(ask.body) }),
      ...(ask.signal === undefined ? {} : { signal: ask.signal }),
    };
    const response = await this.#fetch(this.#root + ask.path, init).catch((error: unknown) => {
      throw ask.signal?.aborted === true ? ask.signal.reason : unreachable(this.#root, error);
    });
    if (response.ok) return response;
    throw fromProblem(response.status, await response.json().catch(() => undefined));
  }
}

/** For reading a body: `fetch` says TypeError when the connection broke; anything else is passed on. Never returns. */
export function lostOr(error: unknown): never {
  if (!(error instanceof TypeError)) throw error;
  throw new ManagerError("unavailable", "the connection to the manager was lost before its answer was complete", {
    reason: "MANAGER_CONNECTION_LOST",
    cause: error,
  });
}

async function readJson(response: Response, root: string): Promise<unknown> {
  const text = await response.text().catch(lostOr);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ManagerError("protocol_error", `${root} answered with something that is no JSON: is it MCP Manager?`, {
      cause: error,
    });
  }
}

function rootOf(text: string): string {
  const url = URL.parse(text);
  if (url !== null && ["http:", "https:"].includes(url.protocol)) return url.origin + url.pathname.replace(/\/+$/, "");
  throw new ManagerError(
    "invalid_argument",
    `"${text}" is not the URL of a manager: write it like http://127.0.0.1:8080`,
  );
}

function unreachable(root: string, error: unknown): ManagerError {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : undefined;
  const why =
    code === "ECONNREFUSED"
      ? "nothing listens there"
      : (code ?? (error instanceof Error ? error.message : String(error)));
  return new ManagerError("unavailable", `no manager answers at ${root} (${why})`, {
    reason: "MANAGER_UNREACHABLE",
    cause: error,
  });
}

/** `?a=1&b=2` of what is given; empty when nothing is. */
export function queryOf(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`;
}
