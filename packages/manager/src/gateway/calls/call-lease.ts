/**
 * The connection that a call has for itself: taken when its client can be asked something or wants log messages, told the log level,
 * given back when the call is over. Sends nothing of the call.
 */
import { ManagerError, type Sharing } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import type { TimerWheel } from "../../base/timer-wheel.ts";
import { type ClientProfile, clientProfile, noProfile } from "../../protocol/client-profile.ts";
import { errorCodeOf } from "../../protocol/response.ts";
import type { Connection } from "../../transport/connection.ts";
import type { Lease, Leases } from "../../upstream/leases.ts";
import type { ReadyReplica } from "../../upstream/upstream-set.ts";
import { ask } from "./ask.ts";
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
  onFailure(error: ManagerError): void;
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

/** What this call wants of this replica; undefined when the shared connection is good enough. */
export function wishOf(call: Call, replica: ReadyReplica): LeaseWish | undefined {
  const { leases, server, connection } = replica;
  const { envelope, session, principal } = call;
  if (leases === undefined) return undefined;
  const scope = scopeOf(call, leases.sharing);
  const asks = mayAsk(envelope.method);
  if (scope === undefined && !asks) return undefined;
  const wanted = call.era === "modern" ? envelope.text("logLevel") : session?.logLevel;
  const profile = profileOf(call);
  const takesLevels = connection.facts.capabilities["logging"] !== undefined;
  const level = takesLevels && wanted !== undefined && logLevels.includes(wanted) ? wanted : undefined;
  const isPlain = !asks || (profile.key === noProfile.key && level === undefined);
  if (scope !== undefined) return { leases, profile, principal: principal.hash, level, server, scope, isPlain };
  if (isPlain) return undefined;
  // A server that was told a level once can be told another, but never none: such connections are kept apart.
  const key = level === undefined ? profile.key : `${profile.key} log`;
  return { leases, profile: { ...profile, key }, principal: principal.hash, level, server, scope, isPlain };
}

/** Whose connection a call has where its server keeps its callers apart; undefined where all share. */
function scopeOf({ session, principal }: Call, sharing: Sharing): string | undefined {
  if (sharing === "shared") return undefined;
  return sharing === "per-session" && session !== undefined ? sessionScope(session.id) : `principal ${principal.hash}`;
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

export class CallLease {
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
    this.#host.onFailure(ManagerError.from(error));
  }
}
