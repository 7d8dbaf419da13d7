/**
 * Time that does not go on evenly: a wall clock that jumps (moved inside the manager, see moment.mjs), everything stopped for a while, an
 * event loop that is held. What is measured in intervals does not notice, and nothing storms afterwards.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../e2e/testing/manager.ts";
import { initialize, request } from "../e2e/testing/mcp.ts";
import type { FaultClient } from "./testing/ledger.ts";
import { descendantsOf, isStopped } from "./testing/machine.ts";
import { inScenario, type Scenario } from "./testing/scenario.ts";

const hourMs = 3_600_000;
const servers = { pipe: { spec: { replicas: 2 } }, far: { over: "http" } } as const;

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

test("T2 with everything stopped for some seconds calls go on where they were, and nothing is started anew", async () => {
  const health = { interval: "300ms", timeout: "300ms", failures: 3 };
  await inScenario(
    { servers: { ...servers, pipe: { spec: { replicas: 2, health } } }, callTimeoutMs: 8_000 },
    async (scenario) => {
      const clients = [await scenario.client("old", "legacy"), await scenario.client("new", "modern")];
      for (const client of clients) await client.text("pipe", "echo");
      const pids = await pidsOf(scenario);
      const slow = clients.map((client) => client.text("pipe", "sleep", { ms: 500 }));
      const all = [scenario.manager.pid, ...descendantsOf(scenario.manager.pid).map(({ pid }) => pid)];
      for (const pid of all) process.kill(pid, "SIGSTOP");
      await until("all are stopped", async () => all.every((pid) => isStopped(pid)));
      // Longer than three probes take; nothing in it can be waited for.
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      for (const pid of all.toReversed()) process.kill(pid, "SIGCONT");
      for (const text of await Promise.all(slow)) assert.match(text, /slept/);
      await undisturbed(scenario, clients, pids);
    },
  );
});

test("T3 an event loop that is held for two seconds shows in a metric, and nobody is taken for dead", async () => {
  const health = { interval: "300ms", timeout: "300ms", failures: 3 };
  await inScenario(
    { servers: { ...servers, pipe: { spec: { replicas: 2, health } } }, hasMoments: true, callTimeoutMs: 8_000 },
    async (scenario) => {
      const clients = [await scenario.client("old", "legacy"), await scenario.client("new", "modern")];
      for (const client of clients) await client.text("pipe", "echo");
      const pids = await pidsOf(scenario);
      await scenario.metrics();
      await scenario.moment({ blockMs: 2_000 });
      const late = await Promise.all(clients.map((client) => client.text("pipe", "echo")));
      for (const text of late) assert.match(text, /call-/);
      await until("it is seen", async () => {
        return ((await scenario.metrics()).get('mcp_manager_event_loop_delay_seconds{quantile="0.99"}') ?? 0) > 0.2;
      });
      await undisturbed(scenario, clients, pids);
    },
  );
});
