import assert from "node:assert/strict";
import { test } from "node:test";
import type { Random } from "../base/random.ts";
import type { PostOutcome } from "./egress/post.ts";
import { nextStep, type NextStep, retryRule } from "./retry-rule.ts";

const latest: Random = { next: () => 1, bytes: (length) => Buffer.alloc(length) };
const wallMs = Date.parse("2027-01-01T00:00:00Z");

function next(outcome: PostOutcome, attempts: number, random = latest): NextStep {
  return nextStep(outcome, attempts, retryRule, { random, wallMs });
}

function answered(status: number, retryAfter?: string): PostOutcome {
  return { kind: "answered", status, retryAfter };
}

const failed: PostOutcome = { kind: "failed", message: "nothing listens there" };

test("any 2xx is delivered, 410 is the end, everything else is tried again", () => {
  for (const status of [200, 201, 204, 299]) assert.equal(next(answered(status), 1).kind, "delivered");
  assert.equal(next(answered(410), 1).kind, "gone");
  for (const status of [100, 199, 303, 400, 404, 408, 429, 500, 599])
    assert.equal(next(answered(status), 1).kind, "wait");
});

test("the waits grow fourfold from a second, have full jitter and end after six attempts", () => {
  const waits = [1, 2, 3, 4, 5].map((attempts) => next(failed, attempts));
  assert.deepEqual(
    waits,
    [1_000, 4_000, 16_000, 64_000, 256_000].map((delayMs) => ({ kind: "wait", delayMs })),
  );
  assert.deepEqual(next(failed, 3, { ...latest, next: () => 0 }), { kind: "wait", delayMs: 0 });
  assert.equal(next(failed, 6).kind, "dead");
});

test("what is not likely to end otherwise is tried three times", () => {
  const refused: PostOutcome = { kind: "refused", message: "no" };
  for (const outcome of [answered(400), answered(404), refused]) {
    assert.equal(next(outcome, 2).kind, "wait");
    assert.equal(next(outcome, 3).kind, "dead");
  }
  for (const outcome of [answered(408), answered(429), answered(500)]) assert.equal(next(outcome, 5).kind, "wait");
});

test("Retry-After counts where it is longer, in seconds or as a date, up to five minutes", () => {
  const delays = ["120", "Fri, 01 Jan 2027 00:02:00 GMT", "999999", "0", "soon", "-5"].map((text) => {
    const step = next(answered(503, text), 1);
    return step.kind === "wait" ? step.delayMs : undefined;
  });
  assert.deepEqual(delays, [120_000, 120_000, 300_000, 1_000, 1_000, 1_000]);
});
