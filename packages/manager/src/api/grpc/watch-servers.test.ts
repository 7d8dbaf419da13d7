import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { serverDefaults, type Server, type StreamItem } from "@mcp-manager/api";
import { messagesOf } from "./answered.ts";
import type { WatchEventsResponse } from "./gen/mcpmanager/v1/event_pb.ts";
import { WatchEventsResponseSchema, WatchServersRequestSchema } from "./gen/mcpmanager/v1/event_pb.ts";
import { openGrpcDoor, refusalOf, take } from "./testing/grpc-door.ts";
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

test("a client hears of what there is, then of each change, and goes on from where it was after a cut", async () => {
  await using door = await openGrpcDoor();
  const client = door.client();
  const source = { kind: "remote", url: "https://tools.example/mcp" };
  const deploy = (name: string, replicas: number): Promise<unknown> =>
    client.deployServer({ server: { metadata: { name }, spec: { source, replicas } } });
  await deploy("weather", 1);
  await deploy("time", 1);
  const cut = new AbortController();
  const first = client.watchServers({ names: ["weather"] }, { signal: cut.signal })[Symbol.asyncIterator]();
  const { item: snapshot } = await next(first);
  assert.equal(snapshot.case === "snapshot" && snapshot.value.spec?.source?.url, source.url);
  const synced = await next(first);
  assert.equal(synced.item.case, "synced");
  cut.abort();
  await deploy("weather", 2);
  await deploy("time", 2);
  await deploy("weather", 3);
  const over = new AbortController();
  const after = synced.position ?? "";
  const second = client.watchServers({ names: ["weather"], after }, { signal: over.signal })[Symbol.asyncIterator]();
  const seen: (number | undefined)[] = [];
  while (seen.length < 2) {
    const { item } = await next(second);
    if (item.case !== "event") continue;
    assert.equal(item.value.topic, "server.changed");
    seen.push(item.value.resource?.spec?.replicas);
  }
  assert.deepEqual(seen, [2, 3]);
  over.abort();
});

test("who may not see servers, or events, watches nothing; a pattern that is none is named", async () => {
  await using door = await openGrpcDoor();
  assert.equal((await refusalOf(door.client("caller").watchServers({}))).code, "PermissionDenied");
  const wrong = await refusalOf(door.client().watchEvents({ topics: ["server.*", "..."] }));
  assert.equal(wrong.code, "InvalidArgument");
  assert.match(wrong.message, /\.\.\./);
  assert.equal((await refusalOf(door.client().watchEvents({ after: "yesterday" }))).code, "InvalidArgument");
});

async function next(reader: AsyncIterator<WatchEventsResponse>): Promise<WatchEventsResponse> {
  const { value, done } = await reader.next();
  if (done === true) assert.fail("it ended");
  return value;
}

test("without a position it begins with what there is, with one with what came after", () => {
  const read = (after?: string): object =>
    Object.fromEntries(
      readWatchServers(create(WatchServersRequestSchema, after === undefined ? {} : { after })).read().query,
    );
  assert.deepEqual(read(), { topics: "server.*", snapshot: true });
  assert.deepEqual(read("42"), { topics: "server.*", after: "42" });
});
