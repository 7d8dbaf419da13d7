import assert from "node:assert/strict";
import { test } from "node:test";
import { type BreakerChange, type BreakerThresholds, CircuitBreaker } from "./circuit-breaker.ts";
import { fixedRandom, SteadyClock, usualRules } from "./testing.ts";
import type { Verdict } from "./verdict.ts";

const usual: BreakerThresholds = { ...usualRules.breaker, slowMs: usualRules.slowMs };

interface Bench {
  readonly clock: SteadyClock;
  readonly breaker: CircuitBreaker;
  readonly changes: readonly BreakerChange[];
  /** A call from admission to end; whether it was admitted. */
  call(verdict: Verdict): boolean;
  calls(count: number, verdict: Verdict): void;
}

function bench(thresholds: Partial<BreakerThresholds> = {}, jitter = 0.5): Bench {
  const clock = new SteadyClock();
  const changes: BreakerChange[] = [];
  const breaker = new CircuitBreaker({
    thresholds: { ...usual, ...thresholds },
    clock,
    random: fixedRandom(jitter),
    onChange: (change) => changes.push(change),
  });
  const call = (verdict: Verdict): boolean => {
    if (!breaker.mayPass(clock.nowMs())) return false;
    breaker.ended(breaker.admit(clock.nowMs()), verdict, clock.nowMs());
    return true;
  };
  const calls = (count: number, verdict: Verdict): void => {
    for (let i = 0; i < count; i++) call(verdict);
  };
  return { clock, breaker, changes, call, calls };
}

/** A breaker that broken connections have opened; its time is 5 s, without jitter. */
function opened(thresholds: Partial<BreakerThresholds> = {}): Bench {
  const made = bench(thresholds);
  made.calls(5, "transport-failure");
  assert.equal(made.breaker.state, "open");
  return made;
}

test("it opens when half of at least twenty calls failed, and says so", () => {
  const { breaker, calls, changes, call } = bench();
  calls(8, "success");
  calls(11, "failure");
  assert.equal(breaker.state, "closed", "19 calls are too few");
  call("failure");
  assert.equal(breaker.state, "open");
  assert.deepEqual(changes, [{ from: "closed", to: "open", reason: "12 of 20 calls failed within 30 s" }]);
  assert.equal(call("success"), false);
});

test("one failure opens nothing", () => {
  const { breaker, call } = bench({ minCalls: 2 });
  call("failure");
  assert.equal(breaker.state, "closed");
});

test("it opens when four of five of at least ten calls were slow", () => {
  const { breaker, calls, call } = bench();
  calls(2, "success");
  calls(7, "slow");
  assert.equal(breaker.state, "closed");
  call("slow");
  assert.equal(breaker.reason, "8 of 10 calls took longer than 30 s within 30 s");
});

test("it opens after five broken connections in a row, between which no answer came", () => {
  const { breaker, calls } = bench();
  calls(4, "transport-failure");
  calls(1, "answered");
  calls(4, "transport-failure");
  calls(3, "none");
  assert.equal(breaker.state, "closed");
  calls(1, "transport-failure");
  assert.equal(breaker.reason, "the connection failed 5 times in a row");
});

test("failures of an hour ago open nothing, however long nobody came", async () => {
  const { clock, breaker, calls } = bench({ minCalls: 5 });
  calls(4, "failure");
  await clock.advance(3_600_000);
  calls(1, "failure");
  assert.equal(breaker.state, "closed");
});

test("an open one tells when to come again, and lets two through when its time is up", async () => {
  const { clock, breaker, call } = opened();
  assert.equal(breaker.retryAfterMs(clock.nowMs()), 5_000);
  await clock.advance(4_999);
  assert.equal(call("success"), false);
  await clock.advance(1);
  for (const isAdmitted of [true, true, false]) {
    assert.equal(breaker.mayPass(clock.nowMs()), isAdmitted);
    if (isAdmitted) breaker.admit(clock.nowMs());
  }
  assert.equal(breaker.state, "half-open");
});

test("three successes close it, and what it counted before is forgotten", async () => {
  const { clock, breaker, calls, call } = opened({ minCalls: 2 });
  await clock.advance(5_000);
  calls(2, "success");
  assert.equal(breaker.state, "half-open");
  call("success");
  assert.equal(breaker.state, "closed");
  call("failure");
  assert.equal(breaker.state, "closed", "one call alone since it closed");
});

test("one failure among its trials opens it again, for twice as long each time, to 300 s", async () => {
  const { clock, breaker, call } = opened();
  const times: number[] = [];
  for (let i = 0; i < 8; i++) {
    const waitMs = breaker.retryAfterMs(clock.nowMs());
    times.push(waitMs / 1_000);
    await clock.advance(waitMs);
    assert.ok(call(i % 2 === 0 ? "failure" : "slow"));
  }
  assert.deepEqual(times, [5, 10, 20, 40, 80, 160, 300, 300]);
});

test("its time is up to a fifth shorter or longer, never over 300 s", async () => {
  for (const [jitter, first, last] of [
    [0, 4_000, 240_000],
    [1, 6_000, 300_000],
  ] as const) {
    const { clock, breaker, calls, call } = bench({}, jitter);
    calls(5, "transport-failure");
    assert.equal(breaker.retryAfterMs(clock.nowMs()), first);
    for (let i = 0; i < 8; i++) {
      await clock.advance(breaker.retryAfterMs(clock.nowMs()));
      call("failure");
    }
    assert.equal(breaker.retryAfterMs(clock.nowMs()), last);
  }
});

test("after ten minutes closed the next opening is a first one", async () => {
  for (const [closedMs, openMs] of [
    [599_999, 10_000],
    [600_000, 5_000],
  ] as const) {
    const { clock, breaker, calls } = opened();
    await clock.advance(5_000);
    calls(3, "success");
    await clock.advance(closedMs);
    calls(5, "transport-failure");
    assert.equal(breaker.retryAfterMs(clock.nowMs()), openMs);
  }
});

test("a trial that hangs holds nobody up: others fail at once, and after 30 s it is open again", async () => {
  const { clock, breaker, call } = opened();
  await clock.advance(5_000);
  const hung = [0, 1].map(() => {
    assert.ok(breaker.mayPass(clock.nowMs()));
    return breaker.admit(clock.nowMs());
  });
  for (let i = 0; i < 50; i++) assert.equal(call("success"), false);
  await clock.advance(30_000);
  assert.equal(call("success"), false);
  assert.equal(breaker.state, "open");
  assert.equal(breaker.reason, "trial calls decided nothing within 30 s");
  for (const generation of hung) breaker.ended(generation, "success", clock.nowMs());
  assert.equal(breaker.state, "open", "an answer that comes too late decides nothing");
});

test("a server that is seldom called gets its three trials all the same", async () => {
  const { clock, breaker, call } = opened();
  for (let i = 0; i < 3; i++) {
    await clock.advance(3_600_000);
    assert.ok(call("success"));
  }
  assert.equal(breaker.state, "closed");
});

test("a trial that says nothing of the server gives its place back", async () => {
  const { clock, breaker, calls } = opened();
  await clock.advance(5_000);
  calls(20, "none");
  assert.equal(breaker.state, "half-open");
  calls(3, "success");
  assert.equal(breaker.state, "closed");
});

test("what was admitted in an earlier state decides nothing in a later one", async () => {
  const { clock, breaker, calls } = bench();
  const early = Array.from({ length: 30 }, () => breaker.admit(clock.nowMs()));
  calls(5, "transport-failure");
  await clock.advance(5_000);
  assert.ok(breaker.mayPass(clock.nowMs()));
  for (const generation of early.slice(0, 10)) breaker.ended(generation, "success", clock.nowMs());
  assert.equal(breaker.state, "half-open");
  for (const generation of early.slice(10, 20)) breaker.ended(generation, "failure", clock.nowMs());
  assert.equal(breaker.state, "half-open");
  calls(3, "success");
  for (const generation of early.slice(20)) breaker.ended(generation, "transport-failure", clock.nowMs());
  assert.equal(breaker.state, "closed");
});

test("the wall clock may jump by an hour or ten years: nothing opens, closes or waits longer", async () => {
  for (const jumpMs of [3_600_000, -3_600_000, 10 * 365 * 86_400_000]) {
    const { clock, breaker, calls, call } = opened();
    clock.jumpWall(jumpMs);
    assert.equal(call("success"), false);
    assert.equal(breaker.retryAfterMs(clock.nowMs()), 5_000);
    assert.equal(breaker.retryAtWallMs, clock.wallMs() + 5_000);
    await clock.advance(5_000);
    clock.jumpWall(-2 * jumpMs);
    calls(3, "success");
    assert.equal(breaker.state, "closed");
  }
});

test("a person holds it open or closed, whatever happens, and it begins anew when let go", async () => {
  const { clock, breaker, calls, call, changes } = bench();
  breaker.force({ state: "open", reason: "upgrade of the database", by: "alice" });
  await clock.advance(3_600_000);
  assert.equal(call("success"), false);
  assert.deepEqual([breaker.state, breaker.reason], ["open", "held open: upgrade of the database"]);
  breaker.force({ state: "closed", reason: "it is only slow", by: "alice" });
  calls(50, "transport-failure");
  breaker.trip("3 tools fail", clock.nowMs());
  assert.deepEqual([breaker.state, breaker.forced?.by], ["closed", "alice"]);
  breaker.force(undefined);
  calls(4, "transport-failure");
  assert.equal(breaker.state, "closed", "what happened meanwhile does not count");
  call("transport-failure");
  assert.equal(breaker.state, "open");
  assert.deepEqual(
    changes.map(({ from, to }) => `${from} → ${to}`),
    ["closed → open", "open → closed", "closed → closed", "closed → open"],
  );
});

test("switched off it stays closed, and one that is open closes", () => {
  const { clock, breaker, calls } = opened();
  breaker.setThresholds({ ...usual, enabled: false });
  assert.equal(breaker.state, "closed");
  calls(50, "transport-failure");
  breaker.trip("3 tools fail", clock.nowMs());
  assert.equal(breaker.state, "closed");
});

test("other thresholds hold from now on, for what was counted too", () => {
  const { breaker, calls } = bench();
  calls(10, "failure");
  breaker.setThresholds({ ...usual, minCalls: 10 });
  calls(1, "failure");
  assert.equal(breaker.state, "open");
});

test("it keeps no timer", async () => {
  const { clock, calls } = opened();
  await clock.advance(5_000);
  calls(3, "success");
  assert.equal(clock.pendingCount, 0);
});
