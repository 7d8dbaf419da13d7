/**
 * WatchServers: the stream of WatchEvents, narrowed to servers and begun with what there is. A position moves on also past what was left
 * out, so that whoever goes on from it does not hear everything else once more.
 */
import type { Message } from "@bufbuild/protobuf";
import type { StreamItem } from "@mcp-manager/api";
import type { ParameterValue } from "@mcp-manager/api";
import type { OperationReply } from "../request.ts";
import type { Asked } from "./asked.ts";
import type { WatchServersRequest } from "./gen/mcpmanager/v1/event_pb.ts";
import { WatchServersRequestSchema } from "./gen/mcpmanager/v1/event_pb.ts";
import { refuseUnknown } from "./unknown-fields.ts";

/** What of WatchEvents is asked for. */
export function readWatchServers(message: Message): Asked {
  const request = message as WatchServersRequest;
  const { after } = request;
  return {
    path: {},
    read() {
      refuseUnknown(WatchServersRequestSchema, request);
      const query = new Map<string, ParameterValue>([
        ["topics", "server.*"],
        after === undefined ? ["snapshot", true] : ["after", after],
      ]);
      return { query, body: undefined };
    },
  };
}

/** The same answer without the servers that were not named. */
export function onlyNamed(reply: OperationReply, message: Message): OperationReply {
  const { names } = message as WatchServersRequest;
  if (reply.kind !== "stream" || names.length === 0) return reply;
  return { kind: "stream", items: itemsOf(reply.items, new Set(names)) };
}

async function* itemsOf(items: AsyncIterable<StreamItem>, names: ReadonlySet<string>): AsyncIterable<StreamItem> {
  for await (const item of items) {
    const server =
      item.kind === "event" ? item.event.server : item.kind === "snapshot" ? item.resource.metadata.name : undefined;
    if (server === undefined || names.has(server)) yield item;
    else if (item.kind === "event" && item.position !== undefined) yield { kind: "synced", position: item.position };
  }
}
