/** A replica that sleeps while nobody calls, in virtual time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin, type RunnerBench, settle } from "./testing/runner-bench.ts";

type Options = Parameters<typeof begin>[0];

/** Serves, and sleeps after a minute without use. */
async function serving(options: Options = {}): Promise<RunnerBench> {
  const bench = begin({ idleAfterMs: () => 60_000, ...options });
  await settle();
  bench.runs.all[0]?.succeed(true);
  await settle();
  return bench;
}

async function asleep(options: Options = {}): Promise<RunnerBench> {
  const bench = await serving(options);
  await bench.clock.advance(60_100);
  await settle();
  assert.equal(bench.runner.status.state, "idle");
  return bench;
}

test("a replica that nobody uses is stopped, and a call starts it again", async () => {
  const { runs, idle, runner, upstreams, states } = await asleep();
  assert.deepEqual(runs.all[0]?.closes, [5_000]);
  assert.deepEqual([upstreams.pick("weather"), idle.isIdle("weather")], [undefined, true]);
  assert.deepEqual([runner.status.pid, runner.status.health], [undefined, undefined]);
  idle.wake("weather");
  idle.wake("weather");
  await settle();
  assert.deepEqual([runs.all.length, runner.status.state, idle.isIdle("weather")], [2, "starting", true]);
  runs.all[1]?.succeed();
  await settle();
  assert.deepEqual([runner.status.state, runner.status.restarts, idle.isIdle("weather")], ["ready", 0, false]);
  assert.deepEqual(states, ["pending", "starting", "ready", "idle", "starting", "ready"]);
});

test("one that is used does not sleep: by calls that came and went, that last, or that have a connection for themselves", async () => {
  const { clock, runner, use, runs, upstreams } = await serving();
  for (let minute = 0; minute < 5; minute++) {
    use.entered++;
    await clock.advance(55_000);
  }
  use.pending = 1;
  await clock.advance(300_000);
  use.pending = 0;
  const profile = { key: "asks", capabilities: {} };
  const lease = upstreams.pick("weather")?.leases?.take({ profile, principal: "ann", waitMs: 1_000 });
  await settle();
  runs.all[0]?.others.all[0]?.succeed();
  const taken = await (lease ?? assert.fail("it lends none"));
  await clock.advance(300_000);
  assert.equal(runner.status.state, "ready");
  taken.release(true);
  await clock.advance(80_000);
  assert.equal(runner.status.state, "idle");
});

test("probes are no use, and none is sent to what sleeps", async () => {
  const { runs, clock } = await asleep();
  const probes = runs.all[0]?.connection.probes.length ?? 0;
  assert.ok(probes > 0);
  await clock.advance(600_000);
  assert.equal(runs.all[0]?.connection.probes.length, probes);
  assert.equal(runs.all.length, 1);
});

test("when it cannot be started nobody is left waiting, and it is tried again as ever", async () => {
  const { runs, idle, clock, runner } = await asleep();
  idle.wake("weather");
  await settle();
  runs.all[1]?.fail(new Error("no licence"), 1);
  await settle();
  assert.deepEqual([runner.status.state, idle.isIdle("weather")], ["failed", false]);
  assert.match(runner.status.lastFailure?.message ?? "", /exited with status 1/);
  await clock.advance(1_000);
  assert.equal(runs.all.length, 3);
});

test("one that sleeps ends when it is told to, and a restart of it is nothing to do", async () => {
  const { runner, runs, idle, clock } = await asleep();
  runner.restart(3);
  await settle();
  assert.deepEqual([runner.status.state, runner.status.restartRound, runs.all.length], ["idle", 3, 1]);
  runner.leave(0);
  await runner.done;
  assert.deepEqual([runner.status.state, idle.isIdle("weather"), runs.all.length], ["stopped", false, 1]);
  assert.equal(clock.pendingCount, 0);
});

test("one that is to run all the time from now on wakes by itself; one that may sleep from now on does", async () => {
  let idleAfterMs: number | undefined = 60_000;
  const { runner, runs, clock } = await asleep({ idleAfterMs: () => idleAfterMs });
  idleAfterMs = undefined;
  runner.rulesChanged();
  await settle();
  runs.all[1]?.succeed();
  await clock.advance(600_000);
  assert.equal(runner.status.state, "ready");
  idleAfterMs = 60_000;
  runner.rulesChanged();
  await clock.advance(15_000);
  assert.equal(runner.status.state, "idle");
});

test("a call that comes at the moment of falling asleep wakes it", async () => {
  const { clock, idle, runner, runs, upstreams } = await serving();
  upstreams.onChange(({ kind }) => {
    if (kind === "detached") idle.wake("weather");
  });
  await clock.advance(60_100);
  await settle();
  assert.deepEqual([runner.status.state, runs.all.length], ["starting", 2]);
});
