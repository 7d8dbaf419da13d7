import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type ModernRequestOptions,
  requestToLegacy,
  requestToModern,
  resultToLegacy,
  resultToModern,
} from "./bridge.ts";
import { type Envelope, metaKeys, scanEnvelope } from "./envelope.ts";
import { splice } from "./splice.ts";
import { documentText } from "./testing/json-texts.ts";
import { requestText, responseText, resultText } from "./testing/messages.ts";
import { assertRequestKeepsPayload, assertResponseKeepsPayload } from "./testing/payload-property.ts";

function envelope(params: string): Envelope {
  const scan = scanEnvelope(Buffer.from(`{"jsonrpc":"2.0","method":"tools/call"${params},"id":1}`));
  assert.ok(scan.ok, scan.ok ? "" : scan.message);
  return scan.envelope;
}

function toLegacy(params: string): string {
  const from = envelope(`,"params":${params}`);
  const message = splice(from.bytes, requestToLegacy(from)).toString();
  return message.slice('{"jsonrpc":"2.0","method":"tools/call","params":'.length, -',"id":1}'.length);
}

function toModern(params: string, options?: ModernRequestOptions): unknown {
  const from = envelope(params);
  const message = JSON.parse(splice(from.bytes, requestToModern(from, options)).toString()) as { params: unknown };
  return message.params;
}

test("G21 requests keep their payload, whatever the gateway changes in them and whichever way they go", () => {
  const property = fc.property(requestText, (text) => assertRequestKeepsPayload(Buffer.from(text)));
  fc.assert(property, { numRuns: 500 });
});

test("G21 responses keep their payload too", () => {
  const response = fc.oneof(
    responseText,
    resultText.map((result) => `{"jsonrpc":"2.0","id":1,"result":${result}}`),
    documentText,
  );
  const property = fc.property(response, fc.constantFrom("tools/list", "tools/call"), (text, method) =>
    assertResponseKeepsPayload(Buffer.from(text), method),
  );
  fc.assert(property, { numRuns: 500 });
});

test("a modern request loses on its way to a legacy server what its era owns, with one comma each", () => {
  const version = `"${metaKeys.protocolVersion}":"2026-07-28"`;
  assert.equal(toLegacy(`{"name":"a","_meta":{${version}}}`), '{"name":"a","_meta":{}}');
  assert.equal(toLegacy(`{"_meta":{${version}, "progressToken":1}}`), '{"_meta":{"progressToken":1}}');
  assert.equal(toLegacy(`{"_meta":{"progressToken":1 , ${version}}}`), '{"_meta":{"progressToken":1}}');
  assert.equal(toLegacy(`{"_meta":{"a":1,${version},"b":2}}`), '{"_meta":{"a":1,"b":2}}');
  assert.equal(toLegacy('{"requestState":"s","inputResponses":{}}'), "{}");
  assert.equal(toLegacy('{"request\\u0053tate":"s","name":"a","inputResponses":null}'), '{"name":"a"}');
  assert.equal(
    toLegacy('{"name":"a","arguments":{"requestState":"mine"}}'),
    '{"name":"a","arguments":{"requestState":"mine"}}',
  );
  assert.deepEqual(requestToLegacy(envelope("")), []);
});

test("a legacy request gains what every modern one carries, wherever its `_meta` stands, and has each key once", () => {
  const own = {
    [metaKeys.protocolVersion]: "2026-07-28",
    [metaKeys.clientInfo]: { name: "mcp-manager", version: "0.1.0" },
    [metaKeys.clientCapabilities]: {},
  };
  assert.deepEqual(toModern(""), { _meta: own });
  assert.deepEqual(toModern(',"params":{ }'), { _meta: own });
  assert.deepEqual(toModern(',"params":{"name":"a"}'), { _meta: own, name: "a" });
  assert.deepEqual(toModern(',"params":{"_meta":null}'), { _meta: own });
  assert.deepEqual(toModern(',"params":{"_meta":{ }}'), { _meta: own });
  assert.deepEqual(toModern(',"params":{"_meta":{"progressToken":1}}'), { _meta: { ...own, progressToken: 1 } });
  const forged = `,"params":{"_meta":{"${metaKeys.protocolVersion}":"1999-01-01","x":1}}`;
  assert.deepEqual(toModern(forged), { _meta: { ...own, x: 1 } });
});

test("a legacy client's own words and level travel with its requests", () => {
  const options = {
    clientInfo: Buffer.from('{"name":"c"}'),
    clientCapabilities: Buffer.from('{"a":1}'),
    logLevel: "info",
  };
  assert.deepEqual(toModern("", options), {
    _meta: {
      [metaKeys.protocolVersion]: "2026-07-28",
      [metaKeys.clientInfo]: { name: "c" },
      [metaKeys.clientCapabilities]: { a: 1 },
      [metaKeys.logLevel]: "info",
    },
  });
});

const hints = { ttlMs: 5, cacheScope: "private" } as const;

function resultFor(era: "modern" | "legacy", message: string, method: string): string | undefined {
  const bytes = Buffer.from(message);
  return (era === "modern" ? resultToModern(bytes, method, hints) : resultToLegacy(bytes, method))?.toString();
}

test("a legacy result gains its type, and cache hints where the method has them, unless it says so itself", () => {
  assert.equal(
    resultFor("modern", '{"id":1,"result":{}}', "tools/call"),
    '{"id":1,"result":{"resultType":"complete"}}',
  );
  assert.equal(
    resultFor("modern", '{"id":1,"result":{"tools":[]}}', "tools/list"),
    '{"id":1,"result":{"resultType":"complete","ttlMs":5,"cacheScope":"private","tools":[]}}',
  );
  const said = '{"result":{"ttlMs":0,"cacheScope":"public","resultType":"complete"},"id":1}';
  assert.equal(resultFor("modern", said, "tools/list"), said);
});

test("a resource that was not found has another code in the modern era; other errors stay as they came", () => {
  assert.equal(
    resultFor("modern", '{"id":1,"error":{"message":"?","code":-32002}}', "resources/read"),
    '{"id":1,"error":{"message":"?","code":-32602}}',
  );
  const other = '{"id":1,"error":{"code":-32603,"message":"-32002"}}';
  assert.equal(resultFor("modern", other, "tools/call"), other);
  assert.equal(resultFor("legacy", other, "tools/call"), other);
});

test("a modern result loses its type, and cache hints only where the protocol put them", () => {
  const list = '{"id":1,"result":{"resultType":"complete","tools":[],"ttlMs":1,"cacheScope":"public"}}';
  assert.equal(resultFor("legacy", list, "tools/list"), '{"id":1,"result":{"tools":[]}}');
  const call = '{"id":1,"result":{"resultType":"complete","ttlMs":1,"content":[]}}';
  assert.equal(resultFor("legacy", call, "tools/call"), '{"id":1,"result":{"ttlMs":1,"content":[]}}');
});

test("what a legacy client would take for the answer and is none is not passed on", () => {
  for (const type of ['"input_required"', '"task"', "1", "null"]) {
    assert.equal(resultFor("legacy", `{"id":1,"result":{"resultType":${type}}}`, "tools/call"), undefined, type);
  }
  const twice = '{"id":1,"result":{"resultType":"complete","resultTyp\\u0065":"input_required"}}';
  assert.equal(resultFor("legacy", twice, "tools/call"), undefined);
  assert.equal(resultFor("legacy", '{"id":1,"result":[]}', "tools/call"), undefined);
});
