/** What happened to a resource, before it is known at which revision. Data only. */
import type { Event, StoredTopic } from "@mcp-manager/api";

export interface Fact extends Omit<Event, "topic" | "at" | "revision"> {
  readonly topic: StoredTopic;
  /** RFC 3339; only where the resource says it. */
  readonly at?: string | undefined;
}
