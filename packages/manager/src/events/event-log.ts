/** Events as log lines, one each. Owns how loud each is; says nothing that was not published. */
import type { EventBus, StampedEvent } from "./bus.ts";
import type { EventTopic } from "./event.ts";

/** What this writes to; the telemetry room's logger is one. */
export interface EventLogger {
  debug(message: string, fields: Readonly<Record<string, unknown>>): void;
  info(message: string, fields: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** Constant texts, so that lines can be searched and counted; what varies stands in the fields. */
const messages: Readonly<Record<EventTopic, string>> = {
  "server.state": "a server changed its state",
  "server.drift": "a server lists something else than before within its revision",
  "deployment.phase": "a deployment went on, stopped or ended",
  "replica.state": "a replica changed its state",
  "replica.health": "the health of a replica changed",
  "replica.ejected": "a replica is put aside or taken back",
  "replica.held-off": "a replica is left alone, as its server asked for",
  "breaker.state": "a breaker changed its state",
  "overload.stage": "the load of this instance changed its stage",
  "config.file": "the configuration file was read again, or could not be",
};

/** Writes every event from now on, until it is disposed of; then what is left is written first. */
export function logEvents(bus: EventBus, logger: EventLogger): AsyncDisposable {
  const reader = bus.reader(["*"]);
  const done = (async () => {
    for await (const { events, missed } of reader) {
      if (missed > 0) logger.warn("events came faster than they could be logged", { missed });
      for (const event of events) logEvent(event, logger);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      reader[Symbol.dispose]();
      await done;
    },
  };
}

function logEvent(event: StampedEvent, logger: EventLogger): void {
  const { topic, server, replica, message, severity } = event;
  logger[severity === "warning" ? "warn" : levelOf(event)](messages[topic], { server, replica, change: message });
}

/** What a start passes through, and what goes well with one replica, is only of interest to who looks for it. */
function levelOf({ topic, data }: StampedEvent): "debug" | "info" {
  if (topic.startsWith("replica.")) return "debug";
  return data?.["to"] === "starting" || data?.["to"] === "pending" ? "debug" : "info";
}
