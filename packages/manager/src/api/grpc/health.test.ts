import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, createHandlerContext } from "@connectrpc/connect";
import { WatchedValue } from "../../base/watched.ts";
import { Health } from "./gen/grpc/health/v1/health_pb.ts";
import { healthService } from "./health.ts";

test("so many watch at a time, whoever they are; one that leaves makes room", async () => {
  const readiness = new WatchedValue<string | undefined>(undefined);
  const health = healthService({ readiness, stopping: new AbortController().signal });
  const { watch } = Health.method;
  const begin = async (): Promise<() => Promise<void>> => {
    const leaving = new AbortController();
    const context = createHandlerContext({
      service: Health,
      method: watch,
      protocolName: "grpc",
      requestMethod: "POST",
      url: "http://localhost/",
      requestSignal: leaving.signal,
    });
    const request = { $typeName: "grpc.health.v1.HealthCheckRequest" as const, service: "" };
    const statuses = health.watch(request, context)[Symbol.asyncIterator]();
    await statuses.next();
    const last = statuses.next();
    return async () => {
      leaving.abort();
      await last;
      await statuses.next();
    };
  };
  const [first] = await Promise.all(Array.from({ length: 1_000 }, begin));
  await assert.rejects(begin(), { code: Code.ResourceExhausted });
  await first?.();
  await begin();
});
