/** Servers that keep their callers apart: whose connection a call, a list and a subscription have, and how long it is theirs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import { EventReader } from "../testing/event-reader.ts";
import { TestGateway } from "../testing/gateway.ts";
import { keepApart } from "../testing/kept-apart.ts";
import { type JsonRpc, Peer } from "../testing/peer.ts";
import type { Script } from "../testing/scripted-connection.ts";

const elicits = { elicitation: { form: {} } };
const path = "/servers/shop/mcp";

/** Says which connection it is; lists a tool of its own. */
function numbered(nth: number): Script {
  return {
    "tools/call": (call) => call.result({ nth }),
    "tools/list": (call) => call.result({ tools: [{ name: "cart" }, { name: `own-${nth}` }] }),
    "resources/list": (call) => call.result({ resources: [] }),
  };
}

type Capabilities = Readonly<Record<string, unknown>>;

async function initialized(gateway: TestGateway, who: string, capabilities: Capabilities = {}): Promise<Peer> {
  gateway.principal(who, ["admin"]);
  const peer = new Peer(gateway.url, { who, path });
  await peer.initialize("2025-11-25", capabilities);
  return peer;
}

async function nthOf(peer: Peer, params: object = {}): Promise<unknown> {
  const { body } = await peer.legacy("tools/call", { name: "cart", ...params });
  return body?.result?.["nth"];
}

async function toolsOf(peer: Peer): Promise<readonly string[]> {
  const { body } = await peer.legacy("tools/list", {});
  return ((body?.result?.["tools"] ?? []) as { name: string }[]).map(({ name }) => name);
}

test("per principal: every session of one principal has the same connection, and nobody else has it", async () => {
  await using gateway = await TestGateway.open();
  const shop = keepApart(gateway, "shop", { sharing: "per-principal", script: numbered });
  const ada = await initialized(gateway, "ada");
  assert.equal(await nthOf(ada), 1);
  assert.equal(await nthOf(await initialized(gateway, "bob")), 2);
  assert.equal(await nthOf(await initialized(gateway, "ada")), 1);
  const modern = await new Peer(gateway.url, { who: "ada", path }).modern("tools/call", { name: "cart" });
  assert.equal(modern.body?.result?.["nth"], 1, "also for clients of the other era");
  assert.equal(shop.shared.calls("tools/call").length, 0);
});

test("per session: each session has a connection of its own, which ends with it; without one it is the principal's", async () => {
  await using gateway = await TestGateway.open();
  const shop = keepApart(gateway, "shop", { sharing: "per-session", script: numbered });
  const first = await initialized(gateway, "ada");
  assert.equal(await nthOf(first), 1);
  assert.equal(await nthOf(await initialized(gateway, "ada")), 2);
  assert.equal(await nthOf(first), 1);
  const modern = new Peer(gateway.url, { who: "ada", path });
  assert.equal((await modern.modern("tools/call", { name: "cart" })).body?.result?.["nth"], 3);
  await first.request("DELETE", undefined);
  assert.notEqual(shop.own[0]?.closeReason, undefined);
  assert.deepEqual(
    shop.own.slice(1).map(({ closeReason }) => closeReason),
    [undefined, undefined],
  );
});

test("a tool called through REST is its principal's too", async () => {
  await using gateway = await TestGateway.open();
  keepApart(gateway, "shop", { sharing: "per-principal", script: numbered });
  const peer = await initialized(gateway, "ada");
  assert.equal(await nthOf(peer), 1);
  const ada = gateway.principal("ada", ["admin"]);
  assert.equal((await gateway.tools.call("shop", "cart", {}, ada)).toString(), '{"nth":1}');
});

test("its calls go to the replica that keeps the caller's connection, however busy that is", async () => {
  await using gateway = await TestGateway.open();
  const first = keepApart(gateway, "shop", { sharing: "per-principal", script: numbered });
  const peer = await initialized(gateway, "ada");
  await nthOf(peer);
  const second = keepApart(gateway, "shop", { sharing: "per-principal", script: numbered, replica: "shop-1-b" });
  first.shared.inFlight = 5;
  await nthOf(peer);
  assert.deepEqual([first.own.length, second.own.length], [1, 0]);
  await nthOf(await initialized(gateway, "bob"));
  assert.deepEqual([first.own.length, second.own.length], [1, 1]);
});

test("a call whose client can be asked has the connection alone, on the one that its other calls have", async () => {
  await using gateway = await TestGateway.open();
  const shop = keepApart(gateway, "shop", {
    sharing: "per-principal",
    script: (nth) => (nth === 0 ? numbered(0) : {}),
  });
  const ada = await initialized(gateway, "ada", elicits);
  const text = (id: number): string =>
    JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name: "cart" } });
  const first = ada.request("POST", text(1)).then((response) => new EventReader(response));
  while (shop.own.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const [own] = shop.own;
  const call = (await own?.call("tools/call")) ?? assert.fail();
  assert.deepEqual(shop.told, [elicits]);
  call.ask(1, "elicitation/create", { message: "how many?", requestedSchema: {} });
  const events = await first;
  const question = (await events.next()) as JsonRpc;
  // Nothing of hers passes meanwhile.
  const second = ada.legacy("tools/call", { name: "cart" });
  await ada.post(JSON.stringify({ jsonrpc: "2.0", id: question.id, result: { action: "accept", content: {} } }));
  assert.equal(own?.calls("tools/call").length, 1);
  call.result({ n: 1 });
  assert.deepEqual((await events.next())?.result, { n: 1 });
  (await own?.call("tools/call", 2))?.result({ n: 2 });
  assert.deepEqual((await second).body?.result, { n: 2 });
  assert.equal(shop.own.length, 1);
});

test("12 a list asked for on its endpoint is the caller's own, and what it alone has can be called", async () => {
  await using gateway = await TestGateway.open();
  keepApart(gateway, "shop", { sharing: "per-principal", script: numbered });
  const ada = await initialized(gateway, "ada");
  const bob = await initialized(gateway, "bob");
  assert.deepEqual(await toolsOf(ada), ["cart", "own-1"]);
  assert.deepEqual(await toolsOf(bob), ["cart", "own-2"]);
  assert.deepEqual(await toolsOf(ada), ["cart", "own-1"]);
  assert.equal(await nthOf(ada, { name: "own-1" }), 1);
  const aggregate = new Peer(gateway.url, { who: "ada" });
  await aggregate.initialize();
  assert.deepEqual(await toolsOf(aggregate), ["shop__cart", "shop__own-0"], "there it is nobody's");
});

test("6 its resources cannot be subscribed to: what one caller's server tells is nobody else's", async () => {
  await using gateway = await TestGateway.open();
  const capabilities = { tools: {}, resources: { subscribe: true } };
  keepApart(gateway, "shop", { sharing: "per-principal", script: numbered, capabilities });
  const ada = await initialized(gateway, "ada");
  const { body } = await ada.legacy("resources/subscribe", { uri: "cart://1" });
  assert.equal(body?.error?.code, -32601);
  assert.match(body.error.message, /"shop" takes no subscriptions/);
});

test("with all connections busy for others a caller is told so, and nothing is sent", async () => {
  await using gateway = await TestGateway.open();
  const shop = keepApart(gateway, "shop", {
    sharing: "per-principal",
    script: (nth) => (nth === 0 ? numbered(0) : {}),
    max: 1,
  });
  const ada = await initialized(gateway, "ada");
  const held = ada.legacy("tools/call", { name: "cart" });
  while (shop.own.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const call = await shop.own[0]?.call("tools/call");
  const { status, body } = await (await initialized(gateway, "bob")).legacy("tools/call", { name: "cart" });
  assert.equal(status, 503);
  assert.match(body?.error?.message ?? "", /keeps its callers apart .* busy for others/);
  call?.result({});
  await held;
});

for (const era of ["legacy", "modern"] as const) {
  test(`a call that waits for its ${era} client gives way when others want its place, and its client is told`, async () => {
    await using gateway = await TestGateway.open();
    const shop = keepApart(gateway, "shop", {
      sharing: "per-session",
      script: (nth) => (nth === 0 ? numbered(0) : nth < 4 ? {} : numbered(nth)),
      max: 3,
    });
    const ask = async (nth: number): Promise<() => Promise<JsonRpc | undefined>> => {
      const meta = { "io.modelcontextprotocol/clientCapabilities": { elicitation: { form: {}, url: {}, nth } } };
      const params = { name: "cart" };
      const peer =
        era === "modern" ? new Peer(gateway.url, { who: "ada", path }) : await initialized(gateway, "ada", elicits);
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
      const first =
        era === "modern"
          ? peer.modern("tools/call", params, { meta })
          : peer.request("POST", body).then((response) => new EventReader(response));
      while (shop.own.length < nth) await new Promise((resolve) => setImmediate(resolve));
      const call = (await shop.own[nth - 1]?.call("tools/call")) ?? assert.fail();
      call.ask(1, "elicitation/create", { message: "how many?", requestedSchema: {} });
      const answer = await first;
      if (!(answer instanceof EventReader)) {
        const requestState = answer.body?.result?.["requestState"];
        return async () => (await peer.modern("tools/call", { ...params, requestState }, { meta })).body;
      }
      await answer.next();
      return async () => {
        const withdrawn = await answer.next();
        assert.equal(withdrawn?.method, "notifications/cancelled");
        return answer.next();
      };
    };
    const asked = [await ask(1), await ask(2), await ask(3)];
    assert.equal(await nthOf(await initialized(gateway, "bob")), 4);
    const told = await asked[0]?.();
    assert.equal(told?.error?.code, 503);
    assert.match(told.error.message, /waited for its client's answer while others waited .* more than its share/);
    assert.deepEqual(
      shop.own.map(({ closeReason }) => closeReason instanceof ManagerError),
      [true, false, false, false],
    );
  });
}
