import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Envelope, metaKeys, scanEnvelope } from "./envelope.ts";
import { checkHeaders, decodeHeaderValue, encodeHeaderValue, type HeaderRecord } from "./headers.ts";

function envelope(method: string, params: Readonly<Record<string, unknown>> = {}): Envelope {
  const _meta = { [metaKeys.protocolVersion]: "2026-07-28" };
  const message = { jsonrpc: "2.0", id: 1, method, params: { ...params, _meta } };
  const scan = scanEnvelope(Buffer.from(JSON.stringify(message)));
  assert.ok(scan.ok);
  return scan.envelope;
}

const usual = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call" };

/** What is wrong with the headers of a call of the tool `name`; undefined when nothing is. */
function mismatch(headers: HeaderRecord, name?: unknown): string | undefined {
  const found = checkHeaders({ ...usual, ...headers }, envelope("tools/call", name === undefined ? {} : { name }));
  if (found !== undefined) assert.equal(found.code, -32020);
  return found?.message;
}

test("G4 any text travels in a header and comes back", () => {
  const property = fc.property(fc.string({ unit: "binary" }), (text) => {
    const value = encodeHeaderValue(text);
    assert.match(value, /^[\x20-\x7e]*$/);
    assert.equal(value.trim(), value);
    assert.equal(decodeHeaderValue(value), text);
  });
  fc.assert(property, { numRuns: 500 });
});

test("plain names go as they are; what is padded, looks encoded or is not ASCII is encoded", () => {
  for (const plain of ["get_weather", "a b", "file:///x?y=z", "", "=?base64?x", "x?="]) {
    assert.equal(encodeHeaderValue(plain), plain);
  }
  assert.equal(encodeHeaderValue("Zürich"), "=?base64?WsO8cmljaA==?=");
  assert.equal(encodeHeaderValue(" a"), "=?base64?IGE=?=");
  assert.equal(encodeHeaderValue("a\r\nb"), "=?base64?YQ0KYg==?=");
  assert.equal(decodeHeaderValue(encodeHeaderValue("=?base64?YQ==?=")), "=?base64?YQ==?=");
  assert.equal(decodeHeaderValue(encodeHeaderValue("=?base64?=")), "=?base64?=");
});

test("G4 between the marks only the one Base64 of UTF-8 text is taken", () => {
  assert.equal(decodeHeaderValue("=?base64?YQ==?="), "a");
  assert.equal(decodeHeaderValue("=?base64??="), "");
  for (const wrong of ["YQ", "YQ=", "YQ==YQ==", "YR==", "Y Q==", "YQ==-TAMPERED", "_-8=", "/w==", "7aCA", "*"]) {
    assert.equal(decodeHeaderValue(`=?base64?${wrong}?=`), undefined, wrong);
  }
  assert.equal(decodeHeaderValue("=?base64?="), undefined);
  for (const wrong of ["Zürich", "a\nb", "\u007f", "\0"]) assert.equal(decodeHeaderValue(wrong), undefined);
});

test("G4 headers that say what the body says pass, encoded or not", () => {
  assert.equal(mismatch({ "mcp-name": "weather" }, "weather"), undefined);
  assert.equal(mismatch({ "mcp-name": "=?base64?d2VhdGhlcg==?=" }, "weather"), undefined);
  assert.equal(mismatch({ "mcp-name": encodeHeaderValue("Zürich") }, "Zürich"), undefined);
  const read = envelope("resources/read", { uri: "file:///a" });
  assert.equal(checkHeaders({ ...usual, "mcp-method": "resources/read", "mcp-name": "file:///a" }, read), undefined);
  assert.equal(checkHeaders({ ...usual, "mcp-method": "tools/list" }, envelope("tools/list")), undefined);
});

test("G3 a header that is missing, differs or is unreadable is named with both values", () => {
  assert.equal(mismatch({}, "a"), "Header mismatch: Mcp-Name is missing");
  assert.equal(
    mismatch({ "mcp-name": "b" }, "a"),
    'Header mismatch: Mcp-Name header value "b" does not match body value "a"',
  );
  assert.equal(mismatch({ "mcp-name": "=?base64?Yg=?=" }, "b"), `Header mismatch: ${unreadable}`);
  assert.equal(mismatch({ "mcp-name": "Zürich" }, "Zürich"), `Header mismatch: ${unreadable}`);
  assert.equal(mismatch({ "mcp-name": "a" }), "Header mismatch: Mcp-Name names something, the body does not");
  assert.equal(mismatch({ "mcp-method": undefined }, "a"), "Header mismatch: Mcp-Method is missing");
  assert.equal(
    mismatch({ "mcp-method": "tools/List" }, "a"),
    'Header mismatch: Mcp-Method header value "tools/List" does not match body value "tools/call"',
  );
  assert.match(mismatch({ "mcp-protocol-version": "2025-11-25" }, "a") ?? "", /^Header mismatch: MCP-Protocol-Version/);
  assert.match(mismatch({ "mcp-protocol-version": ["a", "b"] }, "a") ?? "", /MCP-Protocol-Version is missing$/);
});

const unreadable = "Mcp-Name has characters that no header may have, or is not valid Base64 of UTF-8";

test("what the body itself lacks is not judged by the headers", () => {
  assert.equal(mismatch({}), undefined);
  assert.equal(mismatch({}, 5), undefined);
  const scan = scanEnvelope(Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools/list"}'));
  assert.ok(scan.ok);
  assert.equal(checkHeaders({ "mcp-method": "tools/list" }, scan.envelope), undefined);
});

test("values from outside are shown short and without control characters", () => {
  const message = mismatch({ "mcp-name": "x".repeat(5_000) }, "a\n\u0007") ?? "";
  assert.ok(message.length < 400);
  assert.match(message, /…" does not match body value "a\\n\\u0007"$/);
});
