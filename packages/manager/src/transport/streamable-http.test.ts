/** Connections over Streamable HTTP: the contract of connections, sessions, and what a broken server may answer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConnectionUnderTest, declareConnectionContract } from "./contract.ts";
import type { Connection } from "./connection.ts";
import { callParams, callTool, outbound, RecordingSink, start, toolCall, until } from "./testing/calls.ts";
import { type HttpBench, startHttp } from "./testing/http-bench.ts";
import type { HttpPeerOptions } from "./testing/http-peer.ts";
import { result } from "./testing/peer.ts";

type HttpUnderTest = HttpBench & ConnectionUnderTest & { readonly connection: Connection };

async function open(options: HttpPeerOptions, messageBytesMax?: number): Promise<HttpUnderTest> {
  const bench = await startHttp(options, messageBytesMax);
  return { ...bench, connection: await bench.open() };
}

const kinds: Readonly<Record<string, HttpPeerOptions>> = {
  "http legacy, events": { era: "legacy", answers: "events", sessions: true },
  "http legacy, json": { era: "legacy", answers: "json" },
  "http modern, events": { era: "modern", answers: "events" },
  "http modern, json": { era: "modern", answers: "json" },
};
for (const [name, options] of Object.entries(kinds)) {
  declareConnectionContract({
    name,
    serverAsks: options.era === "legacy",
    ...(options.era === "legacy" ? { questions: "of their call" } : { subscriptions: true }),
    open: () => open(options),
  });
}

const eras = ["legacy", "modern"] as const;

/** Declares a case for both eras. */
function both(title: string, run: (sut: HttpUnderTest, era: "legacy" | "modern") => Promise<void>): void {
  for (const era of eras) {
    test(`${title} (${era})`, async () => {
      await using sut = await open({ era, sessions: era === "legacy" });
      await run(sut, era);
    });
  }
}

test("a legacy request carries version, session and the operator's headers, and no others", async () => {
  await using sut = await open({ era: "legacy", sessions: true });
  await callTool(sut.connection, "echo");
  const head = sut.peer.heads.at(-1);
  assert.deepEqual(
    { url: head?.url, ...head?.headers },
    {
      url: "/mcp?x=1",
      host: head?.headers.host,
      "x-team": "a",
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2025-11-25",
      "mcp-session-id": "session-1",
      "content-length": String(toolCall("echo").length),
    },
  );
});

test("G4 a modern request carries the routing headers of what it says after the edits", async () => {
  await using sut = await open({ era: "modern" });
  const request = outbound(toolCall("server__écho"), [["server__écho", "écho"]]);
  const sink = new RecordingSink();
  sut.connection.send({ ...request, name: "écho", paramHeaders: ["Mcp-Param-Region", "eu"] }, sink);
  await sink.ended;
  const { headers } = sut.peer.heads.at(-1) ?? {};
  assert.equal(headers?.["mcp-method"], "tools/call");
  assert.equal(headers?.["mcp-name"], `=?base64?${Buffer.from("écho").toString("base64")}?=`);
  assert.equal(headers?.["mcp-param-region"], "eu");
  assert.equal(headers?.["mcp-protocol-version"], "2026-07-28");
  assert.equal(headers?.["mcp-session-id"], undefined);
});

test("G9 a session that the server forgot is opened again, once for all calls, and the calls are sent again", async () => {
  await using sut = await open({ era: "legacy", sessions: true });
  await callTool(sut.connection, "echo");
  sut.peer.forgetSessions();
  const calls = ["1", '"b"', "3"].map((id) => ({ id, ...start(sut.connection, "echo", { id, token: id }) }));
  for (const { id, sink } of calls) assert.ok((await sink.response()).startsWith(`{"jsonrpc":"2.0","id":${id},`));
  assert.equal(sut.journal.filter((line) => line === "request initialize").length, 2);
  assert.equal(sut.peer.heads.at(-1)?.headers["mcp-session-id"], "session-2");
});

test("a call whose new session is refused too fails, and the next call tries again", async () => {
  let refusing = false;
  await using sut = await open({
    era: "legacy",
    sessions: true,
    intercept(_request, body, response) {
      if (!refusing || !body.includes("tools/call")) return false;
      response.writeHead(404).end();
      return true;
    },
  });
  refusing = true;
  const error = await start(sut.connection, "echo").sink.failed();
  assert.equal(error.code, "protocol_error");
  assert.match(error.message, /server "weather" answered HTTP 404/);
  assert.equal(sut.journal.filter((line) => line === "request initialize").length, 2);
  refusing = false;
  await callTool(sut.connection, "echo");
});

test("when no new session can be opened, the calls that need it fail and say so", async () => {
  let isDown = false;
  await using sut = await open({
    era: "legacy",
    sessions: true,
    intercept(_request, body, response) {
      if (!isDown || !body.includes('"initialize"')) return false;
      response.writeHead(503, { "retry-after": "7" }).end();
      return true;
    },
  });
  isDown = true;
  sut.peer.forgetSessions();
  const calls = [start(sut.connection, "echo"), start(sut.connection, "echo")];
  for (const { sink } of calls) {
    const error = await sink.failed();
    assert.deepEqual([error.code, error.server, error.retryAfterMs], ["unavailable", "weather", 7_000]);
  }
  isDown = false;
  await callTool(sut.connection, "echo");
});

/** A stand-in that keeps back what it is told to. */
async function openHolding(): Promise<
  HttpUnderTest & { hold(what: string): void; readonly isHolding: boolean; go(): void }
> {
  let wanted = "";
  let held: (() => void) | undefined;
  const sut = await open({
    era: "legacy",
    sessions: true,
    intercept(request, body, response) {
      if (wanted === "" || !body.includes(wanted)) return false;
      wanted = "";
      // Whether the session is known is judged now, and told later.
      const isServed = sut.peer.knows(request) || body.includes('"initialize"');
      held = () => {
        if (isServed) sut.peer.serve(request, body, response);
        else response.writeHead(404).end();
      };
      return true;
    },
  });
  return {
    ...sut,
    hold(what) {
      wanted = what;
    },
    get isHolding() {
      return held !== undefined;
    },
    go() {
      held?.();
      held = undefined;
    },
  };
}

test("in a new session no call overtakes the last message of its opening, and whoever told the old one something hears of it", async () => {
  await using sut = await openHolding();
  let renewals = 0;
  sut.connection.onRenewed = () => renewals++;
  sut.peer.forgetSessions();
  sut.hold("notifications/initialized");
  const { sink } = start(sut.connection, "echo");
  await until("the notification", () => sut.isHolding);
  await callTool(await sut.open(), "echo");
  assert.deepEqual([sut.journal.filter((line) => line === "call echo").length, renewals], [1, 0]);
  sut.go();
  await sink.response();
  assert.equal(renewals, 1);
});

test("a session that is opened in the place of a lost one after the end is ended too", async () => {
  await using sut = await openHolding();
  sut.peer.forgetSessions();
  sut.hold('"initialize"');
  const { sink } = start(sut.connection, "echo");
  await until("the renewal", () => sut.isHolding);
  await sut.connection.close(0);
  await sink.failed();
  sut.go();
  await until("the DELETE", () => sut.journal.includes("deleted session-2"));
});

test("a call that is given up while its session is renewed is not sent again", async () => {
  await using sut = await openHolding();
  sut.peer.forgetSessions();
  sut.hold('"initialize"');
  const { exchange } = start(sut.connection, "hold");
  await until("the renewal", () => sut.isHolding);
  exchange.cancel("enough");
  sut.go();
  await callTool(sut.connection, "echo");
  assert.equal(sut.journal.includes("call hold"), false);
});

test("a call that hears of the lost session late uses the new one, and opens no third", async () => {
  await using sut = await openHolding();
  sut.peer.forgetSessions();
  sut.hold("late-one");
  const late = start(sut.connection, "echo", { args: '{"x":"late-one"}' });
  await until("the call", () => sut.isHolding);
  await callTool(sut.connection, "echo");
  sut.go();
  await late.sink.response();
  assert.equal(sut.journal.filter((line) => line === "request initialize").length, 2);
});

test("G9 close ends the session at the server", async () => {
  await using sut = await open({ era: "legacy", sessions: true });
  await sut.connection.close(0);
  await until("the DELETE", () => sut.journal.includes("deleted session-1"));
  await using modern = await open({ era: "modern" });
  await modern.connection.close(0);
  assert.deepEqual(modern.journal, ["request server/discover"]);
});

both("an answer that leaves its stream open is complete, and the stream is ended later", async (sut) => {
  const response = await callTool(sut.connection, "left-open", { id: '"x"' });
  assert.match(response, /"id":"x","result":\{"open":true\}/);
  assert.equal(sut.connection.inFlight, 0);
  assert.equal(sut.peer.heads.at(-1)?.socket.destroyed, false);
  await sut.clock.advance(2_000);
  await until("the stream closes", () => sut.peer.heads.at(-1)?.socket.destroyed === true);
});

interface Fault {
  readonly tool: string;
  readonly args?: string;
  readonly code: string;
  readonly message: RegExp;
}

const faults: readonly Fault[] = [
  { tool: "html", code: "protocol_error", message: /HTTP 200 with content type "text\/html"/ },
  { tool: "empty", code: "protocol_error", message: /empty body|not a JSON-RPC response/ },
  { tool: "accepted", code: "protocol_error", message: /HTTP 202 with content type "none"/ },
  { tool: "ends-early", code: "protocol_error", message: /ended the stream before its response/ },
  { tool: "noise-event", code: "protocol_error", message: /an event that is not JSON-RPC/ },
  { tool: "cut-event", code: "unavailable", message: /lost/ },
  { tool: "cut-json", code: "unavailable", message: /lost/ },
  { tool: "odd-event", args: '{"bytes":200000}', code: "protocol_error", message: /longer than 100000 bytes/ },
  { tool: "cut-long", code: "unavailable", message: /lost/ },
  { tool: "status", args: '{"status":500}', code: "unavailable", message: /HTTP 500/ },
  { tool: "status", args: '{"status":401}', code: "unavailable", message: /credential with HTTP 401; set/ },
  { tool: "status", args: '{"status":403}', code: "unavailable", message: /credential with HTTP 403; set/ },
  {
    tool: "status",
    args: '{"status":400,"body":"no"}',
    code: "protocol_error",
    message: /HTTP 400 without a JSON-RPC/,
  },
  { tool: "status", args: '{"status":307,"headers":{"location":"/"}}', code: "protocol_error", message: /HTTP 307/ },
];
for (const era of eras) {
  for (const { tool, args = "{}", code, message } of faults) {
    test(`${tool} ${args} fails the call and names the server (${era})`, async () => {
      await using sut = await open({ era, sessions: era === "legacy" }, 100_000);
      const error = await start(sut.connection, tool, { args }).sink.failed();
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.match(error.message, /server "weather"/);
      assert.equal(error.server, "weather");
      // The connection goes on.
      assert.equal(sut.connection.inFlight, 0);
      await callTool(sut.connection, "echo");
    });
  }
}

both("429, and 503 with a time to wait, say that the server takes no calls until then", async ({ connection }) => {
  for (const status of [429, 503]) {
    const args = `{"status":${status},"headers":{"retry-after":"3"}}`;
    const error = await start(connection, "status", { args }).sink.failed();
    assert.deepEqual([error.code, error.reason, error.retryAfterMs], ["unavailable", "UPSTREAM_RATE_LIMITED", 3_000]);
    assert.deepEqual(error.details, { status });
  }
});

both("a JSON-RPC error under HTTP 400 is the server's answer", async ({ connection }) => {
  const response = await callTool(connection, "error-400", { id: '"e"' });
  assert.equal(response, '{"jsonrpc":"2.0","id":"e","error":{"code":-32602,"message":"bad"}}');
});

both("an answer with the id of another request fails the call", async ({ connection }) => {
  for (const tool of ["other-id", "other-id-event"]) {
    const error = await start(connection, tool).sink.failed();
    assert.match(error.message, /server "weather" answered with the id of another request/);
  }
});

both("progress of another request does not reach a call", async ({ connection, events }) => {
  const { sink } = start(connection, "other-progress", { token: '"mine"' });
  await sink.response();
  assert.equal(sink.notifications.length, 1);
  assert.match(sink.notifications[0] ?? "", /"progressToken":"mine"/);
  assert.deepEqual(events.dropped, ["unaddressed_progress"]);
});

const types = ["json", "events"] as const;

for (const type of types) {
  for (const isLast of [false, true]) {
    const order = isLast ? "after" : "before";
    both(
      `a long result, as ${type}, its id ${order} it, is passed on as it comes, with the caller's pauses`,
      async (sut) => {
        const bytes = 10_000_000;
        const args = JSON.stringify({ type, isLast, bytes });
        const { sink, exchange } = start(sut.connection, "long", { id: '"long"', args });
        sink.goesOn = false;
        await until("the first piece", () => sink.chunks.length > 0);
        // What goes on meanwhile shows that the rest is not on its way.
        const response = await callTool(sut.connection, "echo", { args: '{"meanwhile":1}' });
        assert.equal(response, result("1", `{"params":${callParams("echo", { args: '{"meanwhile":1}' })}}`));
        assert.ok(Buffer.concat(sink.chunks).length < 1_000_000);
        sink.goesOn = true;
        exchange.resume();
        const text = (await sink.response()).replace(/\n\}$/, "}");
        const value = `{"text":"${"x".repeat(bytes)}"}`;
        const expected = isLast ? `{"result":${value},"jsonrpc":"2.0","id":"long"}` : result('"long"', value);
        assert.ok(text === expected, text.slice(0, 100) + text.slice(-100));
      },
    );
  }
}

for (const type of types) {
  for (const fault of [
    { isLast: false, more: ',"id":2' },
    { isLast: true, more: ',"id":2' },
    { isLast: true, more: ',"i\\u0064":2' },
    { isLast: true, ownId: "424242" },
  ]) {
    both(`the end of a long result with another id never leaves: ${type} ${JSON.stringify(fault)}`, async (sut) => {
      const args = JSON.stringify({ type, bytes: 1_000_000, ...fault });
      const { sink } = start(sut.connection, "long", { args });
      const error = await sink.failed();
      assert.deepEqual([error.code, error.server], ["protocol_error", "weather"]);
      assert.match(error.message, /whose id is not that of the request, or not the only one/);
      assert.throws(() => JSON.parse(sink.text));
      assert.equal(sut.connection.inFlight, 0);
      await callTool(sut.connection, "echo");
    });
  }
}

test("a long answer that begins with the id of another request is held, and none of it leaves", async () => {
  await using sut = await open({ era: "legacy" });
  for (const type of types) {
    const { sink } = start(sut.connection, "long", { args: JSON.stringify({ type, bytes: 200_000, ownId: "424242" }) });
    assert.match((await sink.failed()).message, /answered with the id of another request/);
    assert.deepEqual(sink.chunks, []);
  }
});

test("more than may be held of one message fails the call", async () => {
  await using sut = await open({ era: "legacy" }, 100_000);
  const error = await start(sut.connection, "odd-json", { args: '{"bytes":200000}' }).sink.failed();
  assert.match(error.message, /server "weather" sent more than 100000 bytes in one message/);
  assert.equal((await callTool(sut.connection, "big", { args: '{"bytes":200000}' })).length > 200_000, true);
});
