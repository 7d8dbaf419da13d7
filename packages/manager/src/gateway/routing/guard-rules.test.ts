import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerSpecInput } from "@mcp-manager/api";
import type { GuardRules } from "../../resilience/guard.ts";
import { serverResource } from "../testing/gateway.ts";
import { guardRules } from "./guard-rules.ts";

const rulesOf = (spec: Partial<ServerSpecInput> = {}, known?: GuardRules): GuardRules =>
  guardRules(serverResource("a", spec).spec, known);

test("a server without a word on it has the defaults of the design", () => {
  assert.deepEqual(rulesOf(), {
    breaker: { enabled: true, failureRatio: 0.5, minCalls: 20, windowMs: 30_000, openMs: 5_000 },
    concurrency: 64,
    queue: 1_024,
    slowMs: 30_000,
    rate: undefined,
  });
});

test("slow is what takes most of the time that a call has", () => {
  assert.equal(rulesOf({ limits: { callTimeout: "10s" } }).slowMs, 8_000);
});

test("rules that say the same are the same object, whatever else changed", () => {
  const rate = { perSecond: 5, burst: 10 };
  const known = rulesOf({ limits: { rate } });
  assert.equal(rulesOf({ limits: { rate }, replicas: 3 }, known), known);
  const other = rulesOf({ limits: { rate: { ...rate, burst: 11 } } }, known);
  assert.notEqual(other, known);
  assert.equal(other.rate?.burst, 11);
});
