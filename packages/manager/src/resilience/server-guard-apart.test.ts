/** What is kept apart within one server: revisions beside the stable one, and replicas that asked to be left alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import type { Ending } from "./ending.ts";
import { usualRules } from "./testing.ts";
import { bench, TestCall } from "./testing/guard-bench.ts";

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
