import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { serverDefaults, type Server, type StreamItem } from "@mcp-manager/api";
import { messagesOf } from "./answered.ts";
import type { WatchEventsResponse } from "./gen/mcpmanager/v1/event_pb.ts";
import { WatchEventsResponseSchema, WatchServersRequestSchema } from "./gen/mcpmanager/v1/event_pb.ts";
import { take } from "./testing/grpc-door.ts";
import { onlyNamed, readWatchServers } from "./watch-servers.ts";

const metadata = { uid: "u", generation: 1, revision: "4", labels: {}, createdAt: "2027-01-01T00:00:00Z" };

function server(name: string): Server {
  return {
    kind: "Server",
    metadata: { ...metadata, name },
    spec: { ...serverDefaults, source: { kind: "process", command: "node", args: [], env: {} } },
    status: { state: "ready", replicas: { desired: 1, ready: 1 }, traffic: [], conditions: [] },
  };
}

function changed(name: string, position?: string): StreamItem {
  const event = {
    topic: "server.state",
    at: "2027-01-01T00:00:00Z",
    server: name,
    message: "m",
    severity: "info",
  } as const;
  return {
    kind: "event",
    event: { ...event, data: { from: "a", attempt: 2 } },
    ...(position === undefined ? {} : { position }),
  };
}

const items: readonly StreamItem[] = [
  { kind: "reset", reason: "compacted" },
  { kind: "snapshot", resource: server("weather") },
  { kind: "snapshot", resource: server("time") },
  { kind: "synced", position: "7" },
  changed("weather"),
  changed("time", "8"),
  changed("time"),
  { kind: "missed", count: 3 },
  changed("weather", "9"),
];

async function* stream(): AsyncIterable<StreamItem> {
  yield* items;
}

async function watched(names: readonly string[]): Promise<readonly string[]> {
  const request = create(WatchServersRequestSchema, { names: [...names] });
  const reply = onlyNamed({ kind: "stream", items: stream() }, request);
  const none = (): never => assert.fail("there are no pages");
  const messages = await take(messagesOf(reply, WatchEventsResponseSchema, none));
  return (messages as readonly WatchEventsResponse[]).map(({ item, position }) => {
    const what =
      item.case === "event"
        ? `${item.value.server} ${JSON.stringify(item.value.data)}`
        : item.case === "snapshot"
          ? item.value.metadata?.name
          : item.case === "missed"
            ? item.value.count
            : item.case === "reset"
              ? item.value.reason
              : "";
    return `${item.case} ${what} ${position ?? "-"}`;
  });
}

test("every kind of item has its message, and its position", async () => {
  assert.deepEqual(await watched([]), [
    "reset compacted -",
    "snapshot weather -",
    "snapshot time -",
    "synced  7",
    'event weather {"from":"a","attempt":2} -',
    'event time {"from":"a","attempt":2} 8',
    'event time {"from":"a","attempt":2} -',
    "missed 3 -",
    'event weather {"from":"a","attempt":2} 9',
  ]);
});

test("of servers that were named only those are shown, and the position moves on past the others", async () => {
  assert.deepEqual(await watched(["weather"]), [
    "reset compacted -",
    "snapshot weather -",
    "synced  7",
    'event weather {"from":"a","attempt":2} -',
    "synced  8",
    "missed 3 -",
    'event weather {"from":"a","attempt":2} 9',
  ]);
});

test("without a position it begins with what there is, with one with what came after", () => {
  const read = (after?: string): object =>
    Object.fromEntries(
      readWatchServers(create(WatchServersRequestSchema, after === undefined ? {} : { after })).read().query,
    );
  assert.deepEqual(read(), { topics: "server.*", snapshot: true });
  assert.deepEqual(read("42"), { topics: "server.*", after: "42" });
});
