import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { WatchedValue } from "../../base/watched.ts";
import { IdleServers } from "../../upstream/idle-servers.ts";
import { UpstreamSet } from "../../upstream/upstream-set.ts";
import { emptyTable } from "../routing/routing-table.ts";
import { ScriptedConnection } from "../testing/scripted-connection.ts";
import { WakingCalls } from "./waking.ts";

/** Where the server `weather` sleeps. */
function asleep(): {
  clock: ManualClock;
  upstreams: UpstreamSet;
  table: WatchedValue<typeof emptyTable>;
  idle: IdleServers;
  sleeper: { wake: () => void };
  waking: WakingCalls;
  woken: () => number;
} {
  const upstreams = new UpstreamSet();
  const table = new WatchedValue(emptyTable);
  const idle = new IdleServers();
  let count = 0;
  const sleeper = { wake: () => void count++ };
  idle.add("weather", sleeper);
  const waking = new WakingCalls({ upstreams, table, wake: idle });
  return { clock: new ManualClock(), upstreams, table, idle, sleeper, waking, woken: () => count };
}

test("who wants a replica of a server that sleeps has it woken, and goes on when it is there", async () => {
  const { clock, upstreams, waking, woken } = asleep();
  const awake = waking.awake("weather", clock, 60_000);
  assert.equal(woken(), 1);
  upstreams.attach({
    name: "weather-1-a",
    server: "weather",
    revision: "weather-1",
    connection: new ScriptedConnection(),
  });
  await awake;
  assert.equal(clock.pendingCount, 0);
  await waking.awake("weather", clock, 60_000);
  assert.equal(woken(), 1, "it is there");
});

test("nobody is waited for who does not sleep, or longer than there is time", async () => {
  const { clock, waking, woken } = asleep();
  await waking.awake("maps", clock, 60_000);
  await waking.awake("weather", clock, 0);
  assert.equal(woken(), 0);
  const awake = waking.awake("weather", clock, 60_000);
  await clock.advance(60_000);
  await awake;
});

test("a start that failed ends the waiting when the table says so; other news does not", async () => {
  const { clock, table, idle, sleeper, waking } = asleep();
  let isOver = false;
  const awake = waking.awake("weather", clock, 60_000).then(() => (isOver = true));
  table.replace({ ...emptyTable, generation: 1 });
  await clock.advance(0);
  assert.equal(isOver, false);
  idle.remove("weather", sleeper);
  table.replace({ ...emptyTable, generation: 2 });
  await awake;
  assert.equal(clock.pendingCount, 0);
});
