/**
 * One POST to an address that somebody else chose: through the guard, to the judged addresses only, within a time, past a few redirects of
 * which each is judged anew, and without reading more of the answer than it must. What an answer says beyond its status is dropped.
 */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIPv6, type LookupFunction } from "node:net";
import type { Clock } from "../../base/clock.ts";
import type { EgressGuard } from "./guard.ts";

/** What became of it. */
export type PostOutcome =
  /** `retryAfter` as it was sent. */
  | { readonly kind: "answered"; readonly status: number; readonly retryAfter: string | undefined }
  /** The guard's word; nothing was sent. */
  | { readonly kind: "refused"; readonly message: string }
  /** No answer: nobody there, no trust, no time. */
  | { readonly kind: "failed"; readonly message: string };

export interface PostRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent to the URL's own origin only: what a redirect elsewhere must not get hold of. */
  readonly ownHeaders: Readonly<Record<string, string>>;
  readonly body: string;
  /** Aborting it gives the request up: the answer is a rejection with its reason. */
  readonly signal: AbortSignal;
}

export interface PosterOptions {
  readonly guard: EgressGuard;
  readonly clock: Clock;
  /** For name, connection, redirects and answer together. Default 10 s. */
  readonly timeoutMs?: number;
}

const timeoutMsDefault = 10_000;
const redirectsMax = 3;
/** Of the answer's body; then the connection is cut. */
const answerBytesMax = 65_536;
const headerBytesMax = 16_384;
/** Those that keep the method, or by custom may. 303 asks for a GET, which would deliver nothing. */
const redirects: ReadonlySet<number> = new Set([301, 302, 307, 308]);

/** Sends to where the guard lets it. Stateless: each request has a connection of its own. */
export class Poster {
  readonly #guard: EgressGuard;
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  constructor({ guard, clock, timeoutMs = timeoutMsDefault }: PosterOptions) {
    this.#guard = guard;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Rejects only when `signal` was aborted. */
  async post(request: PostRequest): Promise<PostOutcome> {
    const late = new AbortController();
    const timer = this.#clock.after(this.#timeoutMs, () => late.abort());
    const signal = AbortSignal.any([late.signal, request.signal]);
    try {
      return await this.#follow({ ...request, signal });
    } catch (error) {
      request.signal.throwIfAborted();
      const seconds = Math.round(this.#timeoutMs / 1_000);
      return { kind: "failed", message: late.signal.aborted ? `no answer within ${seconds} s` : wordsOf(error) };
    } finally {
      timer.cancel();
    }
  }

  async #follow(request: PostRequest): Promise<PostOutcome> {
    let { url } = request;
    for (let hop = 0; ; hop += 1) {
      const admitted = await abortable(this.#guard.admit(url), request.signal);
      const where = hop === 0 ? "" : `redirect ${hop}: `;
      if (admitted.kind === "refused") return { kind: "refused", message: where + admitted.message };
      const own = url.origin === request.url.origin ? request.ownHeaders : {};
      const answer = await send({ ...request, url, headers: { ...request.headers, ...own } }, admitted.addresses);
      const target = redirects.has(answer.status) ? answer.location : undefined;
      if (target === undefined) return { kind: "answered", status: answer.status, retryAfter: answer.retryAfter };
      if (hop === redirectsMax) return { kind: "failed", message: `more than ${redirectsMax} redirects` };
      const next = URL.parse(target, url);
      if (next === null) return { kind: "failed", message: "a redirect to what is no address" };
      if (url.protocol === "https:" && next.protocol !== "https:")
        return { kind: "refused", message: `redirect ${hop + 1} leads from https to ${next.protocol.slice(0, 10)}` };
      url = next;
    }
  }
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly retryAfter: string | undefined;
}

/** Sends to one of `addresses`, on a connection of its own: a kept one would outlive what was judged. */
function send(request: Omit<PostRequest, "ownHeaders">, addresses: readonly string[]): Promise<Answer> {
  const { url, headers, body, signal } = request;
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const start = url.protocol === "https:" ? httpsRequest : httpRequest;
  const sent = start(url, {
    method: "POST",
    agent: false,
    lookup: pinned(addresses),
    headers: { ...headers, "content-length": String(Buffer.byteLength(body)), connection: "close" },
    maxHeaderSize: headerBytesMax,
    signal,
  });
  sent.once("error", reject);
  sent.once("response", (response) => {
    // Its status is known: what comes after changes nothing.
    sent.off("error", reject).on("error", () => undefined);
    const { statusCode: status = 0 } = response;
    const { location, "retry-after": retryAfter } = response.headers;
    void drain(response).then(() => resolve({ status, location, retryAfter }));
  });
  // Whoever answers by another protocol gives no answer to this, and Node tells of none.
  sent.once("upgrade", ({ statusCode: status = 0 }, socket) => {
    socket.destroy();
    resolve({ status, location: undefined, retryAfter: undefined });
  });
  sent.end(body);
  return promise;
}

/** Reads what an endpoint says, so that it sees its answer taken, but no more than the bound. Never rejects. */
async function drain(response: IncomingMessage): Promise<void> {
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > answerBytesMax) break;
    }
  } catch {
    // It was cut off.
  } finally {
    response.destroy();
  }
}

/** Node asks for one address or for all; it is given what was judged, whatever the name. */
function pinned(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  return (_host, options, callback) => {
    const [first] = all;
    if (options.all === true) callback(null, all);
    else callback(null, first?.address ?? "", first?.family);
  };
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener("abort", onAbort));
}

const codes: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection was closed before an answer came",
  ENOTFOUND: "the name has no address",
  EAI_AGAIN: "the name could not be resolved",
  EHOSTUNREACH: "there is no way there",
  ENETUNREACH: "there is no way there",
  ETIMEDOUT: "the connection was not accepted in time",
  CERT_HAS_EXPIRED: "its certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is not trusted",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is not trusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is not trusted",
  HPE_HEADER_OVERFLOW: "the answer's header is too long",
};

/** Never the error's own message, which may quote the address. */
function wordsOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return codes[code] ?? (code === "" ? "the request failed" : `the request failed (${code})`);
}
