/**
 * The seam between a call and a connection of its own. Who can be asked something by a legacy server, or set a log level, takes a
 * lease for the length of one call, so that a question or a log line has exactly one addressee. Where a server keeps its callers
 * apart (`spec.sharing`), every call takes one, on the connection of its principal or session.
 */
import type { Sharing } from "@mcp-manager/api";
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
  /** As `scopeOf` names it: the connection is used for this one alone, as long as it lasts. Undefined where all share. */
  readonly scope?: string | undefined;
  /** Within a scope: whether other calls of it may be on the connection at the same time. Elsewhere none ever is. */
  readonly isPlain?: boolean;
}

/** A call that waits for its client, which may never come: it can be given up when others want what it has. */
export interface WaitingForClient {
  readonly sinceMs: number;
  /** Ends the call, which gives its lease back at once. */
  giveUp(): void;
}

/** A connection for one call. */
export interface Lease {
  readonly connection: Connection;
  /** The log level that the server was told last on this connection; undefined: none. Kept by whoever holds the lease. */
  logLevel: string | undefined;
  /** Set by the holder while its call waits for its client. */
  waitingForClient: WaitingForClient | undefined;
  /** Gives it back, once. `clean`: the call's response has come; a server that may still be at work on it is not used again. */
  release(clean: boolean): void;
}

/** The connections of one replica that are leased. */
export interface Leases {
  /** Who may share one of them. */
  readonly sharing: Sharing;
  /** Connections that can be used, free ones and those in use. */
  readonly open: number;
  /** Connections that calls have now. */
  readonly inUse: number;
  /** Free connections that were used before. */
  readonly idle: number;
  /** Calls that have one now: within a scope several may have the same. */
  readonly calls: number;
  /** What is kept ready and was used for nothing yet: connections, and processes without one. */
  readonly spare: number;
  /** Calls that wait for one. */
  readonly waiting: number;
  /**
   * At once when one is free, else a promise for one that is opened or given back. Rejects with `unavailable` (503) when none came in
   * time, or when one could not be opened. `signal` gives up the waiting: the promise rejects with its reason. What was granted
   * before is its holder's to release.
   */
  take(request: LeaseRequest, signal?: AbortSignal): Lease | Promise<Lease>;
  /** Whether a connection is kept for this scope: its calls belong here. */
  holds(scope: string): boolean;
  /** The scope is over: its connections are closed. */
  endScope(scope: string): void;
}

/** Why a connection was closed. */
export type CloseReason =
  /** By itself. */
  | "lost"
  /** Its last call ended without an answer, so that its server may still be at work. */
  | "unclean"
  /** Nobody used it for long. */
  | "idle"
  /** After many uses, or at a great age. */
  | "recycled"
  /** Others needed the place. */
  | "room"
  /** Its session is over. */
  | "scope"
  /** The replica is. */
  | "stopped";

/** What became of a connection that is leased. */
export type LeaseEvent = { readonly kind: "opened" } | { readonly kind: "closed"; readonly reason: CloseReason };

/** What is kept ready to open a connection with: the pool says how much room there is, and opening takes from it. */
export interface Spares {
  /** How many are to be ready, where there is room. */
  readonly wanted: number;
  /** Ready, or on their way. */
  readonly count: number;
  /** There is room for so many in all. Called whenever that may have changed. */
  fill(room: number): void;
}

/** Places that one principal may have of so many, while others wait: a quarter, at least one. */
export function shareOf(max: number): number {
  return Math.max(1, Math.floor(max / 4));
}
