/**
 * The seam between a call and a connection that it has for itself: who can be asked something by a legacy server, or set a log
 * level, takes a lease for the length of one call, so that a question or a log line has exactly one addressee.
 */
import type { ClientProfile } from "../protocol/client-profile.ts";
import type { Connection } from "../transport/connection.ts";

/** Who wants a connection. */
export interface LeaseRequest {
  /** What its server is told that the client can be asked. */
  readonly profile: ClientProfile;
  /** `Principal.hash`: what a server writes late, after its answer, must not reach another principal. */
  readonly principal: string;
  /** The longest to wait for one, in milliseconds. */
  readonly waitMs: number;
}

/** A connection for one call. */
export interface Lease {
  readonly connection: Connection;
  /** The log level that the server was told last on this connection; undefined: none. Kept by whoever holds the lease. */
  logLevel: string | undefined;
  /** Gives it back, once. `clean`: the call's response has come; a server that may still be at work on it is not used again. */
  release(clean: boolean): void;
}

/** The connections of one replica that are leased. */
export interface Leases {
  /** Connections that can be used, free ones and those in use. */
  readonly open: number;
  /** Those that a call has now. */
  readonly inUse: number;
  /** Calls that wait for one. */
  readonly waiting: number;
  /**
   * At once when one is free, else a promise for one that is opened or given back. Rejects with `unavailable` (503) when none came in
   * time, or when one could not be opened. `signal` gives up the waiting: the promise rejects with its reason. What was granted
   * before is its holder's to release.
   */
  take(request: LeaseRequest, signal?: AbortSignal): Lease | Promise<Lease>;
}
