import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import type { Terminal } from "../testing/terminal.ts";
import { serverOf, toldManager } from "../testing/manager.ts";
import { type } from "../testing/terminal.ts";

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();
/** Half a second more than is shown, which is what is left of the last second that has begun. */
const ahead = (seconds: number): string => new Date(Date.now() + seconds * 1000 + 500).toISOString();

function replicaOf(name: string, status: object): object {
  return {
    metadata: { name, createdAt: ago(60) },
    spec: { server: "weather", revision: "weather-1" },
    status: { state: "ready", restarts: 0, ...status },
  };
}

async function get(status: object, replicas: readonly object[], terminal: Terminal = {}): Promise<string> {
  await using manager = await toldManager({
    "GET /api/v1/servers/weather": [[200, serverOf("weather", status)]],
    "GET /api/v1/servers/weather/replicas": [[200, { items: replicas }]],
  });
  const { stdout } = await type(["server", "get", "weather", "--url", manager.url], terminal);
  return stdout;
}

const load = {
  inFlight: 3,
  concurrency: 64,
  waiting: 1,
  refused: { breaker: 5, heldOff: 3, queue: 0, rate: 2 },
  retries: 4,
  ejected: ["weather-1-bbbb"],
  heldOff: ["weather-1-cccc"],
};

test("a server that works says so, and what it has to do", async () => {
  const idle = {
    ...load,
    inFlight: 0,
    waiting: 0,
    refused: { breaker: 0, heldOff: 0, queue: 0, rate: 0 },
    retries: 0,
    ejected: [],
    heldOff: [],
  };
  const text = await get({ since: ago(180), breaker: "closed", load: idle }, []);
  assert.match(text, /^State: +ready for 3m$/m);
  assert.match(text, /^Breaker: +closed$/m);
  assert.match(text, /^Load: +0 of 64 calls in flight$/m);
});

test("a server that is degraded says why, and what is refused and put aside", async () => {
  const conditions = [{ type: "Available", status: "True", message: "1 of 2 replicas are ready" }];
  const text = await get({ state: "degraded", since: ago(12), conditions, load }, []);
  assert.match(text, /^State: +degraded for 12s: 1 of 2 replicas are ready$/m);
  const counts =
    "since the start 5 refused by the breaker, 3 refused as the server asked for, 2 refused by the rate, 4 tried again";
  const aside = "put aside: weather-1-bbbb; left alone as the server asked for: weather-1-cccc";
  assert.match(text, new RegExp(`^Load: +3 of 64 calls in flight, 1 waiting; ${counts}; ${aside}$`, "m"));
});

test("an open breaker says why, since when and until when, and one that is held says by whom", async () => {
  const reason = "12 of 20 calls failed within 30 s";
  const open = { breaker: "open", breakerDetail: { reason, since: ago(3), retryAt: ahead(2) } };
  assert.match(await get(open, []), /^Breaker: +open for 3s: 12 of 20 .* 30 s; a call is let through in 2s$/m);
  const held = {
    breaker: "closed",
    breakerDetail: { reason: "held closed: we know", since: ago(60), forcedBy: "key:ops" },
  };
  assert.match(await get(held, []), /^Breaker: +held closed: we know \(key:ops, 1m ago\)$/m);
  const tools = [{ tool: "forecast", state: "open", reason: "10 of 10 calls failed" }];
  const single = { breaker: "closed", breakerDetail: { reason: "all is well", since: ago(60), tools } };
  assert.match(await get(single, []), /^Breaker: +closed .*; tool forecast is open: 10 of 10 calls failed$/m);
});

test("replicas show health, era, calls and pool, and only the columns that say something", async () => {
  const isolation = { level: "default", boundary: "cgroup", limits: "cgroup2", network: "none" };
  const text = await get({}, [
    replicaOf("weather-1-aaaa", {
      pid: 4711,
      startedAt: ago(90),
      era: "modern",
      memory: "512MiB",
      isolation,
      health: { state: "healthy", since: ago(90) },
      load: { inFlight: 2, pool: { inUse: 1, idle: 0, spare: 1, waiting: 0 } },
    }),
    replicaOf("weather-1-bbbb", { state: "failed", restarts: 7, crashLoop: true, retryAt: ahead(40) }),
  ]);
  assert.match(text, /^Isolation: +default, cgroup, limits by cgroup2, no network, memory 512MiB$/m);
  const table = text.slice(text.indexOf("REPLICA")).split("\n");
  const cells = table.map((line) => line.split(/ {2,}/));
  assert.deepEqual(cells.slice(0, 3), [
    ["REPLICA", "STATE", "HEALTH", "PID", "UP", "RESTARTS", "ERA", "CALLS", "POOL", "NOTE"],
    ["weather-1-aaaa", "ready", "healthy", "4711", "1m", "0", "modern", "2", "1 used, 1 spare", "-"],
    ["weather-1-bbbb", "failed", "-", "-", "-", "7", "-", "-", "-", "crash loop; tried again in 40s"],
  ]);
  const few = await get({}, [replicaOf("weather-1-aaaa", {})]);
  assert.match(few, /^REPLICA +STATE +RESTARTS$/m);
});

test("what happened last is told, newest first, with the replica where it was one", async () => {
  const recentEvents = [
    { at: ago(2), topic: "server.state", message: "ready → failed: it exited", severity: "warning" },
    { at: ago(62), topic: "replica.state", replica: "weather-1-aaaa", message: "starting → ready", severity: "info" },
  ];
  const text = await get({ recentEvents }, []);
  const lines = text.slice(text.indexOf("AGO")).trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => line.split(/ {2,}/)),
    [
      ["AGO", "WHAT", "CHANGE"],
      ["2s", "server", "ready → failed: it exited"],
      ["1m", "weather-1-aaaa", "starting → ready"],
    ],
  );
});

test("in a terminal of 80 columns nothing is wider, and colours say how it is", async () => {
  const replica = replicaOf("weather-1-aaaa", {
    pid: 4_194_304,
    startedAt: ago(200_000),
    restarts: 12,
    era: "legacy",
    health: { state: "healthy", since: ago(90) },
    load: { inFlight: 2 },
  });
  const breakerDetail = { reason: "5 transport failures in a row", since: ago(3), retryAt: ahead(2) };
  const text = await get({ breaker: "open", breakerDetail, load }, [replica], { columns: 80 });
  const wide = stripVTControlCharacters(text)
    .split("\n")
    .filter((line) => line.length > 80);
  assert.deepEqual(wide, []);
  assert.ok(text.includes("\u001B[31mopen for 3s"));
  assert.ok(text.includes("\u001B[32mhealthy\u001B[0m"));
});

test("a list has a column of breakers while one is not closed", async () => {
  const list = async (breaker: string): Promise<string> => {
    await using manager = await toldManager({
      "GET /api/v1/servers": [[200, { items: [serverOf("a", { breaker: "closed" }), serverOf("b", { breaker })] }]],
    });
    return (await type(["server", "list", "--url", manager.url])).stdout;
  };
  assert.doesNotMatch(await list("closed"), /BREAKER/);
  const text = await list("half-open");
  assert.match(text, /^NAME +STATE +REPLICAS +BREAKER/m);
  assert.match(text, /^b +ready +1\/1 +half-open/m);
});
