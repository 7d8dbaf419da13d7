/**
 * One call on its way to a replica and back: picks the replica, takes a connection for itself where the client can be asked
 * something, keeps the deadline, hears the answer, and tells the caller exactly once how it ended. How a server asks its client for
 * input is in the ways of `asking.ts`, what a request becomes in `outgoing.ts`, what a response becomes in `shape.ts`.
 *
 *   open ──▶ over
 *    ▲ │
 *    │ ▼      the client was asked and has not come again (modern client, legacy server)
 *   parked
 */
import type { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import { type ClientProfile, clientProfile, noProfile } from "../../protocol/client-profile.ts";
import { type Envelope, scanEnvelope } from "../../protocol/envelope.ts";
import { type InputRequest, inputRequiredResult } from "../../protocol/input-required.ts";
import { outcomeOf } from "../../protocol/response.ts";

import { auditCall, type AuditSink } from "./call-audit.ts";
import { mayAsk } from "./call-lease.ts";
import type { CallMetrics, CallOutcome } from "./call-metrics.ts";
import { answerMsMax, CallTime, type CallTimeHost } from "./call-time.ts";
import type { Call } from "./call.ts";
import {
  lacksCapability,
  noReadyReplica,
  otherHop,
  replyWithError,
  stateTooLarge,
  timedOut,
  tooManyParked,
  unanswered,
} from "./failure.ts";
import { InputRounds } from "../asking/input-rounds.ts";
import { wantsLog } from "./log-level.ts";
import type { Parkable, ParkedCalls } from "../asking/parked-calls.ts";
import { ParkedQuestions, type ParkingCall } from "../asking/parked-questions.ts";
import { rewriteResult } from "../routing/rewrite.ts";
import { RelayedQuestions } from "../asking/relayed-questions.ts";
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

/** A response of which so much was seen, in pieces, asks for nothing: questions are short. */
const questionBytesMax = 16_384;
/** On the aggregate so much of a response is looked through for links; in a longer one they stay as they are (0006). */
const linkedBytesMax = 262_144;

/** One call from its route to its end. */
export class Forward implements LegHost, ReplyListener, SessionCall, CallTimeHost, ParkingCall, Parkable {
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
  /** Chunks of a response that has to be seen before any of it goes out. */
  #held: Buffer[] | undefined;
  #heldBytes = 0;
  #heldToTheEnd = false;
  #asking: RelayedQuestions | ParkedQuestions | undefined;
  #rounds: InputRounds | undefined;
  #state: "open" | "parked" | "over" = "open";
  /** How a call ended that was parked; its client hears of it when it comes again. */
  #late: (() => void) | undefined;

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
    const { session, era, envelope } = this.call;
    return era === "modern" ? clientProfile(envelope.raw("clientCapabilities")) : (session?.profile ?? noProfile);
  }

  start(): void {
    if (!this.#leg.pick()) return this.#failUnsent("unavailable", noReadyReplica(this.#destination.route));
    this.#begin();
    this.#leg.open();
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
    if (method === "notifications/cancelled") return this.#onWithdrawn(message);
    if (method === "notifications/message" && !wantsLog(this.call, message)) return;
    const shown =
      method === "notifications/progress" ? withToken(message, this.#leg.sent, this.call.envelope) : message;
    if (shown !== undefined) this.toClient(shown);
  }

  onRequest(question: Envelope): void {
    const { session } = this.call;
    this.#asking ??= session === undefined ? new ParkedQuestions(this) : new RelayedQuestions(this, session.questions);
    this.#asking.onQuestion(question);
  }

  onResponse(chunk: Buffer, last: boolean): boolean {
    if (this.#state === "over") return true;
    if (this.#outcome !== undefined) return this.#pass(chunk, last, this.#outcome);
    if (this.#held === undefined && last) return this.#onWhole(chunk);
    const held = (this.#held ??= []);
    held.push(chunk);
    this.#heldBytes += chunk.length;
    if (last) return this.#onWhole(Buffer.concat(held));
    return this.#heldBytes < this.#holdBytesMax || this.#letThrough(held);
  }

  onFailure(error: ManagerError): void {
    if (this.#state === "open") return this.fail("unavailable", error);
    this.#late = () => this.fail("unavailable", error);
    this.#leg.release(false);
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
    if (this.#state !== "open") return;
    const { reply, session } = this.call;
    if (!reply.takesEvents) session?.streams.push(message);
    else if (!reply.notification(message, this.#headers())) this.cancel("the client reads too slowly");
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
    this.#begin();
    if (this.#late !== undefined) this.#late();
    else if (this.#asking instanceof ParkedQuestions) this.#asking.onRetry(call.envelope);
  }

  expire(): void {
    this.#leg.cancel("the client did not come back with its answer");
    this.#state = "over";
    this.#letGo(false);
  }

  lacks(capability: string): void {
    if (this.#state !== "open") return;
    this.#leg.cancel("the client cannot be asked that");
    this.#end("protocol_error", false);
    this.call.reply.json(400, lacksCapability(this.call.id, this.server, capability), this.#headers());
  }

  fail(outcome: CallOutcome, error: ManagerError): void {
    if (this.#state === "over") return;
    this.#leg.cancel(error.message);
    this.#failUnsent(outcome, error);
  }

  #onWithdrawn(message: Buffer): void {
    const scan = this.#asking === undefined ? undefined : scanEnvelope(message);
    if (scan?.ok) this.#asking?.onWithdrawn(scan.envelope);
  }

  #failUnsent(outcome: CallOutcome, error: ManagerError): void {
    this.#end(outcome, false);
    replyWithError(this.call, error);
  }

  /** A request of the client begins the call, or goes on with it. */
  #begin(): void {
    const { session, reply, startedMs } = this.call;
    session?.calls.add(this);
    reply.listener = this;
    this.#sentMs = this.clock.nowMs();
    this.#time.begin(this.#sentMs, startedMs + this.#destination.route.callTimeoutMs);
  }

  /** Another response takes the place of the one that was not the end. */
  #expectResponse(): void {
    this.#outcome = undefined;
    this.#held = undefined;
    this.#heldBytes = 0;
    this.#heldToTheEnd = false;
  }

  /** What a response in pieces is held back for: it may still ask for something, or have links to be renamed. */
  get #holdBytesMax(): number {
    const { view, envelope } = this.call;
    if (!mayAsk(envelope.method)) return 0;
    return view.kind === "aggregate" ? linkedBytesMax : questionBytesMax;
  }

  /** A long response goes out as it comes, unless it has to be seen whole. */
  #letThrough(held: Buffer[]): boolean {
    if (this.#heldToTheEnd) return true;
    const beginning = Buffer.concat(held);
    const outcome = outcomeOf(beginning);
    this.#heldToTheEnd = !this.#isPlain(outcome);
    if (this.#heldToTheEnd) return true;
    this.#held = undefined;
    this.#outcome = outcome;
    return this.#pass(beginning, false, outcome);
  }

  /** Whether a response with this outcome needs nothing done to it. */
  #isPlain(outcome: CallOutcome): boolean {
    const isAnswer = outcome !== "protocol_error" && outcome !== "input_required";
    return isAnswer && this.#leg.era === this.call.era && this.#leg.sent === this.call.envelope;
  }

  #onWhole(message: Buffer): boolean {
    const outcome = outcomeOf(message);
    if (this.#state === "parked") {
      this.#late = () => this.#conclude(message, outcome);
      this.#leg.release(true);
    } else if (this.#isPlain(outcome)) {
      return this.#pass(this.#withLinks(message), true, outcome);
    } else this.#conclude(message, outcome);
    return true;
  }

  #withLinks(message: Buffer): Buffer {
    const { view, envelope } = this.call;
    if (view.kind === "server") return message;
    const { route } = this.#destination;
    const isListed = (uri: string): boolean => this.#dependencies.listsUri(route.name, uri);
    return rewriteResult(envelope.method, message, route.exposure.prefix, isListed);
  }

  /** A response that was seen whole: what asks for something is seen to, anything else is the answer. */
  #conclude(response: Buffer, outcome: CallOutcome): void {
    const { call, server } = this;
    const { method } = call.envelope;
    const message = withId(response, this.#leg.sent, call.envelope);
    const serverEra = this.#leg.era ?? call.era;
    const shaped = shapeResponse(message, { method, server, id: call.id, clientEra: call.era, serverEra, outcome });
    switch (shaped.kind) {
      case "answer":
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
      this.#rounds ??= new InputRounds(this, call.session.questions);
      return this.#rounds.onInputRequired(message);
    }
    const sealed = this.#dependencies.states.sealInto(message, call, {
      server,
      revision: this.#leg.revision ?? "",
    });
    if (sealed === undefined) return this.fail("protocol_error", stateTooLarge(server));
    this.#end("input_required", true);
    call.reply.json(200, sealed, this.#headers());
  }

  /** The server wants other headers than its list, as it was known, says: with the list as it is now the call is sent once more. */
  #renewHeaders(code: number): void {
    this.#expectResponse();
    void this.#leg
      .renewHeaders(() => this.#state === "open")
      .then((wasSent) => wasSent || this.fail("protocol_error", otherHop(this.server, code)));
  }

  #pass(chunk: Buffer, last: boolean, outcome: CallOutcome): boolean {
    if (last) this.#end(outcome, true);
    return this.call.reply.response(chunk, last, this.#headers());
  }

  #end(outcome: CallOutcome, clean: boolean): void {
    this.#letGo(clean);
    this.#state = "over";
    this.#time.stop();
    this.#count(outcome);
  }

  /** `clean`: the server has answered. */
  #letGo(clean: boolean): void {
    this.#asking?.close();
    this.#rounds?.close();
    this.#leg.release(clean);
  }

  /** One request of the client has its answer. */
  #count(outcome: CallOutcome): void {
    const { metrics, clock, audit } = this.#dependencies;
    const { session, envelope, startedMs } = this.call;
    session?.calls.remove(this);
    const nowMs = clock.nowMs();
    const upstreamMs = this.#sentMs === undefined ? undefined : nowMs - this.#sentMs;
    const counted = metrics.of(this.server, this.#leg.revision ?? "", envelope.method);
    counted.ended(outcome, nowMs - startedMs, upstreamMs);
    auditCall(audit, this.call, this.server, this.#destination.name, outcome);
  }

  #headers(): RawHeaders {
    const { revision } = this.#leg;
    return revision === undefined ? [] : ["mcp-manager-revision", revision];
  }
}
