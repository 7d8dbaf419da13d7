/** Calls on their way through: names, eras, rights, notifications, and what servers say that clients must not hear. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import fc from "fast-check";
import { eras, peerOf, TestGateway } from "../testing/gateway.ts";
import { type Answer, Peer } from "../testing/peer.ts";
import type { Received } from "../testing/scripted-connection.ts";

for (const client of eras) {
  for (const server of eras) {
    test(`a ${client} client calls a tool of a ${server} server`, async () => {
      await using gateway = await TestGateway.open();
      const weather = gateway.serve("weather", {
        era: server,
        script: {
          "tools/call": (call) => call.result(server === "modern" ? { resultType: "complete", n: 1 } : { n: 1 }),
        },
      });
      const peer = await peerOf(client, gateway);
      const params = { name: "weather__forecast", arguments: { city: "Bern" } };
      const answer = await peer[client]("tools/call", params, { id: "c-1", meta: { "x.y/z": 1 } });
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.body, {
        jsonrpc: "2.0",
        id: "c-1",
        result: client === "modern" ? { resultType: "complete", n: 1 } : { n: 1 },
      });
      assert.equal(answer.headers.get("mcp-manager-revision"), "weather-1");
      const [call] = weather.calls("tools/call");
      assert.equal(call?.name, "forecast");
      assert.equal(call?.message.params?.["name"], "forecast");
      assert.deepEqual(call?.message.params?.["arguments"], { city: "Bern" });
      const meta = call?.message.params?.["_meta"] as Record<string, unknown>;
      assert.equal(meta["x.y/z"], 1);
      assert.equal(meta["io.modelcontextprotocol/protocolVersion"], server === "modern" ? "2026-07-28" : undefined);
    });

    test(`G11 a ${client} client of a ${server} server gets progress under its own token, before the result`, async () => {
      await using gateway = await TestGateway.open();
      gateway.serve("weather", {
        era: server,
        script: {
          "tools/call": (call) => {
            call.notify("notifications/progress", { progress: 1 });
            call.notify("notifications/progress", { progress: 2 });
            call.result(server === "modern" ? { resultType: "complete" } : {});
          },
        },
      });
      const peer = await peerOf(client, gateway);
      const answer = await peer[client]("tools/call", { name: "weather__a" }, { meta: { progressToken: "t" } });
      assert.equal(answer.headers.get("content-type"), "text/event-stream");
      assert.equal(answer.headers.get("x-accel-buffering"), "no");
      assert.deepEqual(
        answer.events.map((event) => event.params),
        [1, 2].map((progress) => ({ progress, progressToken: "t" })),
      );
      assert.ok(answer.body?.result !== undefined);
    });
  }
}

test("prompts and resources go to their server under its own names, and back", async () => {
  await using gateway = await TestGateway.open();
  const docs = gateway.serve("docs", {
    script: {
      "prompts/get": (call) => call.result({ messages: [] }),
      "resources/read": (call) => call.result({ contents: [] }),
    },
  });
  const peer = await peerOf("legacy", gateway);
  await peer.legacy("prompts/get", { name: "docs__review" });
  await peer.legacy("resources/read", { uri: "docs+file:///a.txt" });
  assert.equal(docs.calls("prompts/get")[0]?.message.params?.["name"], "review");
  assert.equal(docs.calls("resources/read")[0]?.message.params?.["uri"], "file:///a.txt");
  assert.equal(docs.calls("resources/read")[0]?.name, "file:///a.txt");
  const modern = await peer.modern("resources/read", { uri: "docs+file:///a.txt" });
  assert.deepEqual(modern.body?.result, { resultType: "complete", ttlMs: 0, cacheScope: "private", contents: [] });
});

test("a URI without a prefix is read from the one server that lists it, or has a template for it", async () => {
  await using gateway = await TestGateway.open();
  const script = { "resources/read": (call: { result(r: unknown): void }) => call.result({ contents: [] }) };
  const one = gateway.serve("one", {
    script: { ...script, "resources/list": (call) => call.result({ resources: [{ uri: "ui://panel", name: "p" }] }) },
  });
  const two = gateway.serve("two", {
    script: {
      ...script,
      "resources/templates/list": (call) => call.result({ resourceTemplates: [{ uriTemplate: "note://{id}" }] }),
    },
  });
  const peer = await peerOf("legacy", gateway);
  await peer.legacy("resources/list");
  await peer.legacy("resources/templates/list");
  await peer.legacy("resources/read", { uri: "ui://panel" });
  await peer.legacy("resources/read", { uri: "note://7" });
  assert.equal(one.calls("resources/read").length, 1);
  assert.equal(two.calls("resources/read")[0]?.message.params?.["uri"], "note://7");
  const unknown = await peer.legacy("resources/read", { uri: "else://where" });
  assert.equal(unknown.body?.error?.code, -32602);
});

test("a tool that is unknown, hidden or not allowed is -32602 in the same words, and the denial is audited", async () => {
  const roles = new Map([
    ["few", [{ verbs: ["list" as const, "call" as const], servers: ["weather"], tools: ["get_*"] }]],
  ]);
  await using gateway = await TestGateway.open({ roles });
  gateway.principal("eve", ["few"]);
  const weather = gateway.serve("weather", {}, { expose: { tools: { deny: ["admin_*"] } } });
  const peer = new Peer(gateway.url, { who: "eve" });
  const call = (name: string): Promise<Answer> => peer.modern("tools/call", { name }, { id: 1 });
  for (const name of ["nowhere__get_a", "weather__admin_a", "weather__set_a", "get_a", ""]) {
    const answer = await call(name);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body?.error, { code: -32602, message: `Unknown tool: ${name}` });
  }
  assert.equal(weather.calls("tools/call").length, 0);
  const { address: _, ...entry } = gateway.audited[0] ?? {};
  assert.equal(gateway.audited.length, 1);
  assert.deepEqual(entry, {
    who: "eve",
    authMethod: "api-key",
    action: "tools/call",
    target: "servers/weather/tools/set_a",
    outcome: "denied",
    reason: "not allowed",
  });
});

test("a name that a known list lacks is looked for once more, and then unknown without a call", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  const tools = [{ name: "now" }];
  const time = gateway.serve("time", {
    script: {
      "tools/list": (call) => call.result({ tools }),
      "tools/call": (call) => call.result({ content: [] }),
    },
  });
  const peer = new Peer(gateway.url);
  await peer.initialize();
  assert.equal((await peer.legacy("tools/call", { name: "time__later" })).body?.error?.code, -32602);
  assert.equal(time.calls("tools/call").length, 0);
  await gateway.time.advance(1_000);
  tools.push({ name: "later" });
  assert.equal((await peer.legacy("tools/call", { name: "time__later" })).status, 200);
  assert.equal(time.calls("tools/call").length, 1);
  // Guessing names does not make the server list again and again.
  for (const guess of ["a", "b", "c"]) await peer.legacy("tools/call", { name: `time__${guess}` });
  assert.equal(time.calls("tools/list").length, 2);
});

test("ended tool calls are audited and counted once, with the time the server took", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("weather", {
    script: { "tools/call": (call) => call.result({ isError: call.name === "bad", content: [] }) },
  });
  const peer = await peerOf("legacy", gateway);
  await peer.legacy("tools/call", { name: "weather__good" });
  await peer.legacy("tools/call", { name: "weather__bad" });
  assert.deepEqual(
    gateway.audited.map(({ target, outcome }) => [target, outcome]),
    [
      ["servers/weather/tools/good", "allowed"],
      ["servers/weather/tools/bad", "allowed"],
    ],
  );
  const text = gateway.metrics.text();
  const labels = 'server="weather",revision="weather-1",method="tools/call"';
  assert.ok(text.includes(`mcp_manager_requests_total{${labels},outcome="result"} 1`));
  assert.ok(text.includes(`mcp_manager_requests_total{${labels},outcome="tool_error"} 1`));
  assert.match(text, /upstream_duration_seconds_count\{server="weather",method="tools\/call"\} 2/);
});

test("G17 log messages go to the call's own stream: modern ones when asked for, legacy ones from the session's level up", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("weather", {
    script: {
      "tools/call": (call) => {
        for (const level of ["debug", "warning", "error"]) call.notify("notifications/message", { level, data: level });
        call.result({});
      },
    },
  });
  const params = { name: "weather__a" };
  const levels = ({ events }: Answer): unknown[] => events.map((event) => event.params?.["level"]);
  const modern = await peerOf("modern", gateway);
  assert.deepEqual(levels(await modern.modern("tools/call", params)), []);
  const meta = { "io.modelcontextprotocol/logLevel": "warning" };
  assert.deepEqual(levels(await modern.modern("tools/call", params, { meta })), ["warning", "error"]);
  const [a, b] = [await peerOf("legacy", gateway), await peerOf("legacy", gateway)];
  await a.legacy("logging/setLevel", { level: "error" });
  assert.deepEqual(levels(await a.legacy("tools/call", params)), ["error"]);
  assert.deepEqual(levels(await b.legacy("tools/call", params)), ["debug", "warning", "error"]);
});

test("G17 the level of a legacy session goes with its calls to a modern server", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", {
    era: "modern",
    script: { "tools/call": (call) => call.result({ resultType: "complete" }) },
  });
  const peer = await peerOf("legacy", gateway);
  await peer.legacy("logging/setLevel", { level: "debug" });
  await peer.legacy("tools/call", { name: "weather__a" });
  const meta = weather.calls("tools/call")[0]?.message.params?.["_meta"] as Record<string, unknown>;
  assert.equal(meta["io.modelcontextprotocol/logLevel"], "debug");
});

test("G11 a hundred calls at once, all with one id and one token, get only their own messages", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", {}, { limits: { concurrency: 100 } });
  const answers = Array.from({ length: 100 }, async (_, i) => {
    const peer = await peerOf("legacy", gateway);
    const params = { name: "weather__a", arguments: { i } };
    return peer.legacy("tools/call", params, { id: 1, meta: { progressToken: 1 } });
  });
  await weather.call("tools/call", answers.length);
  const calls = weather.calls("tools/call").toReversed();
  const numberOf = (call: Received): unknown => (call.message.params?.["arguments"] as { i?: number } | undefined)?.i;
  for (const call of calls) call.notify("notifications/progress", { progress: numberOf(call) });
  for (const call of calls) call.result({ i: numberOf(call) });
  for (const [i, answer] of (await Promise.all(answers)).entries()) {
    assert.deepEqual(answer.events[0]?.params, { progress: i, progressToken: 1 });
    assert.deepEqual([answer.events.length, answer.body?.id, answer.body?.result], [1, 1, { i }]);
  }
});

test("errors of a server pass as they came; a modern client learns of an unknown method by 404 too", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", {
    script: { "tools/call": (call) => call.error(-32601, "nope", { a: 1 }) },
  });
  const params = { name: "weather__a" };
  const legacy = await (await peerOf("legacy", gateway)).legacy("tools/call", params, { id: 1 });
  const modern = await new Peer(gateway.url).modern("tools/call", params, { id: 1 });
  assert.deepEqual([legacy.status, modern.status], [200, 404]);
  assert.equal(legacy.text, modern.text);
  assert.deepEqual(legacy.body?.error, { code: -32601, message: "nope", data: { a: 1 } });
  weather.script = { ...weather.script, "resources/read": (call) => call.error(-32002, "no such") };
  const missing = await new Peer(gateway.url).modern("resources/read", { uri: "weather+a:b" });
  assert.equal(missing.body?.error?.code, -32602);
});

test("an error that speaks of the hop to the server never reaches a client as its own", async () => {
  await using gateway = await TestGateway.open();
  const codes = [-32020, -32021, -32022];
  let code = 0;
  const script = {
    "tools/call": (call: { error(c: number, m: string, d?: unknown): void }): void => call.error(code, "other hop"),
  };
  gateway.serve("new", { era: "modern", script });
  gateway.serve("old", { era: "legacy", script });
  const legacy = await peerOf("legacy", gateway);
  const modern = await peerOf("modern", gateway);
  for (code of codes) {
    const answers = [
      await legacy.legacy("tools/call", { name: "new__a" }),
      await modern.modern("tools/call", { name: "old__a" }),
      ...(code === -32021 ? [] : [await modern.modern("tools/call", { name: "new__a" })]),
    ];
    for (const { status, body } of answers) {
      assert.deepEqual([status, body?.error?.code, body?.error?.data?.["code"]], [502, 502, "protocol_error"]);
    }
    // Between legacy peers the number means nothing special.
    assert.equal((await legacy.legacy("tools/call", { name: "old__a" })).body?.error?.code, code);
  }
});

test("a modern client that lacks a capability is told which, as 400", async () => {
  await using gateway = await TestGateway.open();
  const requiredCapabilities = { elicitation: {} };
  gateway.serve("weather", {
    era: "modern",
    script: { "tools/call": (call) => call.error(-32021, "inner words", { requiredCapabilities, secret: 1 }) },
  });
  const { status, body } = await new Peer(gateway.url).modern("tools/call", { name: "weather__a" }, { id: 4 });
  assert.deepEqual([status, body?.id, body?.error?.code], [400, 4, -32021]);
  assert.deepEqual(body?.error?.data, { requiredCapabilities });
});

test("G21 what a server answers reaches a client of its era byte for byte, whatever is in it", async () => {
  await using gateway = await TestGateway.open();
  let result = "";
  const script = { "tools/call": (call: { result(text: string): void }): void => call.result(result) };
  gateway.serve("old", { script });
  gateway.serve("new", { era: "modern", script });
  const peers = { legacy: await peerOf("legacy", gateway), modern: await peerOf("modern", gateway) };
  const value = fc.json().map((text) => `{"resultType" : "complete","x":12345678901234567890.50,"y":${text}}`);
  await fc.assert(
    fc.asyncProperty(value, fc.constantFrom(...eras), async (text, era) => {
      result = text;
      const name = era === "legacy" ? "old__a" : "new__a";
      const answer = await peers[era][era]("tools/call", { name }, { id: "\u00e9" });
      assert.equal(answer.text, `{"jsonrpc":"2.0","id":"\u00e9","result":${text}}`);
    }),
    { numRuns: 40 },
  );
});

test("on the aggregate links lead back to their server; web links, and a server's own endpoint, stay as they are", async () => {
  await using gateway = await TestGateway.open();
  const uris = ["file:///a.txt", "https://example.com/x", "https://example.com/listed"];
  const content = uris.map((uri) => ({ type: "resource_link", uri, name: "n" }));
  gateway.serve("weather", {
    script: {
      "tools/call": (call) => call.result({ content }),
      "resources/list": (call) => call.result({ resources: [{ uri: uris[2], name: "n" }] }),
    },
  });
  const shown = async (path: string, name: string): Promise<unknown> => {
    const peer = new Peer(gateway.url, { path });
    await peer.initialize();
    await peer.legacy("resources/list");
    const { body } = await peer.legacy("tools/call", { name });
    const links = body?.result?.["content"] ?? [];
    return (links as { uri: string }[]).map(({ uri }) => uri);
  };
  assert.deepEqual(await shown("/servers/weather/mcp", "a"), uris);
  assert.deepEqual(await shown("/mcp", "weather__a"), [
    "weather+file:///a.txt",
    "https://example.com/x",
    "weather+https://example.com/listed",
  ]);
});

test("a response in many pieces is looked through for links up to a bound, then goes out as it comes", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const peer = await peerOf("legacy", gateway);
  for (const [length, uri] of [
    [100_000, "weather+file:///a"],
    [400_000, "file:///a"],
  ] as const) {
    const answer = peer.legacy("tools/call", { name: "weather__a" });
    const call = await weather.call("tools/call", weather.calls("tools/call").length + 1);
    const text = JSON.stringify({ type: "text", text: "x".repeat(length) });
    call.chunk(`{"jsonrpc":"2.0","id":${call.idText},"result":{"content":[${text},`, false);
    call.chunk('{"type":"resource_link","uri":"file:///a"}', false);
    call.chunk("]}}", true);
    const content = (await answer).body?.result?.["content"] as { uri?: string; text?: string }[];
    assert.deepEqual([content[0]?.text?.length, content[1]?.uri], [length, uri]);
  }
});
