/**
 * Time that does not go on evenly: a wall clock that jumps (moved inside the manager, see moment.mjs), everything stopped for a while, an
 * event loop that is held. What is measured in intervals does not notice, and nothing storms afterwards.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../e2e/testing/manager.ts";
import { initialize, request, send } from "../e2e/testing/mcp.ts";
import { codeOf, type FaultClient, resultOf } from "./testing/ledger.ts";
import { descendantsOf, isStopped } from "./testing/machine.ts";
import { inScenario, type Scenario } from "./testing/scenario.ts";

const hourMs = 3_600_000;
const servers = { pipe: { spec: { replicas: 2 } }, far: { over: "http" } } as const;
/** Probes that would find a replica dead within a second. */
const intervalMs = 300;
const health = { interval: `${intervalMs}ms`, timeout: "300ms", failures: 3 };
const watched = { ...servers, pipe: { spec: { replicas: 2, health } } } as const;

const opening = {
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "time", version: "1" } },
};

/** Everybody is answered, by the processes that were there before, and nothing is held back. */
async function undisturbed(
  scenario: Scenario,
  clients: readonly FaultClient[],
  pids: readonly number[],
): Promise<void> {
  for (const client of clients)
    for (const name of ["pipe", "far"]) assert.match(await client.text(name, "echo"), /call-/);
  assert.deepEqual(await pidsOf(scenario), pids);
  for (const name of ["pipe", "far"]) {
    const { state, breaker = "closed" } = (await scenario.manager.client.servers.get(name)).status;
    assert.deepEqual([state, breaker], ["ready", "closed"]);
    for (const { status } of (await scenario.manager.client.servers.replicas(name)).items)
      assert.equal(status.restarts, 0);
  }
}

async function pidsOf({ manager }: Scenario): Promise<readonly number[]> {
  const { items } = await manager.client.servers.replicas("pipe");
  return items.map(({ status }) => status.pid ?? 0).toSorted((a, b) => a - b);
}

test("T1 a wall clock that jumps an hour ahead, an hour back and ten years ahead disturbs nobody", async () => {
  await inScenario({ servers, hasMoments: true }, async (scenario) => {
    const clients = [await scenario.client("old", "legacy"), await scenario.client("new", "modern")];
    const session = await initialize(scenario.manager);
    const pids = await pidsOf(scenario);
    for (const offsetMs of [hourMs, -hourMs, 10 * 365 * 24 * hourMs, 0]) {
      const slow = clients.map((client) => client.text("pipe", "sleep", { ms: 700 }));
      await scenario.moment({ offsetMs });
      for (const text of await Promise.all(slow)) assert.match(text, /slept/);
      await undisturbed(scenario, clients, pids);
      const { status } = await request(scenario.manager, session, "tools/call", { name: "pipe__pid" });
      assert.equal(status, 200, `a session after a jump of ${offsetMs} ms`);
    }
  });
});

test("T1 a breaker that is open when the wall clock jumps stays open for its own time, not longer and not shorter", async () => {
  // With a jitter of a fifth: four seconds at least.
  const spec = { breaker: { openFor: "5s" } };
  await inScenario({ servers: { failing: { over: "http", spec } }, hasMoments: true }, async (scenario) => {
    const client = await scenario.client("new", "modern");
    const isOpen = async (): Promise<boolean> => codeOf(await client.call("failing", "echo")) === "circuit_open";
    await scenario.fake("failing").set({ status: 502 });
    await until("it opens", isOpen);
    await scenario.fake("failing").set({ status: null });
    await scenario.moment({ offsetMs: hourMs });
    assert.ok(await isOpen(), "an hour ahead");
    await scenario.moment({ offsetMs: -hourMs });
    await until("it closes", async () => resultOf(await client.call("failing", "echo")) !== undefined);
  });
});

test("T1 a key ends by the wall clock, and is good again when that was wrong", async () => {
  await inScenario({ servers: {}, hasMoments: true }, async (scenario) => {
    const { manager } = scenario;
    const expiresAt = new Date(Date.now() + hourMs / 2).toISOString();
    const spec = { roles: ["caller"], expiresAt } as const;
    const { key } = await manager.client.apiKeys.create({ metadata: { name: "brief" }, spec });
    for (const [offsetMs, status] of [
      [0, 200],
      [hourMs, 401],
      [-hourMs, 200],
    ] as const) {
      await scenario.moment({ offsetMs });
      await until(`HTTP ${status}`, async () => (await send(manager, opening, { key })).status === status);
    }
  });
});

test("T2 with everything stopped for some seconds calls go on where they were, nothing is started anew, and no probe is made up for", async () => {
  await inScenario({ servers: watched, callTimeoutMs: 8_000 }, async (scenario) => {
    const clients = [await scenario.client("old", "legacy"), await scenario.client("new", "modern")];
    for (const client of clients) await client.text("pipe", "echo");
    const pids = await pidsOf(scenario);
    const slow = clients.map((client) => client.text("pipe", "sleep", { ms: 500 }));
    const all = [scenario.manager.pid, ...descendantsOf(scenario.manager.pid).map(({ pid }) => pid)];
    scenario.fake("far").signal("SIGSTOP");
    for (const pid of all) process.kill(pid, "SIGSTOP");
    await until("all are stopped", async () => all.every((pid) => isStopped(pid)));
    const probes = scenario.executed("pipe", "ping");
    // Longer than ten probes take; nothing in it can be waited for.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    const startedMs = performance.now();
    for (const pid of all.toReversed()) process.kill(pid, "SIGCONT");
    scenario.fake("far").signal("SIGCONT");
    for (const text of await Promise.all(slow)) assert.match(text, /slept/);
    await undisturbed(scenario, clients, pids);
    const due = pids.length * ((performance.now() - startedMs) / intervalMs + 2);
    const made = scenario.executed("pipe", "ping") - probes;
    assert.ok(made <= due, `${made} probes where ${due} were due`);
  });
});

test("T3 an event loop that is held for five seconds shows in a metric, and nobody is taken for dead", async () => {
  await inScenario({ servers: watched, hasMoments: true, callTimeoutMs: 10_000 }, async (scenario) => {
    const clients = [await scenario.client("old", "legacy"), await scenario.client("new", "modern")];
    for (const client of clients) await client.text("pipe", "echo");
    const pids = await pidsOf(scenario);
    await scenario.moment({ blockMs: 5_000 });
    for (const text of await Promise.all(clients.map((client) => client.text("pipe", "echo"))))
      assert.match(text, /call-/);
    const held = (await scenario.metrics()).get('mcp_manager_event_loop_delay_seconds{quantile="1"}');
    assert.ok(Number(held) > 4, `held for ${held} s`);
    await undisturbed(scenario, clients, pids);
  });
});
