import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { StreamItem } from "@mcp-manager/api";
import { Client } from "./client.ts";
import type { ClientOptions } from "./connection.ts";

/** A manager whose connections are answered one after the other as a test says, and how each was asked. */
async function open(...answers: readonly ((response: ServerResponse) => void)[]) {
  return await openWith({}, ...answers);
}

async function openWith(options: Partial<ClientOptions>, ...answers: readonly ((response: ServerResponse) => void)[]) {
  const asked: Pick<IncomingMessage, "url" | "headers">[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    answers[asked.length - 1]?.(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    client: new Client({ url, key: "k", ...options }),
    asked,
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function block(name: string, revision: string | undefined, id?: string): string {
  const event = { topic: "server.state", at: "2027-01-01T00:00:00Z", message: name, severity: "info" };
  const data = JSON.stringify(revision === undefined ? event : { ...event, revision });
  return `event: server.state\n${id === undefined ? "" : `id: ${id}\n`}data: ${data}\n\n`;
}

function inWords(item: StreamItem): string {
  return item.kind === "event"
    ? `${item.event.message}${item.position === undefined ? "" : ` @${item.position}`}`
    : item.kind;
}

test("a stream that is cut goes on from its position, and no part of a revision is told twice", async () => {
  await using manager = await open(
    (response) =>
      response.end(`id: 4\n\n${block("one", "5", "5")}${block("passing", undefined)}${block("half of 6", "6")}`),
    (response) => response.writeHead(503).end(),
    (response) => response.destroy(),
    (response) =>
      response.write(`:\n\n${block("half of 6", "6")}${block("whole", "6", "6")}event: missed\ndata: {"count":2}\n\n`),
  );
  const stop = new AbortController();
  const told: string[] = [];
  const cuts: string[] = [];
  const options = {
    topics: ["server.*", "*.state"],
    signal: stop.signal,
    onCut: (error: Error) => cuts.push(error.message),
  };
  for await (const item of manager.client.events.watch(options)) {
    told.push(inWords(item));
    if (item.kind === "missed") stop.abort();
  }
  assert.deepEqual(told, ["synced", "one @5", "passing", "half of 6", "whole @6", "missed"]);
  assert.equal(cuts.length, 3);
  assert.deepEqual(
    manager.asked.map(({ url, headers }) => [url, headers["last-event-id"]]),
    [
      ["/api/v1/events?topics=server.*%2C*.state", undefined],
      ...[1, 2, 3].map(() => ["/api/v1/events?topics=server.*%2C*.state&after=5", "5"]),
    ],
  );
});

test("a manager that is not there, or refuses, is an error at once; one that refuses later too", async () => {
  await using manager = await open(
    (response) => response.end("id: 4\n\n"),
    (response) => response.writeHead(403).end(JSON.stringify({ code: "permission_denied", detail: "no" })),
  );
  const read = async (client: Client): Promise<void> => {
    for await (const _item of client.events.watch());
  };
  await assert.rejects(read(manager.client), { code: "permission_denied" });
  await assert.rejects(read(new Client({ url: "http://127.0.0.1:1" })), { code: "unavailable" });
});

test("a snapshot and a new beginning arrive as what they are", async () => {
  const resource = '{"resource":{"kind":"Server"}}';
  await using manager = await open((response) =>
    response.write(
      `event: reset\ndata: {"reason":"compacted"}\n\nevent: snapshot\ndata: ${resource}\n\nevent: synced\nid: 9\ndata: {"position":"9"}\n\n`,
    ),
  );
  const told: StreamItem[] = [];
  for await (const item of manager.client.events.watch({ after: "1" })) {
    told.push(item);
    if (item.kind === "synced") break;
  }
  assert.deepEqual(told, [
    { kind: "reset", reason: "compacted" },
    { kind: "snapshot", resource: { kind: "Server" } },
    { kind: "synced", position: "9" },
  ]);
});

test("a manager that does not answer in time when it is asked again is asked once more", async () => {
  await using manager = await openWith(
    { timeoutMs: 1_000 },
    (response) => response.end(block("one", "5", "5")),
    () => undefined,
    (response) => response.write(block("two", "6", "6")),
  );
  const told: string[] = [];
  for await (const item of manager.client.events.watch()) if (told.push(inWords(item)) === 2) break;
  assert.deepEqual(told, ["one @5", "two @6"]);
  assert.equal(manager.asked.length, 3);
});

test("how long a reader takes over an item is no silence of the manager's", async (t) => {
  const begun = Promise.withResolvers<ServerResponse>();
  await using manager = await open((response) => {
    response.write(block("one", "5", "5"));
    begun.resolve(response);
  });
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const cuts: string[] = [];
  const items = manager.client.events.watch({ onCut: ({ message }) => cuts.push(message) });
  assert.equal((await items.next()).done, false);
  t.mock.timers.tick(100_000);
  (await begun.promise).write(block("two", "6", "6"));
  const next = items.next();
  await Promise.race([next, once(manager.server, "request")]);
  assert.deepEqual(cuts, []);
  const { value } = await next;
  assert.equal(value === undefined ? "" : inWords(value), "two @6");
  await items.return();
});

test("a manager that asks to come back at once is not asked in a loop without rest", async () => {
  const refused = (response: ServerResponse): void =>
    void response
      .writeHead(503, { "retry-after": "0" })
      .end(JSON.stringify({ code: "unavailable", detail: "no", retryable: true }));
  await using manager = await open(
    (response) => response.end(block("one", "5", "5")),
    refused,
    (response) => response.write(block("two", "6", "6")),
  );
  const pauses: number[] = [];
  const told: string[] = [];
  for await (const item of manager.client.events.watch({ onCut: (_, afterMs) => pauses.push(afterMs) }))
    if (told.push(inWords(item)) === 2) break;
  assert.equal(pauses.length, 2);
  assert.ok(
    pauses.every((ms) => ms >= 125),
    pauses.join(),
  );
});

test("an event may be as large as a server that is allowed", async () => {
  const long = "x".repeat(2_000_000);
  await using manager = await open((response) => response.write(block(long, "5", "5")));
  for await (const item of manager.client.events.watch()) {
    assert.equal(item.kind === "event" ? item.event.message.length : 0, long.length);
    break;
  }
});
