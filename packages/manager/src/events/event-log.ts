/** Events as log lines, one each. Owns how loud each is, and that a state is one line whichever it is; says nothing that was not published. */
import type { Event } from "@mcp-manager/api";
import { topics } from "@mcp-manager/api";
import type { EventBus } from "./bus.ts";

/** What this writes to; the telemetry room's logger is one. */
export interface EventLogger {
  debug(message: string, fields: Readonly<Record<string, unknown>>): void;
  info(message: string, fields: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** Writes every event from now on, until it is disposed of; then what is left is written first. */
export function logEvents(bus: EventBus, logger: EventLogger): AsyncDisposable {
  const reader = bus.reader();
  const done = (async () => {
    for await (const { items, missed } of reader) {
      if (missed !== undefined)
        logger.warn("events came faster than they could be logged", { missed: missed.passing + missed.stored });
      for (const { event } of items) logEvent(event, logger);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      reader[Symbol.dispose]();
      await done;
    },
  };
}

function logEvent(event: Event, logger: EventLogger): void {
  const { topic, server, replica, message, severity } = event;
  const what = topics[topic === "server.failed" ? "server.state" : topic];
  // Refusals stand in the audit.
  const isLoud = severity === "warning" && topic !== "access.denied";
  logger[isLoud ? "warn" : levelOf(event)](what, { server, replica, change: message });
}

/** What a start passes through, what goes well with one replica, and numbers, are only of interest to who looks for them. */
function levelOf({ topic, data }: Event): "debug" | "info" {
  if (/^(?:replica\.|metric\.|access\.denied)/.test(topic)) return "debug";
  return data?.["to"] === "starting" || data?.["to"] === "pending" ? "debug" : "info";
}
