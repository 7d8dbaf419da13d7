/** The loop for servers with a deployment, whose way the test decides; nobody runs the replicas but the test. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment, DeploymentStatus, Replica, Route } from "@mcp-manager/api";
import { ManualClock } from "../base/clock.ts";
import { kinds } from "../registry/kinds.ts";
import type { RolloutDecision, RolloutInput } from "./rollout/rollout.ts";
import { nothingPending } from "../telemetry/revision-measures.ts";
import { type Bench, openBench } from "./testing/loop-bench.ts";

type Decide = (input: RolloutInput) => RolloutDecision;

/** Decides nothing: all stays as it is, with one replica of the new revision. */
const still: Decide = ({ deployment, server }) => ({
  status: deployment.status,
  route: server.status.route,
  wanted: new Map([[deployment.spec.to, 1]]),
});

/** Changes of the status, and a route. */
function towards(more: Partial<DeploymentStatus>, route?: Route): Decide {
  return (input) => ({
    ...still(input),
    status: { ...input.deployment.status, ...more },
    route: route ?? input.server.status.route,
  });
}

/** A bench whose decisions a test can change, with every input that was decided from. */
async function open(first: Decide, more: Parameters<typeof openBench>[0] = {}) {
  const inputs: RolloutInput[] = [];
  let decide = first;
  const advance = (input: RolloutInput): RolloutDecision => {
    inputs.push(input);
    return decide(input);
  };
  const bench = await openBench({ ...more, advance });
  return {
    bench,
    inputs,
    /** From now on; looked at at once. */
    decideBy(next: Decide): void {
      decide = next;
      bench.controller.look("weather");
    },
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

async function stored(bench: Bench, name: string): Promise<Deployment> {
  return await bench.registry.resources(kinds.Deployment).require(name);
}

/** The keys that were written, a list for each transaction from now on, each with its value. */
function record(bench: Bench): { readonly writes: readonly Readonly<Record<string, string>>[]; stop(): Promise<void> } {
  const writes: Record<string, string>[] = [];
  const stop = new AbortController();
  const reading = (async () => {
    const { revision } = await bench.store.get("/none");
    const range = { start: "/", end: "0" };
    for await (const item of bench.store.watch(range, { from: revision + 1n, signal: stop.signal })) {
      if (item.kind !== "events") continue;
      const puts = item.events.flatMap((event) => (event.type === "put" ? [event.kv] : []));
      writes.push(
        Object.fromEntries(puts.map(({ key, value }) => [key.split("/").slice(-3).join("/"), textOf(value)])),
      );
    }
  })().catch(() => undefined);
  return {
    writes,
    async stop() {
      stop.abort();
      await reading;
    },
  };
}

function textOf(value: Uint8Array): string {
  return new TextDecoder().decode(value);
}

test("the status of a deployment and the route are written in one transaction", async () => {
  await using world = await open(still);
  const { bench } = world;
  await bench.deploy(1);
  await bench.until((_, replicas) => replicas.length === 1);
  await bench.settle();
  const { writes, stop } = record(bench);
  await bench.settle();
  const route = { stable: "weather-1", draining: [] };
  world.decideBy(towards({ phase: "Completed", traffic: { target: 100 } }, route));
  await bench.until(({ status }) => status.route?.stable === "weather-1" && status.revision === "weather-1");
  await bench.settle();
  await stop();
  assert.deepEqual(
    writes.map((keys) => Object.keys(keys).toSorted()),
    [["deployments/weather-1-1/status", "servers/weather/status"]],
  );
});

test("traffic goes before replicas: what a decision gives up is drained after the route was written", async () => {
  const both = new Map([
    ["weather-1", 1],
    ["weather-2", 1],
  ]);
  await using world = await open((input) => ({ ...still(input), wanted: both }));
  const { bench } = world;
  await bench.deploy(2);
  const replicas = await bench.until((_, own) => own.length === 2);
  await bench.settle();
  const { writes, stop } = record(bench);
  await bench.settle();
  const route = { stable: "weather-2", draining: ["weather-1"] };
  world.decideBy(towards({ phase: "Draining" }, route));
  await bench.until(({ status }) => status.route?.stable === "weather-2");
  await bench.becomeReady(replicas.find(({ spec }) => spec.revision === "weather-2"));
  await bench.until((_, own) => own.some(({ spec }) => spec.drain === true));
  await bench.settle();
  await stop();
  const routed = writes.findIndex((keys) => keys["servers/weather/status"]?.includes('"stable":"weather-2"'));
  const drained = writes.findIndex((keys) => Object.values(keys).some((value) => value.includes('"drain":true')));
  assert.ok(routed >= 0 && drained > routed, `${routed}, ${drained}`);
});

test("a replica whose calls have little time is told how much, in the record that asks it to end", async () => {
  await using world = await open(still);
  const { bench } = world;
  await bench.deploy(2);
  const isOfNext = ({ spec }: Replica): boolean => spec.revision === "weather-2";
  await bench.until((_, own) => own.some(isOfNext));
  const progress = { elapsedMs: 0, stalledMs: 0, callsMs: { "weather-2": 29_000 } };
  world.decideBy((input) => ({ ...towards({ phase: "Aborted", progress })(input), wanted: new Map() }));
  const replicas = await bench.until((_, own) => own.some((one) => isOfNext(one) && one.spec.drain === true));
  assert.equal(replicas.find(isOfNext)?.spec.drainWithin, "29s");
});

test("time that passes is counted from the last write, and written when it is enough to be missed", async () => {
  const clock = new ManualClock();
  const counting: Decide = (input) => {
    const { elapsedMs, stalledMs } = input.deployment.status.progress ?? { elapsedMs: 0, stalledMs: 0 };
    const progress = { elapsedMs: elapsedMs + input.passedMs, stalledMs };
    const status = { ...input.deployment.status, phase: "Progressing", progress } as const;
    return { ...still(input), status, lookAgainMs: 5_000 };
  };
  await using world = await open(counting, { clock });
  const { bench, inputs } = world;
  await bench.deploy(1);
  await bench.untilDeployment("weather-1-1", ({ status }) => status.phase === "Progressing");
  await bench.settle();
  for (let second = 0; second < 4; second++) {
    await clock.advance(1_000);
    bench.controller.look("weather");
    await bench.settle();
  }
  assert.equal(inputs.at(-1)?.passedMs, 4_000);
  assert.equal((await stored(bench, "weather-1-1")).status.progress?.elapsedMs, 0);
  await clock.advance(1_000);
  await bench.untilDeployment("weather-1-1", ({ status }) => status.progress?.elapsedMs === 5_000);
  await clock.advance(3_000);
  await bench.restart();
  await bench.settle();
  assert.equal(inputs.at(-1)?.passedMs, 0);
  await clock.advance(5_000);
  await bench.untilDeployment("weather-1-1", ({ status }) => status.progress?.elapsedMs === 10_000);
});

test("a word of a person begins the count anew, so that a pause does not pass as time at work", async () => {
  const clock = new ManualClock();
  await using world = await open(towards({ phase: "Paused" }), { clock });
  const { bench, inputs } = world;
  await bench.deploy(1);
  await bench.untilDeployment("weather-1-1", ({ status }) => status.phase === "Paused");
  await bench.settle();
  await clock.advance(3_600_000);
  world.decideBy(still);
  await bench.settle();
  assert.ok((inputs.at(-1)?.passedMs ?? 0) >= 3_600_000);
  await bench.registry
    .resources(kinds.Deployment)
    .updateStatus("weather-1-1", ({ status }) => ({ ...status, phase: "Progressing" }));
  await bench.untilDeployment("weather-1-1", ({ status }) => status.phase === "Progressing");
  await bench.settle();
  assert.deepEqual([inputs.at(-1)?.deployment.status.phase, inputs.at(-1)?.passedMs], ["Progressing", 0]);
});

test("a newer deployment takes the place of those before it, which end as superseded", async () => {
  await using world = await open(still);
  const { bench, inputs } = world;
  await bench.deploy(1);
  await bench.deploy(2);
  await bench.deploy(2);
  await bench.untilDeployment("weather-2-1", ({ status }) => status.phase === "Aborted");
  const first = await bench.untilDeployment("weather-1-1", ({ status }) => status.phase === "Aborted");
  assert.equal(first.status.reason, "Superseded");
  assert.notEqual(first.status.finishedAt, undefined);
  await bench.settle();
  assert.equal(inputs.at(-1)?.deployment.metadata.name, "weather-2-2");
  assert.equal((await stored(bench, "weather-2-2")).status.phase, "Pending");
});

test("a deployment that comes between a look and its write is not written over", async () => {
  await using world = await open(still);
  const { bench } = world;
  await bench.deploy(1);
  await bench.until((_, replicas) => replicas.length === 1);
  const txn = bench.store.txn.bind(bench.store);
  let isFirst = true;
  // The next write of the loop loses against a person.
  bench.store.txn = async (request) => {
    if (!isFirst) return await txn(request);
    isFirst = false;
    await bench.deploy(2);
    return await txn(request);
  };
  const route = { stable: "weather-1", draining: [] };
  world.decideBy((input) =>
    input.deployment.spec.to === "weather-1" ? towards({ phase: "Completed" }, route)(input) : still(input),
  );
  const over = await bench.untilDeployment("weather-1-1", ({ status }) => status.phase === "Aborted");
  assert.equal(over.status.reason, "Superseded");
  await bench.until(({ status }) => status.deployment === "weather-2-1" && status.route === undefined);
});

test("each change of phase, reason and step is one event, and what was over before is none", async () => {
  await using world = await open(still);
  const { bench } = world;
  await bench.deploy(1);
  await bench.settle();
  const step = { index: 1, of: 2, weight: 10, since: "2027-01-01T00:00:00Z" };
  world.decideBy(towards({ phase: "Progressing", step, traffic: { target: 10 } }));
  await bench.settle();
  const message = "too few calls: resume it to wait on";
  world.decideBy(towards({ phase: "Paused", reason: "ExposureNotMet", message, step, traffic: { target: 10 } }));
  await bench.settle();
  world.decideBy(towards({ phase: "Completed", traffic: { target: 100 } }, { stable: "weather-1", draining: [] }));
  await bench.settle();
  const told = (): readonly string[] =>
    bench.published.filter(({ topic }) => topic === "deployment.phase").map((event) => event.message);
  assert.deepEqual(told(), [
    "weather-1-1: Pending",
    "weather-1-1: Pending → Progressing, step 1 of 2 at 10 %",
    `weather-1-1: Progressing → Paused, step 1 of 2 at 10 % (ExposureNotMet): ${message}`,
    "weather-1-1: Paused → Completed (ExposureNotMet): too few calls: resume it to wait on",
  ]);
  const { severity, data } = bench.published.filter(({ topic }) => topic === "deployment.phase")[2] ?? {};
  assert.deepEqual(
    [severity, data],
    ["warning", { deployment: "weather-1-1", from: "Progressing", to: "Paused", reason: "ExposureNotMet", weight: 10 }],
  );
  await bench.restart();
  await bench.settle();
  assert.equal(told().length, 4);
});

test("the counts begin anew when the shares change, and when whoever counts is broken nothing was measured", async () => {
  const resets: string[] = [];
  let isBroken = false;
  const measures = {
    of: () => {
      if (isBroken) throw new Error("broken");
      return undefined;
    },
    reset: (server: string) => resets.push(server),
    pending: () => ({ ...nothingPending, inFlight: 1 }),
  };
  await using world = await open(still, { measures });
  const { bench, inputs } = world;
  await bench.deploy(1);
  await bench.settle();
  assert.deepEqual([resets.length, inputs.at(-1)?.measured?.requests, inputs.at(-1)?.pending?.inFlight], [0, 0, 1]);
  const next = { revision: "weather-2", weight: 10, salt: "s", match: [], differs: false };
  const route = { stable: "weather-1", next, draining: [] };
  for (const weight of [10, 10, 50]) {
    world.decideBy(towards({ traffic: { target: weight } }, { ...route, next: { ...next, weight } }));
    await bench.until(({ status }) => status.route?.next?.weight === weight);
    await bench.settle();
  }
  assert.deepEqual(resets, ["weather", "weather"]);
  isBroken = true;
  bench.controller.look("weather");
  await bench.settle();
  assert.equal(inputs.at(-1)?.measured, undefined);
});

test("what a deployment needs is weighed against what the instance allows, before it begins", async () => {
  await using world = await open(still, { capacity: { processes: 100 }, spec: { replicas: 2 } });
  const { bench, inputs } = world;
  await bench.deploy(2);
  await bench.settle();
  const [{ room }] = inputs as [RolloutInput];
  assert.equal(room.kind, "lacking");
  assert.match(room.kind === "lacking" ? room.message : "", /processes: 128 more needed, (0|128) of 100 taken/);
});

test("a server whose deployment went back by itself is degraded until somebody does something", async () => {
  await using world = await open(still);
  const { bench } = world;
  await bench.deploy(1);
  const [replica] = await bench.until((_, replicas) => replicas.length === 1);
  await bench.becomeReady(replica);
  const route = { stable: "weather-1", draining: [] };
  const keep =
    (decide: Decide): Decide =>
    (input) => ({ ...decide(input), wanted: new Map([["weather-1", 1]]) });
  world.decideBy(keep(towards({ phase: "Completed" }, route)));
  await bench.until(({ status }) => status.state === "ready");
  world.decideBy(
    keep((input) =>
      input.deployment.metadata.name === "weather-2-1"
        ? towards({ phase: "Aborted", reason: "AnalysisFailed", message: "12 % of calls failed" })(input)
        : still(input),
    ),
  );
  await bench.deploy(2);
  await bench.until(({ status }) => status.state === "degraded" && status.abortedGeneration === 1);
  const { status } = await bench.registry.resources(kinds.Server).require("weather");
  const available = status.conditions.find(({ type }) => type === "Available");
  assert.deepEqual([available?.status, available?.reason], ["True", "WentBack"]);
  assert.match(
    available?.message ?? "",
    /weather-2-1 went back to weather-1 by itself \(AnalysisFailed\): 12 % of calls/,
  );
  await bench.deploy(2);
  await bench.until((server) => server.status.state === "ready" && server.status.abortedGeneration === undefined);
});
