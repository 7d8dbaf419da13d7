import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { batchMessagesMax, metaKeys, type ScanResult, scanEnvelope, splitBatch } from "./envelope.ts";
import { nested } from "./testing/json-texts.ts";
import { arrivingBytes, messageText } from "./testing/messages.ts";
import { expectedScan } from "./testing/reference.ts";
import { assertScansAsExpected } from "./testing/scan-property.ts";

function scan(text: string | Buffer): ScanResult {
  return scanEnvelope(Buffer.from(text));
}

/** The refusal of `text`, as "code message (id)". */
function refusal(text: string | Buffer): string {
  const result = scan(text);
  assert.ok(!result.ok, "it was accepted");
  return `${result.code} ${result.message} (${result.id?.toString() ?? "no id"})`;
}

test("for any bytes, the scanner accepts what JSON.parse and the rules accept, and finds every member where it is", () => {
  fc.assert(fc.property(arrivingBytes, assertScansAsExpected), { numRuns: 500 });
});

test("most arbitrary messages are valid ones, so that what is asserted of those means something", () => {
  const valid = fc.sample(messageText, 200).filter((text) => expectedScan(Buffer.from(text)).kind !== "refused");
  assert.ok(valid.length > 80, `only ${valid.length} of 200`);
});

test("a message that is cut anywhere is refused, and is never mistaken for another", () => {
  const whole = Buffer.from(
    ' {"jsonrpc":"2.0","id":"a\\u00e9","method":"tools/call","params":{"name":"é","arguments":{"x":[1.5e3,true,null]}}} ',
  );
  for (let length = 0; length < whole.length - 1; length++) {
    assertScansAsExpected(whole.subarray(0, length));
    assert.match(refusal(whole.subarray(0, length)), /^-32700 /);
  }
  assert.ok(scan(whole).ok);
});

test("requests, notifications and responses are told apart by their members", () => {
  const kinds: [string, string][] = [
    ['{"jsonrpc":"2.0","id":1,"method":"ping"}', "request"],
    ['{"jsonrpc":"2.0","id":"","method":"ping","params":{}}', "request"],
    ['{"jsonrpc":"2.0","method":"notifications/initialized"}', "notification"],
    ['{"jsonrpc":"2.0","id":-3,"result":{}}', "response"],
    ['{"jsonrpc":"2.0","id":"a","error":{"code":1,"message":""}}', "response"],
    ['{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":""}}', "response"],
    ['{"jsonrpc":"2.0","error":{"code":-32700,"message":""}}', "response"],
    ['{"\\u006asonrpc":"2\\u002e0","i\\u0064":1,"method":"ping"}', "request"],
  ];
  for (const [text, kind] of kinds) {
    const result = scan(text);
    assert.equal(result.ok && result.envelope.kind, kind, text);
  }
});

test("what is JSON but no message is refused with the reason, and with the id when there is one to believe", () => {
  const refusals: [string, string][] = [
    ["[]", "-32600 not a JSON-RPC message: a batch is not accepted here, send one message at a time (no id)"],
    ["1", "-32600 not a JSON-RPC message: it must be an object (no id)"],
    ["{}", '-32600 not a JSON-RPC message: member "jsonrpc" must be "2.0" (no id)'],
    ['{"jsonrpc":"1.0","id":1,"method":"x"}', '-32600 not a JSON-RPC message: member "jsonrpc" must be "2.0" (1)'],
    ['{"jsonrpc":"2.0","id":1}', '-32600 not a JSON-RPC message: it needs one of "method", "result" and "error" (1)'],
    [
      '{"jsonrpc":"2.0","id":"a","result":1,"error":{}}',
      '-32600 not a JSON-RPC message: it needs one of "method", "result" and "error" ("a")',
    ],
    [
      '{"jsonrpc":"2.0","id":1,"method":"x","result":1}',
      "-32600 not a JSON-RPC message: it is a request and a response at once (1)",
    ],
    [
      '{"jsonrpc":"2.0","id":1,"method":"x","error":{}}',
      "-32600 not a JSON-RPC message: it is a request and a response at once (1)",
    ],
    ['{"jsonrpc":"2.0","id":1,"method":2}', '-32600 not a JSON-RPC message: member "method" must be a string (1)'],
    [
      '{"jsonrpc":"2.0","id":1,"method":"x","params":[]}',
      '-32600 not a JSON-RPC message: member "params" must be an object (1)',
    ],
  ];
  for (const [text, expected] of refusals) assert.equal(refusal(text), expected);
  for (const id of ["1.5", "1e3", "null", "true", "{}", "[1]"]) {
    const expected = '-32600 not a JSON-RPC message: member "id" must be a string or an integer (no id)';
    assert.equal(refusal(`{"jsonrpc":"2.0","id":${id},"method":"x"}`), expected);
  }
  assert.match(refusal('{"jsonrpc":"2.0","id":null,"result":{}}'), /must be a string or an integer/);
});

test("a routed member that comes twice is refused in every spelling, and named as it is written", () => {
  const head = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"';
  assert.match(refusal(`${head},"name":"a"}}`), /member "params" \/ "name" comes twice \(1\)$/);
  assert.match(refusal(`${head},"n\\u0061m\\u0065":"b"}}`), /member "params" \/ "name" comes twice/);
  assert.match(refusal(`${head}},"par\\u0061ms":{}}`), /member "params" comes twice/);
  assert.match(refusal(`${head},"_meta":{},"_met\\u0061":{}}}`), /member "params" \/ "_meta" comes twice/);
  const version = metaKeys.protocolVersion;
  const escaped = version.replace("/", "\\/");
  assert.match(
    refusal(`${head},"_meta":{"${version}":"a","${escaped}":"b"}}}`),
    /"_meta" \/ "io\.modelcontextprotocol\/protocolVersion" comes twice/,
  );
  assert.match(refusal(`${head},"protocolVersion":"a","protocolVersion":"a"}}`), /"protocolVersion" comes twice/);
});

test("an id that comes twice is not believed, whatever else comes twice before it", () => {
  assert.match(refusal('{"jsonrpc":"2.0","id":1,"id":2,"method":"x"}'), /member "id" comes twice \(no id\)$/);
  assert.match(refusal('{"jsonrpc":"2.0","method":"x","method":"y","id":1,"\\u0069d":2}'), /\(no id\)$/);
});

test("members that nobody routes by may come twice: they are payload", () => {
  const result = scan(
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"a":1,"a":2}},"x":1,"x":2}',
  );
  assert.equal(result.ok && result.envelope.raw("arguments")?.toString(), '{"a":1,"a":2}');
});

test("128 levels are read, 129 are refused with the id, in objects, arrays and on the way to routed members", () => {
  const message = (params: string): string => `{"jsonrpc":"2.0","id":5,"method":"x","params":${params}}`;
  for (const objects of [true, false]) {
    // The message and `arguments` are two of the levels, `params` is the third.
    const inside = (depth: number): string => message(`{"arguments":${nested("1", depth - 2, objects)}}`);
    assert.ok(scan(inside(128)).ok);
    assert.equal(refusal(inside(129)), "-32600 nested deeper than 128 levels (5)");
    assert.equal(refusal(nested("1", 100_000, objects)), "-32600 nested deeper than 128 levels (no id)");
  }
});

test("what is echoed of a message that was not read to its end is UTF-8", () => {
  const deep = Buffer.from(`","method":"x","params":${nested("1", 200, false)}}`);
  const message = Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":"'), Buffer.of(0xff), deep]);
  assert.equal(refusal(message), "-32600 nested deeper than 128 levels (no id)");
});

test("bytes that are no JSON are refused with the place, without an id", () => {
  assert.equal(refusal(""), "-32700 not JSON: it ends too early (no id)");
  assert.equal(refusal('{"jsonrpc":"2.0","id":1,'), "-32700 not JSON: it ends too early (no id)");
  assert.equal(refusal('{"id":1 x'), "-32700 not JSON: unexpected byte at offset 8 (no id)");
  assert.equal(refusal("\ufeff{}"), "-32700 not JSON: unexpected byte at offset 0 (no id)");
  assert.equal(refusal(Buffer.from('{"a":"\xff"}', "latin1")), "-32700 not JSON: it is not UTF-8 (no id)");
  for (const text of ['{"a":"\0"}', '"\n"', "{}{}", "01", "1.", ".5", "+1", "- 1", "1e", "tru", "nul", "NaN", "'a'"]) {
    assert.match(refusal(text), /^-32700 /, text);
  }
  for (const text of ["[1,]", '{"a":1,}', "{,}", '{"a"}', "{1:1}", '"\\x"', '"\\u12g4"', '"\\ud8', "[1 2]"]) {
    assert.match(refusal(text), /^-32700 /, text);
  }
});

test("__proto__ and its kin are keys like any other", () => {
  const result = scan(
    '{"__proto__":{"id":9},"jsonrpc":"2.0","id":1,"method":"constructor","params":{"__proto__":{"name":"x"}}}',
  );
  assert.ok(result.ok);
  assert.equal(result.envelope.raw("id")?.toString(), "1");
  assert.equal(result.envelope.has("name"), false);
  assert.equal(result.envelope.method, "constructor");
  assert.equal(Reflect.get({}, "name"), undefined);
});

test("members are looked for in objects only, and in their own object only", () => {
  const result = scan(
    '{"jsonrpc":"2.0","id":1,"method":"x","name":"top","params":{"ref":[{"type":"a"}],"_meta":null,"x":{"uri":"deep"}}}',
  );
  assert.ok(result.ok);
  const { envelope } = result;
  assert.deepEqual([envelope.has("name"), envelope.has("uri"), envelope.has("refType")], [false, false, false]);
  assert.equal(envelope.raw("meta")?.toString(), "null");
  assert.equal(envelope.text("meta"), undefined);
  assert.equal(envelope.raw("cursor"), undefined);
});

test("a batch is cut into its messages as they were written", () => {
  const texts = (input: string): readonly string[] | undefined =>
    splitBatch(Buffer.from(input))?.map((bytes) => bytes.toString());
  assert.deepEqual(texts(' [ {"a": 1} ,2, [3] ] '), ['{"a": 1}', "2", "[3]"]);
  assert.deepEqual(texts("[]"), []);
  for (const none of ["{}", "1", "", "[1", "[1] 2"]) assert.equal(texts(none), undefined, none);
  assert.equal(texts(`[${"1,".repeat(batchMessagesMax - 1)}1]`)?.length, batchMessagesMax);
  assert.equal(texts(`[${"1,".repeat(batchMessagesMax)}1]`), undefined);
});
