import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment, DeploymentPhase, DeploymentReason, DeploymentStatus } from "@mcp-manager/api";
import { ManagerError, pendingDeploymentStatus } from "@mcp-manager/api";
import fc from "fast-check";
import { applyVerb, type Verb } from "./deployment-verbs.ts";

const now = "2027-01-01T00:00:10.000Z";
const said = { by: "key:ci", at: now };
const strategy = { kind: "canary", steps: [{ weight: 10, pause: "1m", minRequests: 0 }] } as const;

function deployment(status: Partial<DeploymentStatus>): Deployment {
  const metadata = { name: "weather-7-1", uid: "u", generation: 1, revision: "9", labels: {}, createdAt: now };
  const spec = { server: "weather", from: "weather-6", to: "weather-7", strategy, generation: 2 };
  return { kind: "Deployment", metadata, spec, status: { ...pendingDeploymentStatus, ...status } };
}

function paused(reason: DeploymentReason, resumeTo: DeploymentPhase = "Progressing"): Deployment {
  const progress = { elapsedMs: 40_000, stalledMs: 3_000, resumeTo, failures: { crash: 1 } };
  return deployment({ phase: "Paused", reason, message: "why", since: "2027-01-01T00:00:00Z", progress });
}

function after(before: Deployment, verb: Verb): DeploymentStatus {
  const result = applyVerb(before, verb, said);
  if (result instanceof ManagerError) throw result;
  return result;
}

test("a pause keeps where it was and how long it had been there, and a resume goes on from that", () => {
  const before = deployment({ phase: "Progressing", progress: { elapsedMs: 40_000, stalledMs: 9_000 } });
  const stopped = after(before, { kind: "pause" });
  assert.deepEqual([stopped.phase, stopped.reason, stopped.since], ["Paused", "PausedByUser", now]);
  assert.deepEqual([stopped.progress?.resumeTo, stopped.progress?.elapsedMs], ["Progressing", 40_000]);
  const going = after({ ...before, status: stopped }, { kind: "resume" });
  assert.deepEqual([going.phase, going.reason, going.message], ["Progressing", undefined, undefined]);
  assert.deepEqual(going.progress, { elapsedMs: 40_000, stalledMs: 0 });
});

test("a resume accepts texts that were changed, and goes on to the phase that was interrupted", () => {
  const status = after(paused("SchemaSemantic", "SchemaCheck"), { kind: "resume" });
  assert.deepEqual([status.phase, status.progress?.accepted], ["SchemaCheck", "semantic"]);
  assert.equal(status.progress?.acceptedBy, "key:ci");
});

test("what breaks for clients is accepted by a promotion that says so, and by nothing else", () => {
  const before = paused("SchemaBreaking", "SchemaCheck");
  for (const verb of [{ kind: "resume" }, { kind: "promote" }, { kind: "promote", full: true }] as const) {
    assert.throws(() => after(before, verb), {
      code: "failed_precondition",
      message:
        /^cannot \w+ deployment "weather-7-1" in phase Paused \(SchemaBreaking\): .*promote it with acceptBreaking/,
    });
  }
  const status = after(before, { kind: "promote", acceptBreaking: true });
  assert.deepEqual(
    [status.phase, status.progress?.accepted, status.progress?.promoted],
    ["SchemaCheck", "breaking", undefined],
  );
  const whole = after(before, { kind: "promote", acceptBreaking: true, full: true });
  assert.deepEqual([whole.progress?.accepted, whole.progress?.promoted], ["breaking", "full"]);
});

test("a promotion goes past the present step, or to the end", () => {
  const before = deployment({ phase: "Progressing" });
  assert.equal(after(before, { kind: "promote" }).progress?.promoted, "step");
  assert.equal(after(before, { kind: "promote", full: true }).progress?.promoted, "full");
  const waiting = after(paused("AwaitingPromotion"), { kind: "promote" });
  assert.deepEqual([waiting.phase, waiting.progress?.promoted], ["Progressing", "step"]);
  assert.equal(after(paused("AwaitingPromotion"), { kind: "resume" }).progress?.promoted, "step");
});

for (const stepless of [
  { kind: "ab", variants: [], match: [] },
  { kind: "rolling", maxSurge: 1, maxUnavailable: 0, minReady: "5s" },
  { kind: "recreate" },
] as const) {
  test(`${stepless.kind} has no steps: it is promoted to its end only, and says so`, () => {
    const before = deployment({ phase: "Progressing" });
    const under = { ...before, spec: { ...before.spec, strategy: stepless } };
    assert.throws(() => after(under, { kind: "promote" }), {
      code: "failed_precondition",
      message: /has no steps: promote it with full .*, or abort it$/,
    });
    assert.equal(after(under, { kind: "promote", full: true }).progress?.promoted, "full");
  });
}

test("a resume from a look that did not satisfy looks anew", () => {
  for (const reason of ["Inconclusive", "ExposureNotMet", "AnalysisFailed"] as const) {
    const { progress } = after(paused(reason), { kind: "resume" });
    assert.deepEqual([progress?.elapsedMs, progress?.failures], [0, {}], reason);
  }
});

test("an abort goes back from wherever it is, said twice it is one", () => {
  const phases: readonly DeploymentPhase[] = ["Pending", "SchemaCheck", "TtlClamp", "Progressing", "Paused"];
  for (const phase of phases) {
    const status = after(deployment({ phase, reason: "SchemaBreaking" }), { kind: "abort" });
    assert.deepEqual([status.phase, status.reason, status.since], ["Aborting", "AbortedByUser", now], phase);
    assert.equal(after(deployment(status), { kind: "abort" }).phase, "Aborting");
  }
});

test("too late is said with the phase and what to do", () => {
  const phases: readonly DeploymentPhase[] = ["Promoting", "Draining", "Completed", "Aborted", "Failed"];
  for (const phase of phases) {
    for (const kind of ["promote", "pause", "resume", "abort"] as const) {
      const result = applyVerb(deployment({ phase }), { kind }, said);
      assert.ok(result instanceof ManagerError, phase);
      assert.deepEqual(
        [result.code, result.details["phase"], result.server],
        ["failed_precondition", phase, "weather"],
      );
      assert.match(
        result.message,
        new RegExp(`^cannot ${kind} deployment "weather-7-1" in phase ${phase}: .*(rollback|retry)`),
      );
    }
  }
});

test("whatever is said in whatever order, no word moves traffic, and a pause always knows where it goes on", () => {
  const verb: fc.Arbitrary<Verb> = fc.oneof(
    fc.record({ kind: fc.constant("promote" as const), full: fc.boolean(), acceptBreaking: fc.boolean() }),
    fc.constantFrom<Verb>({ kind: "pause" }, { kind: "resume" }, { kind: "abort" }),
  );
  const first = fc.constantFrom<DeploymentPhase>("Pending", "SchemaCheck", "TtlClamp", "Progressing", "Promoting");
  fc.assert(
    fc.property(first, fc.array(verb, { maxLength: 12 }), (phase, verbs) => {
      let current = deployment({ phase, traffic: { target: 10 } });
      for (const word of verbs) {
        const result = applyVerb(current, word, said);
        if (result instanceof ManagerError) continue;
        assert.equal(result.traffic.target, 10);
        assert.ok([phase, "Paused", "Aborting"].includes(result.phase));
        if (result.phase === "Paused") assert.equal(result.progress?.resumeTo, phase);
        else assert.equal(result.progress?.resumeTo, undefined);
        current = { ...current, status: result };
      }
    }),
  );
});
