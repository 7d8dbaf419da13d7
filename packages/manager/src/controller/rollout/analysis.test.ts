import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnalysisRule, Strategy } from "@mcp-manager/api";
import fc from "fast-check";
import { analyse, type Figures, rulesOf } from "./analysis.ts";
import { noMeasures, type RevisionMeasures } from "../../telemetry/revision-measures.ts";

/** What a rule with the usual settings finds: result, value and threshold. */
function find(name: AnalysisRule["name"], figures: Partial<Figures>, more: Partial<AnalysisRule> = {}): unknown {
  const rule = { name, interval: "10s", minSamples: 50, failureLimit: 0, dryRun: false, ...more } as const;
  const { result, value, threshold } = analyse(rule, {
    measured: noMeasures,
    baseline: noMeasures,
    crashes: 0,
    copies: 1,
    ...figures,
  });
  return value === undefined ? result : [result, value, threshold];
}

function of(more: Partial<RevisionMeasures>): RevisionMeasures {
  return { ...noMeasures, requests: 100, ...more };
}

test("as many errors as the stable revision has, and one in a hundred more, are allowed", () => {
  assert.deepEqual(find("error-rate", { measured: of({ failures: 1 }) }), ["successful", 0.01, 0.01]);
  assert.deepEqual(find("error-rate", { measured: of({ failures: 2 }) }), ["failed", 0.02, 0.01]);
  const baseline = of({ failures: 25 });
  assert.deepEqual(find("error-rate", { measured: of({ failures: 26 }), baseline }), ["successful", 0.26, 0.26]);
  assert.deepEqual(find("error-rate", { measured: of({ failures: 5 }) }, { max: 0.1 }), ["successful", 0.05, 0.1]);
});

test("too few calls are inconclusive, none too, also where none are asked for", () => {
  assert.equal(find("error-rate", { measured: of({ requests: 49, failures: 49 }) }), "inconclusive");
  assert.equal(find("error-rate", {}, { minSamples: 0 }), "inconclusive");
});

test("whoever measures being away is an error, and so is what is not a number", () => {
  assert.equal(find("error-rate", { measured: undefined }), "error");
  assert.equal(find("error-rate", { measured: of({}), baseline: undefined }), "error");
  assert.equal(find("error-rate", { measured: of({ failures: Number.NaN }) }), "error");
  assert.equal(find("error-rate", { measured: of({ requests: Number.NaN }) }), "error");
  assert.equal(find("error-rate", { measured: of({}), baseline: of({ failures: Number.NaN }) }), "error");
  const tools = (p95Ms: number) => of({ tools: [{ tool: "a", samples: 50, p95Ms }] });
  assert.equal(find("latency-p95", { measured: tools(Number.NaN), baseline: tools(5) }), "error");
});

test("tools are compared one by one, those with enough calls on both sides", () => {
  const baseline = of({
    tools: [
      { tool: "slow", samples: 50, p95Ms: 900 },
      { tool: "fast", samples: 50, p95Ms: 10 },
      { tool: "rare", samples: 49, p95Ms: 1 },
    ],
  });
  const measured = of({
    tools: [
      { tool: "slow", samples: 50, p95Ms: 1_000 },
      { tool: "fast", samples: 50, p95Ms: 16 },
      { tool: "rare", samples: 50, p95Ms: 1_000 },
    ],
  });
  assert.deepEqual(find("latency-p95", { measured, baseline }), ["failed", 1.6, 1.5]);
  assert.deepEqual(find("latency-p95", { measured: baseline, baseline }), ["successful", 1, 1.5]);
  assert.equal(find("latency-p95", { measured: of({}), baseline }), "successful", "calls came, no tool has enough");
  assert.equal(find("latency-p95", { baseline }), "inconclusive", "none came");
});

test("below a millisecond a multiple means nothing", () => {
  const tools = (p95Ms: number) => of({ tools: [{ tool: "a", samples: 50, p95Ms }] });
  assert.deepEqual(find("latency-p95", { measured: tools(0.9), baseline: tools(0) }), ["successful", 1, 1.5]);
});

test("one crash is one too many, with or without traffic", () => {
  assert.deepEqual(find("crash", { crashes: 0, measured: undefined }), ["successful", 0, 0]);
  assert.deepEqual(find("crash", { crashes: 1 }), ["failed", 1, 0]);
});

test("more tools' errors are for a person to judge, longer results are looked at", () => {
  assert.deepEqual(find("is-error-delta", { measured: of({ toolErrors: 50 }), baseline: of({}) }), [
    "inconclusive",
    0.5,
    0.05,
  ]);
  const baseline = of({ resultBytes: 100 });
  assert.deepEqual(find("result-size-delta", { measured: of({ resultBytes: 300 }), baseline }), ["failed", 3, 1.5]);
});

test("a canary that names no rules has the default ones, one that names none has none, others have none at all", () => {
  const names = (strategy: Strategy): unknown =>
    rulesOf(strategy).map(({ name, dryRun }) => (dryRun ? `(${name})` : name));
  const all = ["error-rate", "latency-p95", "crash", "is-error-delta", "(result-size-delta)"];
  assert.deepEqual(names({ kind: "canary", steps: [] }), all);
  assert.deepEqual(names({ kind: "canary", steps: [], analysis: [] }), []);
  assert.deepEqual(names({ kind: "recreate" }), []);
});

test("whatever is measured: it is never a pass without enough calls, nor with anything that is not a number", () => {
  const amount = fc.oneof(fc.nat(1_000), fc.constantFrom(Number.NaN, Infinity, -1));
  const measures = fc.record({ requests: amount, failures: amount, toolErrors: amount, resultBytes: amount });
  fc.assert(
    fc.property(measures, measures, fc.nat(100), (some, others, minSamples) => {
      const [measured, baseline] = [of(some), of(others)];
      const found = find("error-rate", { measured, baseline }, { minSamples });
      if (!Array.isArray(found)) return;
      assert.ok(measured.requests >= Math.max(1, minSamples));
      assert.ok(found.slice(1).every(Number.isFinite), String(found));
    }),
  );
});
