import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment, DeploymentStatus, Replica, ServerState } from "@mcp-manager/api";
import { pendingDeploymentStatus } from "@mcp-manager/api";
import { serverStatus } from "./server-status.ts";
import { replica, server } from "./testing/world.ts";

const now = "2027-01-01T00:00:10.000Z";
const common = {
  desired: 1,
  target: "weather-1",
  deployment: undefined,
  route: undefined,
  tools: undefined,
  breaker: undefined,
  now,
};

function stateWith(replicas: readonly Replica[], wanted = 2): ServerState {
  return serverStatus({ ...common, server: server(), desired: wanted, replicas }).state;
}

test("the state says how many of the wanted replicas serve", () => {
  assert.equal(stateWith([]), "pending");
  assert.equal(stateWith([replica("a", 1, "starting"), replica("b", 1, "pending")]), "starting");
  assert.equal(stateWith([replica("a", 1, "ready"), replica("b", 1, "starting")]), "degraded");
  assert.equal(stateWith([replica("a", 1, "ready"), replica("b", 1, "ready")]), "ready");
  assert.equal(stateWith([replica("a", 1, "failed"), replica("b", 1, "starting")]), "failed");
  assert.equal(stateWith([], 0), "idle");
});

test("one that sleeps is wanted and there, and the next call starts it", () => {
  assert.equal(stateWith([replica("a", 1, "idle")], 1), "idle");
  assert.equal(stateWith([replica("a", 1, "idle"), replica("b", 1, "idle")]), "idle");
  assert.equal(stateWith([replica("a", 1, "ready"), replica("b", 1, "idle")]), "ready");
  const idle = serverStatus({ ...common, server: server(), replicas: [replica("a", 1, "idle")] });
  const available = idle.conditions.find(({ type }) => type === "Available");
  assert.deepEqual([available?.status, available?.reason], ["True", "Idle"]);
  assert.match(available?.message ?? "", /the next call starts it/);
});

function withStatus(made: Replica, more: Partial<Replica["status"]>): Replica {
  return { ...made, status: { ...made.status, ...more } };
}

test("a crash loop is a condition of its own that says what fails and when it is tried again", () => {
  const looping = withStatus(replica("a", 1, "failed"), {
    crashLoop: true,
    retryAt: "2027-01-01T00:01:00Z",
    lastFailure: { stage: "run", message: "the process exited with status 3", at: now },
  });
  const { conditions } = serverStatus({ ...common, server: server(), replicas: [looping] });
  const loop = conditions.find(({ type }) => type === "CrashLoop");
  assert.equal(loop?.status, "True");
  assert.match(loop?.message ?? "", /^replica a: the process exited with status 3; .* 2027-01-01T00:01:00Z$/);
  assert.equal(conditions.find(({ type }) => type === "Available")?.reason, "CrashLoop");
  const calm = serverStatus({ ...common, server: server(), replicas: [replica("a", 1, "ready")] });
  assert.deepEqual(
    calm.conditions.map(({ type }) => type),
    ["Available"],
  );
});

test("a replica that is not healthy shows in a condition, whether it serves or not", () => {
  const noisy = withStatus(replica("a", 1, "ready"), {
    health: { state: "unhealthy", reason: "StdoutNoise", message: "it writes noise", since: now },
  });
  const noise = serverStatus({ ...common, server: server(), replicas: [noisy] });
  assert.equal(noise.state, "ready");
  const healthy = noise.conditions.find(({ type }) => type === "Healthy");
  assert.deepEqual(
    [healthy?.status, healthy?.reason, healthy?.message],
    ["False", "StdoutNoise", "replica a: it writes noise"],
  );
  const locked = withStatus(replica("a", 1, "failed"), {
    health: { state: "needs-authorization", reason: "NeedsAuthorization", message: "HTTP 401", since: now },
  });
  const closed = serverStatus({ ...common, server: server(), replicas: [locked] });
  assert.equal(closed.conditions.find(({ type }) => type === "Available")?.reason, "NeedsAuthorization");
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

test("since when a server is in its state is kept while it stays in it", () => {
  const made = server();
  const before = { ...made, status: { ...made.status, state: "ready" as const, since: "2027-01-01T00:00:00.000Z" } };
  const same = serverStatus({ ...common, server: before, replicas: [replica("a", 1, "ready")] });
  assert.equal(same.since, before.status.since);
  assert.equal(serverStatus({ ...common, server: before, replicas: [replica("a", 1, "failed")] }).since, now);
});

function deployment(status: Partial<DeploymentStatus>): Deployment {
  const metadata = { ...server().metadata, name: "weather-2-1" };
  const strategy = { kind: "recreate" } as const;
  const spec = { server: "weather", from: "weather-1", to: "weather-2", strategy, generation: 7 };
  return { kind: "Deployment", metadata, spec, status: { ...pendingDeploymentStatus, ...status } };
}

const next = { revision: "weather-2", weight: 10, salt: "s", match: [], differs: false };

test("traffic and replicas are those of the revisions that are routed to", () => {
  const replicas = [replica("a", 1, "ready"), replica("b", 2, "ready"), replica("c", 3, "ready")];
  const under = { ...common, server: server(), deployment: deployment({ phase: "Progressing" }), replicas };
  const canary = serverStatus({ ...under, desired: 2, route: { stable: "weather-1", next, draining: ["weather-3"] } });
  assert.deepEqual(canary.traffic, [
    { revision: "weather-1", weight: 90 },
    { revision: "weather-2", weight: 10 },
  ]);
  assert.deepEqual([canary.revision, canary.replicas.ready, canary.state], ["weather-1", 2, "ready"]);
  const preview = { stable: "weather-1", next: { ...next, weight: 0 }, draining: [] };
  const looked = serverStatus({ ...under, desired: 2, route: preview });
  assert.deepEqual(looked.traffic, [{ revision: "weather-1", weight: 100 }]);
  assert.deepEqual([looked.replicas.ready, looked.state], [1, "degraded"]);
});

test("a first revision that never was ready is not stable", () => {
  const first = deployment({ phase: "Failed", reason: "CannotStart" });
  const made = { ...first, spec: { ...first.spec, from: null } };
  const status = serverStatus({ ...common, server: server(), deployment: made, replicas: [replica("a", 2, "failed")] });
  assert.deepEqual([status.revision, status.state, status.abortedGeneration], [undefined, "failed", undefined]);
});

test("a server of which nothing was started for want of room has failed, and says why", () => {
  const first = deployment({ phase: "Failed", reason: "ResourceExhausted", message: "replicas: 5 of 5 taken" });
  const made = { ...first, spec: { ...first.spec, from: null } };
  const { state, conditions } = serverStatus({ ...common, server: server(), deployment: made, replicas: [] });
  const available = conditions.find(({ type }) => type === "Available");
  assert.deepEqual([state, available?.status, available?.reason], ["failed", "False", "ResourceExhausted"]);
  assert.match(available?.message ?? "", /5 of 5 taken/);
});

test("a deployment that went back by itself leaves the server degraded; one that a person ended does not", () => {
  const route = { stable: "weather-1", draining: [] };
  const with1 = { ...common, server: server(), route, replicas: [replica("a", 1, "ready")] };
  for (const reason of ["AnalysisFailed", "CrashLoop", "UnstableLists"] as const) {
    const status = serverStatus({ ...with1, deployment: deployment({ phase: "Aborted", reason }) });
    assert.deepEqual([status.state, status.abortedGeneration], ["degraded", 7], reason);
  }
  const failed = serverStatus({ ...with1, deployment: deployment({ phase: "Failed", reason: "CannotStart" }) });
  assert.equal(failed.state, "degraded");
  for (const reason of ["AbortedByUser", "Superseded", "RolledBack"] as const) {
    const status = serverStatus({ ...with1, deployment: deployment({ phase: "Aborted", reason }) });
    assert.deepEqual([status.state, status.abortedGeneration], ["ready", undefined], reason);
  }
});

test("where the deployment is stands in a condition, until it has arrived", () => {
  const told = (status: Partial<DeploymentStatus>): readonly unknown[] => {
    const input = { ...common, server: server(), replicas: [], deployment: deployment(status) };
    const fact = serverStatus(input).conditions.find(({ type }) => type === "Progressing");
    return [fact?.status, fact?.reason, fact?.message];
  };
  assert.deepEqual(told({ phase: "SchemaCheck" }), ["True", "SchemaCheck", "deployment weather-2-1 is SchemaCheck"]);
  assert.deepEqual(told({ phase: "Paused", reason: "SchemaSemantic", message: "read it" }), [
    "False",
    "SchemaSemantic",
    "deployment weather-2-1 is Paused: read it",
  ]);
  assert.equal(told({ phase: "Failed", reason: "CannotStart" })[0], "False");
  assert.equal(told({ phase: "Completed" })[0], undefined);
});
