import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { seededRandom } from "../../base/random.ts";
import { WatchedValue } from "../../base/watched.ts";
import type { Stage } from "../../resilience/overload.ts";
import { Metrics } from "../../telemetry/metrics.ts";
import { Crowd } from "./crowd.ts";
import { Gate } from "./gate.ts";

function socketFrom(remoteAddress: string): Socket {
  // All that is asked of a socket here.
  return Object.assign(new EventEmitter(), { remoteAddress }) as Socket;
}

function open(limits: { readonly max: number; readonly perAddressMax: number }) {
  const metrics = new Metrics();
  const stage = new WatchedValue<Stage>(0);
  const [clock, random] = [new ManualClock(), seededRandom(1)];
  const rates = { sessionsPerSecond: 1, sessionsBurst: 1, requestsPerPrincipal: 1 };
  const gate = new Gate({ stage, clock, random, metrics, ...rates });
  const shown = (line: string): boolean => metrics.text().split("\n").includes(line);
  return { crowd: new Crowd({ ...limits, gate, metrics }), gate, stage, shown };
}

test("connections of all doors are counted together, in all and by address", () => {
  const { crowd, shown } = open({ max: 10, perAddressMax: 2 });
  const first = socketFrom("10.0.0.1");
  assert.equal(crowd.enter(first), true);
  assert.equal(crowd.enterFew(socketFrom("10.0.0.1"), 0), true);
  assert.equal(crowd.enter(socketFrom("10.0.0.1")), false);
  assert.equal(crowd.enterFew(socketFrom("10.0.0.1"), 1), false);
  assert.ok(shown("mcp_manager_client_connections 2"));
  assert.ok(shown('mcp_manager_refused_total{reason="address"} 2'));
  first.emit("close");
  assert.equal(crowd.enter(socketFrom("10.0.0.1")), true);
});

test("a door of few connections keeps some where others have taken all there are, and no more", () => {
  const { crowd, shown } = open({ max: 3, perAddressMax: 10 });
  for (let count = 0; count < 3; count += 1) crowd.enter(socketFrom("127.0.0.1"));
  assert.equal(crowd.isOver, false);
  assert.equal(crowd.enterFew(socketFrom("127.0.0.1"), 15), true);
  assert.equal(crowd.isOver, true);
  assert.equal(crowd.enterFew(socketFrom("127.0.0.1"), 16), false);
  assert.ok(shown('mcp_manager_refused_total{reason="connections"} 1'));
});

test("calls of another door are refused as HTTP refuses requests, and those that go on as it refuses sessions", () => {
  const { gate, stage } = open({ max: 3, perAddressMax: 10 });
  const [viewer, admin] = [
    { name: "bob", roles: ["viewer"] },
    { name: "ada", roles: ["admin"] },
  ];
  const refused = (): readonly boolean[] => [
    gate.refuseCall(viewer, false) !== undefined,
    gate.refuseCall(viewer, true) !== undefined,
    gate.refuseCall(admin, true) !== undefined,
  ];
  const expected = [
    [false, false, false],
    [false, false, false],
    [false, true, false],
    [true, true, false],
  ];
  for (const [at, row] of expected.entries()) {
    stage.replace(([0, 1, 2, 3] as const)[at] ?? 0);
    assert.deepEqual(refused(), row, `stage ${at}`);
  }
  const { code, retryAfterMs = 0 } = gate.refuseCall(viewer, false) ?? {};
  assert.deepEqual([code, retryAfterMs >= 2_000], ["unavailable", true]);
});
