import assert from "node:assert/strict";
import { test } from "node:test";
import type { LastFailure, Replica, Server } from "@mcp-manager/api";
import type { Rollout } from "./rollout.ts";
import { rolloutOf } from "./rollout.ts";

const failure: LastFailure = { stage: "start", message: "it does not start", at: "2026-01-01T00:00:00Z" };

/** Replicas as `revision state`, with `drain` for those on their way out. */
function rollout(status: Partial<Server["status"]>, ...replicas: readonly string[]): Rollout {
  const server = {
    metadata: { name: "a", generation: 2 },
    status: { state: "ready", observedGeneration: 2, ...status },
  } as Server;
  return rolloutOf({
    server,
    target: "a-2",
    replicas: replicas.map((text) => {
      const [revision, state, drain] = text.split(" ");
      return { spec: { revision, drain: drain === "drain" }, status: { state, lastFailure: failure } } as Replica;
    }),
  });
}

test("a change is done when all new calls go to the newest revision", () => {
  assert.equal(rollout({}, "a-2 ready", "a-2 ready").kind, "done");
  assert.equal(rollout({}, "a-2 ready", "a-1 ready drain").kind, "done");
  assert.equal(rollout({ state: "idle" }).kind, "done");
});

test("a change goes on while the old one serves, replicas are missing, or nobody has looked at it", () => {
  assert.equal(rollout({}, "a-1 ready").kind, "going");
  assert.equal(rollout({}, "a-1 ready", "a-2 starting").kind, "going");
  assert.equal(rollout({ state: "degraded" }, "a-2 ready", "a-2 starting").kind, "going");
  assert.equal(rollout({ observedGeneration: 1 }, "a-2 ready").kind, "going");
});

test("a change has failed when the newest revision does not start, also while the one before serves", () => {
  assert.deepEqual(rollout({}, "a-1 ready", "a-2 failed"), { kind: "failed", failure });
  assert.deepEqual(rollout({ state: "failed", lastFailure: failure }, "a-2 starting"), { kind: "failed", failure });
  assert.equal(rollout({}, "a-2 ready", "a-1 failed drain").kind, "done");
});

test("a change has failed when its replica is in a crash loop, also while it is tried again", () => {
  const server = { metadata: { name: "a", generation: 1 }, status: { state: "degraded", observedGeneration: 1 } };
  const status = { state: "starting", crashLoop: true, lastFailure: failure };
  const replica = { spec: { revision: "a-1" }, status } as Replica;
  const observed = { server: server as Server, target: "a-1", replicas: [replica] };
  assert.deepEqual(rolloutOf(observed), { kind: "failed", failure });
});

test("a change of a server that sleeps until it is called is done", () => {
  assert.equal(rollout({ state: "idle" }, "a-2 idle").kind, "done");
});

test("a change is done while replicas of the revision before are kept for a way back", () => {
  const route = { stable: "a-2", draining: [] };
  assert.equal(rollout({ route }, "a-2 ready", "a-1 ready").kind, "done");
  assert.equal(rollout({ route: { ...route, stable: "a-1" } }, "a-2 ready", "a-1 ready").kind, "going");
});
