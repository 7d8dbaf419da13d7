/** Why a call does not go to its server, in words: what stands in the way, with figures, and what to do. Nothing was sent. */
import { ManagerError } from "@mcp-manager/api";
import type { CircuitBreaker } from "./circuit-breaker.ts";
import type { Drop } from "./concurrency-limit.ts";
import { inSeconds } from "./in-words.ts";

/** The breaker of the server, or of one tool of it, lets nothing through. */
export function circuitOpen(
  server: string,
  tool: string | undefined,
  breaker: CircuitBreaker,
  nowMs: number,
): ManagerError {
  const subject = tool === undefined ? `server "${server}"` : `tool "${tool}" of server "${server}"`;
  const retryAfterMs = breaker.retryAfterMs(nowMs);
  const { state, reason, forced } = breaker;
  const how = state === "half-open" ? "is tried with a few calls only" : "is not called";
  const advice = forced === undefined ? `try again in ${inSeconds(retryAfterMs)}` : `${forced.by} decided so`;
  return new ManagerError("circuit_open", `${subject} ${how} for now (${reason}); ${advice}`, {
    server,
    reason: "CIRCUIT_OPEN",
    retryAfterMs,
  });
}

/** `limits.rate` is used up. */
export function rateLimited(server: string, perSecond: number, waitMs: number): ManagerError {
  const retryAfterMs = Math.ceil(waitMs);
  const message = `server "${server}" takes ${perSecond} calls a second (spec.limits.rate); try again in ${inSeconds(retryAfterMs)}`;
  return new ManagerError("resource_exhausted", message, { server, reason: "RATE_LIMITED", retryAfterMs });
}

/** The server asked to be left alone, and nobody else can take the call. */
export function heldOff(server: string, leftMs: number): ManagerError {
  const retryAfterMs = Math.ceil(leftMs);
  const message = `server "${server}" is left alone for now, as it asked for (HTTP 429 or Retry-After); try again in ${inSeconds(retryAfterMs)}`;
  return new ManagerError("unavailable", message, { server, reason: "HELD_OFF", retryAfterMs });
}

/** What stands in the way of a place. */
export interface Places {
  readonly places: number;
  readonly queue: number;
  readonly waiting: number;
}

/** As many calls are in flight as may be, and waiting has no sense or no end. */
export function noPlace(server: string, why: Drop, { places, queue, waiting }: Places): ManagerError {
  const message = `server "${server}" is at its limit of ${places} calls in flight (spec.limits.concurrency) and ${dropText(why, queue, waiting)}; try again, or raise the limit or spec.replicas`;
  return new ManagerError("unavailable", message, { server, reason: "OVERLOADED", retryAfterMs: 1_000 });
}

function dropText(why: Drop, queue: number, waiting: number): string {
  switch (why.kind) {
    case "full":
      return `as many wait as may (${waiting} of ${queue})`;
    case "displaced":
      return `this call gave its place in the line of ${queue} to another principal's`;
    case "waited":
      return `none ended within ${inSeconds(why.forMs)}`;
    case "no-time":
      return `this call has ${inSeconds(why.leftMs)} left, less than such calls take (${inSeconds(why.usualMs)})`;
  }
}
