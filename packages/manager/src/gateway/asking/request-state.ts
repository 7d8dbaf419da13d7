/**
 * The `requestState` that modern clients are given: sealed, so that what comes back is what was given, to this principal, for this
 * very request, a short while ago; and so that the retry reaches the server and revision that asked. It carries the server's own
 * state, or the name of a call that waits here. Nothing is kept, but where answers are still
 * to come is counted.
 * Source: specification 2026-07-28, basic/patterns/mrtr ("Request State").
 */
import { createHash } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { readInputRequired, withRequestState } from "../../protocol/input-required.ts";
import type { Sealer } from "../../security/seal.ts";
import type { Call } from "../calls/call.ts";
import type { OpenWork, WorkPlace } from "../calls/open-work.ts";
import { answerMsMax } from "../calls/call-time.ts";
import { viewKey } from "../view.ts";
import type { OpenedState, RequestState } from "./opened-state.ts";

/** As it is sealed; short names because it travels. */
interface Sealed {
  readonly p: string;
  readonly d: string;
  /** Good until then, by the wall clock. */
  readonly e: number;
  readonly s: RequestState;
}

const sealContext = "mcp-request-state";
/** A server's state of more than this is refused: it would not fit a sealed text. */
const stateBytesMax = 65_536;
/** So long a state is known to have expired, and not for one that was never given. */
const expiredKnownMs = 24 * 60 * 60_000;

/** Seals and opens states; those of another installation, principal, request or time are none. */
export class RequestStates {
  readonly #sealer: Sealer;
  readonly #clock: Clock;
  readonly #asked: OpenWork;

  /** `asked` hears where an answer is waited for; a call that is parked is in flight, and counted as that. */
  constructor(sealer: Sealer, clock: Clock, asked: OpenWork) {
    this.#sealer = sealer;
    this.#clock = clock;
    this.#asked = asked;
  }

  seal(call: Call, state: RequestState): string {
    const untilMs = this.#clock.wallMs() + answerMsMax;
    const sealed: Sealed = { p: call.principal.hash, d: digestOf(call), e: untilMs, s: state };
    const text = this.#sealer.seal(sealContext, sealed, untilMs + expiredKnownMs);
    if (state.kind === "upstream") this.#asked.began(placeOf(state, text), answerMsMax);
    return text;
  }

  /**
   * A server's `input_required` response with its state sealed, and one added where it gave none, so that the retry reaches the same
   * revision. Undefined when it cannot be read, or the state is too large to travel so.
   */
  sealInto(
    response: Buffer,
    call: Call,
    from: Pick<RequestState & { readonly kind: "upstream" }, "server" | "uid" | "revision">,
  ): Buffer | undefined {
    const wanted = readInputRequired(response);
    const state = wanted?.state;
    if (wanted === undefined || (state !== undefined && state.length > stateBytesMax)) return undefined;
    return withRequestState(response, this.seal(call, { kind: "upstream", ...from, state: state?.toString() }));
  }

  /** What the call's state says; undefined when it is none that was given to this principal for this request. */
  open(call: Call): OpenedState | undefined {
    const opened = this.#read(call);
    if (opened?.p !== call.principal.hash || opened.d !== digestOf(call)) return undefined;
    if (this.#clock.wallMs() >= opened.e) return "expired";
    if (opened.s.kind === "upstream") this.#asked.ended(placeOf(opened.s, call.envelope.text("requestState") ?? ""));
    return opened.s;
  }

  /** Whether what was not opened is good, but another principal's: worth an entry in the audit. */
  isForeign(call: Call): boolean {
    const opened = this.#read(call);
    return opened !== undefined && opened.p !== call.principal.hash;
  }

  #read({ envelope }: Call): Sealed | undefined {
    const text = envelope.text("requestState");
    return text === undefined ? undefined : (this.#sealer.open(sealContext, text) as Sealed | undefined);
  }
}

/** No two texts end alike: with what authenticates them. */
function placeOf({ server, revision }: RequestState & { readonly kind: "upstream" }, text: string): WorkPlace {
  return { server, revision, id: text.slice(-22) };
}

/** What must be the same in the retry: the endpoint, the method, and what it names. */
function digestOf({ view, envelope }: Call): string {
  const name = envelope.text("name") ?? envelope.text("uri") ?? "";
  const place = view.kind === "server" ? viewKey(view) : "";
  return createHash("sha256")
    .update(JSON.stringify([place, envelope.method, name]))
    .digest("base64url")
    .slice(0, 22);
}
