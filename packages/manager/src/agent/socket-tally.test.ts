import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../base/clock.ts";
import { HttpOrigin } from "../transport/http-origin.ts";
import { RawServer } from "../transport/testing/raw-server.ts";
import { SocketTally } from "./socket-tally.ts";

test("what was counted of a connection that has ended stays in the sum", async () => {
  const server = new RawServer();
  const common = { port: await server.listen(), connectionsMax: 4, idleTimeoutMs: 1_000, headerBytesMax: 1_000 };
  const origins = [1, 2].map(
    () => new HttpOrigin({ ...common, host: "127.0.0.1", clock: systemClock, connectTimeoutMs: 5_000 }),
  );
  const tally = new SocketTally();
  for (const origin of origins) {
    tally.add(origin);
    await new Promise<void>((resolve, reject) => {
      const handler = { onHead: () => undefined, onData: () => true, onEnd: resolve, onError: reject };
      origin.request("GET / HTTP/1.1\r\n\r\n", Buffer.alloc(0), handler);
    });
  }
  assert.deepEqual(tally.counts, { open: 2, idle: 2, opened: 2, reused: 0, recycled: 0 });
  const [first, second] = origins;
  assert.ok(first && second);
  tally.remove(first);
  tally.remove(first);
  assert.deepEqual(tally.counts, { open: 1, idle: 1, opened: 2, reused: 0, recycled: 0 });
  for (const origin of origins) origin.destroy();
  await server.close();
});
