/** What an operation answers as messages: the JSON of REST, read by the response's descriptor. Decides nothing about its content. */
import type { DescMessage, JsonValue, Message } from "@bufbuild/protobuf";
import { create, fromJson } from "@bufbuild/protobuf";
import type { Event, Rpc, StreamItem } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { OperationReply } from "../request.ts";
import type { Event as EventMessage, WatchEventsResponse } from "./gen/mcpmanager/v1/event_pb.ts";
import { EventSchema, WatchEventsResponseSchema } from "./gen/mcpmanager/v1/event_pb.ts";
import { ServerSchema } from "./gen/mcpmanager/v1/server_pb.ts";

/** A page as lists have it. */
interface Page {
  readonly items: readonly unknown[];
  readonly nextCursor?: string;
}

/** The one message of an answer. */
export function messageOf(reply: OperationReply, output: DescMessage, { answer }: Pick<Rpc, "answer">): Message {
  if (reply.kind !== "json") throw new ManagerError("internal", `${output.name} cannot be read from ${reply.kind}`);
  const { body, deployment, status } = reply;
  if (answer === undefined) return read(output, body);
  return read(output, {
    [answer]: body,
    created: status === 201,
    ...(deployment === undefined ? {} : { deployment }),
  });
}

/** The messages of an answer that goes on: the items of all pages, lines, events. `nextPage` asks for the page of a cursor. */
export async function* messagesOf(
  reply: OperationReply,
  output: DescMessage,
  nextPage: (cursor: string) => Promise<OperationReply>,
): AsyncIterable<Message> {
  if (reply.kind === "lines") for await (const line of reply.lines) yield read(output, line);
  else if (reply.kind === "stream") for await (const item of reply.items) yield itemMessage(item);
  else if (reply.kind === "json") {
    const { items, nextCursor } = reply.body as Page;
    for (const item of items) yield read(output, item);
    if (nextCursor !== undefined) yield* messagesOf(await nextPage(nextCursor), output, nextPage);
  } else throw new ManagerError("internal", `${output.name} cannot be read from ${reply.kind}`);
}

/** An event becomes a message once, however many hear of it; whoever may see less of it has an event of its own. */
const written = new WeakMap<Event, EventMessage>();

/** One item of a stream of events. */
function itemMessage(item: StreamItem): WatchEventsResponse {
  switch (item.kind) {
    case "event": {
      const { position } = item;
      const value = eventMessage(item.event);
      const at = position === undefined ? {} : { position };
      return create(WatchEventsResponseSchema, { item: { case: "event", value }, ...at });
    }
    case "missed":
      return create(WatchEventsResponseSchema, { item: { case: "missed", value: { count: item.count } } });
    case "reset":
      return create(WatchEventsResponseSchema, { item: { case: "reset", value: { reason: item.reason } } });
    case "snapshot": {
      const value = fromJson(ServerSchema, json(item.resource), lenient);
      return create(WatchEventsResponseSchema, { item: { case: "snapshot", value } });
    }
    case "synced":
      return create(WatchEventsResponseSchema, { item: { case: "synced", value: {} }, position: item.position });
  }
}

function eventMessage(event: Event): EventMessage {
  const known = written.get(event);
  if (known !== undefined) return known;
  const message = fromJson(EventSchema, json(event), lenient);
  written.set(event, message);
  return message;
}

/** A field that the proto files lack is left out for the caller, and found by the parity test. */
const lenient = { ignoreUnknownFields: true };

function read(output: DescMessage, value: unknown): Message {
  return fromJson(output, json(value), lenient);
}

/** Answers are JSON by their types; that is all this says. */
function json(value: unknown): JsonValue {
  return value as JsonValue;
}
