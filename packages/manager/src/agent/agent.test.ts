import assert from "node:assert/strict";
import { test } from "node:test";
import { kinds } from "../registry/kinds.ts";
import { openAgent } from "./testing/bench.ts";

const name = "weather-1-aaaa";

test("a replica that is placed here is run, and its record says how it is", async () => {
  await using bench = await openAgent();
  await bench.server();
  const asked = bench.runs.next();
  await bench.place(name);
  (await asked).succeed();
  const { status } = await bench.until(name, (replica) => replica.status.state === "ready");
  assert.equal(status.pid, 1_000);
  assert.equal(status.era, "legacy");
  assert.equal(status.isolation?.boundary, "process-group");
  assert.equal(bench.upstreams.pick("weather")?.name, name);
  const revision = await bench.registry.resources(kinds.Revision).require("weather-1");
  assert.equal(revision.status.era, "legacy");
  assert.deepEqual(revision.status.serverInfo, { name: "stand-in", version: "1" });
});

test("a replica of another instance is left alone", async () => {
  await using bench = await openAgent();
  await bench.server();
  await bench.place("weather-1-bbbb", "elsewhere");
  const asked = bench.runs.next();
  await bench.place(name);
  await asked;
  assert.equal(bench.runs.all.length, 1);
});

test("G6 a server's era is kept with its date, and asked for again when it is older than a day", async () => {
  for (const [ageHours, asked] of [
    [23, "legacy"],
    [25, undefined],
  ] as const) {
    await using bench = await openAgent();
    await bench.server();
    const revisions = bench.registry.resources(kinds.Revision);
    const foundAt = new Date(Date.now() - ageHours * 3_600_000).toISOString();
    await revisions.updateStatus("weather-1", ({ status }) => ({ ...status, era: "legacy", eraFoundAt: foundAt }));
    const run = bench.runs.next();
    await bench.place(name);
    assert.equal((await run).request.era, asked, `after ${ageHours} hours`);
    (await run).succeed();
    await bench.until(name, (replica) => replica.status.state === "ready");
    const { era, eraFoundAt = "" } = (await revisions.require("weather-1")).status;
    assert.equal(era, "legacy");
    assert.equal(eraFoundAt > foundAt, asked === undefined, "only a new verdict has a new date");
  }
});

test("a drain is carried out and reported, and the record is not touched otherwise", async () => {
  await using bench = await openAgent();
  await bench.server();
  const asked = bench.runs.next();
  await bench.place(name);
  (await asked).succeed();
  await bench.until(name, ({ status }) => status.state === "ready");
  await bench.registry.resources(kinds.Replica).update(name, ({ spec }) => ({ spec: { ...spec, drain: true } }));
  const { status } = await bench.until(name, (replica) => replica.status.state === "stopped");
  assert.equal(status.pid, undefined);
  assert.deepEqual(bench.runs.all[0]?.closes, [600_000]);
});

test("a drain after one of the whole revision has half the time that calls had there already", async () => {
  for (const [route, graceMs] of [
    [{ stable: "weather-2", draining: [] }, 300_000],
    [{ stable: "weather-2", draining: ["weather-1"] }, 300_000],
    [{ stable: "weather-1", draining: [] }, 600_000],
    [
      {
        stable: "weather-0",
        next: { revision: "weather-1", weight: 9, salt: "s", match: [], differs: false },
        draining: [],
      },
      600_000,
    ],
  ] as const) {
    await using bench = await openAgent();
    await bench.server();
    const asked = bench.runs.next();
    await bench.place(name);
    (await asked).succeed();
    await bench.until(name, ({ status }) => status.state === "ready");
    await bench.registry.resources(kinds.Server).updateStatus("weather", ({ status }) => ({ ...status, route }));
    await bench.registry.resources(kinds.Replica).update(name, ({ spec }) => ({ spec: { ...spec, drain: true } }));
    await bench.until(name, (replica) => replica.status.state === "stopped");
    assert.deepEqual(bench.runs.all[0]?.closes, [graceMs], JSON.stringify(route));
  }
});

test("where a drain says how long what is in flight may take, that holds, wherever calls go", async () => {
  for (const [drainWithin, graceMs] of [
    ["0s", 0],
    ["29s", 29_000],
  ] as const) {
    await using bench = await openAgent();
    await bench.server();
    const asked = bench.runs.next();
    await bench.place(name);
    (await asked).succeed();
    await bench.until(name, ({ status }) => status.state === "ready");
    await bench.registry
      .resources(kinds.Replica)
      .update(name, ({ spec }) => ({ spec: { ...spec, drain: true, drainWithin } }));
    await bench.until(name, (replica) => replica.status.state === "stopped");
    assert.deepEqual(bench.runs.all[0]?.closes, [graceMs]);
  }
});

test("a record that is taken out by force ends its run at once", async () => {
  await using bench = await openAgent();
  await bench.server();
  const asked = bench.runs.next();
  await bench.place(name);
  (await asked).succeed();
  await bench.until(name, ({ status }) => status.state === "ready");
  const detached = new Promise<void>((resolve) => {
    bench.upstreams.onChange((change) => {
      if (change.kind === "detached") resolve();
    });
  });
  await bench.registry.resources(kinds.Replica).delete(name);
  await detached;
  assert.deepEqual(bench.runs.all[0]?.closes, [0]);
});

test("the replicas of a server restart one after the other", async () => {
  await using bench = await openAgent();
  await bench.server();
  for (const each of [name, "weather-1-bbbb"]) {
    const asked = bench.runs.next();
    await bench.place(each);
    (await asked).succeed();
    await bench.until(each, ({ status }) => status.state === "ready");
  }
  const replicas = bench.registry.resources(kinds.Replica);
  const first = bench.runs.next();
  for (const each of [name, "weather-1-bbbb"]) {
    await replicas.update(each, ({ spec }) => ({ spec: { ...spec, restartRound: 1 } }));
  }
  const restarted = await first;
  assert.equal(bench.runs.all.length, 3);
  const second = bench.runs.next();
  restarted.succeed();
  (await second).succeed();
  for (const each of [name, "weather-1-bbbb"]) await bench.until(each, ({ status }) => status.restartRound === 1);
  assert.equal(bench.runs.all.length, 4);
});

test("statuses of an earlier life are gone when the agent has started", async () => {
  await using bench = await openAgent({ startFirst: false });
  await bench.server();
  await bench.place(name);
  const replicas = bench.registry.resources(kinds.Replica);
  await replicas.updateStatus(name, (replica) => ({ ...replica.status, state: "ready", pid: 12_345 }));
  await bench.agent.start();
  const { status } = await replicas.require(name);
  assert.notEqual(status.state, "ready");
  assert.equal(status.pid, undefined);
});

test("a failure is in the record with the last lines the server wrote", async () => {
  await using bench = await openAgent();
  await bench.server();
  const asked = bench.runs.next();
  await bench.place(name);
  const run = await asked;
  run.request.log.write("cannot find the map");
  run.fail(new Error("no answer"), 7);
  const { status } = await bench.until(name, (replica) => replica.status.state === "failed");
  assert.equal(status.lastFailure?.stage, "initialize");
  assert.equal(status.lastFailure?.exitCode, 7);
  assert.match(status.lastFailure?.message ?? "", /exited with status 7 before it answered initialize/);
  assert.deepEqual(status.lastFailure?.stderr, ["cannot find the map"]);
  assert.ok(status.retryAt);
});

test("the end of the agent ends every run", async () => {
  const bench = await openAgent();
  await bench.server();
  const asked = bench.runs.next();
  await bench.place(name);
  (await asked).succeed();
  await bench.until(name, ({ status }) => status.state === "ready");
  await bench[Symbol.asyncDispose]();
  assert.deepEqual(bench.runs.all[0]?.closes, [100]);
  assert.equal(bench.upstreams.pick("weather"), undefined);
});
