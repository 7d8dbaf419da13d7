/**
 * The connection that a call has for itself: taken when its client can be asked something or wants log messages, or, where the server
 * keeps its callers apart, always; told the log level, given back when the call is over. Sends nothing of the call.
 */
import { ManagerError, type Sharing } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import type { TimerWheel } from "../../base/timer-wheel.ts";
import { type ClientProfile, clientProfile, noProfile } from "../../protocol/client-profile.ts";
import { errorCodeOf } from "../../protocol/response.ts";
import type { Connection } from "../../transport/connection.ts";
import { gaveWay } from "../../upstream/lease-refusals.ts";
import type { Lease, Leases, WaitingForClient } from "../../upstream/leases.ts";
import type { ReadyReplica } from "../../upstream/upstream-set.ts";
import { ask } from "../../upstream/ask.ts";
import type { Call } from "./call.ts";
import { logLevels } from "./log-level.ts";

/** What a call wants to have for itself. */
export interface LeaseWish {
  readonly leases: Leases;
  readonly profile: ClientProfile;
  readonly principal: string;
  /** The least level of log messages; undefined leaves it to the server. */
  readonly level: string | undefined;
  readonly server: string;
  /** As in `LeaseRequest`. */
  readonly scope: string | undefined;
  readonly isPlain: boolean;
}

/** Who waits for the connection. Exactly one of the two is called, unless it is released before. */
export interface LeaseHost {
  onLeased(connection: Connection): void;
  /** `written`: the server may have seen the call, which is taken away from it. */
  onFailure(error: ManagerError, written: boolean): void;
}

/** Requests in which a server may ask for something. The others never need a connection of their own. */
export function mayAsk(method: string): boolean {
  return method === "tools/call" || method === "prompts/get" || method === "resources/read";
}

/** Most modern requests say `{}`: that is seen without a view on it. */
const emptyObjectBytes = 2;

/** What the call's client can be asked. A client that nothing can be sent to before the response can be asked nothing. */
export function profileOf({ era, envelope, session, reply }: Call): ClientProfile {
  if (era === "modern") {
    const isEmpty = envelope.end("clientCapabilities") - envelope.start("clientCapabilities") <= emptyObjectBytes;
    return isEmpty ? noProfile : clientProfile(envelope.raw("clientCapabilities"));
  }
  const isReachable = reply.takesEvents ? !reply.ended : session?.streams.hasListened;
  return (isReachable ? session?.profile : undefined) ?? noProfile;
}

/** What its client said that it can be asked, whether that is possible at this moment or not. */
export function declaredProfile(call: Call): ClientProfile {
  return call.session?.profile ?? profileOf(call);
}

/** What this call wants of this replica; undefined when the shared connection is good enough. */
export function wishOf(call: Call, replica: ReadyReplica): LeaseWish | undefined {
  const { leases } = replica;
  if (leases === undefined) return undefined;
  if (leases.sharing !== "shared") return scopedWish(call, replica, leases);
  // A legacy server's task outlives its call, and a connection that the call had for itself would not.
  if (!mayAsk(call.envelope.method) || (call.era === "legacy" && call.envelope.has("task"))) return undefined;
  const profile = profileOf(call);
  const level = levelOf(call, replica);
  if (profile.key === noProfile.key && level === undefined) return undefined;
  // A server that was told a level once can be told another, but never none: such connections are kept apart.
  const key = level === undefined ? profile.key : `${profile.key} log`;
  const { server } = replica;
  const principal = call.principal.hash;
  return { leases, profile: { ...profile, key }, principal, level, server, scope: undefined, isPlain: false };
}

/**
 * Every call of a scope and profile has the one connection, whatever can be asked of it at this moment: the server's state is there.
 * A modern server asks on no connection, so that all calls are plain to it.
 */
function scopedWish(call: Call, replica: ReadyReplica, leases: Leases): LeaseWish {
  const { server } = replica;
  const common = { leases, server, principal: call.principal.hash, scope: scopeOf(call, leases.sharing) };
  if (isModern(replica)) return { ...common, profile: noProfile, level: undefined, isPlain: true };
  const asked = mayAsk(call.envelope.method) ? profileOf(call) : noProfile;
  const level = mayAsk(call.envelope.method) ? levelOf(call, replica) : undefined;
  const isPlain = asked.key === noProfile.key && level === undefined;
  return { ...common, profile: declaredProfile(call), level, isPlain };
}

function isModern({ connection }: ReadyReplica): boolean {
  return connection.facts.era === "modern";
}

/** The log level that the client set and the server can be told. */
function levelOf({ era, envelope, session }: Call, { connection }: ReadyReplica): string | undefined {
  const wanted = era === "modern" ? envelope.text("logLevel") : session?.logLevel;
  const takesLevels = connection.facts.capabilities["logging"] !== undefined;
  return takesLevels && wanted !== undefined && logLevels.includes(wanted) ? wanted : undefined;
}

/** Whose connection a call has where its server keeps its callers apart; undefined where all share. */
export function scopeOf(
  { session, principal }: Pick<Call, "session" | "principal">,
  sharing: Sharing,
): string | undefined {
  if (sharing === "shared") return undefined;
  return sharing === "per-session" && session !== undefined ? sessionScope(session.id) : principalScope(principal.hash);
}

/** The scope of a principal's connections. */
function principalScope(hash: string): string {
  return `principal ${hash}`;
}

/** The scope of a session's connections. A client without sessions (modern era) has its principal's. */
export function sessionScope(id: string): string {
  return `session ${id}`;
}

export interface CallLeaseOptions {
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  /** The longest to wait for a connection, and for the server to take the log level. */
  readonly waitMs: number;
}

export class CallLease implements WaitingForClient {
  /** Since when its call waits for its client. */
  sinceMs = 0;
  readonly #wish: LeaseWish;
  readonly #host: LeaseHost;
  readonly #options: CallLeaseOptions;
  readonly #givenUp = new AbortController();
  #lease: Lease | undefined;
  #isOver = false;

  constructor(wish: LeaseWish, host: LeaseHost, options: CallLeaseOptions) {
    this.#wish = wish;
    this.#host = host;
    this.#options = options;
  }

  /** Whether other calls may be on the connection at the same time. */
  get isPlain(): boolean {
    return this.#wish.isPlain;
  }

  take(): void {
    const { leases, profile, principal, scope, isPlain } = this.#wish;
    const { waitMs } = this.#options;
    const taken = leases.take({ profile, principal, waitMs, scope, isPlain }, this.#givenUp.signal);
    if (!(taken instanceof Promise)) return this.#onTaken(taken);
    taken.then(
      (lease) => this.#onTaken(lease),
      (error: unknown) => this.#onError(error),
    );
  }

  /** Whether the call waits for its client: while others want its place, it may have to give way. */
  waitForClient(isWaiting: boolean): void {
    if (this.#lease === undefined) return;
    if (isWaiting && this.#lease.waitingForClient === undefined) this.sinceMs = this.#options.clock.nowMs();
    this.#lease.waitingForClient = isWaiting ? this : undefined;
  }

  giveUp(): void {
    if (!this.#isOver) this.#host.onFailure(gaveWay(this.#wish.server), true);
  }

  /** `clean`: nothing of the call is left at the server. Before there is a connection, gives up waiting. */
  release(clean: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#lease?.release(clean);
    this.#givenUp.abort();
  }

  #onTaken(lease: Lease): void {
    if (this.#isOver) return lease.release(true);
    this.#lease = lease;
    const { level } = this.#wish;
    if (level === undefined || level === lease.logLevel) return this.#host.onLeased(lease.connection);
    this.#setLevel(lease, level).then(
      () => this.#isOver || this.#host.onLeased(lease.connection),
      (error: unknown) => this.#onError(error),
    );
  }

  async #setLevel(lease: Lease, level: string): Promise<void> {
    const { wheel, clock, waitMs } = this.#options;
    const { server } = this.#wish;
    const answer = await ask({
      connection: lease.connection,
      server,
      method: "logging/setLevel",
      params: { level },
      timeoutMs: waitMs,
      wheel,
      nowMs: clock.nowMs(),
    });
    // A server that does not take a level it could have given itself still serves the call.
    lease.logLevel = errorCodeOf(answer) === undefined ? level : undefined;
  }

  #onError(error: unknown): void {
    if (this.#isOver) return;
    this.#host.onFailure(ManagerError.from(error), false);
  }
}
