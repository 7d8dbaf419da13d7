/** What readers see of the bus: its ring, and who is told when there is more. Types only. */
import type { Event, EventTopic } from "@mcp-manager/api";

/** An event in its place. */
export interface RingEntry {
  readonly event: Event;
  /** From 1, without gaps, in the order of publishing; starts again with the process. */
  readonly sequence: number;
  /** Of stored events. */
  readonly revision: bigint | undefined;
  /** How many of its topic there were, with it. */
  readonly ordinal: number;
  readonly bytes: number;
}

/** Who waits for the next event. */
export interface Hearing {
  heard(): void;
}

export interface Ring {
  /** Sequence of the first entry that is kept, and of the one that comes next. */
  readonly oldest: number;
  readonly end: number;
  at(sequence: number): RingEntry | undefined;
  /** How many events of a topic there were, and how many of them are kept no more. */
  said(topic: EventTopic): number;
  gone(topic: EventTopic): number;
  /** Every stored event up to this revision was published. */
  readonly revision: bigint;
  /** Every stored event after this revision is kept, as far as it was published. */
  readonly floor: bigint;
  /** Tells it, once, of the next event. */
  await(hearing: Hearing): void;
}
