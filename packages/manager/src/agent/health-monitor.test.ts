import assert from "node:assert/strict";
import { test } from "node:test";
import { durationMs, serverDefaults } from "@mcp-manager/api";
import fc from "fast-check";
import { ManualClock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import { TimerWheel } from "../base/timer-wheel.ts";
import { type Finding, HealthMonitor } from "./health-monitor.ts";
import { ProbedConnection } from "./testing/runs.ts";

interface World {
  readonly clock: ManualClock;
  readonly connection: ProbedConnection;
  readonly findings: Finding[];
  readonly monitor: HealthMonitor;
}

function watch(health = serverDefaults.health, seed = 1): World {
  const clock = new ManualClock();
  const connection = new ProbedConnection();
  const findings: Finding[] = [];
  const monitor = new HealthMonitor(connection, {
    clock,
    random: seededRandom(seed),
    wheel: new TimerWheel(clock),
    health: () => health,
    callTimeoutMs: () => 60_000,
    otherCalls: () => 0,
    onProbed: () => undefined,
    onFinding: (finding) => findings.push(finding),
  });
  return { clock, connection, findings, monitor };
}

test("whatever was heard before, a server is found silent within failures × interval + timeout of its last word, and not while it speaks", async () => {
  const scenario = fc.record({
    words: fc.array(fc.integer({ min: 1, max: 25_000 }), { maxLength: 12 }),
    seed: fc.nat(),
    failures: fc.integer({ min: 1, max: 4 }),
    manner: fc.constantFrom("hangs" as const, "fails" as const),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ words, seed, failures, manner }) => {
      const health = { ...serverDefaults.health, failures };
      const { clock, connection, findings, monitor } = watch(health, seed);
      for (const apartMs of words) {
        await clock.advance(apartMs);
        connection.heard++;
      }
      assert.equal(findings.length, 0);
      connection.manner = manner;
      await clock.advance(failures * durationMs(health.interval) + durationMs(health.timeout));
      assert.equal(findings.at(-1)?.isFit, false);
      monitor[Symbol.dispose]();
      await clock.advance(100);
      assert.equal(clock.pendingCount, 0, "it leaves no timer");
    }),
    { numRuns: 60 },
  );
});

test("a thousand idle servers are asked about once in an interval each, not all at once", async () => {
  const clock = new ManualClock();
  const wheel = new TimerWheel(clock);
  const random = seededRandom(7);
  const connections = Array.from({ length: 1_000 }, () => new ProbedConnection());
  const host = {
    clock,
    random,
    wheel,
    health: () => serverDefaults.health,
    callTimeoutMs: () => 60_000,
    otherCalls: () => 0,
    onProbed: () => undefined,
    onFinding: () => assert.fail("all are healthy"),
  };
  const monitors = connections.map((connection) => new HealthMonitor(connection, host));
  const probed = (): number => connections.reduce((sum, { probes }) => sum + probes.length, 0);
  const counts: number[] = [];
  for (let second = 0; second < 60; second++) {
    const before = probed();
    await clock.advance(1_000);
    counts.push(probed() - before);
  }
  assert.ok(probed() < 1_000 * 8, `${probed()} probes in a minute`);
  assert.ok(Math.max(...counts) < 250, `${counts.join()} in the seconds`);
  for (const monitor of monitors) monitor[Symbol.dispose]();
});
