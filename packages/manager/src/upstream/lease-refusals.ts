/** Why a call got no connection of its own, in words. All are `unavailable`: nothing of the call has been sent. */
import { ManagerError } from "@mcp-manager/api";
import { rateLimitedReason } from "../transport/http-status.ts";

/** How many there are, for a message. */
export interface LeaseCounts {
  readonly inUse: number;
  readonly opening: number;
  readonly waiting: number;
  readonly max: number;
}

/** Too many calls at once. `how`: within which time, or past which bound. */
export function exhausted(server: string, how: string, { inUse, opening, waiting, max }: LeaseCounts): ManagerError {
  const taken = `${inUse} of at most ${max} in use, ${opening} being opened, ${waiting} calls waiting`;
  const message = `server "${server}" had no connection free for this call alone ${how} (${taken})`;
  return new ManagerError("unavailable", `${message}; try again, or raise spec.limits.leases or spec.replicas`, {
    server,
    reason: "LEASES_EXHAUSTED",
    retryAfterMs: 1_000,
  });
}

/** One could not be opened, or could not a moment ago. That its server asked to be left alone stays what it is, with its time. */
export function cannotOpen(server: string, cause: ManagerError, retryAfterMs: number): ManagerError {
  const message = `server "${server}" could not be opened for this call alone: ${cause.message}`;
  if (cause.reason === rateLimitedReason && cause.retryAfterMs !== undefined) {
    const { reason, retryAfterMs: waitMs } = cause;
    return new ManagerError("unavailable", message, { server, reason, retryAfterMs: waitMs, cause });
  }
  return new ManagerError("unavailable", message, { server, reason: "LEASE_NOT_OPENED", retryAfterMs, cause });
}

/** The replica is on its way out. */
export function stopping(server: string): ManagerError {
  return new ManagerError("unavailable", `this replica of server "${server}" is being stopped; try again`, {
    server,
    reason: "CONNECTION_CLOSED",
    retryAfterMs: 1_000,
  });
}

/** Every connection is busy for another principal or session. */
export function noRoomForScope(server: string, max: number): ManagerError {
  const message =
    `server "${server}" keeps its callers apart (spec.sharing), and all of its ${max} connections are busy for others; ` +
    "try again, or raise spec.limits.leases or spec.replicas";
  return new ManagerError("unavailable", message, { server, reason: "LEASES_EXHAUSTED", retryAfterMs: 1_000 });
}

/** The connection that the waiting calls of a scope were to have has ended. */
export function scopeLost(server: string): ManagerError {
  const message = `the connection to server "${server}" that this caller's calls share has ended; try again`;
  return new ManagerError("unavailable", message, { server, reason: "CONNECTION_LOST", retryAfterMs: 1_000 });
}

/** A call that waited for its client stood in the way of others. */
export function gaveWay(server: string): ManagerError {
  const message =
    `the call waited for its client's answer while others waited for server "${server}", and its principal had more than ` +
    "its share of the server's connections: it was given up; answer sooner, or raise spec.limits.leases or spec.replicas";
  return new ManagerError("unavailable", message, { server, reason: "GAVE_WAY", retryAfterMs: 1_000 });
}
