/** What happened, as the world hears of it: over SSE, gRPC, webhooks, and in logs. Facts only; no delivery, no state. */
import type { Server } from "./server.ts";

/**
 * What an event is about, as `noun.what`. Closed: `topics.ts` lists them. Those in `storedTopics` follow from changes of
 * the store, so they carry its revision and none of them is ever lost; the others are said once, to whoever listens.
 */
export type EventTopic = StoredTopic | PassingTopic;

/** Follows from a change of the store. */
export type StoredTopic =
  | "server.registered"
  /** Its spec or its labels are others, or its deletion was asked for. */
  | "server.changed"
  | "server.removed"
  /** It went to any state but failed. */
  | "server.state"
  /** It went to the state failed. */
  | "server.failed"
  | "deployment.phase"
  | "replica.state"
  /** An API key was made or revoked. */
  | "access.changed"
  /** A webhook, a secret or a decision about a breaker was made, changed or taken away. */
  | "config.changed";

/** Said once, kept nowhere but in the ring of the instance that it happened on. */
export type PassingTopic =
  | "server.drift"
  | "replica.health"
  | "replica.ejected"
  | "replica.held-off"
  | "breaker.state"
  | "overload.stage"
  /** Somebody was refused. */
  | "access.denied"
  /** The configuration file was read again, or could not be. */
  | "config.file"
  /** What a server did in the last ten seconds, in numbers. */
  | "metric.sample"
  /** An event could not be delivered and is among the dead letters. */
  | "delivery.dead";

/** One thing that happened. */
export interface Event {
  readonly topic: EventTopic;
  /** RFC 3339. */
  readonly at: string;
  /** Store revision of the change, in decimal; only of `StoredTopic`s. */
  readonly revision?: string;
  /** Name of the server it happened to; absent: to the instance, or to what `data` names. */
  readonly server?: string;
  readonly replica?: string;
  /** What changed, in one sentence, without secrets: `ready → failed: the process exited with status 3`. */
  readonly message: string;
  /** Whether somebody should look. */
  readonly severity: "info" | "warning";
  /** Facts for machines: `{from, to}` of a state, a reason, a number. */
  readonly data?: Readonly<Record<string, string | number | boolean>>;
  /** The server as the change left it, as the reader may see it; only of `server.*` that are stored, and absent when it is gone. */
  readonly resource?: Server;
}

/**
 * What a stream of events yields. A position is a store revision: everything up to it has been delivered, and who gives it back gets
 * exactly what came after.
 */
export type StreamItem =
  /** `position` stands on the last event of its store revision that the reader asked for. */
  | { readonly kind: "event"; readonly event: Event; readonly position?: string }
  /** So many passing events came faster than they were read; stored ones never do. */
  | { readonly kind: "missed"; readonly count: number }
  /** There is no going on from the position that was given; what follows is what there is now. */
  | { readonly kind: "reset"; readonly reason: "compacted" | "unknown-position" }
  /** A server as it is at the position that the next `synced` names. */
  | { readonly kind: "snapshot"; readonly resource: Server }
  /** Everything up to this position was delivered: after a snapshot, and now and then where nothing that was asked for happens. */
  | { readonly kind: "synced"; readonly position: string };
