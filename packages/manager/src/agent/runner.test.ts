import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError, serverDefaults } from "@mcp-manager/api";
import { Semaphore } from "../base/semaphore.ts";
import type { Lease } from "../upstream/leases.ts";
import { profileNamed } from "../upstream/testing/openings.ts";
import type { UpstreamSet } from "../upstream/upstream-set.ts";
import { begin, settle } from "./testing/runner-bench.ts";
import type { ScriptedRuns } from "./testing/runs.ts";

test("a replica is starting until its server answered, then ready and offered to the data plane", async () => {
  const { runs, upstreams, runner } = begin();
  await settle();
  assert.equal(runner.status.state, "starting");
  assert.equal(upstreams.pick("weather"), undefined);
  runs.all[0]?.succeed();
  await settle();
  assert.equal(runner.status.state, "ready");
  assert.equal(runner.status.pid, 1_000);
  assert.equal(upstreams.pick("weather")?.revision, "weather-1");
});

test("G10 a run that ends is taken out at once and started again after a back-off", async () => {
  const { runs, clock, upstreams, runner } = begin();
  await settle();
  runs.all[0]?.succeed();
  await settle();
  runs.all[0]?.end(3);
  await settle();
  assert.equal(runner.status.state, "failed");
  assert.equal(upstreams.pick("weather"), undefined);
  assert.equal(runner.status.lastFailure?.exitCode, 3);
  assert.match(runner.status.lastFailure?.message ?? "", /exited with status 3/);
  assert.deepEqual(runner.status.lastFailure?.stderr, ["last words"]);
  assert.equal(runner.status.pid, undefined);
  await clock.advance(990);
  assert.equal(runs.all.length, 1);
  await clock.advance(10);
  await settle();
  assert.equal(runs.all.length, 2);
  runs.all[1]?.succeed();
  await settle();
  assert.equal(runner.status.state, "ready");
  assert.equal(runner.status.restarts, 1);
  assert.equal(runner.status.retryAt, undefined);
});

test("G10 delays double up to a minute, and a series of failures is called by its name", async () => {
  const { runs, clock, runner } = begin();
  const delays: number[] = [];
  for (let attempt = 0; attempt < 9; attempt++) {
    await settle();
    runs.all[attempt]?.fail(new Error("no answer"), 1);
    await settle();
    delays.push(Math.round((Date.parse(runner.status.retryAt ?? "") - clock.wallMs()) / 1_000));
    await clock.advance(61_000);
  }
  assert.deepEqual(delays, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
  assert.match(runner.status.lastFailure?.message ?? "", /keeps failing/);
});

test("a long healthy run wipes out the failures before it", async () => {
  const { runs, clock, runner } = begin();
  for (const attempt of [0, 1, 2]) {
    await settle();
    runs.all[attempt]?.fail(new Error("no answer"));
    await settle();
    await clock.advance(10_000);
  }
  await settle();
  runs.all[3]?.succeed();
  await settle();
  await clock.advance(600_000);
  runs.all[3]?.end(1);
  await settle();
  const delayMs = Date.parse(runner.status.retryAt ?? "") - clock.wallMs();
  assert.ok(delayMs <= 1_000, `${delayMs} ms`);
});

test("a restart opens the next run beside the present one and switches when it is ready", async () => {
  const { runs, upstreams, runner } = begin();
  await settle();
  runs.all[0]?.succeed();
  await settle();
  const before = upstreams.pick("weather")?.connection;
  runner.restart(1);
  await settle();
  assert.equal(runs.all.length, 2);
  assert.equal(upstreams.pick("weather")?.connection, before);
  assert.equal(runner.status.restartRound, 0);
  runs.all[1]?.succeed();
  await settle();
  assert.notEqual(upstreams.pick("weather")?.connection, before);
  assert.equal(upstreams.replicas("weather").length, 1);
  assert.deepEqual(runs.all[0]?.closes, [5_000]);
  assert.equal(runner.status.restartRound, 1);
  assert.equal(runner.status.pid, 1_001);
});

/** Takes a connection of the replica that serves, for one call. */
async function takeLease({ runs, upstreams }: { runs: ScriptedRuns; upstreams: UpstreamSet }): Promise<Lease> {
  const request = { profile: profileNamed("asks"), principal: "ann", waitMs: 1_000 };
  const lease = upstreams.pick("weather")?.leases?.take(request);
  await settle();
  runs.all.at(-1)?.others.all.at(-1)?.succeed();
  return await (lease ?? assert.fail("it lends none"));
}

test("a run whose server may ask something is offered with connections for one call each; their end is not its own", async () => {
  const bench = begin();
  await settle();
  bench.runs.all[0]?.succeed(true);
  await settle();
  const lease = await takeLease(bench);
  assert.notEqual(lease.connection, bench.upstreams.pick("weather")?.connection);
  bench.runs.all[0]?.others.all[0]?.die();
  await settle();
  assert.equal(bench.runner.status.state, "ready");
});

test("a run that needs none is offered without", async () => {
  const { runs, upstreams } = begin();
  await settle();
  runs.all[0]?.succeed();
  await settle();
  assert.equal(upstreams.pick("weather")?.leases, undefined);
});

test("a restart brings new connections for one call, and those of before are given back first", async () => {
  const bench = begin();
  await settle();
  bench.runs.all[0]?.succeed(true);
  await settle();
  const lease = await takeLease(bench);
  bench.runner.restart(1);
  await settle();
  bench.runs.all[1]?.succeed(true);
  await settle();
  const [old] = bench.runs.all;
  assert.deepEqual(old?.closes, [], "it would end what was opened beside it");
  await takeLease(bench);
  await bench.clock.advance(4_000);
  lease.release(true);
  await settle();
  assert.deepEqual(old?.closes, [1_000]);
  assert.equal(old?.others.all[0]?.state, "gone");
  assert.equal(bench.runs.all[1]?.others.all[0]?.state, "open");
});

test("connections for one call end with a run that ends, and with the grace of one that leaves", async () => {
  const ended = begin();
  const left = begin();
  await settle();
  for (const { runs } of [ended, left]) runs.all[0]?.succeed(true);
  await settle();
  for (const bench of [ended, left]) await takeLease(bench);
  ended.runs.all[0]?.end(1);
  await settle();
  assert.equal(ended.runs.all[0]?.others.all[0]?.state, "gone");
  left.runner.leave(10_000);
  await settle();
  assert.equal(left.runs.all[0]?.others.all[0]?.state, "open");
  left.runner.leave(100);
  await left.clock.advance(100);
  await left.runner.done;
  assert.equal(left.runs.all[0]?.others.all[0]?.state, "gone");
});

test("connections for one call are opened in turn with other starts on this instance", async () => {
  const starts = new Semaphore(1);
  const bench = begin({ starts });
  await settle();
  bench.runs.all[0]?.succeed(true);
  await settle();
  const release = await starts.acquire();
  const lease = takeLease(bench);
  await settle();
  assert.equal(bench.runs.all[0]?.others.all.length, 0);
  release();
  await settle();
  bench.runs.all[0]?.others.all[0]?.succeed();
  await lease;
});

test("a restart that fails leaves the present run serving, and says why", async () => {
  const { runs, upstreams, runner } = begin();
  await settle();
  runs.all[0]?.succeed();
  await settle();
  runner.restart(1);
  await settle();
  runs.all[1]?.fail(new Error("no answer"));
  await settle();
  assert.equal(runner.status.state, "ready");
  assert.ok(upstreams.pick("weather"));
  assert.match(runner.status.lastFailure?.message ?? "", /no answer/);
  assert.equal(runner.status.restartRound, 1);
  assert.deepEqual(runs.all[0]?.closes, []);
});

test("a restart that fails does not put a run into the rotation that answers no probes, and it comes back by itself", async () => {
  const health = { ...serverDefaults.health, interval: "1s", timeout: "500ms", failures: 4 } as const;
  const { runs, clock, upstreams, runner } = begin({ health: () => health });
  await settle();
  const [run] = runs.all;
  assert.ok(run !== undefined);
  run.succeed();
  await settle();
  run.connection.manner = "hangs";
  const pass = async (seconds: number): Promise<void> => {
    for (let tenths = 0; tenths < seconds * 10; tenths++) await clock.advance(100);
    await settle();
  };
  await pass(7);
  assert.deepEqual([runner.status.state, runner.status.lastFailure?.stage], ["failed", "health"]);
  runner.restart(1);
  await settle();
  runs.all[1]?.fail(new Error("no answer"));
  await settle();
  assert.equal(upstreams.pick("weather"), undefined);
  run.connection.manner = "answers";
  await pass(3);
  assert.equal(runner.status.state, "ready");
  assert.ok(upstreams.pick("weather"));
});

for (const [reason, isLoop] of [
  ["UPSTREAM_UNAUTHORIZED", undefined],
  ["CONNECTION_LOST", true],
] as const) {
  test(`five failures in ten minutes for ${reason} are ${isLoop === true ? "a" : "no"} crash loop`, async () => {
    const { runs, clock, runner } = begin();
    for (let attempt = 0; attempt < 5; attempt++) {
      await settle();
      runs.all[attempt]?.fail(new ManagerError("unavailable", "not today", { reason }));
      await settle();
      if (attempt < 4) await clock.advance(61_000);
    }
    assert.deepEqual([runner.status.state, runner.status.crashLoop], ["failed", isLoop]);
  });
}

test("a restart cuts a back-off short", async () => {
  const { runs, runner } = begin();
  await settle();
  runs.all[0]?.fail(new Error("no answer"));
  await settle();
  runner.restart(1);
  await settle();
  assert.equal(runs.all.length, 2);
});

test("leaving takes the replica out, lets calls end, and stops", async () => {
  const { runs, upstreams, runner } = begin();
  runs.closesAtOnce = false;
  await settle();
  runs.all[0]?.succeed();
  await settle();
  runner.leave(10_000);
  await settle();
  assert.equal(runner.status.state, "draining");
  assert.equal(upstreams.pick("weather"), undefined);
  assert.deepEqual(runs.all[0]?.closes, [10_000]);
  runs.all[0]?.drained();
  await runner.done;
  assert.equal(runner.status.state, "stopped");
});

test("a second ask to leave shortens the grace", async () => {
  const { runs, runner } = begin();
  runs.closesAtOnce = false;
  await settle();
  runs.all[0]?.succeed();
  await settle();
  runner.leave(10_000);
  await settle();
  runner.leave(0);
  await runner.done;
  assert.deepEqual(runs.all[0]?.closes, [10_000, 0]);
});

test("leaving while it opens gives the opening up; leaving in a back-off starts nothing more", async () => {
  const opening = begin();
  await settle();
  opening.runner.leave(0);
  await opening.runner.done;
  assert.equal(opening.runner.status.state, "stopped");
  const failed = begin();
  await settle();
  failed.runs.all[0]?.fail(new Error("no answer"));
  await settle();
  failed.runner.leave(0);
  await failed.runner.done;
  assert.equal(failed.runs.all.length, 1);
  assert.equal(failed.clock.pendingCount, 0);
});

test("G6 the era is asked for again after a failed initialize", async () => {
  const { runs, clock } = begin();
  await settle();
  assert.equal(runs.all[0]?.request.era, "legacy");
  runs.all[0]?.fail(new Error("error -32022"));
  await settle();
  await clock.advance(1_000);
  await settle();
  assert.equal(runs.all[1]?.request.era, undefined);
});

test("a hung start gives its place to others after a while", async () => {
  const starts = new Semaphore(1);
  const hung = begin({ starts });
  const other = begin({ starts });
  await settle();
  assert.equal(hung.runs.all.length, 1);
  assert.equal(other.runs.all.length, 0);
  await hung.clock.advance(5_000);
  await settle();
  assert.equal(other.runs.all.length, 1);
});
