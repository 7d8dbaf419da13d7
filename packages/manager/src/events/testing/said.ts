/** Events whose message is their place on the bus, for tests. */
import type { EventTopic, PassingTopic } from "@mcp-manager/api";
import type { EventBus } from "../bus.ts";

/** What a test said. */
export interface Said {
  readonly topic: EventTopic;
  readonly message: string;
  readonly sequence: number;
}

/** Publishes a passing event. */
export function sayPassing(bus: EventBus, topic: PassingTopic): Said {
  const sequence = bus.end;
  const said = { topic, message: `${sequence}` };
  bus.publish({ ...said, severity: "info" });
  return { ...said, sequence };
}

/** Publishes all events of one revision. */
export function sayStored(bus: EventBus, revision: bigint, topics: readonly EventTopic[], bytes = 0): readonly Said[] {
  const said = topics.map((topic, at) => ({ topic, message: `${bus.end + at}`, sequence: bus.end + at }));
  bus.publishStored(
    revision,
    said.map(({ topic, message }) => ({
      event: { topic, at: "2027-01-01T00:00:00Z", revision: String(revision), message, severity: "info" },
      bytes,
    })),
  );
  return said;
}
