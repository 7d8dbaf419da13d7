import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import { ManualClock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import { ServerGuard } from "../resilience/server-guard.ts";
import { usualRules } from "../resilience/testing.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { collectGuardMetrics } from "./guard-metrics.ts";
import { Guards } from "./guards.ts";
import { UpstreamSet } from "./upstream-set.ts";

test("breakers, who waits, who was refused, what was sent once more and who is left alone show by server, until it is gone", () => {
  const [clock, random] = [new ManualClock(), seededRandom(1)];
  const metrics = new Metrics();
  const guards = new Guards({
    upstreams: new UpstreamSet(),
    events: { publish: () => undefined },
    make: (server, given, onChange) => new ServerGuard({ server, rules: given, clock, random, onChange }),
  });
  collectGuardMetrics(metrics, guards);
  const rules = { ...usualRules, concurrency: 1, queue: 1 };
  guards.follow(new Map([["a", { rules }]]));
  const guard = guards.of("a");
  const told = { onAdmitted: () => undefined, onRefused: () => undefined };
  const call = { principal: "p", tool: "t", beside: undefined, dueMs: 60_000, ...told };
  guard?.enter(call);
  guard?.enter({ ...call });
  assert.ok(guard?.enter({ ...call }) instanceof ManagerError);
  guard.mayRetry();
  const has = (...lines: readonly string[]): void => {
    const text = metrics.text();
    for (const line of lines) assert.ok(text.includes(`${line}\n`), `${line} in ${text}`);
  };
  has(
    'mcp_manager_breaker_state{server="a"} 0',
    'mcp_manager_calls_waiting{server="a"} 1',
    'mcp_manager_replicas_ejected{server="a"} 0',
    'mcp_manager_calls_refused_total{server="a",reason="queue"} 1',
    'mcp_manager_retries_total{server="a"} 1',
  );
  guards.force("a", { state: "open", reason: "silence", by: "ops" });
  guard.enter({ ...call });
  has('mcp_manager_breaker_state{server="a"} 2', 'mcp_manager_calls_refused_total{server="a",reason="breaker"} 2');
  guards.force("a", undefined);
  guard.replicas(["a-1-x"]);
  guard.attempted("a-1-x", undefined, "rate_limited", 7_000);
  guard.enter({ ...call });
  has(
    'mcp_manager_replicas_held_off{server="a"} 1',
    // With the one that waited.
    'mcp_manager_calls_refused_total{server="a",reason="held_off"} 1',
  );
  guards.follow(new Map());
  assert.ok(!metrics.text().includes('mcp_manager_breaker_state{server="a"}'));
});
