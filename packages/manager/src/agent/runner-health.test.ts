/** What a runner does with what its probes say, in virtual time. Probes come every 10 s, have 2 s, and three bad ones in a row count. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type HealthRules, ManagerError, serverDefaults } from "@mcp-manager/api";
import { begin, type RunnerBench, settle } from "./testing/runner-bench.ts";
import type { ProbedConnection, ScriptedRun } from "./testing/runs.ts";

type Options = Parameters<typeof begin>[0];

async function serving(options?: Options): Promise<RunnerBench & { run: ScriptedRun; connection: ProbedConnection }> {
  const bench = begin(options);
  await settle();
  const [run] = bench.runs.all;
  run?.succeed();
  await settle();
  return { ...bench, run: run ?? assert.fail(), connection: run?.connection ?? assert.fail() };
}

test("G10 a server that does not answer takes no more calls within three intervals and a time-out, and says why", async () => {
  const { clock, upstreams, runner, connection } = await serving();
  connection.manner = "hangs";
  await clock.advance(25_000);
  assert.equal(runner.status.state, "ready");
  await clock.advance(7_000);
  const { state, health, lastFailure, retryAt, pid } = runner.status;
  assert.deepEqual([state, health?.state, health?.reason], ["failed", "unhealthy", "ProbesFailed"]);
  assert.match(health?.message ?? "", /^3 probes in a row .* it did not answer ping within 2000 ms$/);
  assert.deepEqual([lastFailure?.stage, lastFailure?.stderr], ["health", ["last words"]]);
  assert.deepEqual([retryAt, pid], [undefined, 1_000], "it is still there");
  assert.equal(upstreams.pick("weather"), undefined);
});

test("one that answers again takes calls again, as what it was", async () => {
  const { clock, upstreams, runner, connection, run, events } = await serving();
  const { startedAt } = runner.status;
  connection.manner = "hangs";
  await clock.advance(35_000);
  connection.manner = "answers";
  await clock.advance(10_000);
  const { state, health, restarts } = runner.status;
  assert.deepEqual([state, health?.state, restarts, runner.status.startedAt], ["ready", "healthy", 0, startedAt]);
  assert.equal(upstreams.pick("weather")?.connection, connection);
  assert.deepEqual(run.closes, []);
  assert.deepEqual(
    events.map((event) => event.replace(/3 probes.*/, "3 probes …")),
    ["replica.health healthy → unhealthy: 3 probes …", "replica.health unhealthy → healthy"],
  );
});

test("R5 one that goes on being silent is ended without being asked, and started again", async () => {
  const { clock, runner, connection, run, runs } = await serving();
  connection.manner = "hangs";
  await clock.advance(50_000);
  assert.deepEqual([run.isKilled, run.closes.length], [false, 0]);
  await clock.advance(13_000);
  assert.deepEqual([run.isKilled, run.closes], [true, [0]]);
  assert.match(runner.status.lastFailure?.message ?? "", /it was ended$/);
  assert.equal(runs.all.length, 2);
  runs.all[1]?.succeed();
  await settle();
  const { state, health, restarts } = runner.status;
  assert.deepEqual([state, health?.state, restarts], ["ready", "healthy", 1]);
});

test("one that may be busy with a call is not ended before that call has had its time", async () => {
  const { clock, connection, run, runner } = await serving({ callTimeoutMs: () => 200_000 });
  connection.manner = "hangs";
  connection.calls = 1;
  await clock.advance(220_000);
  assert.equal(run.isKilled, false);
  assert.equal(runner.status.state, "failed");
  // The call is over, and nobody answers the next probes either.
  connection.calls = 0;
  await clock.advance(10_000);
  assert.equal(run.isKilled, true);
});

test("a call that never ends keeps a silent server for its own time and no longer", async () => {
  const { clock, connection, run } = await serving({ callTimeoutMs: () => 200_000 });
  connection.manner = "hangs";
  connection.calls = 1;
  await clock.advance(240_000);
  assert.equal(run.isKilled, true);
});

test("a word of a server that is out lets it go on, and has it asked at once", async () => {
  const { clock, connection, run, runner } = await serving();
  connection.manner = "hangs";
  connection.calls = 1;
  await clock.advance(70_000);
  assert.equal(runner.status.state, "failed");
  // It has finished what it was at, and reads its probes now.
  connection.calls = 0;
  connection.heard++;
  connection.manner = "answers";
  await clock.advance(5_000);
  assert.deepEqual([runner.status.state, run.isKilled], ["ready", false]);
});

test("a server in use is not asked", async () => {
  const { clock, connection } = await serving();
  await clock.advance(15_000);
  const { length } = connection.probes;
  for (let call = 0; call < 40; call++) {
    connection.heard++;
    await clock.advance(4_000);
  }
  assert.equal(connection.probes.length, length);
});

test("one that wants a credential is there: it is shown, and stays in the rotation", async () => {
  const { clock, connection, runner, upstreams } = await serving();
  connection.manner = "wants a credential";
  await clock.advance(60_000);
  const { state, health, lastFailure } = runner.status;
  assert.deepEqual([state, health?.state, lastFailure], ["ready", "needs-authorization", undefined]);
  assert.ok(upstreams.pick("weather"));
  connection.manner = "answers";
  await clock.advance(10_000);
  assert.equal(runner.status.health?.state, "healthy");
});

test("one that cannot be opened for want of a credential is no crash loop", async () => {
  const { runs, clock, runner } = begin();
  for (let attempt = 0; attempt < 7; attempt++) {
    await settle();
    runs.all[attempt]?.refuse();
    await settle();
    await clock.advance(61_000);
  }
  const { state, health, crashLoop, lastFailure } = runner.status;
  assert.deepEqual([state, health?.state, crashLoop], ["starting", "needs-authorization", undefined]);
  assert.doesNotMatch(lastFailure?.message ?? "", /keeps failing/);
});

test("a server that writes noise is marked, serves on, and is forgiven after a quiet minute", async () => {
  const { clock, runner, upstreams, run } = await serving();
  const noise = new ManagerError("protocol_error", 'server "weather" writes noise. The last: hello', {
    reason: "STDOUT_NOISE",
  });
  run.request.onUnhealthy?.(noise);
  await clock.advance(30_000);
  const { state, health } = runner.status;
  assert.deepEqual([state, health?.state, health?.reason], ["ready", "unhealthy", "StdoutNoise"]);
  assert.equal(health?.message, "it writes noise. The last: hello");
  assert.ok(upstreams.pick("weather"));
  run.request.onUnhealthy?.(noise);
  await clock.advance(59_000);
  assert.equal(runner.status.health?.state, "unhealthy");
  await clock.advance(2_000);
  assert.equal(runner.status.health?.state, "healthy");
});

test("one that does not read is asked at once", async () => {
  const { run, connection } = await serving();
  const stalled = new ManagerError("unavailable", "it does not read its stdin", { reason: "STDIN_STALLED" });
  run.request.onUnhealthy?.(stalled);
  assert.deepEqual(connection.probes, ["ping"]);
});

test("other rules hold at once", async () => {
  let health: HealthRules = { ...serverDefaults.health, interval: "1h" };
  const { clock, connection, runner } = await serving({ health: () => health });
  connection.manner = "fails";
  await clock.advance(60_000);
  assert.deepEqual(connection.probes, []);
  health = { ...serverDefaults.health, interval: "1s", failures: 2 };
  runner.rulesChanged();
  await clock.advance(2_000);
  assert.equal(runner.status.state, "failed");
});

test("R4 twenty crashes follow the curve, are told once each, and are called a crash loop until ten quiet minutes", async () => {
  const { runs, clock, runner, states } = begin();
  const delays: number[] = [];
  for (let crash = 0; crash < 20; crash++) {
    await settle();
    runs.all[crash]?.succeed();
    await settle();
    runs.all[crash]?.end(3);
    await settle();
    delays.push(Math.round((Date.parse(runner.status.retryAt ?? "") - clock.wallMs()) / 1_000));
    assert.equal(runner.status.crashLoop, crash < 4 ? undefined : true);
    await clock.advance((delays.at(-1) ?? 0) * 1_000);
  }
  assert.deepEqual(delays.slice(0, 8), [1, 2, 4, 8, 16, 32, 60, 60]);
  assert.ok(delays.slice(8).every((delay) => delay === 60));
  assert.equal(states.length, 1 + 20 * 3 + 1, "pending, then starting, ready, failed");
  runs.all[20]?.succeed();
  await settle();
  assert.deepEqual([runner.status.state, runner.status.crashLoop], ["ready", true]);
  await clock.advance(600_000);
  assert.deepEqual([runner.status.state, runner.status.crashLoop], ["ready", undefined]);
});
