/** What people see of a server: REST, the command line, metrics and the log tell the same of its state and of what went wrong. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Health, Replica, Server } from "@mcp-manager/api";
import { cli } from "./testing/cli.ts";
import { configOf } from "./testing/fixtures.ts";
import type { ManagerProcess } from "./testing/manager.ts";
import { startManager, until } from "./testing/manager.ts";

let manager: ManagerProcess;

before(async () => {
  manager = await startManager({ config: configOf({ plain: { mode: "plain" }, broken: { mode: "broken" } }) });
  await manager.serversReady("plain");
  await until("the broken one is in a crash loop", async () => (await crashing()).status.crashLoop === true);
});
after(() => manager[Symbol.asyncDispose]());

async function crashing(): Promise<Replica> {
  const [replica] = (await manager.client.servers.replicas("broken")).items;
  assert.ok(replica !== undefined);
  return replica;
}

async function samples(name: string, server: string): Promise<Readonly<Record<string, number>>> {
  const headers = { authorization: `Bearer ${manager.key}` };
  const text = await (await fetch(`${manager.url}/metrics`, { headers })).text();
  const found = text.matchAll(new RegExp(`^${name}\\{server="${server}"(?:,(\\S+?))?\\} (\\S+)$`, "gm"));
  return Object.fromEntries([...found].map(([, labels = "", value]) => [labels, Number(value)]));
}

test("of a server that crashes, every door shows the same state and the same failure", async () => {
  const server = await manager.client.servers.get("broken");
  const failure = server.status.lastFailure;
  assert.equal(server.status.state, "failed");
  assert.match(
    failure?.message ?? "",
    /^the process exited with status 3 before it answered initialize; it keeps failing/,
  );
  assert.deepEqual(failure?.stderr?.slice(-2), ["cannot open the map", "no licence found"]);
  assert.ok(Date.parse(server.status.since ?? "") <= Date.now());

  const { stdout } = await cli(manager, "server get broken");
  assert.match(stdout, /^State: +failed for \S+$/m);
  assert.match(stdout, /^Last failure: +initialize, .* ago: the process exited with status 3 .*; it keeps failing/m);
  assert.match(stdout, /^ {2}\| no licence found$/m);
  assert.match(stdout, /^broken-1-\S+ +(?:failed|starting) .*crash loop/m);

  const status = await cli(manager, "status");
  assert.match(status.stdout, /^Servers: 1 failed, 1 ready$/m);
  assert.match(status.stdout, /^SERVER .*\nbroken +failed +0\/1 +the process exited with status 3/m);

  assert.deepEqual(await samples("mcp_manager_server_state", "broken"), { 'state="failed"': 1 });
  const { "": restarts = 0 } = await samples("mcp_manager_replica_restarts_total", "broken");
  assert.ok(restarts >= 4, `${restarts} restarts`);
});

test("the summary counts states and says who needs somebody", async () => {
  const health: Health = await manager.client.health();
  assert.deepEqual(health.states, { ready: 1, failed: 1 });
  assert.deepEqual(health.overload?.stage, 0);
  const attention = Object.fromEntries(health.servers.map((server) => [server.name, server.attention]));
  assert.match(attention["broken"] ?? "", /^the process exited with status 3/);
  assert.equal(attention["plain"], undefined);
});

test("each change is an event: beside the server, counted, and one line in the log", async () => {
  const { status }: Server = await manager.client.servers.get("plain");
  const changes = (status.recentEvents ?? []).filter(({ topic }) => topic === "server.state").map((e) => e.message);
  assert.equal(changes[0], "starting → ready: 1 of 1 replicas are ready");
  const lines = manager.output
    .split("\n")
    .filter((line) => line.includes('"server":"plain"') && line.includes("→ ready: 1 of 1"));
  assert.equal(lines.length, 1);
  const headers = { authorization: `Bearer ${manager.key}` };
  const text = await (await fetch(`${manager.url}/metrics`, { headers })).text();
  const counted = (topic: string): number =>
    Number(new RegExp(`^mcp_manager_events_total\\{topic="${topic}"\\} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
  assert.equal(counted("server.registered"), 2);
  assert.ok(counted("server.state") >= 2 && counted("server.failed") >= 1, text);
});

test("a breaker held by a person refuses calls until it is left to itself, and says by whom and why", async () => {
  const held = await cli(manager, ["server", "breaker", "plain", "open", "--reason", "silence until noon"]);
  assert.deepEqual([held.status, held.stdout], [0, "the breaker of server plain is held open\n"]);
  const { breaker, breakerDetail } = (await manager.client.servers.get("plain")).status;
  assert.deepEqual([breaker, breakerDetail?.forcedBy], ["open", "admin"]);
  const refused = await cli(manager, "tool call plain pid");
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /silence until noon/);
  assert.match((await cli(manager, "server get plain")).stdout, /^Breaker: +held open: silence until noon \(admin, /m);
  assert.match((await cli(manager, "status")).stdout, /^plain .* the breaker is held open: silence until noon/m);
  assert.deepEqual(await samples("mcp_manager_breaker_state", "plain"), { "": 2 });

  const auto = await cli(manager, "server breaker plain auto");
  assert.equal(auto.stdout, "the breaker of server plain is left to itself; it is closed\n");
  assert.equal((await cli(manager, "tool call plain pid")).status, 0);
});

test("a decision about a breaker goes with its server", async () => {
  await manager.client.servers.setBreaker("broken", { state: "open", reason: "it is broken" });
  const { kind, spec, metadata } = await manager.client.servers.get("broken");
  await manager.client.servers.delete("broken", { force: true });
  const isGone = (): Promise<boolean> =>
    manager.client.servers.get("broken").then(
      () => false,
      () => true,
    );
  await until("it is gone", isGone);
  const again = await manager.client.servers.create({ kind, metadata: { name: metadata.name }, spec });
  await until(
    "it is known again",
    async () => (await manager.client.servers.get("broken")).status.breaker !== undefined,
  );
  assert.equal((await manager.client.servers.get(again.metadata.name)).status.breakerDetail, undefined);
});
