import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedRandom, SteadyClock, usualRules } from "./testing.ts";
import { ToolBreakers } from "./tool-breakers.ts";
import type { Verdict } from "./verdict.ts";

interface Bench {
  readonly clock: SteadyClock;
  readonly tools: ToolBreakers;
  /** So many calls of a tool that end so; those that its breaker refuses are not made. */
  calls(count: number, tool: string, verdict: Verdict): void;
  /** Which tools are not closed, by name. */
  troubled(): string;
}

function bench(): Bench {
  const clock = new SteadyClock();
  const thresholds = { ...usualRules.breaker, minCalls: 10, slowMs: usualRules.slowMs };
  const tools = new ToolBreakers({ thresholds, clock, random: fixedRandom(), onChange: () => {} });
  return {
    clock,
    tools,
    calls(count, tool, verdict) {
      for (let i = 0; i < count; i++) {
        const breaker = tools.find(tool);
        if (breaker?.mayPass(clock.nowMs()) === false) continue;
        tools.ended(tool, breaker?.admit(clock.nowMs()) ?? 0, verdict, clock.nowMs());
      }
    },
    troubled: () => tools.troubled.map(({ tool }) => tool).join(),
  };
}

test("a tool that fails half of at least ten calls is refused, and the others are not", () => {
  const { tools, clock, calls, troubled } = bench();
  calls(9, "broken", "failure");
  calls(50, "sound", "success");
  assert.equal(troubled(), "");
  calls(1, "broken", "failure");
  assert.equal(troubled(), "broken");
  assert.equal(tools.find("broken")?.mayPass(clock.nowMs()), false);
  assert.equal(tools.find("broken")?.reason, "10 of 10 calls failed within 30 s");
});

test("successes before the first failure count: ten failures among a hundred calls are a tenth", () => {
  const { calls, troubled } = bench();
  calls(90, "busy", "success");
  calls(10, "busy", "failure");
  assert.equal(troubled(), "");
});

test("calls that were under way before anything was known of the tool count", () => {
  const { tools, clock, troubled } = bench();
  for (let i = 0; i < 10; i++) tools.ended("hung", 0, "failure", clock.nowMs());
  assert.equal(troubled(), "hung");
  for (let i = 0; i < 10; i++) tools.ended("hung", 0, "success", clock.nowMs());
  assert.equal(troubled(), "hung", "but not once it opened");
});

test("names of which a server says nothing are not kept", () => {
  const { tools, calls } = bench();
  for (let i = 0; i < 1_000; i++) calls(1, `guess ${i}`, "none");
  assert.equal(tools.size, 0);
});

test("however many names a server answers for, so many are kept, and those with failures longest", async () => {
  const { clock, tools, calls, troubled } = bench();
  calls(10, "broken", "failure");
  for (let second = 0; second < 20; second++) {
    for (let i = 0; i < 1_000; i++) calls(1, `name ${second} ${i}`, "success");
    assert.ok(tools.size <= 256);
    await clock.advance(1_000);
  }
  assert.equal(troubled(), "broken");
});

test("a tool that nobody calls any more costs nothing lasting", async () => {
  const { clock, tools, calls } = bench();
  for (let i = 0; i < 200; i++) calls(1, `old ${i}`, "success");
  await clock.advance(60_000);
  for (let i = 0; i < 100; i++) calls(1, `new ${i}`, "success");
  assert.ok(tools.size <= 100, `${tools.size} are kept`);
});

test("the server is to be taken for broken when three tools are open and they are most of those in use", () => {
  const { clock, tools, calls } = bench();
  for (const tool of ["a", "b"]) calls(10, tool, "failure");
  assert.equal(tools.escalation(clock.nowMs()), undefined, "two are too few, though all");
  for (const tool of ["u", "v", "w"]) calls(1, tool, "success");
  calls(10, "c", "failure");
  assert.equal(tools.escalation(clock.nowMs()), undefined, "half is not more than half");
  calls(10, "w", "failure");
  assert.equal(tools.escalation(clock.nowMs()), "4 of the 6 tools in use fail");
});

test("tools that nobody called within the window are not in use", async () => {
  const { clock, tools, calls } = bench();
  for (const tool of ["u", "v", "w", "x"]) calls(1, tool, "success");
  await clock.advance(30_000);
  for (const tool of ["a", "b", "c"]) calls(10, tool, "failure");
  assert.equal(tools.escalation(clock.nowMs()), "3 of the 3 tools in use fail");
});
