/** One endpoint for both eras: their clients beside each other, and the modern era's refusals. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { eras, peerOf, serverResource, TestGateway } from "./testing/gateway.ts";
import { type Answer, Peer } from "./testing/peer.ts";

const version = "io.modelcontextprotocol/protocolVersion";
const capabilities = "io.modelcontextprotocol/clientCapabilities";
const modernHeaders = { "mcp-protocol-version": "2026-07-28" };

test("G1 clients of both eras are served at the same time, each in its own way", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const count = 25;
  const asked: Promise<Answer>[] = [];
  for (const era of eras) {
    for (let n = 0; n < count; n++) {
      const peer = await peerOf(era, gateway);
      asked.push(peer[era]("tools/call", { name: "weather__a", arguments: { era, n } }, { id: 1 }));
    }
  }
  await weather.call("tools/call", 2 * count);
  assert.equal(gateway.sessions.count, count, "only legacy clients have sessions");
  for (const call of weather.calls("tools/call").toReversed()) call.result({ got: call.message.params?.["arguments"] });
  for (const [i, { status, headers, body }] of (await Promise.all(asked)).entries()) {
    const era = i < count ? "legacy" : "modern";
    const result = { got: { era, n: i % count }, ...(era === "modern" ? { resultType: "complete" } : {}) };
    assert.deepEqual([status, body?.id, body?.result], [200, 1, result]);
    assert.equal(headers.get("mcp-session-id"), null);
  }
});

test("G1 a modern request has no session: ids of one, good or not, are ignored and none is made", async () => {
  await using gateway = await TestGateway.open();
  gateway.principal("bob", ["admin"]);
  const bob = new Peer(gateway.url, { who: "bob" });
  await bob.initialize();
  for (const id of [bob.sessionId, "nonsense"]) {
    const headers = { "mcp-session-id": id, "last-event-id": "1-1" };
    const answer = await new Peer(gateway.url).modern("server/discover", {}, { headers });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers.get("mcp-session-id"), null);
  }
  assert.equal(gateway.sessions.count, 1);
});

test("G3 GET and DELETE of a modern client are 405, whatever session or event they name", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("weather", { era: "modern" });
  for (const path of ["/mcp", "/servers/weather/mcp"]) {
    const peer = new Peer(gateway.url, { path });
    await peer.initialize();
    for (const method of ["GET", "DELETE"]) {
      const headers = { ...modernHeaders, accept: "text/event-stream", "last-event-id": "1-1" };
      const response = await peer.request(method, undefined, { headers });
      await response.body?.cancel();
      assert.equal(response.status, 405, `${method} ${path}`);
    }
    assert.equal((await peer.legacy("ping")).status, 200, "the session is still there");
  }
});

/** What is refused, by its status and code; each with the bytes of its id. */
const refusals: readonly (readonly [string, number, number, (peer: Peer, id: string) => Promise<Answer>])[] = [
  ["no capabilities", 400, -32602, (peer, id) => send(peer, id, "tools/list", { [version]: "2026-07-28" })],
  ["no version", 400, -32602, (peer, id) => send(peer, id, "tools/list", { [capabilities]: {} })],
  [
    "a version that is not spoken",
    400,
    -32022,
    (peer, id) => send(peer, id, "tools/list", whole("2030-01-01"), { "mcp-protocol-version": "2030-01-01" }),
  ],
  ["a missing header", 400, -32020, (peer, id) => send(peer, id, "tools/call", whole(), {}, { name: "weather__a" })],
  [
    "a header that differs",
    400,
    -32020,
    (peer, id) => send(peer, id, "tools/call", whole(), { "mcp-name": "b" }, { name: "weather__a" }),
  ],
  ["an unknown method", 404, -32601, (peer, id) => send(peer, id, "made/up", whole())],
  ["a method of the other era", 404, -32601, (peer, id) => send(peer, id, "ping", whole())],
  ["a cursor of nobody", 200, -32602, (peer, id) => send(peer, id, "tools/list", whole(), {}, { cursor: "x" })],
  [
    "an unknown tool",
    200,
    -32602,
    (peer, id) => send(peer, id, "tools/call", whole(), { "mcp-name": "no" }, { name: "no" }),
  ],
  [
    "a server that is away",
    503,
    503,
    (peer, id) => send(peer, id, "tools/call", whole(), { "mcp-name": "away__a" }, { name: "away__a" }),
  ],
];

function whole(spoken = "2026-07-28"): object {
  return { [version]: spoken, [capabilities]: {} };
}

function send(peer: Peer, id: string, method: string, meta: object, headers = {}, params = {}): Promise<Answer> {
  const text = `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${JSON.stringify({ ...params, _meta: meta })}}`;
  return peer.post(text, { headers: { ...modernHeaders, "mcp-method": method, ...headers } });
}

for (const [what, status, code, ask] of refusals) {
  test(`G3 ${what} is ${status} with ${code}, under the id as it was written, and reaches no server`, async () => {
    await using gateway = await TestGateway.open();
    const weather = gateway.serve("weather", { era: "modern" });
    gateway.register(serverResource("away", {}, "failed"));
    for (const id of ["1", '"1"', "-7", "12345678901234567890", '"\\u0061/é"', '""']) {
      const answer = await ask(new Peer(gateway.url), id);
      assert.deepEqual([answer.status, answer.body?.error?.code], [status, code], answer.text);
      assert.ok(answer.text.startsWith(`{"jsonrpc":"2.0","id":${id},"error":`), answer.text);
      if (code === -32022) assert.deepEqual(answer.body?.error?.data?.["supported"], ["2026-07-28"]);
      if (code === 503) assert.equal(answer.headers.get("retry-after"), "1");
    }
    // What the manager asks for itself apart.
    assert.ok(weather.received.every(({ method }) => /\/list(en)?$/.test(method)));
  });
}
