import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  classifyFrame,
  errorCodeOf,
  errorCodeRange,
  locateResponse,
  outcomeOf,
  responseMembers,
  resultRange,
} from "./response.ts";
import { messageText, responseText } from "./testing/messages.ts";
import { assertFindsOnlyItsOwnId } from "./testing/response-property.ts";

const long = "x".repeat(5_000);

function idIn(text: string): string | undefined {
  const bytes = Buffer.from(text);
  const at = locateResponse(bytes);
  return at === undefined ? undefined : bytes.toString("utf8", at.idStart, at.idEnd);
}

test("whatever a server sends, no id is found but the message's own", () => {
  const property = fc.property(fc.oneof(responseText, messageText), (text) =>
    assertFindsOnlyItsOwnId(Buffer.from(text)),
  );
  fc.assert(property, { numRuns: 500 });
});

test("the id is found in every spelling, short or long", () => {
  for (const padding of ["", long]) {
    for (const id of ["7", "-7", '"a b"', '"a\\"b"', '""']) {
      const result = `"result":{"text":"${padding}"}`;
      assert.equal(idIn(`{"jsonrpc":"2.0","id":${id},${result}}`), id);
      assert.equal(idIn(`{${result},"jsonrpc":"2.0","id":${id}}`), id);
      assert.equal(idIn(`{"id":${id},"jsonrpc":"2.0",${result}}`), id);
      assert.equal(idIn(`{ "jsonrpc": "2.0", ${result}, "id": ${id} }\n`), id);
      assert.equal(idIn(`{${result},"jsonrpc":"2.0","id":${id}\n}`), id);
      assert.equal(idIn(`{"jsonrpc":"2.0","id":${id},"error":{"code":1,"message":"${padding}"}}`), id);
      assert.equal(idIn(`{"error":{"code":1,"message":"${padding}"},"jsonrpc":"2.0","id":${id}}`), id);
    }
  }
});

test("a second id is never overlooked, however long the message, however it is spelled, wherever it stands", () => {
  for (const key of ['"id"', '"\\u0069d"', '"i\\u0064"', '"\\u0069\\u0064"']) {
    for (const padding of [`"${long}"`, `"${'\\"id\\": '.repeat(1_000)}"`, `"${"Lorem ipsum id ".repeat(400)}"`]) {
      const members = [`"result":{"text":${padding}}`, `,${key}:1`, `\n\t, ${key} :1,"z":{}`];
      for (const more of members.slice(1)) {
        assert.equal(idIn(`{"jsonrpc":"2.0","id":7,${members[0]}${more}}`), undefined);
        assert.equal(idIn(`{${members[0]}${more},"jsonrpc":"2.0","id":7}`), undefined);
      }
    }
  }
});

test("an id in the payload is not the message's, many of them neither", () => {
  const rows = Array.from({ length: 500 }, (_, id) => ({ id, name: "a", ref: { kind: "id", id } }));
  const result = JSON.stringify({ structuredContent: { rows }, content: [] });
  assert.equal(idIn(`{"jsonrpc":"2.0","id":7,"result":${result}}`), "7");
  assert.equal(idIn(`{"result":${result},"jsonrpc":"2.0","id":"s"}`), '"s"');
  const text = JSON.stringify(`${long}","jsonrpc":"2.0","id":9}`);
  assert.equal(idIn(`{"result":{"text":${text}},"jsonrpc":"2.0","id":7}`), "7");
  assert.equal(idIn(`{"result":${text}}`), undefined);
});

test("requests, notifications and what is no message are no responses", () => {
  for (const text of [
    "",
    "not json",
    '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    '{"jsonrpc":"2.0","method":"notifications/message"}',
    '{"jsonrpc":"2.0","error":{"code":-32700,"message":"?"}}',
    '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}',
    '{"jsonrpc":"2.0","id":1,"id":1,"result":{}}',
    `{"jsonrpc":"2.0","id":,"result":{"text":"${long}"}}`,
    `{"jsonrpc":"2.0","id":-,"result":{"text":"${long}"}}`,
    `{"result":{"text":"${long}"},"jsonrpc":"2.0","id":}`,
    `{"jsonrpc":"2.0","id":1,"result":{"text":"${long}`,
  ]) {
    assert.equal(idIn(text), undefined, text.slice(0, 60));
  }
});

test("a frame is a response, something the server wants, or noise", () => {
  const kindOf = (text: string): string => classifyFrame(Buffer.from(text)).kind;
  assert.equal(kindOf('{"jsonrpc":"2.0","id":1,"result":{}}'), "response");
  assert.equal(kindOf(`{"jsonrpc":"2.0","id":1,"result":"${long}"}`), "response");
  assert.equal(kindOf('{"jsonrpc":"2.0","id":1,"method":"roots/list"}'), "request");
  assert.equal(
    kindOf(`{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"${long}"}}`),
    "notification",
  );
  assert.equal(kindOf("Server listening on port 3000"), "noise");
  assert.equal(kindOf('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}'), "noise");
});

test("noise that begins as a response says to whom and what is wrong with it, unless its id cannot be believed", () => {
  const answerOf = (text: string): unknown => {
    const frame = classifyFrame(Buffer.from(text));
    return frame.kind === "noise" ? frame.answer : frame.kind;
  };
  const head = '{"jsonrpc":"2.0","id":17,';
  const at = { idStart: 22, idEnd: 24 };
  const why = "nested deeper than 128 levels";
  const deep = "[".repeat(200) + "]".repeat(200);
  assert.deepEqual(answerOf(`${head}"result":{"a":${deep}}}`), { ...at, why });
  assert.deepEqual(answerOf(`${head}"error":{"code":1,"data":${deep}}}`), { ...at, why });
  const twice = 'not a JSON-RPC message: member "result" comes twice';
  assert.deepEqual(answerOf(`${head}"result":{},"result":{}}`), { ...at, why: twice });
  for (const text of [
    `${head}"params":{"a":${deep}},"method":"roots/list"}`,
    `${head}"result":{},"id":18}`,
    `${head}"result":{"a":`,
    `{"jsonrpc":"2.0","result":{"a":${deep}},"id":17}`,
  ]) {
    assert.equal(answerOf(text), undefined, text.slice(0, 60));
  }
});

test("the outcome is told from results and errors, short or long, whole or only begun", () => {
  const head = '{"jsonrpc":"2.0","id":1,';
  const outcome = (text: string): string => outcomeOf(Buffer.from(text));
  for (const padding of ["", `"x":"${long}",`]) {
    assert.equal(outcome(`${head}"result":{${padding}"content":[]}}`), "result");
    assert.equal(outcome(`${head}"result":{${padding}"isError":false}}`), "result");
    assert.equal(outcome(`${head}"result":{${padding}"isError":true}}`), "tool_error");
    assert.equal(outcome(`{"result":{${padding}"isError": true},"jsonrpc":"2.0","id":1}`), "tool_error");
    assert.equal(outcome(`${head}"result":{${padding}"structuredContent":{"isError":true}}}`), "result");
    assert.equal(outcome(`${head}"result":{${padding}"text":"\\"isError\\":true"}}`), "result");
    assert.equal(outcome(`${head}"result":{${padding}"resultType":"input_required"}}`), "input_required");
    assert.equal(outcome(`${head}"result":{${padding}"resultType":"complete"}}`), "result");
    assert.equal(outcome(`${head}"error":{${padding}"code":-32603,"message":"?"}}`), "protocol_error");
  }
  assert.equal(outcome(`${head}"error":{"code":-32603,"message":"${long}`), "protocol_error");
  assert.equal(outcome(`${head}"result":{"isError":true,"content":[{"text":"${long}`), "tool_error");
  assert.equal(outcome(`${head}"result":{"content":[{"text":"${long}`), "result");
  assert.equal(outcome(""), "result");
});

test("the members of a result are found in any spelling; what is no well-formed result has none", () => {
  const bytes = Buffer.from(
    '{"id":1,"result": {"ttlMs": 1.5e3,"next\\u0043ursor":"a\\nb","isError":"no","tools":[1]} ,"jsonrpc":"2.0"}',
  );
  const members = responseMembers(bytes);
  assert.ok(members !== undefined);
  assert.equal(bytes.toString("utf8", members.result.start, members.result.end)[0], "{");
  assert.deepEqual([members.number("ttlMs"), members.text("nextCursor")], [1500, "a\nb"]);
  assert.deepEqual(
    [members.text("ttlMs"), members.number("isError"), members.start("_meta")],
    [undefined, undefined, -1],
  );
  assert.equal(bytes.toString("utf8", members.start("tools"), members.end("tools")), "[1]");
  for (const text of [
    '{"result":[]}',
    '{"result":{"a":1}',
    '{"error":{}}',
    '{"result":{"isError":1,"isError":2}}',
    "",
  ]) {
    assert.equal(responseMembers(Buffer.from(text)), undefined, text);
  }
});

test("where a result stands is told of any value, and of none that comes twice", () => {
  const result = (text: string): string | undefined => {
    const range = resultRange(Buffer.from(text));
    return range === undefined ? undefined : text.slice(range.start, range.end);
  };
  assert.equal(result('{"id":1, "result" : [1] }'), "[1]");
  for (const text of ['{"result":{},"result":1}', '{"error":{}}', "[]", "", '{"result":{}']) {
    assert.equal(result(text), undefined, text);
  }
});

test("the code of an error is read as a number", () => {
  const code = (text: string): number | undefined => errorCodeOf(Buffer.from(text));
  assert.equal(code('{"error":{"message":"?","code": -32601 }}'), -32601);
  for (const text of [
    '{"error":{"code":"1"}}',
    '{"error":1}',
    '{"result":{"code":1}}',
    '{"error":{"code":1,"code":2}}',
  ]) {
    assert.equal(code(text), undefined, text);
  }
  assert.deepEqual(errorCodeRange(Buffer.from('{"error":{"code":"1"}}')), { start: 17, end: 20 });
});
