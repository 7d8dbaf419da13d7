import assert from "node:assert/strict";
import { test } from "node:test";
import { type Ending, endings } from "./ending.ts";
import { usualRules } from "./testing.ts";
import { type Bench, bench } from "./testing/guard-bench.ts";

/** Tools a, b, … that fail until each is open. */
function breakTools({ calls }: Bench, count: number): void {
  for (const tool of ["a", "b", "c", "d", "e"].slice(0, count)) calls(10, "server_fault", tool);
}

test("a call that is admitted has a place until it ends, and giving it back twice is once", () => {
  const { guard, come } = bench();
  const [first, second] = [come(), come()];
  assert.equal(guard.load.inFlight, 2);
  first.permit?.end("answered", 1);
  first.permit?.end("answered", 1);
  assert.equal(guard.load.inFlight, 1);
  second.permit?.end("cancelled", 1);
  assert.deepEqual([guard.load.inFlight, guard.entered], [0, 2]);
});

test("client faults, tool errors and clients that go away open nothing, however many", () => {
  const { guard, calls, changes } = bench();
  for (const ending of ["client_fault", "tool_error", "cancelled", "rate_limited", "withdrawn"] as const)
    assert.equal(calls(100, ending, "forecast"), 100, ending);
  assert.deepEqual([guard.breaker, guard.detail, changes.length], ["closed", undefined, 0]);
});

test("what each ending counts for is what the table says", () => {
  for (const [ending, row] of Object.entries(endings) as readonly (readonly [Ending, (typeof endings)[Ending]])[]) {
    const [withoutTool, withTool] = [bench(), bench()];
    withoutTool.calls(30, ending);
    assert.equal(withoutTool.guard.breaker === "open", row.server === "failure", `${ending}: the server`);
    withTool.calls(30, ending, "forecast");
    assert.equal(withTool.guard.detail?.tools !== undefined, row.tool === "failure", `${ending}: the tool`);
  }
});

test("one broken tool is refused, says why, and does not take the server down", () => {
  const { guard, calls, come } = bench();
  calls(10, "timeout", "broken");
  const { refusal } = come("broken");
  assert.equal(
    refusal?.message,
    'tool "broken" of server "weather" is not called for now (10 of 10 calls failed within 30 s); try again in 5 s',
  );
  assert.deepEqual(
    [refusal?.code, refusal?.reason, refusal?.retryAfterMs, refusal?.server],
    ["circuit_open", "CIRCUIT_OPEN", 5_000, "weather"],
  );
  assert.equal(calls(50, "answered", "sound"), 50);
  assert.equal(calls(5, "answered"), 5);
  assert.equal(guard.breaker, "closed");
  assert.deepEqual(guard.detail, {
    reason: "1 of its tools are held back",
    since: "2023-11-14T22:13:20.000Z",
    tools: [{ tool: "broken", state: "open", reason: "10 of 10 calls failed within 30 s" }],
  });
});

test("three tools that are most of those in use open the server for all", () => {
  const made = bench();
  breakTools(made, 3);
  const { guard, come, changes } = made;
  assert.equal(guard.breaker, "open");
  assert.equal(guard.detail?.reason, "3 of the 3 tools in use fail");
  assert.equal(come("sound").refusal?.code, "circuit_open");
  assert.deepEqual(
    changes.map((change) => change.kind === "breaker" && [change.tool ?? "the server", change.to]),
    [
      ["a", "open"],
      ["b", "open"],
      ["c", "open"],
      ["the server", "open"],
    ],
  );
});

test("three broken tools of many do not", () => {
  const made = bench();
  for (let i = 0; i < 4; i++) made.calls(1, "answered", `sound ${i}`);
  breakTools(made, 3);
  assert.equal(made.guard.breaker, "closed");
});

test("a dead server needs no tool to fail: five broken connections open it", async () => {
  const { clock, guard, calls, changes } = bench();
  assert.equal(calls(1_000, "broken", "forecast"), 5);
  assert.equal(guard.load.refused.breaker, 995);
  assert.deepEqual(guard.detail, {
    reason: "the connection failed 5 times in a row",
    since: "2023-11-14T22:13:20.000Z",
    retryAt: "2023-11-14T22:13:25.000Z",
  });
  await clock.advance(5_000);
  assert.equal(calls(3, "answered"), 3);
  assert.deepEqual(
    changes.map((change) => change.kind === "breaker" && change.to),
    ["open", "half-open", "closed"],
  );
});

test("slow answers open the tool that gave them, not the server", () => {
  const { guard, calls } = bench({ slowMs: 1_000 });
  calls(10, "answered", "report", 1_001);
  assert.deepEqual(guard.detail?.tools, [
    { tool: "report", state: "open", reason: "10 of 10 calls took longer than 1 s within 30 s" },
  ]);
  assert.equal(guard.breaker, "closed");
});

test("calls that wait for a tool are told as soon as it is open, and others go on", () => {
  const { guard, come } = bench({ concurrency: 20 });
  const held = Array.from({ length: 20 }, () => come("hung"));
  const [same, other] = [Array.from({ length: 30 }, () => come("hung")), come("sound")];
  assert.equal(guard.load.waiting, 31);
  for (const { permit } of held.slice(0, 10)) permit?.end("timeout", 60_000);
  assert.equal(
    same.filter(({ permit }) => permit !== undefined).length,
    9,
    "each found the place of one that timed out",
  );
  assert.equal(same.filter(({ refusal }) => refusal?.code === "circuit_open").length, 21);
  assert.notEqual(other.permit, undefined);
});

test("a server that opens turns its whole line away, and its places are free when their calls end", () => {
  const { guard, come } = bench({ concurrency: 5 });
  const held = Array.from({ length: 5 }, () => come());
  const waiting = Array.from({ length: 20 }, () => come());
  for (const { permit } of [...held, ...waiting]) permit?.end("broken", 1);
  assert.equal(guard.breaker, "open");
  const refused = waiting.filter(({ refusal }) => refusal?.code === "circuit_open").length;
  const admitted = waiting.filter(({ permit }) => permit !== undefined);
  assert.equal(refused + admitted.length, 20);
  assert.ok(refused >= 15, `${refused} were turned away`);
  for (const { permit } of admitted) permit?.end("answered", 1);
  assert.deepEqual([guard.load.inFlight, guard.load.waiting], [0, 0]);
});

test("when the line is full the error says so, with figures and what to do", () => {
  const { guard, come } = bench({ concurrency: 1, queue: 1 });
  come();
  come();
  const { refusal } = come();
  assert.equal(
    refusal?.message,
    'server "weather" is at its limit of 1 calls in flight (spec.limits.concurrency) and as many wait as may (1 of 1); try again, or raise the limit or spec.replicas',
  );
  assert.deepEqual([refusal?.code, refusal?.reason, refusal?.retryAfterMs], ["unavailable", "OVERLOADED", 1_000]);
  assert.equal(guard.load.refused.queue, 1);
});

test("who waited two seconds in vain is told, and who left is not", async () => {
  const { clock, guard, come } = bench({ concurrency: 1 });
  come();
  const [waits, leaves] = [come(), come()];
  guard.leave(leaves);
  await clock.advance(2_000);
  assert.match(waits.refusal?.message ?? "", /and none ended within 2 s; try again/);
  assert.deepEqual([leaves.refusal, leaves.permit, clock.pendingCount], [undefined, undefined, 0]);
});

test("the rate refuses what is beyond it, with the exact time to wait, and takes nothing for what was refused", async () => {
  const { clock, guard, come } = bench({ rate: { perSecond: 10, burst: 2 } });
  come();
  come();
  const { refusal } = come();
  assert.deepEqual(
    [refusal?.code, refusal?.reason, refusal?.retryAfterMs, refusal?.message],
    [
      "resource_exhausted",
      "RATE_LIMITED",
      100,
      'server "weather" takes 10 calls a second (spec.limits.rate); try again in 100 ms',
    ],
  );
  for (let i = 0; i < 50; i++) come();
  await clock.advance(100);
  assert.notEqual(come().permit, undefined);
  assert.equal(guard.load.refused.rate, 51);
});

test("what is said of a person's decision: who held it, why, and that it is no failure of the server's", () => {
  const { guard, come, calls } = bench();
  guard.force({ state: "open", reason: "the database moves", by: "ops" });
  assert.equal(
    come().refusal?.message,
    'server "weather" is not called for now (held open: the database moves); ops decided so',
  );
  assert.deepEqual(
    [guard.breaker, guard.detail?.reason, guard.detail?.forcedBy],
    ["open", "held open: the database moves", "ops"],
  );
  guard.force(undefined);
  assert.equal(calls(1, "answered"), 1);
});

test("held closed everything goes through, broken tools too", () => {
  const { guard, calls } = bench();
  guard.force({ state: "closed", reason: "we know", by: "ops" });
  assert.equal(calls(100, "server_fault", "broken"), 100);
  assert.equal(calls(100, "broken", "broken"), 100);
  assert.equal(guard.breaker, "closed");
});

test("without a breaker nothing is refused for failing", () => {
  const { calls } = bench({ breaker: { ...usualRules.breaker, enabled: false } });
  assert.equal(calls(100, "broken", "forecast"), 100);
  assert.equal(calls(100, "timeout", "forecast"), 100);
});

test("other rules hold at once", () => {
  const { guard, come, calls } = bench({ concurrency: 1, rate: { perSecond: 1, burst: 1 } });
  come();
  assert.equal(come().refusal?.reason, "RATE_LIMITED");
  guard.setRules({ ...usualRules, concurrency: 3 });
  assert.equal(calls(2, "answered"), 2);
  assert.equal(guard.load.concurrency, 3);
});

test("a replica that fails more than its peers is put aside, comes back little by little, and both is told", async () => {
  const { clock, guard, changes } = bench();
  guard.replicas(["one", "two"]);
  assert.equal(guard.weight("one"), 0.1, "it has just started");
  await clock.advance(30_000);
  assert.equal(guard.weight("one"), 1);
  for (let i = 0; i < 5; i++) guard.attempted("one", "forecast", "broken");
  assert.deepEqual([guard.isEjected("one"), guard.isEjected("two"), guard.load.ejected], [true, false, ["one"]]);
  assert.equal(guard.ejectedUntil("one"), "2023-11-14T22:14:22.500Z");
  await clock.advance(32_500);
  assert.deepEqual([guard.isEjected("one"), guard.ejectedUntil("one")], [false, undefined]);
  assert.equal(guard.weight("one"), 0.1);
  assert.deepEqual(
    changes.map(({ kind }) => kind),
    ["ejected", "returned"],
  );
});

test("second attempts are counted and have a budget", () => {
  const { guard } = bench();
  assert.deepEqual(
    [1, 2, 3, 4].map(() => guard.mayRetry()),
    [true, true, true, false],
  );
  guard.retried();
  assert.equal(guard.mayRetry(), true);
  assert.equal(guard.load.retries, 4);
});

test("a wall clock that jumps by years changes nothing that is decided", async () => {
  const { clock, guard, calls, come } = bench({ rate: { perSecond: 100, burst: 100 } });
  guard.replicas(["one", "two"]);
  calls(5, "broken");
  for (let i = 0; i < 5; i++) guard.attempted("one", undefined, "broken");
  clock.jumpWall(-10 * 365 * 86_400_000);
  assert.equal(come().refusal?.retryAfterMs, 5_000);
  clock.jumpWall(20 * 365 * 86_400_000);
  assert.deepEqual([come().refusal?.code, guard.isEjected("one")], ["circuit_open", true]);
  await clock.advance(5_000);
  assert.equal(calls(3, "answered"), 3);
  assert.equal(guard.breaker, "closed");
});

test("a retry storm meets a server that fails: a handful of calls before it opens, then only trials", async () => {
  const { clock, calls } = bench();
  let sent = 0;
  for (let second = 0; second < 60; second++) {
    sent += calls(1_000, "broken", "forecast");
    await clock.advance(1_000);
  }
  assert.ok(sent <= 5 + 4, `${sent} of 60000 calls reached it`);
});
