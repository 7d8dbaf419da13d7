/**
 * A call as its client has it: begins, or goes on, with each of the client's requests, shows signs of life, passes on what comes
 * before the response, and ends exactly once, counted and audited. How it gets to a server, and what comes back, is its heir's.
 *
 *   open ──▶ ending ──▶ over      ending: what the client was asked is withdrawn, on the stream that it still has
 *    ▲ │
 *    │ ▼      the client was asked and has not come again (modern client, legacy server)
 *   parked
 */
import type { Clock } from "../../base/clock.ts";
import type { TimerWheel } from "../../base/timer-wheel.ts";
import type { Ending } from "../../resilience/ending.ts";
import type { RawHeaders, ReplyListener } from "../reply.ts";
import { revisionHeader } from "../routing/previews.ts";
import { servesSeveral } from "../routing/revision-of.ts";
import type { SessionCall } from "../sessions/session.ts";
import { auditCall, type AuditSink } from "./call-audit.ts";
import type { CallMetrics, CallOutcome } from "./call-metrics.ts";
import { CallTime, type CallTimeHost } from "./call-time.ts";
import type { Call } from "./call.ts";
import type { CallMeasures } from "./revision-measures.ts";
import type { Destination } from "./upstream-leg.ts";

/** What a call needs to be told of and counted. */
export interface ClientCallDependencies {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly metrics: CallMetrics;
  readonly measures: Pick<CallMeasures, "ended">;
  /** Hears of tool calls, and of what was refused; absent: nobody does. */
  readonly audit?: AuditSink;
}

/** A call that is still silent then becomes a stream, which a client that loses its connection can come back to. */
const resumableAfterMs = 1_500;

export abstract class ClientCall implements ReplyListener, SessionCall, CallTimeHost {
  /** The client's request; another one after a parked call was taken up again. */
  call: Call;
  readonly destination: Destination;
  /** Among its session's calls. */
  place = -1;
  protected state: "open" | "parked" | "ending" | "over" = "open";
  /** Whether its client, or its session, has heard of it before the response. */
  protected hasSpoken = false;
  /** Length of the response so far, as it came from the server. */
  protected answerBytes = 0;
  protected readonly time: CallTime;
  readonly #dependencies: ClientCallDependencies;

  constructor(dependencies: ClientCallDependencies, call: Call, destination: Destination) {
    this.#dependencies = dependencies;
    this.destination = destination;
    this.time = new CallTime(dependencies.wheel, dependencies.clock, this);
    this.call = call;
  }

  get callId(): Buffer {
    return this.call.id;
  }

  get server(): string {
    return this.destination.route.name;
  }

  get method(): string {
    return this.call.envelope.method;
  }

  get clock(): Clock {
    return this.#dependencies.clock;
  }

  get principalHash(): string {
    return this.call.principal.hash;
  }

  get dueMs(): number {
    return this.time.dueMs;
  }

  /** The client's own cancellation, or the end of its session. */
  cancel(reason: string): void {
    if (this.state !== "open") return;
    this.withdraw(reason);
    this.end("cancelled", "cancelled", false);
    this.call.reply.end();
  }

  onClientGone(): void {
    if (this.state !== "open") return;
    // A modern client cancels by closing its stream. A legacy one may have lost its connection and still want the effect.
    if (this.call.era === "modern") this.cancel("the client closed the stream");
    else this.onDrain();
  }

  abstract onDrain(): void;

  onStillWaiting(): void {
    this.call.reply.keepAlive(this.headers());
  }

  abstract onTimeUp(wasAsked: boolean): void;

  /** Sends a message to the client before the response. */
  toClient(message: Buffer): void {
    if (this.state !== "open" && this.state !== "ending") return;
    this.hasSpoken = true;
    const { reply, session } = this.call;
    if (reply.takesEvents) {
      if (!reply.notification(message, this.headers())) this.cancel("the client reads too slowly");
    } else if (session?.streams.hasListened) session.streams.push(message);
  }

  goOn(): void {
    if (this.state === "open") this.time.goOn();
  }

  /** The revision that serves the call; undefined before a replica was picked. */
  protected abstract get revision(): string | undefined;

  /** Whether a breaker kept it from its revision. */
  protected abstract get isShut(): boolean;

  /** When the server's part of it began; undefined where none has. */
  protected abstract get sentMs(): number | undefined;

  /** What the server took by then; undefined when a client's answers are in it. */
  protected abstract tookMs(nowMs: number): number | undefined;

  /** Tells the server that the call is given up. */
  protected abstract withdraw(reason: string): void;

  /** Lets go of whatever the call has towards its server. `clean`: that has answered. */
  protected abstract letGo(ending: Ending, clean: boolean, nowMs: number): void;

  /** A request of the client begins the call or goes on with it. False when the client has gone, which ended it. */
  protected begin(nowMs: number): boolean {
    const { session, reply, startedMs } = this.call;
    session?.calls.add(this);
    reply.listener = this;
    const isResumable = session?.streams.primes === true && reply.takesEvents;
    const dueMs = startedMs + this.destination.route.callTimeoutMs;
    this.time.begin(nowMs, dueMs, isResumable ? resumableAfterMs : undefined);
    if (reply.ended) this.onClientGone();
    return this.state === "open";
  }

  /** `outcome` is what the client got, `ending` what it says of the server. */
  protected end(outcome: CallOutcome, ending: Ending, clean: boolean): void {
    this.state = "ending";
    const nowMs = this.clock.nowMs();
    const { sentMs } = this;
    this.letGo(ending, clean, nowMs);
    this.state = "over";
    this.time.stop();
    this.count(outcome, ending, nowMs, sentMs);
  }

  /** One request of the client has its answer. */
  protected count(outcome: CallOutcome, ending: Ending, nowMs: number, sentMs: number | undefined): void {
    const { metrics, audit } = this.#dependencies;
    const { session, startedMs } = this.call;
    session?.calls.remove(this);
    const upstreamMs = sentMs === undefined ? undefined : nowMs - sentMs;
    metrics.of(this.server, this.revision ?? "", this.method).ended(outcome, nowMs - startedMs, upstreamMs);
    auditCall(audit, this.call, this.server, this.destination.name, outcome);
    if (servesSeveral(this.destination.route)) this.#measure(outcome, ending, nowMs);
  }

  #measure(outcome: CallOutcome, ending: Ending, nowMs: number): void {
    const { server, revision, method, isShut, answerBytes: bytes } = this;
    const { name, revision: wanted } = this.destination;
    const tool = method === "tools/call" ? name : undefined;
    const principal = this.call.session === undefined ? this.principalHash : undefined;
    const tookMs = this.tookMs(nowMs);
    const what = { server, revision, wanted, tool, principal };
    this.#dependencies.measures.ended({ ...what, isShut, outcome, ending, tookMs, bytes });
  }

  protected headers(): RawHeaders {
    const { revision } = this;
    return revision === undefined || !this.call.principal.seesRevisions ? [] : [revisionHeader, revision];
  }
}
