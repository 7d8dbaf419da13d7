import assert from "node:assert/strict";
import { test } from "node:test";
import { openDoor } from "../api/testing.ts";
import { systemClock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import { WatchedValue } from "../base/watched.ts";
import { settingsSchema } from "../config/settings.ts";
import { Crowd } from "../gateway/door/crowd.ts";
import { Gate } from "../gateway/door/gate.ts";
import type { Stage } from "../resilience/overload.ts";
import { createLogger } from "../telemetry/logger.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { type GrpcDoor, openGrpc } from "./grpc.ts";

/** Opens the door with these settings; what was logged stands beside it. */
async function open(
  settings: object,
  mayLackGrpc: boolean,
): Promise<{ readonly door: GrpcDoor | undefined; readonly logged: string }> {
  const rest = await openDoor();
  let logged = "";
  const sink = { write: (text: string) => (logged += text).length > 0 };
  const logger = createLogger({
    sink,
    clock: systemClock,
    level: "info",
    format: "text",
    color: false,
    redact: String,
  });
  const random = seededRandom(1);
  const metrics = new Metrics();
  const gate = new Gate({
    stage: new WatchedValue<Stage>(0),
    clock: systemClock,
    random,
    metrics,
    sessionsPerSecond: 1,
    sessionsBurst: 1,
    requestsPerPrincipal: 1,
  });
  const limits = {
    gate,
    crowd: new Crowd({ max: 10, perAddressMax: 10, gate, metrics }),
    timeouts: { headersMs: 1_000, requestMs: 1_000, idleMs: 1_000, stalledMs: 1_000 },
  };
  try {
    const options = { settings: settingsSchema.parse(settings), clock: systemClock, logger, mayLackGrpc };
    const door = await openGrpc(options, limits, {
      operations: rest.operations,
      authorizer: { allows: () => true },
      authenticator: { authenticate: () => ({ kind: "failure", reason: "unknown", message: "no" }) },
      audit: { record: () => undefined },
      onFailure: () => undefined,
      readiness: new WatchedValue<string | undefined>(undefined),
    });
    return { door, logged };
  } finally {
    await rest[Symbol.asyncDispose]();
  }
}

test("a port that is taken is an error when somebody chose it, and a word in the log when nobody did", async () => {
  const { door } = await open({ grpcPort: 0 }, false);
  assert.match(door?.url ?? "", /^grpc:\/\/127\.0\.0\.1:\d+$/);
  const grpcPort = Number(door?.url.split(":").at(-1));
  await assert.rejects(open({ grpcPort }, false), /another program listens there; choose another with --grpc-port/);
  const { door: none, logged } = await open({ grpcPort }, true);
  assert.equal(none, undefined);
  assert.match(logged, /there is no gRPC/);
  await door?.close(AbortSignal.abort());
});

test("off opens nothing, and certificates that are of no use stop the start whoever chose the port", async () => {
  assert.equal((await open({ grpcPort: "off" }, false)).door, undefined);
  await assert.rejects(open({ grpcPort: 0, grpcTls: { cert: "/nowhere.pem" } }, true), /grpcTls\.key is missing/);
});
