/** What the instance that answers knows beside what is stored, in the answers to reads. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Health, Replica, Server, ServerLoad } from "@mcp-manager/api";
import { kinds } from "../registry/kinds.ts";
import type { LiveState } from "./ports.ts";
import type { Door } from "./testing.ts";
import { openDoor } from "./testing.ts";

const load: ServerLoad = {
  inFlight: 3,
  concurrency: 64,
  waiting: 1,
  refused: { breaker: 5, heldOff: 0, queue: 0, rate: 0 },
  retries: 2,
  ejected: [],
  heldOff: [],
};

const live: LiveState = {
  server: (name) =>
    name === "weather"
      ? {
          breaker: "open",
          breakerDetail: { reason: "12 of 20 calls failed within 30 s", since: "2027-01-01T00:00:00Z" },
          load,
        }
      : undefined,
  replica: (_, name) => (name === "weather-1-r1" ? { inFlight: 3 } : undefined),
  events: (server) => [
    { at: "2027-01-01T00:00:00Z", topic: "breaker.state", message: `${server}: closed → open`, severity: "warning" },
  ],
};

async function openLive(): Promise<Door> {
  const door = await openDoor();
  for (const name of ["weather", "news"]) {
    const json = { spec: { source: { kind: "remote", url: `https://${name}.example/mcp` } } };
    await door.ask(`/api/v1/servers/${name}`, { method: "PUT", json });
  }
  for (const name of ["weather-1-r1", "weather-1-r2"]) {
    const spec = { server: "weather", revision: "weather-1", node: "here", restartRound: 0 };
    await door.registry.resources(kinds.Replica).create({ name, spec });
  }
  door.live = live;
  return door;
}

async function read<T>(door: Door, path: string): Promise<T> {
  return (await door.read(path)) as T;
}

test("a server shows its breaker and load of the moment, and none of it is stored", async () => {
  await using door = await openLive();
  const { status } = await read<Server>(door, "/api/v1/servers/weather");
  assert.equal(status.breaker, "open");
  assert.equal(status.breakerDetail?.reason, "12 of 20 calls failed within 30 s");
  assert.deepEqual(status.load, load);
  assert.deepEqual(
    status.recentEvents?.map(({ message }) => message),
    ["weather: closed → open"],
  );
  const stored = await door.registry.resources(kinds.Server).require("weather");
  assert.deepEqual([stored.status.breaker, stored.status.load, stored.status.recentEvents], Array(3).fill(undefined));
});

test("a list shows them too, without what happened", async () => {
  await using door = await openLive();
  const { items } = await read<{ items: readonly Server[] }>(door, "/api/v1/servers");
  assert.deepEqual(
    items.map(({ metadata, status }) => [metadata.name, status.breaker, status.recentEvents]),
    [
      ["news", undefined, undefined],
      ["weather", "open", undefined],
    ],
  );
});

test("a replica shows its load where this instance knows it", async () => {
  await using door = await openLive();
  const { items } = await read<{ items: readonly Replica[] }>(door, "/api/v1/servers/weather/replicas");
  const loads = Object.fromEntries(items.map(({ metadata, status }) => [metadata.name, status.load]));
  assert.deepEqual(loads, { "weather-1-r1": { inFlight: 3 }, "weather-1-r2": undefined });
});

test("the summary counts states and says in a sentence who needs attention and why", async () => {
  await using door = await openLive();
  const [at, message] = ["2027-01-01T00:00:00Z", "it answered 404"];
  await door.registry.resources(kinds.Server).updateStatus("news", ({ status }) => ({
    ...status,
    state: "failed",
    lastFailure: { stage: "initialize", message, at },
    conditions: [{ type: "Available", status: "False", reason: "StartFailed", message, since: at }],
  }));
  const health = await read<Health>(door, "/api/v1/health");
  assert.deepEqual(health.states, { failed: 1, pending: 1 });
  assert.deepEqual(
    health.servers.map(({ name, breaker, attention }) => ({ name, breaker, attention })),
    [
      { name: "news", breaker: undefined, attention: "it answered 404" },
      { name: "weather", breaker: "open", attention: "the breaker is open: 12 of 20 calls failed within 30 s" },
    ],
  );
});

test("a server that takes calls and is not healthy needs attention too", async () => {
  await using door = await openLive();
  const [since, message] = ["2027-01-01T00:00:00Z", "replica news-1-r1: it wants a credential"];
  await door.registry.resources(kinds.Server).updateStatus("news", ({ status }) => ({
    ...status,
    state: "ready",
    conditions: [{ type: "Healthy", status: "False", reason: "NeedsAuthorization", message, since }],
  }));
  const { servers } = await read<Health>(door, "/api/v1/health");
  assert.equal(servers.find(({ name }) => name === "news")?.attention, message);
});
