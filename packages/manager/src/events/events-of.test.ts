import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment, DeploymentStatus, Replica, ReplicaStatus, Server, ServerStatus } from "@mcp-manager/api";
import { pendingDeploymentStatus, pendingReplicaStatus, pendingServerStatus } from "@mcp-manager/api";
import type { AnyResource } from "../registry/kinds.ts";
import { replicaDraft, serverSpec } from "../registry/testing/drafts.ts";
import { eventsOf } from "./events-of.ts";

const now = "2027-01-01T12:00:00.000Z";
const before = "2027-01-01T11:00:00Z";

function metadata(name: string, revision = "1"): Server["metadata"] {
  return { name, uid: "u", generation: 1, revision, labels: {}, createdAt: before };
}

function server(status: Partial<ServerStatus> = {}, more: Partial<Server["metadata"]> = {}): Server {
  return {
    kind: "Server",
    metadata: { ...metadata("weather"), ...more },
    spec: serverSpec(),
    status: { ...pendingServerStatus, ...status },
  };
}

function deployment(status: Partial<DeploymentStatus>): Deployment {
  const spec = { server: "weather", from: null, to: "weather-1", strategy: serverSpec().strategy, generation: 1 };
  return {
    kind: "Deployment",
    metadata: metadata("weather-1-1"),
    spec,
    status: { ...pendingDeploymentStatus, ...status },
  };
}

function replica(status: Partial<ReplicaStatus>): Replica {
  const { name, spec } = replicaDraft("weather-1-abcd");
  return { kind: "Replica", metadata: metadata(name), spec, status: { ...pendingReplicaStatus(spec), ...status } };
}

/** Topic, moment and words of what follows. */
function told(kind: string, was: AnyResource | undefined, is: AnyResource | undefined): readonly string[] {
  const name = (is ?? was)?.metadata.name ?? "";
  const events = eventsOf({ kind, name, before: was, after: is, bytes: 0 }, 42n, now);
  assert.ok(events.every(({ revision }) => revision === "42"));
  return events.map(({ topic, at, message }) => `${topic} ${at === now ? "now" : at} ${message}`);
}

test("a server is registered, changed and removed", () => {
  const resource = server();
  assert.deepEqual(told("Server", undefined, resource), [`server.registered ${before} it was registered (process)`]);
  assert.deepEqual(told("Server", resource, server({}, { revision: "2", generation: 2 })), [
    "server.changed now its spec was changed (generation 2)",
  ]);
  assert.deepEqual(told("Server", resource, server({}, { revision: "2", labels: { a: "b" } })), [
    "server.changed now its labels were changed",
  ]);
  assert.deepEqual(told("Server", resource, server({}, { revision: "2", deletedAt: before })), [
    `server.changed ${before} its deletion was asked for`,
  ]);
  assert.deepEqual(told("Server", resource, undefined), ["server.removed now it was deleted"]);
});

test("a state is one event with where it came from and why, and that it failed has a topic of its own", () => {
  const since = "2027-01-01T11:30:00Z";
  const available = { type: "Available", status: "False", reason: "StartFailed", message: "it exited", since } as const;
  const failed = server({ state: "failed", since, conditions: [available] });
  assert.deepEqual(told("Server", server(), failed), [`server.failed ${since} pending → failed: it exited`]);
  assert.deepEqual(told("Server", failed, server({ state: "ready" })), ["server.state now failed → ready"]);
  assert.deepEqual(told("Server", failed, { ...failed, status: { ...failed.status, tools: 3 } }), []);
  const change = { kind: "Server", name: "weather", before: server(), after: failed, bytes: 0 };
  const [event] = eventsOf(change, 42n, now);
  assert.equal(event?.resource, failed);
  assert.deepEqual(
    [event.severity, event.data, event.server],
    ["warning", { from: "pending", to: "failed" }, "weather"],
  );
});

test("each change of a deployment's phase, reason and step is one event, and what was over before is none", () => {
  const [since, step] = ["2027-01-01T11:40:00Z", { index: 1, of: 2, weight: 10, since: "2027-01-01T11:41:00Z" }];
  const going = deployment({ phase: "Progressing", since, step });
  const paused = deployment({ phase: "Paused", reason: "ExposureNotMet", message: "too few calls", since: now, step });
  assert.deepEqual(told("Deployment", undefined, deployment({})), [`deployment.phase ${before} weather-1-1: Pending`]);
  assert.deepEqual(told("Deployment", deployment({}), going), [
    `deployment.phase ${step.since} weather-1-1: Pending → Progressing, step 1 of 2 at 10 %`,
  ]);
  assert.deepEqual(told("Deployment", going, paused), [
    "deployment.phase now weather-1-1: Progressing → Paused, step 1 of 2 at 10 % (ExposureNotMet): too few calls",
  ]);
  assert.deepEqual(told("Deployment", paused, deployment({ ...paused.status, traffic: { target: 9 } })), []);
  assert.deepEqual(told("Deployment", undefined, deployment({ phase: "Completed" })), []);
  assert.deepEqual(told("Deployment", paused, undefined), []);
});

test("a replica's state comes with why, as far as it can be known", () => {
  const startedAt = before;
  const lastFailure = { stage: "run", message: "it exited", at: "2027-01-01T11:50:00Z", stderr: [] } as const;
  const ready = replica({ state: "ready", startedAt });
  const failed = replica({ state: "failed", startedAt, lastFailure });
  assert.deepEqual(told("Replica", undefined, replica({})), []);
  assert.deepEqual(told("Replica", ready, failed), [`replica.state ${lastFailure.at} ready → failed: it exited`]);
  assert.deepEqual(told("Replica", failed, ready), ["replica.state now failed → ready: it answers again"]);
  assert.deepEqual(told("Replica", failed, replica({ state: "ready", startedAt: now })), [
    "replica.state now failed → ready",
  ]);
  assert.deepEqual(told("Replica", ready, replica({ state: "idle" })), [
    "replica.state now ready → idle: nobody called",
  ]);
  assert.deepEqual(told("Replica", ready, undefined), []);
});

test("keys, decisions about breakers, and settings are told, never what is secret in them", () => {
  const key = {
    kind: "ApiKey",
    metadata: metadata("ci"),
    spec: { principal: "key:ci", roles: ["caller"] },
    status: { hint: "mcpm_abc" },
  };
  assert.deepEqual(told("ApiKey", undefined, key), [
    `access.changed ${before} API key ci for key:ci (caller) was made`,
  ]);
  assert.deepEqual(told("ApiKey", key, undefined), ["access.changed now API key ci for key:ci (caller) was revoked"]);
  assert.deepEqual(told("ApiKey", key, { ...key, status: {} }), []);
  const override = {
    kind: "Override",
    metadata: metadata("weather"),
    spec: { server: "weather", breaker: "open", reason: "it is ill", by: "admin", at: before },
    status: {},
  };
  assert.deepEqual(told("Override", undefined, override), [
    `config.changed ${before} its breaker is held open by admin: it is ill`,
  ]);
  assert.deepEqual(told("Override", override, undefined), ["config.changed now its breaker is left to itself again"]);
  const hook = { kind: "Webhook", metadata: metadata("chat"), spec: { url: "https://x/SECRET" }, status: {} };
  assert.deepEqual(told("Webhook", undefined, hook), [`config.changed ${before} webhook chat was made`]);
  assert.deepEqual(told("Webhook", hook, { ...hook, metadata: metadata("chat", "2") }), [
    "config.changed now webhook chat was changed",
  ]);
  assert.deepEqual(told("Webhook", hook, { ...hook, status: { position: "9" } }), []);
  assert.deepEqual(told("Revision", undefined, hook), []);
});
