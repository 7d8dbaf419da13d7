/**
 * Clients that hear of changes, and servers that tell of them, for tests: a listen stream or a session's own, read one message at a
 * time, and scripts that take every subscription.
 */
import assert from "node:assert/strict";
import type { Era } from "../../protocol/era.ts";
import type { Roles } from "../../security/rbac.ts";
import { EventReader } from "./event-reader.ts";
import type { TestGateway } from "./gateway.ts";
import { type JsonRpc, Peer, type PeerOptions } from "./peer.ts";
import type { Received, Script, ScriptedConnection } from "./scripted-connection.ts";

export const acknowledged = "notifications/subscriptions/acknowledged";
export const updated = "notifications/resources/updated";
export const toolsChanged = "notifications/tools/list_changed";
export const idKey = "io.modelcontextprotocol/subscriptionId";
/** A server that tells of everything. */
export const capabilities: Readonly<Record<string, unknown>> = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
};
/** A server that takes every subscription, and has no tools. */
export const script: Script = {
  "resources/subscribe": (call) => call.result({}),
  "resources/unsubscribe": (call) => call.result({}),
  "subscriptions/listen": (call) =>
    call.notify(acknowledged, { notifications: call.message.params?.["notifications"] }),
  "tools/list": (call) => call.result({ tools: [] }),
};
/** `sees-weather` may use one server of two. */
export const roles: Roles = new Map([
  ["admin", [{ verbs: ["list", "call"] }]],
  ["sees-weather", [{ verbs: ["list", "call"], servers: ["weather"] }]],
]);

/** What a client of an era hears, read one by one. */
export class Hearer {
  readonly #reader: EventReader;

  constructor(response: Response) {
    this.#reader = new EventReader(response);
  }

  async next(): Promise<JsonRpc> {
    const message = await this.#reader.next();
    assert.ok(message !== undefined, "the stream has ended");
    return message;
  }

  /** The method and URI of the next message. */
  async heard(): Promise<unknown[]> {
    const { method, params } = await this.next();
    return params?.["uri"] === undefined ? [method] : [method, params["uri"]];
  }

  async isOver(): Promise<boolean> {
    return (await this.#reader.next()) === undefined;
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }
}

/** Who listens, and under which id; default 1. */
export interface ListenOptions extends PeerOptions {
  readonly id?: string | number;
}

/** Sends `subscriptions/listen`; the answer's body is not read yet. */
export async function post(
  gateway: TestGateway,
  notifications: unknown,
  options: ListenOptions = {},
): Promise<Response> {
  const { id = 1 } = options;
  const version = "2026-07-28";
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": version,
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const text = JSON.stringify({ jsonrpc: "2.0", id, method: "subscriptions/listen", params: { notifications, _meta } });
  const headers = { "mcp-protocol-version": version, "mcp-method": "subscriptions/listen" };
  return new Peer(gateway.url, options).request("POST", text, { headers });
}

/** The stream of a `subscriptions/listen`, from its acknowledgement on. */
export async function listen(
  gateway: TestGateway,
  notifications: unknown,
  options: ListenOptions = {},
): Promise<Hearer> {
  return new Hearer(await post(gateway, notifications, options));
}

/** A legacy session whose client listens, after it has subscribed to `uris`. */
export async function subscribed(
  gateway: TestGateway,
  uris: readonly string[],
  options: PeerOptions = {},
): Promise<[Peer, Hearer]> {
  const peer = new Peer(gateway.url, options);
  await peer.initialize();
  for (const uri of uris) {
    const answer = await peer.legacy("resources/subscribe", { uri });
    assert.deepEqual(answer.body?.result, {}, answer.text);
  }
  const response = await peer.request("GET", undefined);
  assert.equal(response.status, 200);
  return [peer, new Hearer(response)];
}

/** A client of an era that hears of the tools and of these resources. */
export async function hearer(
  era: Era,
  gateway: TestGateway,
  uris: readonly string[],
  options: PeerOptions = {},
): Promise<Hearer> {
  if (era === "legacy") return (await subscribed(gateway, uris, options))[1];
  const filter = { toolsListChanged: true, resourceSubscriptions: uris };
  const stream = await listen(gateway, filter, options);
  assert.deepEqual((await stream.next()).params?.["notifications"], filter);
  return stream;
}

/** Says, as the server would, that a resource changed: on a modern server, on the stream that asks for it. */
export async function update(
  server: ScriptedConnection,
  gateway: TestGateway,
  name: string,
  uri: string,
): Promise<void> {
  const params = { uri, extra: 1 };
  if (server.facts.era === "legacy") {
    const message = JSON.stringify({ jsonrpc: "2.0", method: updated, params });
    return gateway.upstreams.notified(name, updated, Buffer.from(message));
  }
  const wanting = (): Received | undefined =>
    server
      .calls("subscriptions/listen")
      .findLast((call) => call.cancelled === undefined && call.text.includes(JSON.stringify(uri)));
  await server.until(() => wanting() !== undefined);
  wanting()?.notify(updated, { ...params, _meta: { [idKey]: 99 } });
}
