/**
 * Streams of what this instance says while somebody listens: what was said before is not read again, and no item has a position. Stands
 * in for the streams that go on from any store revision.
 */
import type { StreamItem } from "@mcp-manager/api";
import type { EventBus } from "../events/bus.ts";
import type { EventStreams } from "../events/stream.ts";

/** Streams over the bus. */
export function passingStreams(bus: EventBus): EventStreams {
  return { open: ({ topics, signal }) => read(bus, topics, signal) };
}

async function* read(
  bus: EventBus,
  topics: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<StreamItem, void, undefined> {
  using reader = bus.reader(topics.map((pattern) => pattern.replaceAll("#", "*")));
  signal.addEventListener("abort", () => reader[Symbol.dispose](), { once: true });
  if (signal.aborted) return;
  for await (const { events, missed } of reader) {
    if (missed > 0) yield { kind: "missed", count: missed };
    for (const { sequence: _, ...event } of events) yield { kind: "event", event };
  }
}
