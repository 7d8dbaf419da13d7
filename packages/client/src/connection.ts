/**
 * Requests to the manager over `fetch`: each is one call with a bound on its time, in as many attempts as are safe, and what goes wrong
 * with it is a ManagerError. Runs in browsers and in Node. Keeps no state between calls.
 */
import { ManagerError } from "@mcp-manager/api";
import { sleep, systemClock } from "./clock.ts";
import type { ClientClock } from "./clock.ts";
import { failureOfAnswer, failureOfFetch, failureOfReading } from "./failure.ts";
import type { Asked, Failure } from "./failure.ts";
import { inRange, jsonOf, keyOf, rootOf } from "./given.ts";
import { mayRepeat, pauseMs, retriesMax } from "./retry.ts";

/** Where the manager is, as whom to ask, and how patiently. */
export interface ClientOptions {
  /** The manager's root: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** An API key or the admin key. Without one only a session's cookie, in a browser, may help. */
  readonly key?: string;
  /** For each call with all its attempts, in milliseconds; a stream, until it has begun. Default 300,000. */
  readonly timeoutMs?: number;
  /** How often a call is sent again, where that is safe: 0 to 3. Default 3. */
  readonly retries?: number;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Default: the real one. */
  readonly clock?: ClientClock;
  /** Numbers from [0, 1), which spread retries. Default: `Math.random`. */
  readonly random?: () => number;
}

/** What every call takes. */
export interface CallOptions {
  /** Aborting rejects the call with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Instead of the client's. */
  readonly timeoutMs?: number;
}

/** One request. */
export interface Ask extends CallOptions {
  readonly method: string;
  /** Below the root, with its query. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of the client's: 0 for who sends again by itself. */
  readonly retries?: number;
}

/** How the head of a successful answer becomes what the call is for. */
type Reader<T> = (response: Response) => T | Promise<T>;

/** One attempt, for `fetch`; the same for all of a call. */
type Init = RequestInit & { readonly signal: AbortSignal };

const timeoutMsDefault = 300_000;
/** The longest that timers of browsers and Node take: 24 days. */
const timeoutMsMax = 2_147_483_647;

export class Connection {
  /** Time and chance, for whoever sends again by itself. */
  readonly clock: ClientClock;
  readonly random: () => number;
  readonly #root: string;
  readonly #key: string | undefined;
  readonly #timeoutMs: number;
  readonly #retries: number;
  readonly #fetch: typeof fetch;

  /** Throws `invalid_argument` when `url` is none, `key` cannot be one, or a number is out of its range. */
  constructor(options: ClientOptions) {
    this.#root = rootOf(options.url);
    this.#key = options.key === undefined ? undefined : keyOf(options.key);
    this.#timeoutMs = inRange("timeoutMs", options.timeoutMs ?? timeoutMsDefault, 1, timeoutMsMax);
    this.#retries = inRange("retries", options.retries ?? retriesMax, 0, retriesMax);
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? Math.random;
  }

  /** The answer's JSON, as the type that the operation promises. */
  json<T>(ask: Ask): Promise<T> {
    return this.#call(ask, async (response) => parse(await response.text(), this.#root) as T);
  }

  /** The answer's text as it came. */
  text(ask: Ask): Promise<string> {
    return this.#call(ask, (response) => response.text());
  }

  /** The answer once its head is there; its body is the caller's to read. */
  send(ask: Ask): Promise<Response> {
    return this.#call(ask, (response) => response);
  }

  /** Runs a call within its time. Rejects with the ManagerError that a failure stands for. */
  async #call<T>(ask: Ask, read: Reader<T>): Promise<T> {
    const timeoutMs = inRange("timeoutMs", ask.timeoutMs ?? this.#timeoutMs, 1, timeoutMsMax);
    const dueMs = this.clock.nowMs() + timeoutMs;
    const expiry = new AbortController();
    const timer = this.clock.after(timeoutMs, () => expiry.abort(tooLate(ask, this.#root, timeoutMs)));
    const signal = ask.signal === undefined ? expiry.signal : AbortSignal.any([ask.signal, expiry.signal]);
    try {
      return await this.#attempts({ ...ask, root: this.#root }, this.#init(ask, signal), read, dueMs);
    } finally {
      timer.cancel();
    }
  }

  async #attempts<T>(asked: Asked & Pick<Ask, "retries">, init: Init, read: Reader<T>, dueMs: number): Promise<T> {
    const { signal } = init;
    const retriesMost = asked.retries ?? this.#retries;
    for (let retries = 0; ; retries++) {
      signal.throwIfAborted();
      const outcome = await this.#attempt(asked, init, read);
      if ("value" in outcome) return outcome.value;
      if (signal.aborted) throw signal.reason;
      const { error, fate } = outcome;
      const waitMs = pauseMs(retries, this.random(), error.retryAfterMs);
      // To wait beyond the call's time would only hide what is wrong.
      const isInTime = this.clock.nowMs() + waitMs < dueMs;
      if (retries >= retriesMost || !mayRepeat(asked, fate) || !isInTime) throw error;
      await sleep(this.clock, waitMs, signal);
    }
  }

  async #attempt<T>(asked: Asked, init: Init, read: Reader<T>): Promise<{ readonly value: T } | Failure> {
    let response: Response;
    try {
      response = await this.#fetch(this.#root + asked.path, init);
    } catch (error) {
      return failureOfFetch(asked, error);
    }
    if (!response.ok) return await failureOfAnswer(response);
    try {
      return { value: await read(response) };
    } catch (error) {
      return failureOfReading(asked, error);
    }
  }

  #init({ method, headers: given, body }: Ask, signal: AbortSignal): Init {
    const headers = new Headers(given);
    if (!headers.has("accept")) headers.set("accept", "application/json");
    if (this.#key !== undefined) headers.set("authorization", `Bearer ${this.#key}`);
    if (body === undefined) return { method, headers, signal };
    headers.set("content-type", "application/json");
    return { method, headers, signal, body: jsonOf(body) };
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

function parse(text: string, root: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ManagerError("protocol_error", `${root} answered with something that is no JSON: is it MCP Manager?`, {
      cause: error,
    });
  }
}

function tooLate({ method, path }: Ask, root: string, timeoutMs: number): ManagerError {
  const asked = `${method} ${path.split("?", 1)[0]}`;
  const message = `the manager at ${root} did not answer ${asked} within ${timeoutMs} ms: look whether it was carried out, or give it more with timeoutMs`;
  return new ManagerError("deadline_exceeded", message, { reason: "CLIENT_TIMEOUT" });
}

/** What every call takes, and apart from it what only this one does. */
export function apart<Options extends CallOptions>(
  options: Options,
): readonly [call: CallOptions, own: Omit<Options, keyof CallOptions>] {
  const { signal, timeoutMs, ...own } = options;
  const call = { ...(signal === undefined ? {} : { signal }), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  return [call, own];
}

/** `?a=1&b=2` of what is given; empty when nothing is. */
export function queryOf(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`;
}
