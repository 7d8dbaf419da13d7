/**
 * A call's way past what protects its server, to a replica: waits for its place, has an idle server woken, chooses the replica, goes
 * to another one, once, when the first was not reached, and tells the guard how each attempt and the call ended. It sends and hears
 * nothing; that is its host's.
 *
 *   entering ──▶ placed ──▶ attempt (──▶ pause ──▶ attempt)? ──▶ over
 *       │          │ ▲         a server that waits for its client: goes on without a place, which others can use meanwhile
 *       │          ▼ │
 *       │        waking
 *       └─────▶ refused
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock, Timer } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { Watched } from "../../base/watched.ts";
import { type Ending, endings } from "../../resilience/ending.ts";
import type { Guard, GuardedCall, Permit } from "../../resilience/guard.ts";
import { only } from "../../upstream/balancer.ts";
import type { ReadyReplica, UpstreamSet } from "../../upstream/upstream-set.ts";
import type { RoutingTable, ServerRoute } from "../routing/routing-table.ts";
import { isIdempotent } from "../../upstream/call-ending.ts";
import { scopeOf } from "./call-lease.ts";
import type { Call } from "./call.ts";
import type { CallOutcome } from "./call-metrics.ts";
import { noReadyReplica } from "./failure.ts";
import type { WakingCall, WakingCalls } from "./waking.ts";

/** Who protects which server; undefined where nobody does, or no more. */
export interface GuardsOf {
  of(server: string): Guard | undefined;
}

export interface PassageDependencies {
  readonly upstreams: UpstreamSet;
  readonly guards: GuardsOf;
  readonly waking: WakingCalls;
  readonly table: Watched<RoutingTable>;
  readonly clock: Clock;
  readonly random: Random;
}

/** The call. */
export interface PassageHost {
  readonly destination: {
    readonly route: ServerRoute;
    readonly name: string | undefined;
    readonly revision: string | undefined;
    readonly replica?: string;
  };
  readonly call: Pick<Call, "session" | "principal">;
  readonly method: string;
  readonly principalHash: string;
  /** When its own time is up. */
  readonly dueMs: number;
  /** It has its place and goes to this replica. Comes again, with another one, after a failure that `failed` took on. */
  onReplica(replica: ReadyReplica): void;
  /** It goes nowhere: no place, or no replica. */
  onNoPassage(outcome: CallOutcome, error: ManagerError): void;
}

/** The pause before another attempt: full jitter between these (reliability.md §2.4), so that those who failed together come apart. */
const pauseMsMin = 25;
const pauseMsMax = 250;

export class Passage implements GuardedCall, WakingCall {
  /** Among those that wait for a replica. */
  place = -1;
  readonly #dependencies: PassageDependencies;
  readonly #host: PassageHost;
  readonly #guard: Guard | undefined;
  #permit: Permit | undefined;
  #isQueued = false;
  /** Of the present attempt, or the last. */
  #replica: ReadyReplica | undefined;
  #isTrying = false;
  #sentMs: number | undefined;
  #answeredMs: number | undefined;
  /** How the last attempt ended. */
  #last: Ending | undefined;
  /** Set when there is, or was, another attempt: what ends the call when nobody can make it. */
  #giveUp: (() => void) | undefined;
  #hasClaim = false;
  #isShut = false;
  #pause: Timer | undefined;
  /** What it wants its place for, when that is no first attempt. */
  #resend: (() => void) | undefined;

  constructor(dependencies: PassageDependencies, host: PassageHost) {
    this.#dependencies = dependencies;
    this.#host = host;
    this.#guard = dependencies.guards.of(host.destination.route.name);
  }

  get server(): string {
    return this.#host.destination.route.name;
  }

  get principal(): string {
    return this.#host.principalHash;
  }

  get tool(): string | undefined {
    const { method, destination } = this.#host;
    return method === "tools/call" ? destination.name : undefined;
  }

  get beside(): string | undefined {
    const { revision, route } = this.#host.destination;
    return revision === undefined || revision === route.revisions?.stable ? undefined : revision;
  }

  get revision(): string | undefined {
    return this.#host.destination.revision;
  }

  get dueMs(): number {
    return this.#host.dueMs;
  }

  /** When the last attempt was sent; undefined before the first. */
  get sentMs(): number | undefined {
    return this.#sentMs;
  }

  /** Whether a breaker kept it back: for who called, its revision is down. */
  get isShut(): boolean {
    return this.#isShut;
  }

  /** Whether a server has the call. */
  get isTrying(): boolean {
    return this.#isTrying;
  }

  start(nowMs: number): void {
    this.#enter(nowMs);
  }

  /** Sends on the connection that it has, with a place: `send` is called now, or when there is one. */
  resend(send: () => void): void {
    if (this.#permit !== undefined || this.#guard === undefined) return send();
    this.#resend = send;
    this.#enter(this.#dependencies.clock.nowMs());
  }

  onAdmitted(permit: Permit): void {
    this.#isQueued = false;
    this.#onPlace(permit, this.#dependencies.clock.nowMs());
  }

  onRefused(error: ManagerError): void {
    this.#isQueued = false;
    this.#onRefusal(error);
  }

  look(): void {
    this.#choose(this.#dependencies.clock.nowMs());
  }

  /** What went before is no time of the server's: the call waited for a connection, or for its client. */
  sentAt(nowMs: number): void {
    this.#sentMs = nowMs;
  }

  /** The response has begun: how long its client takes to read it is no time of the server's. */
  answered(nowMs: number): void {
    this.#answeredMs = nowMs;
  }

  /** What the server took for the last attempt by then: until the response began, and 0 before it was sent. */
  tookMs(nowMs: number): number {
    return (this.#answeredMs ?? nowMs) - (this.#sentMs ?? nowMs);
  }

  /**
   * Its server waits for its client, which may take minutes: the place is given back, and what comes after counts for the replica alone.
   * The call goes on without one, because the server is at work on it already, on a connection that it has for itself.
   */
  yieldPlace(nowMs: number): void {
    this.#permit?.end("answered", this.tookMs(nowMs));
    this.#permit = undefined;
  }

  /**
   * The attempt ended without an answer for the client. True when another follows, which is only where nothing of it can have been
   * carried out, or the method changes nothing. `isFresh`: nothing that came of it has reached anybody. `giveUp` ends the call when
   * there is no other replica by then. `retryAfterMs` as in `Guard.attempted`.
   */
  failed(ending: Ending, isFresh: boolean, giveUp: () => void, retryAfterMs?: number): boolean {
    this.#report(ending, retryAfterMs);
    const { clock, random } = this.#dependencies;
    if (!isFresh || this.#giveUp !== undefined || !this.#mayRepeat(ending) || !this.#hasOther()) return false;
    const pauseMs = pauseMsMin + random.next() * (pauseMsMax - pauseMsMin);
    if (clock.nowMs() + pauseMs >= this.dueMs) return false;
    if (this.#guard?.mayRetry() === false) return false;
    this.#hasClaim = this.#guard !== undefined;
    this.#giveUp = giveUp;
    this.#pause = clock.after(pauseMs, () => this.look());
    return true;
  }

  /** The call is over. Twice is once. */
  end(ending: Ending, nowMs: number): void {
    if (this.#isQueued) this.#guard?.leave(this);
    this.#isQueued = false;
    this.#dependencies.waking.leave(this);
    this.#pause?.cancel();
    if (this.#hasClaim) this.#guard?.retried();
    this.#hasClaim = false;
    this.#report(ending);
    const permit = this.#permit;
    this.#permit = undefined;
    permit?.end(this.#last ?? "withdrawn", this.tookMs(nowMs));
  }

  #enter(nowMs: number): void {
    const entered = this.#guard?.enter(this);
    if (entered instanceof ManagerError) return this.#onRefusal(entered);
    if (entered === undefined && this.#guard !== undefined) this.#isQueued = true;
    else this.#onPlace(entered, nowMs);
  }

  #onRefusal(error: ManagerError): void {
    this.#isShut = error.code === "circuit_open";
    this.#host.onNoPassage("refused", error);
  }

  #onPlace(permit: Permit | undefined, nowMs: number): void {
    this.#permit = permit;
    const send = this.#resend;
    this.#resend = undefined;
    if (send === undefined) return this.#choose(nowMs);
    const refusal = this.#refuseHeldOff(this.#replica === undefined ? [] : [this.#replica]);
    if (refusal !== undefined) return this.#host.onNoPassage("refused", refusal);
    this.#sentMs = nowMs;
    send();
  }

  #choose(nowMs: number): void {
    const { upstreams, waking, table } = this.#dependencies;
    const { route, revision } = this.#host.destination;
    const home = this.#home();
    // Excepted is the very replica: one of its name that came after it is another.
    const replica = home ?? upstreams.pick(route.name, revision, this.#guard, this.#replica);
    const isHeldOff = home !== undefined && this.#guard?.isHeldOff(home.name) === true;
    if (replica !== undefined && !isHeldOff) return this.#try(replica, nowMs);
    if (this.#giveUp !== undefined) return this.#giveUp();
    const refusal = this.#refuseHeldOff(home === undefined ? this.#open() : [home]);
    if (refusal !== undefined) return this.#host.onNoPassage("refused", refusal);
    if (waking.wait(this)) return;
    this.#host.onNoPassage("unavailable", noReadyReplica(table.current.servers.get(route.name) ?? route));
  }

  /**
   * The replica that has what the call goes on with, whatever else it has to do: the one it names, or, where callers are kept apart, the
   * one that has its caller's connection.
   */
  #home(): ReadyReplica | undefined {
    const { route, revision, replica } = this.#host.destination;
    const named = replica === undefined || this.#replica !== undefined ? undefined : this.#named(replica);
    if (named !== undefined) return named;
    const scope = route.sharing === "shared" ? undefined : scopeOf(this.#host.call, route.sharing);
    return scope === undefined || this.#replica !== undefined
      ? undefined
      : this.#dependencies.upstreams.home(route.name, scope, revision);
  }

  /** Every replica that could take it, held off or not. */
  #open(): readonly ReadyReplica[] {
    const { route, revision } = this.#host.destination;
    return this.#dependencies.upstreams.replicas(route.name).filter((replica) => only(replica, revision) !== undefined);
  }

  #refuseHeldOff(replicas: readonly ReadyReplica[]): ManagerError | undefined {
    return this.#guard?.refuseHeldOff(replicas.map(({ name }) => name));
  }

  #named(name: string): ReadyReplica | undefined {
    const replicas = this.#dependencies.upstreams.replicas(this.server);
    return replicas.find((replica) => replica.name === name && replica.connection.closeReason === undefined);
  }

  #try(replica: ReadyReplica, nowMs: number): void {
    this.#replica = replica;
    this.#isTrying = true;
    this.#sentMs = nowMs;
    this.#host.onReplica(replica);
  }

  #mayRepeat(ending: Ending): boolean {
    const { retry } = endings[ending];
    return retry === "always" || (retry === "if-idempotent" && isIdempotent(this.#host.method));
  }

  /** Whether there is another replica, or one may take the place of this one, which is gone. */
  #hasOther(): boolean {
    if (this.#replica?.connection.closeReason !== undefined) return true;
    const { route, revision } = this.#host.destination;
    return this.#dependencies.upstreams.pick(route.name, revision, this.#guard, this.#replica) !== undefined;
  }

  #report(ending: Ending, retryAfterMs?: number): void {
    if (!this.#isTrying) return;
    this.#isTrying = false;
    this.#last = ending;
    if (this.#replica !== undefined) this.#guard?.attempted(this.#replica.name, this.tool, ending, retryAfterMs);
  }
}
