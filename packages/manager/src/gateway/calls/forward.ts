/**
 * One call on its way to a replica and back: keeps its time, hears the answer, and tells the caller exactly once how it ended. The
 * side towards the server is `upstream-leg.ts`, how it asks the client `asking.ts`, what a response becomes `shape.ts`.
 *
 *   open ──▶ ending ──▶ over      ending: what the client was asked is withdrawn, on the stream that it still has
 *    ▲ │
 *    │ ▼      the client was asked and has not come again (modern client, legacy server)
 *   parked
 */
import type { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import { type ClientProfile, noProfile } from "../../protocol/client-profile.ts";
import type { Envelope } from "../../protocol/envelope.ts";
import { JsonRpcCode } from "../../protocol/errors.ts";
import { type InputRequest, inputRequiredResult } from "../../protocol/input-required.ts";
import { outcomeOf } from "../../protocol/response.ts";
import { refuseQuestion } from "../asking/asking.ts";
import { elicitationComplete } from "../asking/elicitations.ts";
import { auditCall, type AuditSink } from "./call-audit.ts";
import { mayAsk, profileOf } from "./call-lease.ts";
import type { CallMetrics, CallOutcome } from "./call-metrics.ts";
import { answerMsMax, CallTime, type CallTimeHost } from "./call-time.ts";
import type { Call } from "./call.ts";
import {
  answerNotKept,
  lacksCapability,
  noReadyReplica,
  otherHop,
  replyWithError,
  stateNotSealed,
  timedOut,
  tooLongToHold,
  tooManyParked,
  unanswered,
} from "./failure.ts";
import { HeldResponse, isAnswer } from "./held-response.ts";
import { CallQuestions } from "../asking/call-questions.ts";
import { wantsLog } from "./log-level.ts";
import type { LateEnd, Parkable, ParkedCalls } from "../asking/parked-calls.ts";
import type { ParkingCall } from "../asking/parked-questions.ts";
import { type ListingServer, rewriteResult } from "../routing/rewrite.ts";
import type { RawHeaders, ReplyListener } from "../reply.ts";
import type { RequestStates } from "../asking/request-state.ts";
import type { SessionCall } from "../sessions/session.ts";
import { shapeResponse, withId, withToken } from "./shape.ts";
import { type Destination, type LegDependencies, type LegHost, UpstreamLeg } from "./upstream-leg.ts";

export interface ForwardDependencies extends LegDependencies {
  readonly metrics: CallMetrics;
  readonly states: RequestStates;
  readonly parked: ParkedCalls;
  /** Whether a server's list of resources, as it is known, holds this URI. */
  readonly listsUri: (server: string, uri: string) => boolean;
  /** Hears of tool calls, and of what was refused; absent: nobody does. */
  readonly audit?: AuditSink;
}

/** A call that is still silent then becomes a stream, which a client that loses its connection can come back to. */
const resumableAfterMs = 1_500;

/** One call from its route to its end. */
export class Forward
  implements LegHost, ReplyListener, SessionCall, CallTimeHost, ParkingCall, Parkable, ListingServer
{
  call: Call;
  /** Among its session's calls. */
  place = -1;
  readonly #dependencies: ForwardDependencies;
  readonly #destination: Destination;
  readonly #time: CallTime;
  readonly #leg: UpstreamLeg;
  #sentMs: number | undefined;
  /** Of a response that goes out in pieces, from its first on. */
  #outcome: CallOutcome | undefined;
  /** Of a response in pieces, what has to be seen before any of it goes out. */
  #held: HeldResponse | undefined;
  #questions: CallQuestions | undefined;
  #state: "open" | "parked" | "ending" | "over" = "open";
  /** How a call ended that was parked; its client hears of it when it comes again. */
  #late: LateEnd | undefined;

  constructor(dependencies: ForwardDependencies, call: Call, destination: Destination) {
    this.#dependencies = dependencies;
    this.#destination = destination;
    this.#time = new CallTime(dependencies.wheel, dependencies.clock, this);
    this.call = call;
    this.#leg = new UpstreamLeg(dependencies, destination, this);
  }

  get callId(): Buffer {
    return this.call.id;
  }

  get server(): string {
    return this.#destination.route.name;
  }

  get clock(): Clock {
    return this.#dependencies.clock;
  }

  get principalHash(): string {
    return this.call.principal.hash;
  }

  get profile(): ClientProfile {
    return this.#leg.isShared ? noProfile : profileOf(this.call);
  }

  get keptBytes(): number {
    return this.#late?.bytes ?? 0;
  }

  start(): void {
    if (!this.#leg.pick()) return this.fail("unavailable", noReadyReplica(this.#destination.route));
    if (this.#begin()) this.#leg.open();
  }

  retry(answers: ReadonlyMap<string, Buffer>, state: Buffer | undefined): void {
    if (this.#state !== "open") return;
    this.#expectResponse();
    this.#leg.retry(answers, state);
  }

  /** The client's own cancellation, or the end of its session. */
  cancel(reason: string): void {
    if (this.#state !== "open") return;
    this.#leg.cancel(reason);
    this.#end("cancelled", false);
    this.call.reply.end();
  }

  onNotification(message: Buffer, method: string): void {
    if (method === "notifications/cancelled") return this.#questions?.onWithdrawn(message);
    if (method === "notifications/message" && !wantsLog(this.call, message)) return;
    if (method === elicitationComplete && !this.call.session?.questions.elicitations.has(this.server, message))
      return this.#dependencies.upstreams.dropped(this.server, "unaddressed_completion");
    const shown =
      method === "notifications/progress" ? withToken(message, this.#leg.sent, this.call.envelope) : message;
    if (shown !== undefined) this.toClient(shown);
  }

  onRequest(question: Envelope): void {
    // In the middle of its response, and in requests of other kinds, the client can't be asked.
    if (this.#outcome !== undefined || !mayAsk(this.call.envelope.method)) {
      const why = `nobody can be asked ${question.method} now`;
      return refuseQuestion(this, question, JsonRpcCode.methodNotFound, why);
    }
    (this.#questions ??= new CallQuestions(this)).onQuestion(question);
  }

  onResponse(chunk: Buffer, last: boolean): boolean {
    if (this.#state === "over") return true;
    if (this.#outcome !== undefined) return this.#pass(chunk, last, this.#outcome);
    if (this.#held === undefined && last) return this.#onWhole(chunk);
    const held = (this.#held ??= new HeldResponse(this.call));
    held.push(chunk);
    const isItsAnswer = this.#leg.sent === this.call.envelope;
    const pieces = last || !isItsAnswer ? undefined : held.opening(this.call, this.#leg.era);
    if (pieces !== undefined) return this.#passOn(pieces, held.judge());
    if (!last && held.isTooLong) this.onFailure(tooLongToHold(this.server));
    if (!last) return true;
    this.#held = undefined;
    return this.#onWhole(held.joined());
  }

  /** Of the connection, or of what came on it. */
  onFailure(error: ManagerError): void {
    this.#leg.cancel(error.message);
    const outcome = error.code === "protocol_error" ? "protocol_error" : "unavailable";
    this.#endBy(() => this.fail(outcome, error));
  }

  lists(uri: string): boolean {
    return this.#dependencies.listsUri(this.server, uri);
  }

  onClientGone(): void {
    if (this.#state !== "open") return;
    // A modern client cancels by closing its stream. A legacy one may have lost its connection and still want the effect.
    if (this.call.era === "modern") this.cancel("the client closed the stream");
    else this.#leg.resume();
  }

  onDrain(): void {
    this.#leg.resume();
  }

  onStillWaiting(): void {
    this.call.reply.keepAlive(this.#headers());
  }

  onTimeUp(wasAsked: boolean): void {
    const { name, callTimeoutMs } = this.#destination.route;
    const { method } = this.call.envelope;
    this.#leg.cancel("timed out");
    this.fail("timeout", wasAsked ? unanswered(name, answerMsMax) : timedOut(name, method, callTimeoutMs));
  }

  toClient(message: Buffer): void {
    if (this.#state !== "open" && this.#state !== "ending") return;
    const { reply, session } = this.call;
    if (reply.takesEvents) {
      if (!reply.notification(message, this.#headers())) this.cancel("the client reads too slowly");
    } else if (session?.streams.hasListened) session.streams.push(message);
  }

  toServer(message: Buffer): void {
    this.#leg.answer(message);
  }

  holdTime(): void {
    this.#time.hold();
  }

  goOn(): void {
    if (this.#state === "open") this.#time.goOn();
  }

  park(requests: readonly InputRequest[]): void {
    const { parked, states } = this.#dependencies;
    const name = parked.park(this);
    if (name === undefined) return this.fail("unavailable", tooManyParked(this.server));
    const { call, server } = this;
    this.#time.stop();
    this.#count("input_required");
    this.#state = "parked";
    const state = states.seal(call, { kind: "parked", server, name });
    call.reply.json(200, inputRequiredResult(call.id, requests, state), this.#headers());
  }

  resume(call: Call): void {
    this.#state = "open";
    this.call = call;
    if (!this.#begin()) return;
    if (this.#late !== undefined) this.#late.tell();
    else this.#questions?.onRetry(call.envelope);
  }

  expire(): void {
    this.#leg.cancel("the client did not come back with its answer");
    this.#state = "over";
    this.#letGo(false);
  }

  lacks(capability: string): void {
    this.#leg.cancel("the client cannot be asked that");
    this.#endBy(() => {
      this.#end("protocol_error", false);
      this.call.reply.json(400, lacksCapability(this.call.id, this.server, capability), this.#headers());
    });
  }

  fail(outcome: CallOutcome, error: ManagerError): void {
    if (this.#state !== "open") return;
    this.#leg.cancel(error.message);
    this.#end(outcome, false);
    replyWithError(this.call, error);
  }

  /** Without a response the call ends now or, when its client is away, as soon as it comes again. */
  #endBy(tell: () => void): void {
    if (this.#state === "parked") this.#endLate({ tell, bytes: 0 }, false);
    else tell();
  }

  /** The server has no more to say, and the client is away. `clean`: the server has answered. */
  #endLate(late: LateEnd, clean: boolean): void {
    this.#late ??= late;
    this.#leg.release(clean);
  }

  /** A request of the client begins the call or goes on with it. False when the client has gone, which ended it. */
  #begin(): boolean {
    const { session, reply, startedMs } = this.call;
    session?.calls.add(this);
    reply.listener = this;
    this.#sentMs = this.clock.nowMs();
    const isResumable = session?.streams.primes === true && reply.takesEvents;
    const dueMs = startedMs + this.#destination.route.callTimeoutMs;
    this.#time.begin(this.#sentMs, dueMs, isResumable ? resumableAfterMs : undefined);
    if (reply.ended) this.onClientGone();
    return this.#state === "open";
  }

  /** Another response takes the place of the one that was not the end. */
  #expectResponse(): void {
    this.#outcome = undefined;
    this.#held = undefined;
  }

  /** From here on a long response goes out as it comes. */
  #passOn(pieces: readonly Buffer[], outcome: CallOutcome): boolean {
    this.#held = undefined;
    this.#outcome = outcome;
    return pieces.map((piece) => this.#pass(piece, false, outcome)).every(Boolean);
  }

  /** Whether a response with this outcome needs nothing done to it. */
  #isPlain(outcome: CallOutcome): boolean {
    return isAnswer(outcome) && this.#leg.era === this.call.era && this.#leg.sent === this.call.envelope;
  }

  #onWhole(message: Buffer): boolean {
    const outcome = outcomeOf(message);
    if (this.#state === "parked") this.#keep(message, outcome);
    else if (this.#isPlain(outcome)) return this.#pass(this.#withLinks(message), true, outcome);
    else this.#conclude(message, outcome);
    return true;
  }

  /** A response that comes while the client is away. */
  #keep(message: Buffer, outcome: CallOutcome): void {
    const { length: bytes } = message;
    if (!this.#dependencies.parked.keep(bytes)) return this.onFailure(answerNotKept(this.server));
    this.#endLate({ tell: () => this.#conclude(message, outcome), bytes }, true);
  }

  #withLinks(message: Buffer): Buffer {
    const { view, envelope } = this.call;
    if (view.kind === "server") return message;
    return rewriteResult(envelope.method, message, this.#destination.route.exposure.prefix, this);
  }

  /** A response that was seen whole: what asks for something is seen to, anything else is the answer. */
  #conclude(response: Buffer, outcome: CallOutcome): void {
    const { call, server } = this;
    const { method } = call.envelope;
    const message = this.#leg.sent === call.envelope ? response : withId(response, call.id);
    const serverEra = this.#leg.era ?? call.era;
    const shaped = shapeResponse(message, { method, server, id: call.id, clientEra: call.era, serverEra, outcome });
    switch (shaped.kind) {
      case "answer":
        if (outcome === "protocol_error") call.session?.questions.elicitations.onError(server, message);
        this.#end(outcome, true);
        return call.reply.json(shaped.status, this.#withLinks(shaped.message), this.#headers());
      case "failure":
        return this.fail("protocol_error", shaped.error);
      case "asks":
        return this.#onInputRequired(message);
      case "stale-headers":
        return this.#renewHeaders(shaped.code);
    }
  }

  #onInputRequired(message: Buffer): void {
    const { call, server } = this;
    if (call.session !== undefined) {
      this.#questions ??= new CallQuestions(this);
      return this.#questions.onInputRequired(message, call.session);
    }
    const { revision = "" } = this.#leg;
    const sealed = this.#dependencies.states.sealInto(message, call, { server, revision });
    if (sealed === undefined) return this.fail("protocol_error", stateNotSealed(server));
    this.#end("input_required", true);
    call.reply.json(200, sealed, this.#headers());
  }

  /** The server wants other headers than its list, as it was known, says: with the list as it is now the call is sent once more. */
  #renewHeaders(code: number): void {
    this.#expectResponse();
    const renewing = this.#leg.renewHeaders(() => this.#state === "open");
    void renewing.then((wasSent) => wasSent || this.fail("protocol_error", otherHop(this.server, code)));
  }

  #pass(chunk: Buffer, last: boolean, outcome: CallOutcome): boolean {
    if (last) this.#end(outcome, true);
    return this.call.reply.response(chunk, last, this.#headers());
  }

  #end(outcome: CallOutcome, clean: boolean): void {
    this.#state = "ending";
    this.#letGo(clean);
    this.#state = "over";
    this.#time.stop();
    this.#count(outcome);
  }

  /** `clean`: the server has answered. */
  #letGo(clean: boolean): void {
    this.#questions?.close();
    this.#leg.release(clean);
  }

  /** One request of the client has its answer. */
  #count(outcome: CallOutcome): void {
    const { metrics, clock, audit } = this.#dependencies;
    const { session, envelope, startedMs } = this.call;
    session?.calls.remove(this);
    const nowMs = clock.nowMs();
    const upstreamMs = this.#sentMs === undefined ? undefined : nowMs - this.#sentMs;
    metrics.of(this.server, this.#leg.revision ?? "", envelope.method).ended(outcome, nowMs - startedMs, upstreamMs);
    auditCall(audit, this.call, this.server, this.#destination.name, outcome);
  }

  #headers(): RawHeaders {
    const { revision } = this.#leg;
    return revision === undefined ? [] : ["mcp-manager-revision", revision];
  }
}
