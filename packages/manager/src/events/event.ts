/** The port for saying what happens: by whom it happens to, once. No delivery, no state. */
import type { Event, PassingTopic } from "@mcp-manager/api";

/** Something that happened and that no store keeps. What follows from a change of the store is said by nobody: see `events-of.ts`. */
export interface PassingEvent extends Omit<Event, "topic" | "at" | "revision" | "resource"> {
  readonly topic: PassingTopic;
}

/** Takes events. Never throws, never waits. */
export interface EventSink {
  publish(event: PassingEvent): void;
}
