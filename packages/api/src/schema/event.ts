/** Schema of an event, as it is answered inside other resources. */
import { z } from "zod";
import type { Event, EventTopic } from "../event.ts";
import type { Server } from "../server.ts";
import { timeSchema } from "./common.ts";
import { exactly } from "./exact.ts";
import { serverSchema } from "./server.ts";

/** Every topic, once: the compiler misses one that is left out, and one that is too many. */
const topics: Readonly<Record<EventTopic, true>> = {
  "server.registered": true,
  "server.changed": true,
  "server.removed": true,
  "server.state": true,
  "server.failed": true,
  "deployment.phase": true,
  "replica.state": true,
  "access.changed": true,
  "config.changed": true,
  "server.drift": true,
  "replica.health": true,
  "replica.ejected": true,
  "replica.held-off": true,
  "breaker.state": true,
  "overload.stage": true,
  "access.denied": true,
  "config.file": true,
  "metric.sample": true,
  "delivery.dead": true,
};

/** What is answered has every default, so for reading its input type is its output type. */
const answeredServer = serverSchema as unknown as z.ZodType<Server, Server>;

export const eventSchema: z.ZodType<Event, Event> = exactly<Event>()(
  z.strictObject({
    topic: z.enum(Object.keys(topics) as EventTopic[]),
    at: timeSchema,
    revision: z.string().exactOptional(),
    server: z.string().exactOptional(),
    replica: z.string().exactOptional(),
    message: z.string(),
    severity: z.enum(["info", "warning"]),
    data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).exactOptional(),
    resource: answeredServer.exactOptional(),
  }),
);
