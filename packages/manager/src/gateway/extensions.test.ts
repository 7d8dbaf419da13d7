/** Methods that no revision of the protocol has: whose they are, and that they pass as they were sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TestGateway } from "./testing/gateway.ts";
import { Peer } from "./testing/peer.ts";
import type { ScriptedConnection, ScriptedOptions } from "./testing/scripted-connection.ts";

const tasks = { "io.modelcontextprotocol/tasks": { list: false }, "com.example/x": {} };
const capabilities = { tools: {}, extensions: tasks };
const path = "/servers/work/mcp";

/** A server with extensions, of either era. */
function serve(gateway: TestGateway, options: ScriptedOptions = {}): ScriptedConnection {
  const script = { "jobs/get": (call: { result(result: unknown): void }) => call.result({ resultType: "complete" }) };
  return gateway.serve("work", { era: "modern", capabilities, script, ...options });
}

test("G21 an extension's method passes byte-equal to the server of its endpoint, and so do its answer and Mcp-Name", async () => {
  await using gateway = await TestGateway.open();
  const work = serve(gateway);
  const peer = new Peer(gateway.url, { path });
  const meta =
    '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"x.y/z":[ 1.0 ]}';
  const headers = {
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "jobs/get",
    "mcp-name": "=?base64?w7w=?=",
    "mcp-param-a": "1",
  };
  await fc.assert(
    fc.asyncProperty(fc.json(), async (payload) => {
      const sent = `{"jsonrpc" : "2.0","id":"\\u0061","method":"jobs/get","params":{${meta},"taskId":"ü","x":${payload}}}`;
      const answer = `{"resultType":"working","status":"input_required","n":12345678901234567890,"x":${payload}}`;
      work.script = { "jobs/get": (call) => call.result(answer) };
      const got = await peer.post(sent, { headers });
      const call = work.received.at(-1);
      assert.deepEqual([call?.text, call?.name], [sent, "ü"]);
      assert.deepEqual(call?.paramHeaders, ["mcp-param-a", "1"]);
      assert.equal(got.text, `{"jsonrpc":"2.0","id":"\\u0061","result":${answer}}`);
    }),
    { numRuns: 30 },
  );
});

test("G21 what an extension's method asks for passes as it came, and the state goes back to its server", async () => {
  await using gateway = await TestGateway.open();
  const asks = { resultType: "input_required", inputRequests: {}, requestState: "theirs" };
  const work = serve(gateway, { script: { "x/y": (call) => call.result(asks) } });
  const peer = new Peer(gateway.url, { path });
  assert.deepEqual((await peer.modern("x/y")).body?.result, asks);
  await peer.modern("x/y", { requestState: "theirs" });
  assert.equal(work.calls("x/y").at(-1)?.message.params?.["requestState"], "theirs");
});

test("G21 a server's messages of an extension reach the call that they belong to", async () => {
  await using gateway = await TestGateway.open();
  const params = { taskId: "t", _meta: { "a.b/c": 1 } };
  serve(gateway, {
    script: {
      "jobs/get": (call) => {
        call.notify("notifications/tasks", params);
        call.error(-32021, "their hop", { requiredCapabilities: { extensions: tasks } });
      },
    },
  });
  const { status, events, body } = await new Peer(gateway.url, { path }).modern("jobs/get");
  assert.deepEqual(events, [{ jsonrpc: "2.0", method: "notifications/tasks", params }]);
  assert.deepEqual([status, body?.error?.code], [200, -32021]);
  assert.deepEqual(body?.error?.data, { requiredCapabilities: { extensions: tasks } });
});

test("G21 a modern client of a modern server's endpoint is told of its extensions, nobody else is", async () => {
  await using gateway = await TestGateway.open();
  serve(gateway);
  gateway.serve("old", { capabilities });
  const told = async (at: string, era: "legacy" | "modern"): Promise<unknown> => {
    const peer = new Peer(gateway.url, { path: at });
    const answer = era === "modern" ? await peer.modern("server/discover") : await peer.initialize();
    const declared = answer.body?.result?.["capabilities"] as Readonly<Record<string, unknown>> | undefined;
    assert.ok(declared !== undefined, answer.text);
    return declared["extensions"];
  };
  assert.deepEqual(await told(path, "modern"), tasks);
  assert.deepEqual(
    [await told(path, "legacy"), await told("/servers/old/mcp", "modern"), await told("/mcp", "modern")],
    [undefined, undefined, undefined],
  );
});

test("G3 G21 an unknown method without an extension to have it is 404 and -32601, and reaches nobody", async () => {
  const roles = new Map([
    ["admin", [{ verbs: ["list" as const, "call" as const] }]],
    ["reader", [{ verbs: ["list" as const] }]],
  ]);
  await using gateway = await TestGateway.open({ roles });
  gateway.principal("eve", ["reader"]);
  const servers = [
    serve(gateway),
    gateway.serve("old", { capabilities }),
    gateway.serve("bare", { era: "modern", capabilities: { tools: {}, extensions: {} } }),
  ];
  const unknown = async (at: string, method: string, who = "ada"): Promise<void> => {
    const answer = await new Peer(gateway.url, { path: at, who }).modern(method, {}, { id: "9" });
    assert.deepEqual([answer.status, answer.body?.error?.code, answer.body?.id], [404, -32601, "9"], `${at} ${method}`);
    assert.equal(answer.body?.error?.message, `Method not found: ${method}`);
  };
  for (const at of ["/mcp", "/servers/old/mcp", "/servers/bare/mcp"]) await unknown(at, "jobs/get");
  for (const method of ["ping", "resources/subscribe", "elicitation/create", "two words", "x".repeat(129)]) {
    await unknown(path, method);
  }
  await unknown(path, "jobs/get", "eve");
  const legacy = new Peer(gateway.url, { path });
  await legacy.initialize();
  assert.equal((await legacy.legacy("jobs/get")).body?.error?.code, -32601);
  const headers = { "mcp-name": "=?base64?w7w?=" };
  const unreadable = await new Peer(gateway.url, { path }).modern("jobs/get", {}, { headers });
  assert.deepEqual([unreadable.status, unreadable.body?.error?.code], [400, -32020]);
  // The manager's own lists apart.
  for (const { received } of servers) assert.ok(received.every(({ method }) => method === "tools/list"));
  assert.deepEqual(
    gateway.audited.map(({ who, action, target }) => [who, action, target]),
    [["eve", "jobs/get", "servers/work"]],
  );
});

test("methods of extensions are counted as one, whatever they are called; without a replica they are 503", async () => {
  await using gateway = await TestGateway.open();
  const work = serve(gateway);
  const peer = new Peer(gateway.url, { path });
  for (const method of ["a/b", "c/d"]) {
    work.script = { [method]: (call) => call.result({ resultType: "complete" }) };
    await peer.modern(method);
  }
  const labels = 'server="work",revision="work-1",method="other",outcome="result"';
  assert.ok(gateway.metrics.text().includes(`mcp_manager_requests_total{${labels}} 2`), gateway.metrics.text());
  gateway.upstreams.detach("work", "work-1-a");
  const away = await peer.modern("a/b");
  assert.deepEqual([away.status, away.headers.get("retry-after")], [503, "1"]);
});
