/** Subscriptions of the official SDKs' clients, of either version and era, to servers of either era. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Client as LegacyClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as LegacyHttp } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { TestGateway } from "../testing/gateway.ts";
import { capabilities, script, toolsChanged, updated } from "../testing/hearer.ts";
import type { Received, ScriptedConnection } from "../testing/scripted-connection.ts";

const requestInit = { headers: { authorization: "Bearer ada" } };
const clientInfo = { name: "test", version: "1" };
interface Heard {
  readonly method: string;
  readonly params?: unknown;
}

/** Notifications in the order in which a client hears them. */
class Ears {
  readonly #heard: Heard[] = [];
  readonly #waiting: ((notification: Heard) => void)[] = [];

  readonly hear = (notification: Heard): Promise<void> => {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#heard.push(notification);
    else waiting(notification);
    return Promise.resolve();
  };

  async next(): Promise<unknown[]> {
    const first = this.#heard.shift();
    const { method, params } = first ?? (await new Promise<Heard>((resolve) => this.#waiting.push(resolve)));
    return [method, (params as { uri?: string } | undefined)?.uri];
  }
}

function serve(gateway: TestGateway): { old: ScriptedConnection; fresh: ScriptedConnection } {
  const old = gateway.serve("old", { capabilities, script });
  return { old, fresh: gateway.serve("new", { era: "modern", capabilities, script }) };
}

async function change(gateway: TestGateway, { fresh }: { fresh: ScriptedConnection }): Promise<void> {
  const message = Buffer.from(JSON.stringify({ jsonrpc: "2.0", method: updated, params: { uri: "a:1" } }));
  gateway.upstreams.notified("old", updated, message);
  const listens = (): readonly Received[] =>
    fresh.calls("subscriptions/listen").filter((call) => call.cancelled === undefined && call.text.includes('"a:1"'));
  await fresh.until(() => listens().length > 0);
  listens()[0]?.notify(updated, { uri: "a:1" });
  listens()[0]?.notify(toolsChanged, {});
}

test("G15 a modern client listens, hears of both servers, and learns that the end is no fault", async () => {
  await using gateway = await TestGateway.open();
  const servers = serve(gateway);
  const client = new Client(clientInfo, { versionNegotiation: { mode: "auto" } });
  const ears = new Ears();
  client.fallbackNotificationHandler = ears.hear;
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`), { requestInit }));
  const filter = { toolsListChanged: true, resourceSubscriptions: ["old+a:1", "new+a:1"] };
  const subscription = await client.listen(filter);
  assert.deepEqual(subscription.honoredFilter, filter);
  await servers.old.call("resources/subscribe");
  await change(gateway, servers);
  assert.deepEqual(await ears.next(), [updated, "old+a:1"]);
  assert.deepEqual(await ears.next(), [updated, "new+a:1"]);
  assert.deepEqual(await ears.next(), [toolsChanged, undefined]);
  gateway.subscriptions.endStreams();
  assert.equal(await subscription.closed, "graceful");
  await client.close();
});

test("a client of version 1 subscribes at both servers and hears of them on its own stream", async () => {
  await using gateway = await TestGateway.open();
  const servers = serve(gateway);
  const client = new LegacyClient(clientInfo);
  const ears = new Ears();
  client.fallbackNotificationHandler = ears.hear;
  const transport = new LegacyHttp(new URL(`${gateway.url}/mcp`), { requestInit });
  await client.connect(transport);
  for (const uri of ["old+a:1", "new+a:1"]) await client.subscribeResource({ uri });
  await change(gateway, servers);
  assert.deepEqual(await ears.next(), [updated, "old+a:1"]);
  assert.deepEqual(await ears.next(), [updated, "new+a:1"]);
  assert.deepEqual(await ears.next(), [toolsChanged, undefined]);
  await transport.terminateSession();
  await servers.old.call("resources/unsubscribe");
  await client.close();
});
