/**
 * Messages that are refused: with the exact status and code, under the id that they came with as it was written, and without a
 * contact to any server.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type HttpServer, startHttpServer } from "./testing/http-server.ts";
import { type ManagerProcess, startManager } from "./testing/manager.ts";
import { initialize, post, type SendOptions, send } from "./testing/mcp.ts";
import { modernRequest } from "./testing/modern.ts";

/** A number that JavaScript cannot hold, and a string in a spelling of its own: both must come back as bytes. */
const ids: readonly string[] = ["9007199254740993", '"\\u0069d \\/ é"'];

const running = new AsyncDisposableStack();
let manager: ManagerProcess;
let upstreams: readonly HttpServer[];
/** On `/mcp`: of the newest revision of the legacy era, and of the one that has batches. */
let session: string;
let batchSession: string;
/** On `/servers/old/mcp`. */
let otherSession: string;
let endedSession: string;

before(async () => {
  const old = running.use(await startHttpServer("legacy"));
  const current = running.use(await startHttpServer("modern"));
  upstreams = [old, current];
  const servers = { old: remote(old), new: remote(current) };
  manager = running.use(await startManager({ config: JSON.stringify({ servers }) }));
  await manager.serversReady("old", "new");
  session = await initialize(manager);
  batchSession = await initialize(manager, { protocolVersion: "2025-03-26" });
  otherSession = await initialize(manager, { path: "/servers/old/mcp" });
  endedSession = await initialize(manager);
  assert.equal((await empty("DELETE", endedSession)).status, 204);
  // What is known of the servers is known from here on: nothing below is the first to ask.
  for (const name of ["old__echo", "new__echo"])
    assert.equal((await post(manager, callOf(name), { session })).status, 200);
});
after(() => running.disposeAsync());

function remote({ url }: HttpServer): object {
  return { source: { kind: "remote", url } };
}

function callOf(name: string): object {
  return { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: {} } };
}

/** How often a server was asked anything for a client. Lists the manager reads anew for itself, once they are old. */
function contacts(): number {
  return upstreams.flatMap(({ asked }) => asked).filter((method) => method !== "tools/list").length;
}

/** A request without a body. */
function empty(method: string, of?: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  const authorization = `Bearer ${manager.key}`;
  const id = of === undefined ? {} : { "mcp-session-id": of };
  return fetch(`${manager.url}/mcp`, { method, headers: { authorization, ...id, ...headers } });
}

// --- what is sent: ID stands for the id

type Text = string;

/** A request of the legacy era. */
function legacy(method: string, params = "{}"): Text {
  return `{"jsonrpc":"2.0","id":ID,"method":"${method}","params":${params}}`;
}

const meta = JSON.stringify({
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
});

/** A request of the modern era; `more` members of its params come first, each with a comma behind it. */
function modern(method: string, more = "", _meta = meta): Text {
  return `{"jsonrpc":"2.0","id":ID,"method":"${method}","params":{${more}"_meta":${_meta}}}`;
}

const echo = '"name":"new__echo","arguments":{},';
const echoHeaders = modernRequest("tools/call", { name: "new__echo" }).headers;
const listHeaders = modernRequest("tools/list").headers;

function headersOf(method: string): Readonly<Record<string, string>> {
  return modernRequest(method).headers;
}

function without(headers: Readonly<Record<string, string>>, name: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([each]) => each !== name));
}

/** `depth` arrays around nothing. */
function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

interface Refusal {
  readonly name: string;
  readonly text: Text;
  readonly options: () => SendOptions;
  readonly status: number;
  readonly code: number;
  /** Its id cannot be believed, or there is none. */
  readonly hasNoId?: boolean;
  readonly data?: object;
}

const noId = { hasNoId: true };
const noSession = (): SendOptions => ({});
const inSession = (): SendOptions => ({ session });
const inBatchSession = (): SendOptions => ({
  session: batchSession,
  headers: { "mcp-protocol-version": "2025-03-26" },
});

function under(headers: Readonly<Record<string, string>>): () => SendOptions {
  return () => ({ headers });
}

type Row = (name: string, text: Text, options?: () => SendOptions, more?: Partial<Refusal>) => Refusal;

/** Rows that end alike. */
function refused(status: number, code: number): Row {
  return (name, text, options = inSession, more = {}) => ({ name, text, options, status, code, ...more });
}

const mismatch = refused(400, -32020);
const invalid = refused(400, -32600);
const unreadable = refused(400, -32700);
const unsupported = refused(400, -32022);
const incomplete = refused(400, -32602);
const wrongParams = refused(200, -32602);
const gone = refused(404, -32600);
const call = modern("tools/call", echo);

const sections: Readonly<Record<string, readonly Refusal[]>> = {
  "header and body disagree": [
    mismatch("another method", call, under({ ...echoHeaders, "mcp-method": "tools/list" })),
    mismatch("no method", call, under(without(echoHeaders, "mcp-method"))),
    mismatch("another name", call, under({ ...echoHeaders, "mcp-name": "old__echo" })),
    mismatch("no name", call, under(without(echoHeaders, "mcp-name"))),
    mismatch("the name in two headers", call, under({ ...echoHeaders, "mcp-name": "new__echo, new__echo" })),
    mismatch("the name in Base64 that is none", call, under({ ...echoHeaders, "mcp-name": "=?base64?bmV3!?=" })),
    mismatch("a name of which the body knows nothing", modern("tools/call"), under(echoHeaders)),
    mismatch("another version", call, under({ ...echoHeaders, "mcp-protocol-version": "2025-11-25" })),
    mismatch("no version", call, under(without(echoHeaders, "mcp-protocol-version"))),
  ],
  "keys that come twice": [
    invalid("method", '{"jsonrpc":"2.0","id":ID,"method":"ping","method":"tools/list"}'),
    invalid("method in two spellings", '{"jsonrpc":"2.0","id":ID,"method":"ping","m\\u0065thod":"tools/list"}'),
    invalid("id", '{"jsonrpc":"2.0","id":ID,"id":ID,"method":"ping"}', inSession, noId),
    invalid("params", '{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":{"name":"old__echo"},"params":{}}'),
    invalid("name", legacy("tools/call", '{"name":"old__echo","name":"new__echo"}')),
    invalid("arguments", legacy("tools/call", '{"name":"old__echo","arguments":{},"\\u0061rguments":{}}')),
    invalid("uri", legacy("resources/read", '{"uri":"a:b","uri":"a:c"}')),
    invalid("the version of a modern request", modern("tools/list", "", `${meta.slice(0, -1)},${meta.slice(1)}`)),
  ],
  "versions and fields of the modern era": [
    unsupported(
      "a version that is not spoken",
      modern("tools/list", "", meta.replace("2026-07-28", "2027-01-01")),
      under({ ...listHeaders, "mcp-protocol-version": "2027-01-01" }),
      { data: { supported: ["2026-07-28"], requested: "2027-01-01" } },
    ),
    unsupported(
      "a version that is not spoken, within a session",
      legacy("ping"),
      () => ({ session, headers: { "mcp-protocol-version": "2020-01-01" } }),
      { data: { supported: ["2026-07-28"], requested: "2020-01-01" } },
    ),
    incomplete("no version", modern("tools/list", "", meta.replace("protocolVersion", "other")), under(listHeaders)),
    incomplete("a version in figures", modern("tools/list", "", meta.replace('"2026-07-28"', "1")), under(listHeaders)),
    incomplete("no capabilities", modern("tools/list", "", meta.replace("Capabilities", "s")), under(listHeaders)),
  ],
  "answers that nobody asked for": [
    invalid("a result within a session", '{"jsonrpc":"2.0","id":ID,"result":{}}', inSession, noId),
    invalid("an error within a session", '{"jsonrpc":"2.0","id":ID,"error":{"code":1,"message":""}}', inSession, noId),
    invalid("a result of a modern client", '{"jsonrpc":"2.0","id":ID,"result":{}}', under(listHeaders)),
    wrongParams(
      "the state of a question that was not asked",
      modern("tools/call", `${echo}"requestState":"made up","inputResponses":{},`),
      under(echoHeaders),
    ),
    wrongParams("a state that is no text", modern("tools/call", `${echo}"requestState":{},`), under(echoHeaders)),
  ],
  sessions: [
    invalid("none", legacy("tools/list"), noSession),
    gone("made up", legacy("ping"), () => ({ session: "made-up" })),
    gone("changed in one letter", legacy("ping"), () => ({ session: tampered(session) })),
    gone("longer by a few letters", legacy("ping"), () => ({ session: `${session}AAAA` })),
    gone("of another endpoint", legacy("ping"), () => ({ session: otherSession })),
    gone("ended", legacy("ping"), () => ({ session: endedSession })),
    gone("two at once", legacy("ping"), () => ({ session: `${session}, ${session}` })),
  ],
  cursors: ["tools/list", "prompts/list", "resources/list", "resources/templates/list"].flatMap((list) => [
    wrongParams(`of a legacy client for ${list}, made up`, legacy(list, '{"cursor":"made-up"}')),
    wrongParams(`of a modern client for ${list}, no text`, modern(list, '"cursor":7,'), under(headersOf(list))),
  ]),
  "what is no message": [
    unreadable("no JSON", '{"jsonrpc":"2.0","id":ID,"method":', inSession, noId),
    unreadable("nothing", "", inSession, noId),
    unreadable("two messages", `${legacy("ping")}${legacy("ping")}`, inSession, noId),
    unreadable("a mark of the byte order", `\uFEFF${legacy("ping")}`, inSession, noId),
    unreadable("an escape that is none", legacy("ping", '{"a":"\\x"}'), inSession, noId),
    invalid("another JSON-RPC", '{"jsonrpc":"1.0","id":ID,"method":"ping"}'),
    invalid("a method that is no text", '{"jsonrpc":"2.0","id":ID,"method":1}'),
    invalid("params in a list", '{"jsonrpc":"2.0","id":ID,"method":"ping","params":[]}'),
    invalid("a request and an answer in one", '{"jsonrpc":"2.0","id":ID,"method":"ping","result":{}}'),
    invalid("null for an id", '{"jsonrpc":"2.0","id":null,"method":"ping"}', inSession, noId),
    invalid("a fraction for an id", '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', inSession, noId),
    invalid("an object for an id", '{"jsonrpc":"2.0","id":{"a":ID},"method":"ping"}', inSession, noId),
    invalid("129 levels", legacy("tools/call", `{"name":"old__echo","arguments":{"a":${nested(126)}}}`)),
    invalid("100,000 levels", legacy("tools/call", `{"name":"old__echo","arguments":${nested(100_000)}}`)),
    refused(413, -32600)("more than 4 MiB", legacy("tools/call", `{"a":"${"x".repeat(4_194_304)}"}`), inSession, noId),
  ],
  batches: [
    invalid("of a session of 2025-11-25", `[${legacy("ping")}]`, inSession, noId),
    invalid("of a modern client", `[${modern("tools/list")}]`, under(listHeaders), noId),
    invalid("without a session", `[${legacy("ping")}]`, noSession, noId),
    invalid("of nothing", "[]", inBatchSession, noId),
    invalid("with initialize in it", `[${legacy("initialize")}]`, inBatchSession),
    invalid("with a modern request in it", `[${modern("tools/list")}]`, inBatchSession),
    invalid("with something in it that is no message", `[${legacy("ping")},7]`, inBatchSession, noId),
    invalid("within a batch", `[[${legacy("ping")}]]`, inBatchSession, noId),
  ],
  methods: [
    ...["server/discover", "subscriptions/listen", "tools/execute", "notifications/cancelled"].map((method) =>
      refused(200, -32601)(`${method} of a legacy client`, legacy(method)),
    ),
    ...["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe", "tools/execute"].map(
      (method) => refused(404, -32601)(`${method} of a modern client`, modern(method), under(headersOf(method))),
    ),
  ],
  names: [
    ...["old__other", "nobody__echo", "echo", "__", ""].map((name) =>
      wrongParams(`the tool "${name}"`, legacy("tools/call", JSON.stringify({ name }))),
    ),
    wrongParams("no tool", legacy("tools/call")),
    wrongParams("a prompt", legacy("prompts/get", '{"name":"nobody__x"}')),
    wrongParams("a resource", legacy("resources/read", '{"uri":"nobody+file:///x"}')),
    wrongParams("a log level", legacy("logging/setLevel", '{"level":"loud"}')),
    refused(404, 404)("a server", legacy("ping"), () => ({ path: "/servers/nobody/mcp" })),
  ],
};

for (const [section, refusals] of Object.entries(sections)) {
  describe(section, () => {
    for (const refusal of refusals) {
      const { name, text, options, status, code, hasNoId = false, data } = refusal;
      test(`${name}: ${status} and ${code}`, async () => {
        const earlier = contacts();
        for (const id of ids) {
          const message = text.replaceAll("ID", id);
          const answer = await send(manager, message, options());
          assert.equal(answer.status, status, answer.text);
          const { error } = answer.json();
          assert.equal(error?.code, code, answer.text);
          assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
          if (hasNoId) assert.doesNotMatch(answer.text, /"id"/);
          else assert.ok(answer.text.includes(`"id":${id},`), answer.text);
          if (data !== undefined) assert.deepEqual(error.data, data);
        }
        assert.equal(contacts(), earlier, "a server was asked");
      });
    }
  });
}

test("bytes that are no UTF-8: 400 and -32700", async () => {
  const earlier = contacts();
  const text = legacy("tools/call", '{"name":"old__echo","arguments":{"a":"é"}}').replace("ID", "1");
  const response = await fetch(`${manager.url}/mcp`, {
    method: "POST",
    headers: { authorization: `Bearer ${manager.key}`, "mcp-session-id": session },
    body: Buffer.from(text, "latin1"),
  });
  assert.equal(response.status, 400);
  const { error } = (await response.json()) as { error: { code: number } };
  assert.equal(error.code, -32700);
  assert.equal(contacts(), earlier, "a server was asked");
});

/** Another letter in the middle. */
function tampered(text: string): string {
  const at = text.length >> 1;
  return text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
}

describe("other ways to ask", () => {
  const events = { accept: "text/event-stream" };
  const modernVersion = { "mcp-protocol-version": "2026-07-28" };
  const rows: readonly (readonly [name: string, send: () => Promise<Response>, status: number])[] = [
    ["GET without a session", () => empty("GET", undefined, events), 405],
    ["GET of a modern client", () => empty("GET", session, { ...events, ...modernVersion }), 405],
    ["GET that takes no events", () => empty("GET", session, { accept: "application/json" }), 406],
    [
      "GET of a version that is not spoken",
      () => empty("GET", session, { ...events, "mcp-protocol-version": "1" }),
      400,
    ],
    ["GET of a session that is made up", () => empty("GET", "made-up", events), 404],
    ["GET of a session that has ended", () => empty("GET", endedSession, events), 404],
    ["GET after an event that is made up", () => empty("GET", session, { ...events, "last-event-id": "x" }), 400],
    ["DELETE without a session", () => empty("DELETE"), 405],
    ["DELETE of a modern client", () => empty("DELETE", session, modernVersion), 405],
    ["DELETE of a session that is made up", () => empty("DELETE", "made-up"), 404],
    ["DELETE of a session of another endpoint", () => empty("DELETE", otherSession), 404],
    ["PUT", () => empty("PUT", session), 405],
  ];
  for (const [name, ask, status] of rows) {
    test(`${name}: ${status}`, async () => {
      const earlier = contacts();
      const answer = await ask();
      assert.equal(answer.status, status);
      if (status === 405) assert.equal(answer.headers.get("allow"), "GET, POST, DELETE");
      assert.doesNotMatch(await answer.text(), /"id"/);
      assert.equal(contacts(), earlier, "a server was asked");
    });
  }
});

test("the same messages, put right, reach their server once each", async () => {
  const inBase64 = { ...echoHeaders, "mcp-name": `=?base64?${Buffer.from("new__echo").toString("base64")}?=` };
  const right: readonly (readonly [string, SendOptions])[] = [
    [modern("tools/call", echo), { headers: echoHeaders }],
    [modern("tools/call", echo), { headers: inBase64 }],
    [legacy("tools/call", '{"name":"old__echo","arguments":{}}'), { session }],
    [legacy("tools/call", `{"name":"old__echo","arguments":{"a":${nested(125)}}}`), { session }],
    [`[${legacy("tools/call", '{"name":"old__echo","arguments":{}}')}]`, inBatchSession()],
  ];
  for (const [text, options] of right) {
    const earlier = contacts();
    const answer = await send(manager, text.replaceAll("ID", '"right"'), options);
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.text, /"id":"right"/);
    assert.match(answer.text, /"result"/);
    assert.equal(contacts(), earlier + 1);
  }
});
