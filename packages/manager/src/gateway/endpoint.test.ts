/** What the endpoint refuses and how, and what it answers itself: status, code, id, in both eras. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { serverResource, TestGateway } from "./testing/gateway.ts";
import { type Answer, Peer } from "./testing/peer.ts";

function assertError(answer: Answer, status: number, code: number, id?: string | number): void {
  assert.deepEqual(
    { status: answer.status, code: answer.body?.error?.code, id: answer.body?.id },
    { status, code, id },
    answer.text,
  );
  assert.equal(answer.headers.get("content-type"), "application/json");
  assert.ok(!answer.text.includes('"id":null'));
}

test("what is no JSON, or no message, is refused with the id where there is one", async () => {
  await using gateway = await TestGateway.open();
  const peer = new Peer(gateway.url);
  assertError(await peer.post(""), 400, -32700);
  assertError(await peer.post("{"), 400, -32700);
  assertError(await peer.post('{"jsonrpc":"2.0","id":1,"method":"ping"'), 400, -32700);
  assertError(await peer.post('{"jsonrpc":"2.0","id":7,"method":3}'), 400, -32600, 7);
  assertError(await peer.post('{"jsonrpc":"2.0","id":"a7","method":"ping","params":[1]}'), 400, -32600, "a7");
  assertError(await peer.post('{"jsonrpc":"1.0","id":7,"method":"ping"}'), 400, -32600, 7);
  assertError(await peer.post('{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}'), 400, -32600);
  assertError(await peer.post('[{"jsonrpc":"2.0","id":1,"method":"ping"}]'), 400, -32600);
});

test("a body over the limit is 413, whether its length was announced or not, and the connection goes on", async () => {
  await using gateway = await TestGateway.open({ bodyBytesMax: 1_000 });
  const peer = new Peer(gateway.url);
  assertError(await peer.post("x".repeat(500_000)), 413, -32600);
  const chunks = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let i = 0; i < 50; i++) controller.enqueue(new Uint8Array(10_000).fill(0x20));
      controller.close();
    },
  });
  const response = await fetch(`${gateway.url}/mcp`, {
    method: "POST",
    headers: { authorization: "Bearer ada" },
    body: chunks,
    duplex: "half",
  });
  assert.equal(response.status, 413);
  assert.equal((await peer.initialize()).status, 200);
});

test("G9 a legacy message needs a session of the same principal and endpoint", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("weather");
  gateway.principal("bob", ["caller"]);
  const ada = new Peer(gateway.url);
  assertError(await ada.legacy("tools/list", {}, { id: "x" }), 400, -32600, "x");
  await ada.initialize();
  assert.equal((await ada.legacy("tools/list")).status, 200);
  const withSession = { id: 5, headers: { "mcp-session-id": ada.sessionId } };
  assertError(await new Peer(gateway.url, { who: "bob" }).legacy("tools/list", {}, withSession), 404, -32600, 5);
  const elsewhere = new Peer(gateway.url, { path: "/servers/weather/mcp" });
  assertError(await elsewhere.legacy("tools/list", {}, withSession), 404, -32600, 5);
  const unknown = { id: 6, headers: { "mcp-session-id": "nonsense" } };
  assertError(await ada.legacy("tools/list", {}, unknown), 404, -32600, 6);
  assert.deepEqual(
    gateway.audited.map(({ who, outcome, target }) => ({ who, outcome, target })),
    [{ who: "bob", outcome: "denied", target: "sessions" }],
  );
});

test("G9 a session ends by DELETE; a client of the modern era, and one without a session, gets 405", async () => {
  await using gateway = await TestGateway.open();
  const peer = new Peer(gateway.url);
  assert.equal((await peer.request("DELETE", undefined)).status, 405);
  await peer.initialize();
  assertError(await peer.post('{"jsonrpc":"2.0","id":1,"result":{}}'), 400, -32600, undefined);
  const modern = { headers: { "mcp-protocol-version": "2026-07-28" } };
  assert.equal((await peer.request("DELETE", undefined, modern)).status, 405);
  assert.equal((await peer.request("DELETE", undefined)).status, 204);
  assertError(await peer.legacy("ping", {}, { id: 1 }), 404, -32600, 1);
  assert.equal((await peer.request("DELETE", undefined)).status, 404);
});

test("G3 other HTTP methods are 405 and say what is taken", async () => {
  await using gateway = await TestGateway.open();
  const peer = new Peer(gateway.url);
  await peer.initialize();
  for (const method of ["PUT", "HEAD", "OPTIONS"]) {
    const response = await peer.request(method, undefined, { headers: { accept: "text/event-stream" } });
    assert.equal(response.status, 405, method);
    assert.equal(response.headers.get("allow"), "GET, POST, DELETE");
  }
});

test("G3 a modern request without what it must carry is -32602, one whose headers disagree -32020", async () => {
  await using gateway = await TestGateway.open();
  const peer = new Peer(gateway.url);
  const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list" };
  const bare = (meta: unknown): string =>
    JSON.stringify({ jsonrpc: "2.0", id: 9, method: "tools/list", params: { _meta: meta } });
  const version = "io.modelcontextprotocol/protocolVersion";
  const capabilities = "io.modelcontextprotocol/clientCapabilities";
  assertError(await peer.post(bare({}), { headers }), 400, -32602, 9);
  assertError(await peer.post(bare({ [version]: "2026-07-28" }), { headers }), 400, -32602, 9);
  assertError(await peer.post(bare({ [version]: 20260728, [capabilities]: {} }), { headers }), 400, -32602, 9);
  assertError(await peer.post(bare({ [version]: "2026-07-28", [capabilities]: true }), { headers }), 400, -32602, 9);
  const whole = bare({ [version]: "2026-07-28", [capabilities]: {} });
  assertError(await peer.post(whole), 400, -32020, 9);
  assertError(await peer.post(whole, { headers: { "mcp-protocol-version": "2026-07-28" } }), 400, -32020, 9);
  assertError(await peer.post(whole, { headers: { ...headers, "mcp-method": "tools/call" } }), 400, -32020, 9);
  assertError(
    await peer.post(whole, { headers: { ...headers, "mcp-protocol-version": "2025-11-25" } }),
    400,
    -32020,
    9,
  );
  const mismatch = { id: 9, headers: { "mcp-name": "other" } };
  assertError(await peer.modern("tools/call", { name: "weather__a" }, mismatch), 400, -32020, 9);
  assert.equal((await peer.post(whole, { headers })).status, 200);
});

test("G3 a version that is not spoken is -32022 with those that are, however strange the header", async () => {
  await using gateway = await TestGateway.open();
  const peer = new Peer(gateway.url);
  const supported = ["2026-07-28"];
  for (const version of ["2027-01-01", "zzz", "1999-01-01", "2026", ""]) {
    const headers = { "mcp-protocol-version": version };
    const answer = await peer.post('{"jsonrpc":"2.0","id":"v","method":"ping"}', { headers });
    assertError(answer, 400, -32022, "v");
    assert.deepEqual(answer.body?.error?.data, { supported, requested: version });
  }
  const answer = await peer.modern(
    "server/discover",
    {},
    {
      id: 3,
      headers: { "mcp-protocol-version": "2030-01-01" },
      meta: { "io.modelcontextprotocol/protocolVersion": "2030-01-01" },
    },
  );
  assertError(answer, 400, -32022, 3);
  assert.deepEqual(answer.body?.error?.data?.["supported"], supported);
});

test("G3 what an era lacks, or is not carried yet, is an unknown method in that era's way", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("weather");
  const peer = new Peer(gateway.url);
  for (const method of ["initialize", "ping", "logging/setLevel", "resources/subscribe"]) {
    assertError(await peer.modern(method, {}, { id: 1 }), 404, -32601, 1);
  }
  assertError(await peer.modern("no/such", {}, { id: 2 }), 404, -32601, 2);
  await peer.initialize();
  for (const method of ["server/discover", "no/such", "roots/list"]) {
    assertError(await peer.legacy(method, {}, { id: "m" }), 200, -32601, "m");
  }
  const { capabilities } = (await peer.initialize()).body?.result ?? {};
  const listChanged = true;
  assert.deepEqual(capabilities, { tools: { listChanged }, prompts: { listChanged }, resources: { listChanged } });
});

test("a notification is taken with 202 and no body, an answer to a question never asked is refused", async () => {
  await using gateway = await TestGateway.open();
  const peer = new Peer(gateway.url);
  await peer.initialize();
  for (const text of [
    '{"jsonrpc":"2.0","method":"notifications/initialized"}',
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}',
  ]) {
    const answer = await peer.post(text);
    assert.deepEqual([answer.status, answer.text], [202, ""], text);
  }
  const modern = { headers: { "mcp-protocol-version": "2026-07-28" } };
  const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
  const response = JSON.stringify({ jsonrpc: "2.0", id: 4, result: {}, params: { _meta: meta } });
  assertError(await peer.post(response, modern), 400, -32600, 4);
});

test("G1 initialize is answered with the client's version where it is spoken, and the id keeps its type", async () => {
  await using gateway = await TestGateway.open();
  for (const version of ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]) {
    const answer = await new Peer(gateway.url).initialize(version);
    assert.equal(answer.body?.result?.["protocolVersion"], version);
  }
  assert.equal((await new Peer(gateway.url).initialize("2099-01-01")).body?.result?.["protocolVersion"], "2025-11-25");
  const peer = new Peer(gateway.url);
  const text = '{"jsonrpc":"2.0","id":"1","method":"initialize","params":{"protocolVersion":"2024-11-05"}}';
  const answer = await peer.post(text);
  assert.equal(answer.body?.id, "1");
  assert.match(answer.headers.get("mcp-session-id") ?? "", /^[\x21-\x7e]+$/);
});

test("a client that takes only JSON, speaks an old version and never says initialized gets plain JSON", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("time", {
    script: {
      "tools/list": (call) => call.result({ tools: [{ name: "now" }] }),
      "tools/call": (call) => {
        call.notify("notifications/progress", { progress: 1 });
        call.result({ content: [] });
      },
    },
  });
  const peer = new Peer(gateway.url, { path: "/servers/time/mcp", headers: { accept: "application/json" } });
  await peer.initialize("2024-11-05");
  const list = await peer.legacy("tools/list", {}, { id: "0b5c" });
  const call = await peer.legacy("tools/call", { name: "now" }, { id: "0b5d", meta: { progressToken: 1 } });
  for (const answer of [list, call]) {
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "application/json");
  }
  assert.equal(call.text, '{"jsonrpc":"2.0","id":"0b5d","result":{"content":[]}}');
});

test("G2 server/discover is answered without a round trip: versions, capabilities, hints; on one server in its words", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", {
    name: "Weather!",
    instructions: "ask for a city",
    capabilities: { tools: { listChanged: true }, completions: {}, resources: { subscribe: true } },
  });
  const before = weather.received.length;
  const all = await new Peer(gateway.url).modern("server/discover");
  assert.deepEqual(all.body?.result, {
    resultType: "complete",
    supportedVersions: ["2026-07-28"],
    capabilities: {
      tools: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      completions: {},
    },
    instructions: "# weather\nask for a city",
    ttlMs: 5_000,
    cacheScope: "private",
    _meta: { "io.modelcontextprotocol/serverInfo": { name: "mcp-manager", version: "1.2.3" } },
  });
  const one = await new Peer(gateway.url, { path: "/servers/weather/mcp" }).modern("server/discover");
  assert.deepEqual(one.body?.result?.["capabilities"], {
    tools: { listChanged: true },
    resources: { listChanged: true, subscribe: true },
    completions: {},
  });
  assert.equal(one.body?.result?.["instructions"], "ask for a city");
  assert.equal(weather.received.length, before);
});

test("G7 a server that is away speaks on when it was heard once; one never heard is 503 with when to come back", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("weather", { instructions: "hello" });
  const peer = new Peer(gateway.url, { path: "/servers/weather/mcp" });
  await peer.modern("server/discover");
  gateway.upstreams.detach("weather", "weather-1-a");
  assert.equal((await peer.modern("server/discover")).body?.result?.["instructions"], "hello");
  gateway.register(serverResource("broken", {}, "failed", "exited with 1"));
  const broken = new Peer(gateway.url, { path: "/servers/broken/mcp" });
  for (const answer of [await broken.modern("server/discover", {}, { id: 1 }), await broken.initialize()]) {
    assertError(answer, 503, 503, 1);
    assert.equal(answer.headers.get("retry-after"), "1");
    assert.match(
      answer.body?.error?.message ?? "",
      /server "broken" has no ready replica: it is failed: exited with 1/,
    );
    assert.deepEqual(answer.body?.error?.data?.["code"], "unavailable");
  }
});

test("a server that is just starting is waited for, so that the introduction is its own", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  gateway.register(serverResource("late", {}, "starting"));
  const peer = new Peer(gateway.url, { path: "/servers/late/mcp" });
  const answer = peer.modern("server/discover");
  while (gateway.time.pendingCount < 2) await new Promise((resolve) => setImmediate(resolve));
  gateway.attach("late", { instructions: "here now" });
  assert.equal((await answer).body?.result?.["instructions"], "here now");
});

test("a server that does not exist, or not for this principal, is 404 with the id", async () => {
  await using gateway = await TestGateway.open({
    roles: new Map([["few", [{ verbs: ["list"], servers: ["other"] }]]]),
  });
  gateway.serve("weather");
  gateway.principal("eve", ["few"]);
  const ask = { id: "q" };
  const nowhere = await new Peer(gateway.url, { path: "/servers/nowhere/mcp" }).modern("server/discover", {}, ask);
  const hidden = await new Peer(gateway.url, { path: "/servers/weather/mcp", who: "eve" }).modern("ping", {}, ask);
  for (const answer of [nowhere, hidden]) assertError(answer, 404, 404, "q");
  assert.equal(hidden.text.replaceAll("weather", "nowhere"), nowhere.text);
});

test("G7 when every session has a call in flight, initialize is 503; otherwise there is room", async () => {
  await using gateway = await TestGateway.open({ sessionsMax: 1 });
  const weather = gateway.serve("weather");
  const busy = new Peer(gateway.url);
  await busy.initialize();
  const answer = busy.legacy("tools/call", { name: "weather__slow" });
  const call = await weather.call("tools/call");
  const refused = await new Peer(gateway.url).initialize();
  assertError(refused, 503, 503, 1);
  assert.equal(refused.headers.get("retry-after"), "5");
  call.result({});
  await answer;
  assert.equal((await new Peer(gateway.url).initialize()).status, 200);
  assert.equal((await busy.legacy("ping")).status, 200);
});

test("the log level is checked", async () => {
  await using gateway = await TestGateway.open();
  const peer = new Peer(gateway.url);
  await peer.initialize();
  assertError(await peer.legacy("logging/setLevel", { level: "loud" }, { id: 1 }), 200, -32602, 1);
  assert.deepEqual((await peer.legacy("logging/setLevel", { level: "error" })).body?.result, {});
  assert.deepEqual((await peer.legacy("ping", {}, { id: 2 })).text, '{"jsonrpc":"2.0","id":2,"result":{}}');
});

test("requests are counted by how they ended, unknown methods as one", async () => {
  await using gateway = await TestGateway.open();
  const peer = new Peer(gateway.url);
  await peer.modern("server/discover");
  await peer.modern("made/up");
  await peer.initialize();
  const text = gateway.metrics.text();
  assert.match(text, /requests_total\{server="",revision="",method="server\/discover",outcome="result"\} 1/);
  assert.match(text, /requests_total\{server="",revision="",method="other",outcome="refused"\} 1/);
  assert.match(text, /mcp_manager_sessions\{server=""\} 1/);
});
