import assert from "node:assert/strict";
import { test } from "node:test";
import type { Replica, ServerState } from "@mcp-manager/api";
import { serverStatus } from "./server-status.ts";
import { replica, server } from "./testing/world.ts";

const now = "2027-01-01T00:00:10.000Z";
const common = { target: "weather-1", tools: undefined, breaker: undefined, now };

function stateWith(replicas: readonly Replica[], wanted = 2): ServerState {
  return serverStatus({ ...common, server: server({ replicas: wanted }), replicas }).state;
}

test("the state says how many of the wanted replicas serve", () => {
  assert.equal(stateWith([]), "pending");
  assert.equal(stateWith([replica("a", 1, "starting"), replica("b", 1, "pending")]), "starting");
  assert.equal(stateWith([replica("a", 1, "ready"), replica("b", 1, "starting")]), "degraded");
  assert.equal(stateWith([replica("a", 1, "ready"), replica("b", 1, "ready")]), "ready");
  assert.equal(stateWith([replica("a", 1, "failed"), replica("b", 1, "starting")]), "failed");
  assert.equal(stateWith([], 0), "idle");
});

test("replicas on their way out do not count", () => {
  assert.equal(stateWith([replica("a", 1, "ready", true)], 1), "pending");
});

test("a server that is deleted is draining whatever its replicas do", () => {
  const deleted = server();
  const status = serverStatus({
    ...common,
    server: { ...deleted, metadata: { ...deleted.metadata, deletedAt: now } },
    replicas: [replica("a", 1, "ready")],
  });
  assert.equal(status.state, "draining");
  assert.equal(status.replicas.desired, 0);
});

test("the stable revision changes when a copy of the new one is ready, not before", () => {
  const before = { ...server(), status: { ...server().status, revision: "weather-1" } };
  const starting = [replica("a", 1, "ready"), replica("b", 2, "starting")];
  assert.equal(
    serverStatus({ ...common, target: "weather-2", server: before, replicas: starting }).revision,
    "weather-1",
  );
  const ready = [replica("a", 1, "ready", true), replica("b", 2, "ready")];
  const after = serverStatus({ ...common, target: "weather-2", server: before, replicas: ready });
  assert.equal(after.revision, "weather-2");
  assert.deepEqual(after.traffic, [{ revision: "weather-2", weight: 100 }]);
});

test("the last failure is the newest of the replicas', and stays to be read", () => {
  const failed = (name: string, at: string): Replica => {
    const made = replica(name, 1, "failed");
    return { ...made, status: { ...made.status, lastFailure: { stage: "run", message: name, at } } };
  };
  const replicas = [failed("old", "2027-01-01T00:00:01Z"), failed("new", "2027-01-01T00:00:02Z")];
  const status = serverStatus({ ...common, server: server(), replicas });
  assert.equal(status.lastFailure?.message, "new");
  const later = serverStatus({ ...common, server: { ...server(), status }, replicas: [replica("a", 1, "ready")] });
  assert.equal(later.lastFailure?.message, "new");
});

test("a condition keeps its time while its status stays", () => {
  const first = serverStatus({ ...common, server: server(), replicas: [] });
  const second = serverStatus({
    ...common,
    server: { ...server(), status: first },
    replicas: [replica("a", 1, "starting")],
    now: "2027-01-01T00:01:00.000Z",
  });
  const available = second.conditions.find(({ type }) => type === "Available");
  assert.equal(available?.since, now);
  const third = serverStatus({
    ...common,
    server: { ...server(), status: second },
    replicas: [replica("a", 1, "ready")],
    now: "2027-01-01T00:02:00.000Z",
  });
  assert.equal(third.conditions.find(({ type }) => type === "Available")?.since, "2027-01-01T00:02:00.000Z");
});

test("what is asked for and not done yet is said", () => {
  const strict = server({ deployment: { ...server().spec.deployment, autoRollback: false } });
  const { conditions } = serverStatus({ ...common, server: strict, replicas: [] });
  const enforced = conditions.find(({ type }) => type === "FullyEnforced");
  assert.equal(enforced?.status, "False");
  assert.match(enforced?.message ?? "", /spec\.deployment\.autoRollback/);
});
