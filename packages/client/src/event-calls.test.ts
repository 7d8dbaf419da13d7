import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { StreamItem } from "@mcp-manager/api";
import { Client } from "./client.ts";

/** A manager whose connections are answered one after the other as a test says, and how each was asked. */
async function open(...answers: readonly ((response: ServerResponse) => void)[]) {
  const asked: Pick<IncomingMessage, "url" | "headers">[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    answers[asked.length - 1]?.(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    client: new Client({ url, key: "k" }),
    asked,
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
