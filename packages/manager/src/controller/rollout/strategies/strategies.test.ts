/** What each strategy does with the same change, seen from outside. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CanaryStrategy, RollingStrategy } from "@mcp-manager/api";
import { noMeasures, nothingPending } from "../../../telemetry/revision-measures.ts";
import { canarySteps, RolloutWorld } from "../testing/rollout-world.ts";

const rolling: RollingStrategy = { kind: "rolling", maxSurge: 1, maxUnavailable: 0, minReady: "0s" };

/** Looks once, with replicas as they are, and says how many of each there are. */
function looked(world: RolloutWorld): string {
  world.look();
  return `${world.copies(1)} ${world.copies(2)} ${world.route?.next?.weight ?? "-"}`;
}

test("rolling: copy by copy, the share of traffic after the share of replicas, never fewer than there should be", () => {
  const world = new RolloutWorld({ replicas: 3, strategy: rolling }).deploy(2);
  assert.equal(looked(world), "3/3 0/1 -");
  world.obey();
  assert.equal(looked(world), "2/2 1/2 33");
  world.obey();
  assert.equal(looked(world), "1/1 2/3 67");
  world.obey();
  assert.equal(looked(world), "1/1 3/3 -");
  assert.deepEqual(world.route, { stable: "weather-2", draining: ["weather-1"] });
});

test("rolling: a copy counts when it has been ready for long enough, and starts again when it was away", () => {
  const world = new RolloutWorld({ replicas: 2, strategy: { ...rolling, minReady: "5s" } }).deploy(2).settle();
  assert.deepEqual([world.copies(1), world.copies(2), world.route?.next?.weight], ["2/2", "1/1", 0]);
  assert.equal(world.last?.lookAgainMs, 5_000);
  world.look(4_000);
  world.report(2, { state: "failed" }).look();
  world.report(2, { state: "ready" }).look();
  world.look(4_000);
  assert.equal(world.route?.next?.weight, 0);
  world.look(1_000);
  assert.deepEqual([world.copies(1), world.copies(2), world.route?.next?.weight], ["1/1", "1/2", 50]);
});

test("rolling without surge makes room first, and goes over as soon as the new ones may serve alone", () => {
  const world = new RolloutWorld({ replicas: 3, strategy: { ...rolling, maxSurge: 0, maxUnavailable: 1 } }).deploy(2);
  assert.equal(looked(world), "2/2 0/1 -");
  world.obey();
  assert.equal(looked(world), "1/1 1/2 33");
  world.obey();
  assert.equal(looked(world), "1/1 2/2 -");
  world.pending = nothingPending;
  assert.equal(world.pass("3s").copies(2), "3/3");
});

test("rolling: a copy that fails is not replaced by another, and the old ones come back for it", () => {
  const world = new RolloutWorld({ replicas: 2, strategy: { ...rolling, minReady: "1s" } }).deploy(2).settle();
  world.look(1_000);
  assert.deepEqual([world.copies(1), world.copies(2)], ["1/1", "1/2"]);
  world.report(2, { state: "failed", restarts: 1 }).look();
  assert.deepEqual([world.copies(1), world.copies(2)], ["1/2", "0/2"]);
});

test("rolling: promote to the end does not wait, but for as many as have to be ready", () => {
  const world = new RolloutWorld({ replicas: 3, strategy: { ...rolling, minReady: "1h" } }).deploy(2).settle();
  world.promote({ full: true }).look();
  assert.deepEqual([world.phase, world.copies(1), world.copies(2)], ["Promoting", "3/3", "1/3"]);
  assert.equal(world.settle().phase, "Draining");
});

test("rolling: a pause leaves the replicas where they are", () => {
  const world = new RolloutWorld({ replicas: 3, strategy: { ...rolling, minReady: "1s" } }).deploy(2).settle();
  world.look(1_000);
  world.pause().settle();
  assert.deepEqual([world.copies(1), world.copies(2), world.route?.next?.weight], ["2/2", "2/2", 33]);
});

test("rolling: back from midway, the new ones end when the old are at their strength again", () => {
  const world = new RolloutWorld({ replicas: 3, strategy: { ...rolling, minReady: "1s" } }).deploy(2).settle();
  world.look(1_000);
  world.obey();
  world.look();
  world.look(1_000);
  world.abort().look();
  assert.deepEqual([world.route?.stable, world.copies(1), world.copies(2)], ["weather-1", "1/3", "2/3"]);
  world.look(2_000);
  assert.equal(world.copies(2), "2/3");
  world.obey();
  world.look();
  assert.deepEqual([world.phase, world.copies(1), world.copies(2)], ["Aborted AbortedByUser", "3/3", "0/0"]);
});

test("recreate: the old end first, also those that still drain, and the gate comes after the start", () => {
  const world = new RolloutWorld({ replicas: 2, strategy: { kind: "recreate" } }).deploy(2).differs("additive", 30_000);
  assert.equal(looked(world), "0/0 0/0 -");
  assert.equal(looked(world), "0/0 0/0 -");
  world.obey();
  assert.equal(looked(world), "0/0 0/2 -");
  world.settle();
  assert.deepEqual([world.phase, world.route], ["Completed", { stable: "weather-2", draining: [] }]);
});

test("recreate: the old one is started again when the new one cannot start, never beside it", () => {
  const world = new RolloutWorld({ strategy: { kind: "recreate" } }).deploy(2);
  world.look();
  world.obey();
  world.look();
  world.report(2, { state: "failed", restarts: 3 }).look();
  assert.deepEqual([world.phase, world.copies(1), world.copies(2)], ["Failed CannotStart", "0/0", "0/0"]);
  assert.equal(world.settle().copies(1), "1/1");
  assert.equal(world.route?.stable, "weather-1");
});

test("blue-green: complete beside the old one, one switch, and an instant way back for a while", () => {
  const strategy = { kind: "blue-green", autoPromote: true, previewFor: "10s", scaleDownDelay: "30s" } as const;
  const world = new RolloutWorld({ replicas: 2, strategy }).deploy(2).settle();
  assert.deepEqual([world.phase, world.copies(1), world.copies(2)], ["Progressing", "2/2", "2/2"]);
  assert.equal(world.route?.next?.weight, 0);
  world.pass("9s");
  assert.equal(world.phase, "Progressing");
  world.pass("1s");
  assert.deepEqual([world.phase, world.route?.stable], ["Draining", "weather-2"]);
  world.pass("2s");
  assert.deepEqual([world.phase, world.copies(1), world.route?.draining], ["Completed", "2/2", []]);
  world.deploy(1, { from: "weather-2", rollback: true }).look();
  assert.deepEqual([world.phase, world.route?.stable], ["Draining RolledBack", "weather-1"]);
});

test("blue-green: the old ones go after the delay, whatever the phase", () => {
  const strategy = { kind: "blue-green", autoPromote: true, previewFor: "0s", scaleDownDelay: "30s" } as const;
  const world = new RolloutWorld({ strategy }).deploy(2).settle().pass("29s");
  assert.deepEqual([world.phase, world.copies(1), world.last?.lookAgainMs], ["Completed", "1/1", 1_000]);
  assert.deepEqual([world.pass("1s").copies(1), world.last?.lookAgainMs], ["0/0", undefined]);
});

test("blue-green: waits for a word where it is told to, with the address to look at", () => {
  const strategy = { kind: "blue-green", autoPromote: false, previewFor: "0s", scaleDownDelay: "30s" } as const;
  const world = new RolloutWorld({ strategy }).deploy(2).settle();
  assert.equal(world.phase, "Paused AwaitingPromotion");
  assert.match(world.status.message ?? "", /\/servers\/weather@weather-2\/mcp/);
  assert.equal(world.pass("1m").phase, "Paused AwaitingPromotion");
  assert.equal(world.promote().settle().phase, "Draining");
});

test("canary: each step has its replicas, then its weight, then its time; after the last comes everything", () => {
  const world = new RolloutWorld({ replicas: 4, strategy: canarySteps }).deploy(2);
  assert.equal(looked(world), "4/4 0/1 -");
  world.obey();
  assert.equal(looked(world), "4/4 1/1 10");
  assert.equal(world.last?.lookAgainMs, 5_000);
  world.look(60_000);
  assert.deepEqual([world.copies(2), world.route?.next?.weight, world.status.step?.index], ["1/2", 10, 2]);
  world.obey();
  assert.equal(looked(world), "4/4 2/2 50");
  world.look(59_000);
  assert.equal(world.phase, "Progressing");
  world.look(1_000);
  assert.deepEqual([world.phase, world.copies(2), world.route?.next?.weight], ["Promoting", "2/4", 50]);
  assert.deepEqual([world.settle().phase, world.route?.stable], ["Draining", "weather-2"]);
});

/** One step of 10 % for a minute. */
function canary(
  step: Partial<CanaryStrategy["steps"][number]>,
  analysis: CanaryStrategy["analysis"] = [],
): CanaryStrategy {
  return { kind: "canary", steps: [{ weight: 10, pause: "1m", minRequests: 0, ...step }], analysis };
}

test("canary: a step without enough requests waits ten times its time, then for a person, and is no failure", () => {
  const world = new RolloutWorld({ strategy: canary({ minRequests: 100 }) }).deploy(2).settle();
  world.measured = { ...noMeasures, requests: 99 };
  assert.equal(world.pass("9m").phase, "Progressing");
  assert.equal(world.pass("1m").phase, "Paused ExposureNotMet");
  assert.match(world.status.message ?? "", /99 of 100 requests came at 10 %/);
  assert.equal(world.resume().settle().pass("9m").phase, "Progressing");
  world.measured = { ...noMeasures, requests: 100 };
  assert.equal(world.settle().phase, "Draining");
});

test("canary: a step without a time waits until somebody says so", () => {
  const { pause: _, ...step } = canary({}).steps[0] ?? assert.fail();
  const world = new RolloutWorld({
    strategy: { kind: "canary", steps: [step, { ...step, weight: 20 }], analysis: [] },
  });
  assert.equal(world.deploy(2).settle().phase, "Paused AwaitingPromotion");
  assert.equal(world.resume().settle().phase, "Paused AwaitingPromotion");
  assert.deepEqual([world.status.step?.index, world.route?.next?.weight], [2, 20]);
  assert.equal(world.promote().settle().phase, "Draining");
});

test("canary: a word skips a step, another all of them", () => {
  const world = new RolloutWorld({ strategy: canarySteps }).deploy(2).settle();
  assert.deepEqual([world.promote().settle().status.step?.index, world.phase], [2, "Progressing"]);
  assert.equal(world.promote({ full: true }).settle().phase, "Draining");
});

test("canary: no traffic is inconclusive at the end of a step, and waits for a person", () => {
  const { analysis: _, ...measured } = canary({});
  const world = new RolloutWorld({ strategy: measured }).deploy(2).settle().pass("1m");
  assert.equal(world.phase, "Paused Inconclusive");
  assert.match(world.status.message ?? "", /0 of 50 calls that error-rate needs came/);
  assert.equal(world.resume().settle().phase, "Progressing");
  assert.equal(world.promote().settle().phase, "Draining");
});

const strict = { name: "error-rate", interval: "10s", minSamples: 50, failureLimit: 0, dryRun: false } as const;

test("canary: what fails more often goes back by itself, at the next measurement", () => {
  const world = new RolloutWorld({ strategy: canary({}, [strict]) }).deploy(2).settle();
  world.measured = { ...noMeasures, requests: 100, failures: 20 };
  assert.equal(world.pass("9s").phase, "Progressing");
  world.pass("3s");
  assert.deepEqual([world.phase, world.route], ["Aborted AnalysisFailed", { stable: "weather-1", draining: [] }]);
  assert.match(world.status.message ?? "", /20 % of the calls fail, 1 % are allowed/);
});

test("canary: failures that are forgiven are counted, a rule that only looks has no consequence", () => {
  const world = new RolloutWorld({ strategy: canary({}, [{ ...strict, failureLimit: 2 }]) }).deploy(2).settle();
  world.measured = { ...noMeasures, requests: 100, failures: 20 };
  assert.equal(world.pass("29s").phase, "Progressing");
  assert.equal(world.pass("1s").status.reason, "AnalysisFailed");
  const dry = new RolloutWorld({ strategy: canary({}, [{ ...strict, dryRun: true }]) }).deploy(2).settle();
  dry.measured = { ...noMeasures, requests: 100, failures: 20 };
  assert.equal(dry.pass("59s").status.analysis?.[0]?.result, "failed");
  assert.equal(dry.pass("1s").phase, "Draining");
});

test("canary: whoever measures may be away three times, not four; that is never a pass", () => {
  const world = new RolloutWorld({ strategy: canary({ pause: "5s" }, [strict]) }).deploy(2).settle();
  world.measured = undefined;
  assert.equal(world.pass("39s").phase, "Progressing");
  world.measured = { ...noMeasures, requests: Number.NaN };
  assert.equal(world.pass("1s").status.reason, "AnalysisFailed");
  assert.match(world.status.message ?? "", /error-rate could not be measured 4 times in a row/);
});

test("canary: it is watched while a person is waited for", () => {
  const world = new RolloutWorld({ strategy: canary({}, [strict]) }).deploy(2).settle().pause().settle();
  world.measured = { ...noMeasures, requests: 100, failures: 20 };
  assert.equal(world.last?.lookAgainMs, 5_000);
  assert.equal(world.pass("10s").status.reason, "AnalysisFailed");
});

test("canary: one crash under traffic is too many by the default rules; starting with trouble is not", () => {
  const { analysis: _, ...measured } = canary({});
  const world = new RolloutWorld({ strategy: measured }).deploy(2);
  world.look();
  world.report(2, { state: "ready", restarts: 2 }).look();
  assert.equal(world.pass("10s").phase, "Progressing");
  world.report(2, { restarts: 3 });
  assert.equal(world.pass("10s").status.reason, "AnalysisFailed");
});

test("ab: stays at its weights, with whom to send by name, until somebody decides", () => {
  const variants = [
    { revision: "current", weight: 80 },
    { revision: "next", weight: 20 },
  ] as const;
  const match = [{ client: "claude-*" }];
  const world = new RolloutWorld({ replicas: 2, strategy: { kind: "ab", variants, match } }).deploy(2).settle();
  world.measured = {
    ...noMeasures,
    requests: 10,
    failures: 1,
    principals: 2,
    tools: [{ tool: "a", samples: 9, p95Ms: 7 }],
  };
  world.baseline = { ...noMeasures, requests: 30, principals: 6 };
  world.pass("2m");
  assert.deepEqual([world.phase, world.copies(1), world.copies(2)], ["Progressing", "2/2", "2/2"]);
  assert.deepEqual([world.route?.next?.weight, world.route?.next?.match], [20, match]);
  assert.deepEqual(world.status.variants, [
    { revision: "weather-1", requests: 30, errorRate: 0 },
    { revision: "weather-2", requests: 10, errorRate: 0.1, p95Ms: 7 },
  ]);
  assert.deepEqual(world.status.traffic, { target: 20, newSessions: 25, requests: 25 });
  assert.equal(world.promote().settle().phase, "Progressing");
  assert.equal(world.promote({ full: true }).settle().phase, "Draining");
});

test("ab: who was sent by name alone may finish there too", () => {
  const variants = [
    { revision: "current", weight: 100 },
    { revision: "next", weight: 0 },
  ] as const;
  const world = new RolloutWorld({ strategy: { kind: "ab", variants, match: [{ client: "claude-*" }] } });
  world.deploy(2).settle().abort().look();
  assert.deepEqual(world.route, { stable: "weather-1", draining: ["weather-2"] });
});
