/** A manager that is killed while it delivers goes on where it was: nothing is lost, and what comes twice comes under the same id. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Event } from "@mcp-manager/api";
import { configOf, sourceOf } from "./testing/fixtures.ts";
import { startManager, until } from "./testing/manager.ts";

test("killed with deliveries under way, the next life delivers them, and those of what it did not see", async () => {
  const received: { readonly id: string; readonly event: Event; readonly isAnswered: boolean }[] = [];
  let isAnswering = false;
  const endpoint = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const event = JSON.parse(body) as Event;
      // Of the first life, what is said of "first" is taken and the rest never answered.
      const isAnswered = isAnswering || event.server === "first";
      received.push({ id: String(request.headers["webhook-id"]), event, isAnswered });
      if (isAnswered) response.writeHead(204).end();
    });
  });
  endpoint.listen(0, "127.0.0.1");
  await once(endpoint, "listening");
  const url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/`;
  const folder = await mkdtemp(join(tmpdir(), "mcp-manager-"));
  const start = {
    config: { text: configOf({}), folder },
    dataDir: join(folder, "data"),
    env: { MCP_MANAGER_EGRESS_ALLOW: "127.0.0.1" },
  };
  const of = (server: string, topic: string): typeof received =>
    received.filter(({ event }) => event.server === server && event.topic === topic);
  try {
    const first = await startManager(start);
    const spec = { source: sourceOf("plain") as never };
    const secret = "a secret of some length";
    await first.client.webhooks.create({ metadata: { name: "ops" }, spec: { url, topics: ["server.*"], secret } });
    await first.client.servers.create({ metadata: { name: "first" }, spec });
    await first.serversReady("first");
    await until("the first is delivered", () => Promise.resolve(of("first", "server.registered").length === 1));
    await first.client.servers.create({ metadata: { name: "second" }, spec });
    await until("the second is under way", () => Promise.resolve(of("second", "server.registered").length === 1));
    await first.end("SIGKILL");
    isAnswering = true;
    await using second = await startManager(start);
    await second.serversReady("first", "second");
    const ready = ({ event }: (typeof received)[number]): boolean => event.data?.["to"] === "ready";
    await until("all is delivered", () => Promise.resolve(of("second", "server.state").some(ready)));
    await until("nothing waits", async () => (await second.client.webhooks.get("ops")).status.pending === 0);
    const registered = of("second", "server.registered");
    assert.deepEqual(
      registered.map(({ isAnswered }) => isAnswered),
      [false, true],
    );
    assert.equal(registered[0]?.id, registered[1]?.id);
    const { deadLetters, state } = (await second.client.webhooks.get("ops")).status;
    assert.deepEqual({ deadLetters, state }, { deadLetters: 0, state: "active" });
  } finally {
    endpoint.closeAllConnections();
    endpoint.close();
    await rm(folder, { recursive: true, force: true });
  }
});
