/**
 * The seam between watching servers and the two ways of doing it: what is asked of one replica, whatever its era, and why it may
 * not be had.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { TimerWheel } from "../../base/timer-wheel.ts";
import { errorResponse, JsonRpcCode } from "../../protocol/errors.ts";
import { asRecord, type ServerFacts } from "../../protocol/server-facts.ts";
import type { UpstreamSet } from "../../upstream/upstream-set.ts";

/** Why a subscription was not taken: the server's own error response (with an id of the manager's), or what kept it from answering. */
export type Refusal =
  | { readonly kind: "response"; readonly message: Buffer }
  | { readonly kind: "failure"; readonly error: ManagerError };

/** What is asked of one replica. */
export interface ReplicaWatch extends Disposable {
  /** Requests that are open for as long as it is listened, and are no call's. Absent: none. */
  readonly openListens?: number;
  /** A URI is wanted from now on. */
  want(uri: string): void;
  /** It no longer is. */
  unwant(uri: string): void;
  /** The replica's server has forgotten what it was told. Absent where nothing can be forgotten while the connection stands (modern era). */
  renewed?(): void;
  /** Resolves when it is known whether the replica takes the subscription to a wanted URI: undefined when it does. */
  settled(uri: string): Promise<Refusal | undefined>;
}

/** What watches of either era need. */
export interface WatchDependencies {
  readonly upstreams: UpstreamSet;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: Random;
  /** A server could not be heard for a while: its lists may have changed meanwhile. */
  readonly onGap: (server: string) => void;
}

/** Whether a server says of a list that it tells when it changes, or of its resources that they can be subscribed to. */
export function declares(
  { capabilities }: ServerFacts,
  capability: string,
  what: "listChanged" | "subscribe",
): boolean {
  return asRecord(capabilities[capability])?.[what] === true;
}

/** A server whose resources cannot be subscribed to. */
export function noSubscriptions(server: string): Refusal {
  const message = `Method not found: server "${server}" takes no subscriptions to resources`;
  return { kind: "response", message: errorResponse(ownId, JsonRpcCode.methodNotFound, message) };
}

/** A server that takes subscriptions, but not to this resource. */
export function notTold(server: string, uri: string): Refusal {
  const message = `server "${server}" does not tell of changes of ${uri}`;
  return { kind: "response", message: errorResponse(ownId, JsonRpcCode.invalidParams, message) };
}

/** The replica went away before it answered. */
export function replicaGone(server: string): Refusal {
  const message = `a replica of server "${server}" went away before it took the subscription`;
  const error = new ManagerError("unavailable", message, { server, reason: "REPLICA_GONE", retryAfterMs: 1_000 });
  return { kind: "failure", error };
}

const ownId = Buffer.from("0");
