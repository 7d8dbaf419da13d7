/** The phases that are the same for every strategy. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nothingPending } from "../../telemetry/revision-measures.ts";
import { canarySteps, RolloutWorld } from "./testing/rollout-world.ts";

const instant = { kind: "rolling", maxSurge: 1, maxUnavailable: 0, minReady: "0s" } as const;

test("a first revision is there when all its replicas are, without a gate", () => {
  const world = new RolloutWorld({ replicas: 2, strategy: canarySteps }, { isNew: true }).deploy(1);
  world.gate = { kind: "unknown" };
  world.look();
  assert.deepEqual([world.phase, world.copies(1), world.route], ["Progressing", "0/2", undefined]);
  world.reportAt(0, "ready");
  world.look();
  assert.deepEqual([world.phase, world.route], ["Progressing", { stable: "weather-1", draining: [] }]);
  world.settle();
  assert.deepEqual(world.phases, ["Progressing", "Completed"]);
  assert.deepEqual(world.status.replicas.to, { desired: 2, ready: 2 });
});

test("a first revision that cannot start has failed, and is tried on", () => {
  const world = new RolloutWorld({}, { isNew: true }).deploy(1);
  world.look();
  world.report(1, { state: "failed", restarts: 3, lastFailure: { stage: "start", message: "no such file", at: "" } });
  world.look();
  assert.deepEqual([world.phase, world.copies(1)], ["Failed CannotStart", "0/1"]);
  assert.match(world.status.message ?? "", /weather-1 cannot start: replica r1: no such file/);
  world.report(1, { state: "ready" });
  world.look();
  assert.deepEqual([world.phase, world.route?.stable], ["Failed CannotStart", "weather-1"]);
});

test("the same words change nothing: phases, route and replicas go from one revision to the next", () => {
  const world = new RolloutWorld({ replicas: 2, strategy: instant }).deploy(2).settle();
  assert.deepEqual(world.phases, ["SchemaCheck", "Progressing", "Draining"]);
  assert.deepEqual(world.routes.at(-1), { stable: "weather-2", draining: ["weather-1"] });
  world.pass("2s");
  assert.deepEqual([world.phase, world.copies(1), world.copies(2)], ["Completed", "0/0", "2/2"]);
  assert.deepEqual(world.route, { stable: "weather-2", draining: [] });
});

test("what does not fit fails before anything starts, with the figures", () => {
  const world = new RolloutWorld().deploy(2);
  world.room = { kind: "lacking", message: "processes: 64 more needed, 0 of 32 taken" };
  world.settle();
  assert.deepEqual([world.phase, world.copies(1), world.copies(2)], ["Failed ResourceExhausted", "1/1", "0/0"]);
  assert.match(world.status.message ?? "", /64 more needed/);
});

test("of a first revision that does not fit nothing is started, until somebody tries it again", () => {
  const world = new RolloutWorld({ replicas: 2 }, { isNew: true }).deploy(1);
  world.room = { kind: "lacking", message: "replicas: 2 more needed, 5 of 5 taken" };
  world.settle();
  assert.deepEqual([world.phase, world.copies(1), world.route], ["Failed ResourceExhausted", "0/0", undefined]);
  world.room = { kind: "enough" };
  world.pass("1m");
  assert.deepEqual([world.phase, world.copies(1)], ["Failed ResourceExhausted", "0/0"]);
  world.deploy(1).settle();
  assert.deepEqual([world.phase, world.copies(1)], ["Completed", "2/2"]);
});

test("a new revision that cannot start leaves the old one as it was", () => {
  const world = new RolloutWorld({ replicas: 2 }).deploy(2);
  world.look();
  world.report(2, { state: "failed", restarts: 2 });
  world.look();
  assert.equal(world.phase, "SchemaCheck");
  world.report(2, { restarts: 3 });
  world.settle();
  assert.deepEqual([world.phase, world.copies(1), world.copies(2)], ["Failed CannotStart", "2/2", "0/0"]);
  assert.deepEqual(world.route, { stable: "weather-1", draining: [] });
});

test("a restart that somebody asked for is no failure", () => {
  const world = new RolloutWorld().deploy(2);
  world.look();
  world.report(2, { state: "starting", restarts: 4, restartRound: 3 });
  world.look();
  assert.equal(world.phase, "SchemaCheck");
});

test("what copies that were there already failed at in their time is no failure to start", () => {
  const strategy = { kind: "blue-green", autoPromote: true, previewFor: "0s", scaleDownDelay: "1m" } as const;
  const world = new RolloutWorld({ strategy }).report(1, { restarts: 7 }).deploy(2).settle().pass("2s");
  world.report(1, { state: "failed" }).deploy(1, { rollback: true }).look();
  assert.deepEqual([world.phase, world.copies(1)], ["SchemaCheck", "0/1"]);
  world.report(1, { restarts: 10 }).look();
  assert.equal(world.phase, "Failed CannotStart");
});

test("a crash loop fails it before it took traffic", () => {
  const world = new RolloutWorld().deploy(2);
  world.look();
  world.report(2, { state: "failed", crashLoop: true, restarts: 5 });
  world.settle();
  assert.equal(world.phase, "Failed CrashLoop");
});

test("the deadline counts time without progress, and what comes up is progress", () => {
  const rules = { ...new RolloutWorld().server.spec.deployment, progressDeadline: "1m" } as const;
  const world = new RolloutWorld({ replicas: 2, deployment: rules, strategy: { kind: "ab", variants: [], match: [] } });
  world.deploy(2).look();
  for (let i = 0; i < 59; i += 1) world.look(1_000);
  world.reportAt(2, "ready");
  for (let i = 0; i < 60; i += 1) world.look(1_000);
  assert.equal(world.phase, "SchemaCheck");
  world.look(1_000);
  assert.equal(world.phase, "Failed ProgressDeadline");
});

test("a deadline says what was waited for: a copy in its own words, or a revision that does not say what it offers", () => {
  const rules = { ...new RolloutWorld().server.spec.deployment, progressDeadline: "1m" } as const;
  const waiting = new RolloutWorld({ deployment: rules }).deploy(2);
  waiting.look();
  const health = { state: "needs-authorization", message: "it answers HTTP 401", since: "" } as const;
  waiting.report(2, { state: "starting", health }).look(60_000);
  assert.equal(waiting.phase, "Failed ProgressDeadline");
  assert.match(waiting.status.message ?? "", /nothing moved for 1m on the way to weather-2: .*: it answers HTTP 401$/);
  const silent = new RolloutWorld({ deployment: rules }).deploy(2);
  silent.gate = { kind: "unknown", message: "weather-1 does not say what it offers" };
  silent.settle().look(60_000);
  assert.match(silent.status.message ?? "", /nothing moved for 1m .*: weather-1 does not say what it offers$/);
});

test("what breaks clients waits before the first weight, and goes on when it is accepted", () => {
  const world = new RolloutWorld({ strategy: canarySteps }).differs("breaking").deploy(2).settle();
  assert.deepEqual([world.phase, world.route?.next], ["Paused SchemaBreaking", undefined]);
  assert.match(world.status.message ?? "", /tool forecast: it changed; promote with acceptBreaking/);
  assert.equal(world.resume().promote().settle().phase, "Paused SchemaBreaking");
  world.promote({ acceptBreaking: true }).settle();
  assert.deepEqual([world.phase, world.status.traffic.target], ["Progressing", 10]);
});

test("what breaks passes where it was accepted before: by the deployment, or by the server for all", () => {
  const accepting = { ...new RolloutWorld().server.spec.deployment, acceptBreaking: true };
  const bySpec = new RolloutWorld({ strategy: canarySteps, deployment: accepting }).differs("breaking").deploy(2);
  const byName = new RolloutWorld({ strategy: canarySteps }).differs("breaking").deploy(2, { acceptBreaking: true });
  assert.deepEqual([bySpec.settle().phase, byName.settle().phase], ["Progressing", "Progressing"]);
});

test("what reads otherwise is read by a person first, unless the spec wants no review", () => {
  const world = new RolloutWorld({ strategy: canarySteps }).differs("semantic").deploy(2).settle();
  assert.equal(world.phase, "Paused SchemaSemantic");
  assert.deepEqual([world.resume().settle().phase, world.status.traffic.target], ["Progressing", 10]);
  const rules = { ...world.server.spec.deployment, reviewSemantic: false };
  const unread = new RolloutWorld({ strategy: canarySteps, deployment: rules }).differs("semantic").deploy(2);
  assert.equal(unread.settle().phase, "Progressing");
});

test("lists that differ between replicas end it before anybody sees them", () => {
  const world = new RolloutWorld().deploy(2);
  world.gate = { kind: "unstable", message: "r2 and r3 do not offer the same" };
  world.settle();
  assert.deepEqual([world.phase, world.copies(1), world.copies(2)], ["Aborted UnstableLists", "1/1", "0/0"]);
});

test("copies that go on offering different things take each other back; meanwhile nobody else is sent there", () => {
  const world = new RolloutWorld({ replicas: 4, strategy: canarySteps }).deploy(2).settle().pass("50s");
  world.gate = { kind: "unstable", message: "r5 and r6 do not offer the same" };
  assert.deepEqual([world.pass("29s").phase, world.route?.next?.weight], ["Progressing", 10]);
  world.pass("2s");
  assert.deepEqual([world.phase, world.route?.next], ["Aborting UnstableLists", undefined]);
});

test("a list that changes at run time ends nothing when all copies come to offer the same again", () => {
  const world = new RolloutWorld({ replicas: 4, strategy: canarySteps }).deploy(2).settle().pass("50s");
  const agreed = world.gate;
  for (const step of [2, 2]) {
    world.gate = { kind: "unstable", message: "r5 and r6 do not offer the same" };
    world.pass("20s");
    world.gate = agreed;
    world.settle();
    assert.deepEqual([world.phase, world.status.step?.index], ["Progressing", step]);
  }
});

test("while a person is waited for, copies have as long to offer the same", () => {
  const world = new RolloutWorld({ strategy: canarySteps }).deploy(2).settle().pause();
  world.gate = { kind: "unstable", message: "r2 and r3 do not offer the same" };
  assert.equal(world.pass("29s").phase, "Paused PausedByUser");
  assert.ok((world.last?.lookAgainMs ?? Infinity) <= 5_000, "it is looked at again");
  assert.equal(world.pass("2s").phase, "Aborting UnstableLists");
});

test("it goes from what is stable now, whatever was so when it was asked for", () => {
  const world = new RolloutWorld({ strategy: canarySteps }).deploy(2).settle().promote({ full: true }).settle();
  world.deploy(3, { from: "weather-1" }).settle();
  assert.deepEqual([world.route?.stable, world.copies(2), world.copies(3)], ["weather-2", "1/1", "1/1"]);
  assert.deepEqual(world.abort().settle().route?.stable, "weather-2");
});

test("until both were asked, nothing moves", () => {
  const world = new RolloutWorld().deploy(2);
  world.gate = { kind: "unknown" };
  assert.deepEqual([world.settle().phase, world.copies(2)], ["SchemaCheck", "1/1"]);
});

test("clients' caches of other lists run out first, for half a minute at most", () => {
  const world = new RolloutWorld({ strategy: canarySteps }).differs("additive", 300_000).deploy(2).settle();
  assert.deepEqual([world.phase, world.route?.next?.weight, world.route?.next?.differs], ["TtlClamp", 0, true]);
  assert.equal(world.pass("29s").phase, "TtlClamp");
  assert.deepEqual([world.pass("1s").phase, world.route?.next?.weight], ["Progressing", 10]);
});

test("the same lists need no waiting, and may be mixed", () => {
  const world = new RolloutWorld({ strategy: canarySteps }).differs("none", 300_000).deploy(2).settle();
  assert.deepEqual([world.phase, world.route?.next?.differs], ["Progressing", false]);
});

test("an abort takes traffic back at once, and lets what is in flight finish", () => {
  const world = new RolloutWorld({ replicas: 2, strategy: canarySteps }).deploy(2).settle();
  world.pending = { ...nothingPending, inFlight: 1 };
  world.abort().settle();
  assert.deepEqual([world.phase, world.copies(2)], ["Aborting AbortedByUser", "1/1"]);
  assert.deepEqual(world.route, { stable: "weather-1", draining: ["weather-2"] });
  assert.deepEqual([world.pass("29s").phase, world.copies(2)], ["Aborting AbortedByUser", "1/1"]);
  world.pass("1s");
  assert.deepEqual([world.phase, world.copies(1), world.copies(2)], ["Aborted AbortedByUser", "2/2", "0/0"]);
  assert.deepEqual(world.route, { stable: "weather-1", draining: [] });
});

test("an abort before anybody saw the new revision is over at once", () => {
  const world = new RolloutWorld({ strategy: canarySteps }).differs("breaking").deploy(2).settle().abort();
  world.pending = { ...nothingPending, inFlight: 1 };
  world.look();
  assert.deepEqual([world.phase, world.copies(2)], ["Aborted AbortedByUser", "0/0"]);
});

test("old sessions have until drainTimeout, calls in flight no less", () => {
  const world = new RolloutWorld({ strategy: instant });
  world.pending = { ...nothingPending, sessions: 1 };
  world.deploy(2).settle().pass("599s");
  assert.deepEqual([world.phase, world.copies(1), world.route?.draining], ["Draining", "1/1", ["weather-1"]]);
  world.pass("1s");
  assert.deepEqual([world.phase, world.copies(1), world.route?.draining], ["Completed", "0/0", []]);
});

test("a new revision midway starts against the old stable one, and what the last one began finishes", () => {
  const world = new RolloutWorld({ replicas: 2, strategy: canarySteps }).deploy(2).settle();
  world.leftovers.set("weather-2", { ...nothingPending, inFlight: 1 });
  world.deploy(3).settle();
  assert.deepEqual([world.newest.spec.from, world.copies(2)], ["weather-1", "1/1"]);
  assert.deepEqual([world.route?.stable, world.route?.draining], ["weather-1", ["weather-2"]]);
  assert.equal(world.pass("29s").copies(2), "1/1");
  assert.deepEqual([world.pass("1s").copies(2), world.route?.draining], ["0/0", []]);
});

test("a rollback asks for no gate and no steps: one switch as soon as its replicas are there", () => {
  const world = new RolloutWorld({ replicas: 2, strategy: canarySteps }).differs("breaking", 30_000);
  world.deploy(2, { rollback: true }).settle();
  assert.deepEqual(world.phases, ["SchemaCheck", "Draining RolledBack"]);
  assert.deepEqual([world.route?.stable, world.routes.some(({ next }) => next !== undefined)], ["weather-2", false]);
  assert.equal(world.pass("2s").phase, "Completed RolledBack");
});

test("a server that is deleted midway ends its deployment", () => {
  const world = new RolloutWorld({ strategy: canarySteps }).deploy(2).settle();
  world.delete().look();
  assert.deepEqual([world.phase, world.last?.wanted.size], ["Aborted ServerDeleted", 0]);
});

test("what crashes while it has traffic goes back by itself, or waits where the spec says so", () => {
  const world = new RolloutWorld({ strategy: canarySteps }).deploy(2).settle();
  world.report(2, { state: "failed", crashLoop: true }).look();
  assert.deepEqual([world.phase, world.route?.next], ["Aborting CrashLoop", undefined]);
  const rules = { ...world.server.spec.deployment, autoRollback: false };
  const waiting = new RolloutWorld({ strategy: canarySteps, deployment: rules }).deploy(2).settle();
  waiting.report(2, { state: "failed", crashLoop: true }).look();
  assert.deepEqual([waiting.phase, waiting.route?.next?.weight], ["Paused CrashLoop", 10]);
});

test("a pause holds traffic and replicas, and its time does not count", () => {
  const world = new RolloutWorld({ replicas: 2, strategy: canarySteps }).deploy(2).settle().pass("30s");
  world.pause().settle().pass("20m");
  assert.deepEqual([world.phase, world.route?.next?.weight, world.copies(2)], ["Paused PausedByUser", 10, "1/1"]);
  assert.deepEqual([world.resume().settle().phase, world.status.step?.index], ["Progressing", 1]);
  assert.equal(world.pass("29s").status.step?.index, 1);
  assert.equal(world.pass("1s").status.step?.index, 2);
});

test("a revision that never served is nothing to go back to", () => {
  const world = new RolloutWorld({}, { isNew: true }).deploy(1);
  world.look();
  world.report(1, { state: "failed", restarts: 3 });
  world.look();
  world.gate = { kind: "none" };
  world.deploy(2, { from: "weather-1", strategy: canarySteps }).look();
  assert.deepEqual([world.phase, world.copies(1), world.copies(2)], ["Progressing", "0/0", "0/1"]);
  world.settle();
  assert.deepEqual([world.phase, world.route], ["Completed", { stable: "weather-2", draining: [] }]);
});

test("a server without replicas goes over at once: there is nothing to look at", () => {
  const world = new RolloutWorld({ replicas: 0, strategy: canarySteps }).deploy(2);
  world.gate = { kind: "unknown" };
  assert.deepEqual([world.settle().phase, world.route?.stable], ["Completed", "weather-2"]);
});

test("what sleeps is as good as ready", () => {
  const world = new RolloutWorld({ strategy: instant }).report(1, { state: "idle" }).deploy(2);
  world.look();
  world.report(2, { state: "idle" }).look();
  assert.equal(world.phase, "Draining");
});
