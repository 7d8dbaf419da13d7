/** How long revisions that take nothing new go on with what began there: after a switch, and after traffic was taken back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Strategy } from "@mcp-manager/api";
import { nothingPending as none, type PendingWork } from "../../telemetry/revision-measures.ts";
import { advance } from "./advance.ts";
import { canarySteps, RolloutWorld } from "./testing/rollout-world.ts";

const instant: Strategy = { kind: "blue-green", autoPromote: true, previewFor: "0s", scaleDownDelay: "0s" };

/** A canary that took a tenth of the callers, and is aborted with this left to finish. */
function aborted(pending: Partial<PendingWork>, drainTimeout: `${number}s` | `${number}m` = "20m"): RolloutWorld {
  const rules = { ...new RolloutWorld().server.spec.deployment, drainTimeout } as const;
  const world = new RolloutWorld({ strategy: canarySteps, deployment: rules }).deploy(2).settle();
  world.pending = { ...none, ...pending };
  return world.abort().settle();
}

test("after an abort a task is waited for until it is over, though sessions and calls have half a minute", () => {
  const world = aborted({ tasks: 1, sessions: 1 });
  assert.deepEqual(world.route, { stable: "weather-1", draining: ["weather-2"] });
  assert.equal(world.pass("29s").phase, "Aborting AbortedByUser");
  world.pass("1s");
  assert.deepEqual([world.phase, world.copies(2)], ["Aborted AbortedByUser", "1/1"]);
  assert.deepEqual(world.route, { stable: "weather-1", draining: ["weather-2"], tasksOnly: ["weather-2"] });
  world.pass("5m");
  assert.deepEqual([world.copies(2), world.route?.draining], ["1/1", ["weather-2"]]);
  world.pending = none;
  world.pass("1s");
  assert.deepEqual([world.copies(2), world.route], ["0/0", { stable: "weather-1", draining: [] }]);
  assert.equal(world.phase, "Aborted AbortedByUser");
});

test("where nothing but tasks is left at an abort, it is over at once, and they go on", () => {
  const world = aborted({ tasks: 3 }).pass("2s");
  assert.deepEqual(
    [world.phase, world.route?.tasksOnly, world.copies(2)],
    ["Aborted AbortedByUser", ["weather-2"], "1/1"],
  );
  world.pending = { ...none, tasks: 3, inFlight: 1 };
  assert.deepEqual(world.pass("1m").route?.tasksOnly, ["weather-2"], "who asks for a task makes no other work of it");
});

test("a task that does not end is waited for ten minutes after an abort, or for drainTimeout where that is less", () => {
  const long = aborted({ tasks: 1 });
  assert.deepEqual([long.pass("599s").copies(2), long.pass("1s").copies(2)], ["1/1", "0/0"]);
  const short = aborted({ tasks: 1 }, "1m");
  assert.deepEqual([short.pass("59s").copies(2), short.pass("1s").copies(2)], ["1/1", "0/0"]);
});

test("a restart loses none of the time that tasks have", () => {
  const world = aborted({ tasks: 1, inFlight: 1 }).pass("40s");
  // Who looks next knows what stands in the store, and no more.
  world.look(0);
  assert.deepEqual(world.pass("559s").copies(2), "1/1");
  assert.deepEqual(world.pass("1s").copies(2), "0/0");
});

test("what a canary that was superseded midway began is its tasks' time to finish, under the one that follows", () => {
  const world = new RolloutWorld({ replicas: 2, strategy: canarySteps }).deploy(2).settle();
  world.leftovers.set("weather-2", { ...none, inFlight: 1, tasks: 1 });
  world.deploy(3).settle().pass("30s");
  assert.deepEqual([world.copies(2), world.route?.tasksOnly], ["1/1", ["weather-2"]]);
  world.leftovers.set("weather-2", none);
  assert.deepEqual([world.pass("1s").copies(2), world.route?.tasksOnly], ["0/0", undefined]);
});

test("tasks of an aborted canary go on under the deployment that is tried next", () => {
  const world = aborted({ tasks: 1 }).pass("2s");
  world.leftovers.set("weather-2", { ...none, tasks: 1 });
  world.deploy(3).settle().pass("30s");
  assert.deepEqual([world.route?.next?.revision, world.route?.tasksOnly], ["weather-3", ["weather-2"]]);
});

test("a revision that is tried again while its tasks go on takes sessions again", () => {
  const world = aborted({ tasks: 1 }).pass("2s").deploy(2).settle();
  assert.deepEqual([world.route?.next?.revision, world.route?.tasksOnly], ["weather-2", undefined]);
  world.promote({ full: true }).settle();
  assert.deepEqual(world.route, { stable: "weather-2", draining: ["weather-1"] });
});

test("after a switch, sessions and tasks have the same time", () => {
  const world = new RolloutWorld({ strategy: instant });
  world.pending = { ...none, tasks: 1, sessions: 1 };
  world.deploy(2).settle().pass("599s");
  assert.deepEqual([world.phase, world.route], ["Draining", { stable: "weather-2", draining: ["weather-1"] }]);
  assert.equal(world.pass("1s").phase, "Completed");
});

test("what is in flight half a minute after an abort is cut off, whatever drainTimeout is", () => {
  const world = aborted({ inFlight: 1 }).pass("29s");
  assert.deepEqual([world.copies(2), world.drains], ["1/1", []]);
  world.pass("1s");
  assert.deepEqual([world.phase, world.drains], ["Aborted AbortedByUser", [["weather-2", "0s"]]]);
  assert.equal(world.pass("1s").status.progress?.callsMs, undefined, "nothing is remembered of what has gone");
});

test("where nothing is known to be in flight at an abort, what comes late has what is left of the half minute", () => {
  assert.deepEqual(aborted({}).pass("2s").drains, [["weather-2", "29s"]]);
});

test("calls that went on beside a task after an abort end with it", () => {
  const world = aborted({ tasks: 1, inFlight: 1 }).pass("2m");
  assert.deepEqual(world.drains, []);
  world.pending = { ...none, inFlight: 1 };
  assert.deepEqual(world.pass("1s").drains, [["weather-2", "0s"]]);
});

test("a canary that was superseded has its calls cut off in the same way, under the one that follows", () => {
  const world = new RolloutWorld({ strategy: canarySteps }).deploy(2).settle();
  world.leftovers.set("weather-2", { ...none, inFlight: 1 });
  world.deploy(3).settle().pass("30s");
  assert.deepEqual([world.copies(2), world.drains], ["0/0", [["weather-2", "0s"]]]);
});

test("a controller that is killed before it asks a replica to end still knows how long its calls have", () => {
  const world = aborted({ inFlight: 1 }).pass("29s");
  world.write(advance(world.input(1_000)));
  assert.deepEqual(world.drains, []);
  world.look(5_000);
  assert.deepEqual(world.drains, [["weather-2", "0s"]]);
});

test("a revision that is tried again is not held to what was left of the time before", () => {
  const world = aborted({ tasks: 1 }).pass("2s").deploy(2).settle();
  world.pending = none;
  world.pass("30s");
  assert.deepEqual([world.route?.next?.revision, world.status.progress?.callsMs], ["weather-2", undefined]);
});

test("after a switch it is for the agent to say how long calls in flight may take", () => {
  const world = new RolloutWorld({ strategy: instant }).deploy(2).settle().pass("2s");
  assert.deepEqual([world.phase, world.drains], ["Completed", [["weather-1"]]]);
});
