import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { StreamItem } from "@mcp-manager/api";
import { systemClock } from "../base/clock.ts";
import { sendEvents } from "./event-answer.ts";

/** A response that sends `items`, the socket of who asked, and what becomes of the sending. */
async function open(items: AsyncIterable<StreamItem>) {
  const begun = Promise.withResolvers<{ readonly response: ServerResponse; readonly sent: Promise<void> }>();
  const server = createServer((request, response) => {
    begun.resolve({ response, sent: sendEvents(request, response, { items, clock: systemClock }) });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
  return {
    ...(await begun.promise),
    socket,
    [Symbol.dispose]() {
      socket.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Counts what was taken of it. */
async function* many(count: number, taken: { items: number }): AsyncGenerator<StreamItem, void, undefined> {
  const message = "x".repeat(200);
  for (; taken.items < count; taken.items += 1) {
    yield { kind: "event", event: { topic: "breaker.state", at: "2027-01-01T00:00:00Z", message, severity: "info" } };
  }
}

test("who takes nothing is not waited for with more than a batch in hand, and its going ends the sending", async () => {
  const taken = { items: 0 };
  using stream = await open(many(1_000_000, taken));
  let before = -1;
  while (taken.items === 0 || taken.items !== before) {
    before = taken.items;
    for (let turn = 0; turn < 50; turn += 1) await setImmediate();
  }
  assert.ok(stream.response.writableLength < 300_000, `${stream.response.writableLength} bytes wait`);
  assert.ok(taken.items < 100_000, `${taken.items} were taken`);
  stream.socket.destroy();
  await stream.sent;
});

test("however often a reader is waited for, nobody is left listening", async () => {
  const taken = { items: 0 };
  using stream = await open(many(20_000, taken));
  let received = 0;
  stream.socket.on("data", (chunk: Buffer) => (received += chunk.length)).resume();
  await stream.sent;
  assert.deepEqual([stream.response.listenerCount("drain"), stream.response.listenerCount("close") <= 2], [0, true]);
  assert.equal(taken.items, 20_000);
  await until(() => received > 20_000 * 200);
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await setImmediate();
}
