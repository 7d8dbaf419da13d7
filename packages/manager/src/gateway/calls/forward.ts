/**
 * One call on its way to a replica and back: hears what comes from the server, has the client asked, and makes the answer of the
 * response. What its client has of it is `client-call.ts`, its way past what protects the server `passage.ts`, the side towards the
 * server `upstream-leg.ts`, how it asks the client `asking.ts`, what a response becomes `shape.ts`.
 */
import type { ManagerError } from "@mcp-manager/api";
import { type ClientProfile, noProfile } from "../../protocol/client-profile.ts";
import type { Envelope } from "../../protocol/envelope.ts";
import { JsonRpcCode } from "../../protocol/errors.ts";
import { type InputRequest, inputRequiredResult } from "../../protocol/input-required.ts";
import { type Outcome, outcomeOf } from "../../protocol/response.ts";
import { taskStatusMethod } from "../../protocol/tasks.ts";
import type { Ending } from "../../resilience/ending.ts";
import type { ReadyReplica } from "../../upstream/upstream-set.ts";
import { refuseQuestion } from "../asking/asking.ts";
import { CallQuestions } from "../asking/call-questions.ts";
import { elicitationComplete } from "../asking/elicitations.ts";
import type { LateEnd, Parkable, ParkedCalls } from "../asking/parked-calls.ts";
import type { ParkingCall } from "../asking/parked-questions.ts";
import type { RequestStates } from "../asking/request-state.ts";
import { type ListingServer, rewriteResult } from "../routing/rewrite.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { endingOfFailure, endingOfResponse, failureFor, timedOut } from "../../upstream/call-ending.ts";
import { mayAsk, profileOf } from "./call-lease.ts";
import type { CallOutcome } from "./call-metrics.ts";
import { answerMsMax } from "./call-time.ts";
import type { Call } from "./call.ts";
import { ClientCall, type ClientCallDependencies } from "./client-call.ts";
import {
  answerNotKept,
  lacksCapability,
  otherHop,
  replyWithError,
  stateNotSealed,
  tooLongToHold,
  tooManyParked,
  unanswered,
} from "./failure.ts";
import { HeldResponse, isAnswer } from "./held-response.ts";
import { wantsLog } from "./log-level.ts";
import { Passage, type PassageDependencies, type PassageHost } from "./passage.ts";
import { shapeResponse, withId, withToken } from "./shape.ts";
import { type Destination, type LegDependencies, type LegHost, UpstreamLeg } from "./upstream-leg.ts";

export interface ForwardDependencies extends LegDependencies, PassageDependencies, ClientCallDependencies {
  readonly states: RequestStates;
  readonly parked: ParkedCalls;
  readonly tasks: Pick<Tasks, "shown">;
  /** Whether a revision's list of resources, as it is known, holds this URI. */
  readonly listsUri: (server: string, uri: string, revision: string | undefined) => boolean;
}

/** One call from its route to its end. */
export class Forward extends ClientCall implements LegHost, PassageHost, ParkingCall, Parkable, ListingServer {
  readonly #dependencies: ForwardDependencies;
  readonly #passage: Passage;
  readonly #leg: UpstreamLeg;
  /** Of a response that goes out in pieces, from its first on. */
  #outcome: Outcome | undefined;
  /** Of a response in pieces, what has to be seen before any of it goes out. */
  #held: HeldResponse | undefined;
  #questions: CallQuestions | undefined;
  /** How a call ended that was parked; its client hears of it when it comes again. */
  #late: LateEnd | undefined;

  constructor(dependencies: ForwardDependencies, call: Call, destination: Destination) {
    super(dependencies, call, destination);
    this.#dependencies = dependencies;
    this.#passage = new Passage(dependencies, this);
    this.#leg = new UpstreamLeg(dependencies, destination, this);
  }

  get profile(): ClientProfile {
    return this.#leg.isShared ? noProfile : profileOf(this.call);
  }

  get keptBytes(): number {
    return this.#late?.bytes ?? 0;
  }

  start(): void {
    const nowMs = this.clock.nowMs();
    if (this.begin(nowMs)) this.#passage.start(nowMs);
  }

  onReplica(replica: ReadyReplica): void {
    this.#leg.open(replica);
  }

  onNoPassage(outcome: CallOutcome, error: ManagerError): void {
    this.fail(outcome, error, "withdrawn");
  }

  onOwnConnection(): void {
    this.#passage.sentAt(this.clock.nowMs());
  }

  retry(answers: ReadonlyMap<string, Buffer>, state: Buffer | undefined): void {
    if (this.state !== "open") return;
    this.#expectResponse();
    this.#passage.resend(() => this.#leg.retry(answers, state));
  }

  onNotification(message: Buffer, method: string): void {
    if (method === "notifications/cancelled") return this.#questions?.onWithdrawn(message);
    // Its client knows the task by another id, and asks how it stands.
    if (method === taskStatusMethod) return;
    if (method === "notifications/message" && !wantsLog(this.call, message)) return;
    if (method === elicitationComplete && !this.call.session?.questions.elicitations.has(this.server, message))
      return this.#dependencies.upstreams.dropped(this.server, "unaddressed_completion");
    const shown =
      method === "notifications/progress" ? withToken(message, this.#leg.sent, this.call.envelope) : message;
    if (shown !== undefined) this.toClient(shown);
  }

  onRequest(question: Envelope): void {
    // In the middle of its response, and in requests of other kinds, the client can't be asked.
    if (this.#outcome !== undefined || !mayAsk(this.method)) {
      const why = `nobody can be asked ${question.method} now`;
      return refuseQuestion(this, question, JsonRpcCode.methodNotFound, why);
    }
    (this.#questions ??= new CallQuestions(this)).onQuestion(question);
  }

  onResponse(chunk: Buffer, last: boolean): boolean {
    if (this.state === "over") return true;
    this.answerBytes += chunk.length;
    if (this.#outcome !== undefined) return this.#pass(chunk, last, this.#outcome);
    if (this.#held === undefined && last) return this.#onWhole(chunk);
    const held = (this.#held ??= new HeldResponse(this.call));
    held.push(chunk);
    const isItsAnswer = this.#leg.sent === this.call.envelope;
    const pieces = last || !isItsAnswer ? undefined : held.opening(this.call, this.#leg.era);
    if (pieces !== undefined) return this.#passOn(pieces, held.judge());
    if (!last && held.isTooLong) this.#giveUp("protocol_error", tooLongToHold(this.server), "server_fault");
    if (!last) return true;
    this.#held = undefined;
    return this.#onWhole(held.joined());
  }

  /** Of the connection, or of what came on it. */
  onFailure(error: ManagerError, written: boolean): void {
    const outcome = error.code === "protocol_error" ? "protocol_error" : "unavailable";
    const ending = endingOfFailure(error, written);
    const giveUp = (): void => this.fail(outcome, error, ending);
    if (!this.#isTriedAgain(ending, giveUp, error.retryAfterMs)) this.#giveUp(outcome, error, ending);
  }

  lists(uri: string): boolean {
    return this.#dependencies.listsUri(this.server, uri, this.revision);
  }

  onDrain(): void {
    this.#leg.resume();
  }

  onTimeUp(wasAsked: boolean): void {
    const { method, server } = this;
    // A client that does not answer says nothing of the server, nor does a place, or a replica, that did not come.
    const ending = wasAsked ? "cancelled" : this.#passage.isTrying ? "timeout" : "withdrawn";
    const error = wasAsked
      ? unanswered(server, answerMsMax)
      : timedOut(server, method, this.destination.route.callTimeoutMs);
    this.#leg.cancel("timed out");
    this.fail("timeout", error, ending);
  }

  toServer(message: Buffer): void {
    this.#leg.answer(message);
  }

  override goOn(): void {
    super.goOn();
    this.#leg.waitForClient(false);
  }

  holdTime(): void {
    this.time.hold();
    this.#passage.yieldPlace(this.clock.nowMs());
    this.#leg.waitForClient(true);
  }

  park(requests: readonly InputRequest[]): void {
    const { parked, states } = this.#dependencies;
    const name = parked.park(this);
    if (name === undefined) return this.fail("unavailable", tooManyParked(this.server), "answered");
    const { call, server } = this;
    const nowMs = this.clock.nowMs();
    this.time.stop();
    this.#passage.yieldPlace(nowMs);
    this.#leg.waitForClient(true);
    this.count("input_required", "answered", nowMs, this.sentMs);
    this.state = "parked";
    const state = states.seal(call, { kind: "parked", server, revision: this.revision, name });
    call.reply.json(200, inputRequiredResult(call.id, requests, state), this.headers());
  }

  resume(call: Call): void {
    this.state = "open";
    this.call = call;
    const nowMs = this.clock.nowMs();
    this.#passage.sentAt(nowMs);
    this.#leg.waitForClient(false);
    if (!this.begin(nowMs)) return;
    if (this.#late !== undefined) this.#late.tell();
    else this.#questions?.onRetry(call.envelope);
  }

  expire(): void {
    this.#leg.cancel("the client did not come back with its answer");
    this.state = "over";
    this.letGo("cancelled", false, this.clock.nowMs());
  }

  lacks(capability: string): void {
    this.#leg.cancel("the client cannot be asked that");
    this.#endBy(() => {
      this.end("protocol_error", "client_fault", false);
      this.call.reply.json(400, lacksCapability(this.call.id, this.server, capability), this.headers());
    });
  }

  /** `ending` is what it says of the server; by default its response was not what it should be, or its client refused something. */
  fail(
    outcome: CallOutcome,
    error: ManagerError,
    ending: Ending = outcome === "protocol_error" ? "server_fault" : "answered",
  ): void {
    if (this.state !== "open") return;
    this.#leg.cancel(error.message);
    this.end(outcome, ending, false);
    replyWithError(this.call, failureFor(error, ending, this.method));
  }

  protected override get revision(): string | undefined {
    return this.#leg.revision;
  }

  protected override get isShut(): boolean {
    return this.#passage.isShut;
  }

  protected override get sentMs(): number | undefined {
    return this.#passage.sentMs;
  }

  protected override tookMs(nowMs: number): number | undefined {
    return this.#questions === undefined ? this.#passage.tookMs(nowMs) : undefined;
  }

  protected override withdraw(reason: string): void {
    this.#leg.cancel(reason);
  }

  protected override letGo(ending: Ending, clean: boolean, nowMs: number): void {
    this.#questions?.close();
    this.#leg.release(clean);
    this.#passage.end(ending, nowMs);
  }

  /** Whether another attempt follows one that ended like this. What has reached the client, or asked it something, is not begun anew. */
  #isTriedAgain(ending: Ending, giveUp: () => void, retryAfterMs?: number): boolean {
    const isFresh =
      this.state === "open" &&
      !this.hasSpoken &&
      this.#outcome === undefined &&
      this.#questions === undefined &&
      this.#leg.sent === this.call.envelope;
    if (!this.#passage.failed(ending, isFresh, giveUp, retryAfterMs)) return false;
    this.#leg.release(false);
    this.#expectResponse();
    return true;
  }

  /** Ends the call without an answer, now or when its client comes again. */
  #giveUp(outcome: CallOutcome, error: ManagerError, ending: Ending): void {
    this.#leg.cancel(error.message);
    this.#endBy(() => this.fail(outcome, error, ending));
  }

  /** Without a response the call ends now or, when its client is away, as soon as it comes again. */
  #endBy(tell: () => void): void {
    if (this.state === "parked") this.#endLate({ tell, bytes: 0 }, false);
    else tell();
  }

  /** The server has no more to say, and the client is away. `clean`: the server has answered. */
  #endLate(late: LateEnd, clean: boolean): void {
    this.#late ??= late;
    this.#leg.release(clean);
  }

  /** Another response takes the place of the one that was not the end. */
  #expectResponse(): void {
    this.#outcome = undefined;
    this.#held = undefined;
    this.answerBytes = 0;
  }

  /** From here on a long response goes out as it comes. */
  #passOn(pieces: readonly Buffer[], outcome: Outcome): boolean {
    this.#held = undefined;
    this.#outcome = outcome;
    this.#passage.answered(this.clock.nowMs());
    return pieces.map((piece) => this.#pass(piece, false, outcome)).every(Boolean);
  }

  /** Whether a response with this outcome needs nothing done to it. */
  #isPlain(outcome: Outcome): boolean {
    return isAnswer(outcome) && this.#leg.era === this.call.era && this.#leg.sent === this.call.envelope;
  }

  #onWhole(message: Buffer): boolean {
    const outcome = outcomeOf(message);
    if (this.state === "parked") this.#keep(message, outcome);
    else if (this.#isPlain(outcome)) return this.#pass(this.#shown(message), true, outcome);
    else this.#conclude(message, outcome);
    return true;
  }

  /** A response that comes while the client is away. */
  #keep(message: Buffer, outcome: Outcome): void {
    const { length: bytes } = message;
    if (!this.#dependencies.parked.keep(bytes))
      return this.#giveUp("unavailable", answerNotKept(this.server), "answered");
    this.#endLate({ tell: () => this.#conclude(message, outcome), bytes }, true);
  }

  /** As its client is to read it: a task under the id that the client has for it, and on the aggregate links under a prefix. */
  #shown(message: Buffer): Buffer {
    const { call, destination, method } = this;
    const { replica } = this.#leg;
    const shown = replica === undefined ? message : this.#dependencies.tasks.shown(message, call, destination, replica);
    if (call.view.kind === "server") return shown;
    return rewriteResult(method, shown, destination.route.exposure.prefix, this);
  }

  /** A response that was seen whole: what asks for something is seen to, anything else is the answer. */
  #conclude(response: Buffer, outcome: Outcome): void {
    const ending = endingOfResponse(outcome, response);
    if (ending === "server_fault" && this.#isTriedAgain(ending, () => this.#answer(response, outcome, ending))) return;
    this.#answer(response, outcome, ending);
  }

  #answer(response: Buffer, outcome: Outcome, ending: Ending): void {
    const { call, server, method } = this;
    const message = this.#leg.sent === call.envelope ? response : withId(response, call.id);
    const serverEra = this.#leg.era ?? call.era;
    const shaped = shapeResponse(message, { method, server, id: call.id, clientEra: call.era, serverEra, outcome });
    switch (shaped.kind) {
      case "answer":
        if (outcome === "protocol_error") call.session?.questions.elicitations.onError(server, message);
        this.end(outcome, ending, true);
        return call.reply.json(shaped.status, this.#shown(shaped.message), this.headers());
      case "failure":
        return this.fail("protocol_error", shaped.error, ending);
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
    const { uid } = this.destination.route;
    const sealed = this.#dependencies.states.sealInto(message, call, { server, uid, revision });
    if (sealed === undefined) return this.fail("protocol_error", stateNotSealed(server));
    this.end("input_required", "answered", true);
    call.reply.json(200, sealed, this.headers());
  }

  /** The server wants other headers than its list, as it was known, says: with the list as it is now the call is sent once more. */
  #renewHeaders(code: number): void {
    this.#expectResponse();
    const renewing = this.#leg.renewHeaders(() => this.state === "open");
    void renewing.then(
      (wasSent) => wasSent || this.fail("protocol_error", otherHop(this.server, code), "client_fault"),
    );
  }

  #pass(chunk: Buffer, last: boolean, outcome: Outcome): boolean {
    if (last) this.end(outcome, outcome === "tool_error" ? "tool_error" : "answered", true);
    return this.call.reply.response(chunk, last, this.headers());
  }
}
