import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import { type Ending, endings } from "./ending.ts";
import type { GuardedCall, GuardRules, Permit } from "./guard.ts";
import { type GuardChange, ServerGuard } from "./server-guard.ts";
import { fixedRandom, SteadyClock, usualRules } from "./testing.ts";

class TestCall implements GuardedCall {
  readonly principal: string;
  readonly tool: string | undefined;
  readonly beside: string | undefined;
  readonly dueMs: number;
  permit: Permit | undefined;
  refusal: ManagerError | undefined;

  constructor(tool: string | undefined, principal: string, dueMs: number, beside?: string) {
    this.beside = beside;
    this.tool = tool;
    this.principal = principal;
    this.dueMs = dueMs;
  }

  onAdmitted(permit: Permit): void {
    this.permit = permit;
  }

  onRefused(error: ManagerError): void {
    this.refusal = error;
  }
}

interface Bench {
  readonly clock: SteadyClock;
  readonly guard: ServerGuard;
  readonly changes: readonly GuardChange[];
  /** A call comes; what became of it stands in it. */
  come(tool?: string, principal?: string, dueInMs?: number): TestCall;
  /** So many calls that come and end at once. Answers how many were admitted. */
  calls(count: number, ending: Ending, tool?: string, tookMs?: number): number;
}

function bench(rules: Partial<GuardRules> = {}): Bench {
  const clock = new SteadyClock();
  const changes: GuardChange[] = [];
  const guard = new ServerGuard({
    server: "weather",
    rules: { ...usualRules, ...rules },
    clock,
    random: fixedRandom(),
    onChange: (change) => changes.push(change),
  });
  const come = (tool?: string, principal = "alice", dueInMs = 60_000): TestCall => {
    const call = new TestCall(tool, principal, clock.nowMs() + dueInMs);
    const entered = guard.enter(call);
    if (entered instanceof ManagerError) call.refusal = entered;
    else call.permit = entered;
    return call;
  };
  const calls = (count: number, ending: Ending, tool?: string, tookMs = 5): number => {
    let admitted = 0;
    for (let i = 0; i < count; i++) {
      const { permit } = come(tool);
      if (permit !== undefined) admitted++;
      permit?.end(ending, tookMs);
    }
    return admitted;
  };
  return { clock, guard, changes, come, calls };
}

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

test("what fails on a revision beside the stable one closes the way to that revision alone", () => {
  const { guard, clock, changes, calls } = bench();
  guard.replicas(["weather-1-a", "weather-2-a"]);
  const beside = (tool: string | undefined, ending: Ending, revision = "weather-2"): ManagerError | undefined => {
    const call = new TestCall(tool, "alice", clock.nowMs() + 60_000, revision);
    const entered = guard.enter(call);
    if (entered instanceof ManagerError) return entered;
    entered?.end(ending, 5);
    return undefined;
  };
  for (let i = 0; i < 10; i++) assert.equal(beside("forecast", "server_fault"), undefined);
  assert.match(beside("forecast", "answered")?.message ?? "", /^tool "forecast" .* is not called for now/);
  assert.equal(calls(50, "answered", "forecast"), 50);
  for (let i = 0; i < 5; i++) beside(undefined, "broken");
  assert.equal(beside("other", "answered")?.code, "circuit_open");
  assert.equal(beside("other", "answered", "weather-3"), undefined, "each revision has its own");
  assert.deepEqual([calls(50, "answered"), guard.breaker, guard.detail], [50, "closed", undefined]);
  const moved = changes.map((change) => change.kind === "breaker" && [change.revision, change.tool, change.to]);
  assert.deepEqual(moved, [
    ["weather-2", "forecast", "open"],
    ["weather-2", undefined, "open"],
  ]);
  guard.force({ state: "closed", reason: "a look", by: "ops" });
  assert.equal(beside("other", "answered"), undefined, "what a person decided holds for all");
  guard.force(undefined);
  guard.replicas(["weather-1-a"]);
  guard.replicas(["weather-1-a", "weather-2-b"]);
  assert.equal(beside("other", "answered"), undefined, "it is forgotten with its replicas");
});

test("who waits for what is beside is turned away when that breaks, and nobody else", () => {
  const { guard, clock, come } = bench({ concurrency: 1 });
  const going = new TestCall("forecast", "alice", clock.nowMs() + 60_000, "weather-2");
  const permit = guard.enter(going);
  const waiting = new TestCall("forecast", "bob", clock.nowMs() + 60_000, "weather-2");
  guard.enter(waiting);
  const other = come("forecast", "carol");
  guard.setRules({ ...usualRules, concurrency: 1, breaker: { ...usualRules.breaker, minCalls: 2 } });
  if (permit !== undefined && !(permit instanceof ManagerError)) permit.end("server_fault", 5);
  assert.equal(waiting.refusal?.code, "circuit_open");
  assert.ok(other.permit !== undefined, "it has the place");
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

test("U8 a server that asked to be left alone is, by the time it said, and comes back by itself with its breaker closed", async () => {
  const { clock, guard, come, changes } = bench({ rate: { perSecond: 1, burst: 1 } });
  guard.replicas(["one"]);
  come().permit?.end("rate_limited", 5);
  guard.attempted("one", undefined, "rate_limited", 7_000);
  await clock.advance(1_000);
  const { refusal } = come("forecast");
  assert.equal(
    refusal?.message,
    'server "weather" is left alone for now, as it asked for (HTTP 429 or Retry-After); try again in 6 s',
  );
  assert.deepEqual(
    [refusal?.code, refusal?.reason, refusal?.retryAfterMs, refusal?.retryable],
    ["unavailable", "HELD_OFF", 6_000, true],
  );
  assert.deepEqual([guard.load.heldOff, guard.load.refused.heldOff], [["one"], 1]);
  assert.equal(guard.heldOffUntil("one"), "2023-11-14T22:13:27.000Z");
  assert.deepEqual([guard.breaker, guard.detail], ["closed", undefined]);
  await clock.advance(6_000);
  assert.notEqual(come().permit, undefined, "what was refused took nothing of the rate");
  assert.deepEqual([guard.load.heldOff, guard.heldOffUntil("one")], [[], undefined]);
  assert.deepEqual(changes, [{ kind: "held-off", replica: "one", forMs: 7_000 }]);
});

test("while another replica is not held off, calls go on, and who needs that very one is refused", () => {
  const { guard, come } = bench();
  guard.replicas(["one", "two"]);
  guard.attempted("one", undefined, "rate_limited", 7_000);
  assert.notEqual(come().permit, undefined);
  assert.deepEqual([guard.isHeldOff("one"), guard.isHeldOff("two")], [true, false]);
  assert.equal(guard.refuseHeldOff(["one"])?.retryAfterMs, 7_000);
  assert.deepEqual([guard.refuseHeldOff(["one", "two"]), guard.refuseHeldOff([])], [undefined, undefined]);
});

test("calls that wait for a place are told as soon as all replicas are held off", () => {
  const { guard, come } = bench({ concurrency: 1 });
  guard.replicas(["one"]);
  const { permit } = come();
  const waiting = [come(), come("forecast")];
  guard.attempted("one", undefined, "rate_limited", 7_000);
  for (const { refusal } of waiting) assert.equal(refusal?.reason, "HELD_OFF");
  permit?.end("rate_limited", 1);
  assert.deepEqual([guard.load.inFlight, guard.load.waiting, guard.load.refused.heldOff], [0, 0, 2]);
});

test("only what ended by its server's wish holds it off, not any failure that has a time to it", () => {
  const { guard } = bench();
  guard.replicas(["one"]);
  for (const ending of ["broken", "withdrawn", "bad_gateway"] as const)
    guard.attempted("one", undefined, ending, 7_000);
  guard.attempted("one", undefined, "rate_limited");
  assert.equal(guard.isHeldOff("one"), false);
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
