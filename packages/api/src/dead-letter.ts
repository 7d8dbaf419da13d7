/** The DeadLetter resource: an event that could not be delivered, kept until somebody replays or deletes it. */
import type { Event } from "./event.ts";
import type { Resource } from "./resource.ts";

/** What was to be delivered, and to whom. */
export interface DeadLetterSpec {
  readonly source: {
    /** A Webhook, or a handler inside the manager. */
    readonly kind: "webhook" | "handler";
    readonly name: string;
  };
  /** The `webhook-id` of every attempt. */
  readonly deliveryId: string;
  readonly event: Event;
  /** RFC 3339. */
  readonly firstAttemptAt: string;
}

/** Why it is here. */
export interface DeadLetterStatus {
  readonly attempts: number;
  /** In words, without secrets. */
  readonly lastError: string;
  /** HTTP status of the last answer, where there was one. */
  readonly lastStatus?: number;
  /** When it was last tried. RFC 3339. */
  readonly at: string;
}

/** Its name sorts by when it came: `dl-` and eight characters. */
export type DeadLetter = Resource<"DeadLetter", DeadLetterSpec, DeadLetterStatus>;

/** How many dead letters something was done to, or begun with. */
export interface DeadLetterCount {
  readonly count: number;
}
