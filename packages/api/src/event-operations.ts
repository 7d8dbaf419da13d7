/** What can be asked about what happens, as rows of the table of operations. Source: resources.md, "REST". */
import type { Operation } from "./operation.ts";

/** The operations under `/api/v1/events`. */
export type EventOperationName = "watchEvents";

/** The header by which readers of server-sent events go on from where they were. */
export const lastEventId = "Last-Event-ID";

/** The operations, by name. */
export const eventOperations: Readonly<Record<EventOperationName, Operation>> = {
  watchEvents: {
    method: "GET",
    path: "/api/v1/events",
    summary: "Hear what happens, as it happens: server-sent events. Each `id` is a position to go on from.",
    parameters: [
      {
        name: "topics",
        in: "query",
        type: "string",
        summary: "Patterns of topics, by commas: `*` is one word, `#` any number of them. Default: everything.",
        example: "server.*,deployment.#",
      },
      {
        name: "after",
        in: "query",
        type: "string",
        summary: "The position that was reached: exactly what is stored after it comes first. Default: now.",
        example: "42",
      },
      {
        name: "snapshot",
        in: "query",
        type: "boolean",
        summary: "Begin with every server as it is, unless a position is given.",
      },
      {
        name: lastEventId,
        in: "header",
        type: "string",
        summary: "The same as `after`, as browsers send it when they come back; it counts before `after`.",
        example: "42",
      },
    ],
    answers: [{ status: 200, summary: "Events, until one side ends it.", types: ["text/event-stream"] }],
    permission: "events:read",
    errors: ["resource_exhausted"],
    cli: "events",
  },
};
