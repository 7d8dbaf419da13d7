/** Links are found at their places, in any spelling, and nowhere else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { linksInNotification, linksInResult, linksInTool } from "./links.ts";

function found(text: string, method = "tools/call"): string[] {
  const bytes = Buffer.from(text);
  return linksInResult(method, bytes).map(({ start, end }) => bytes.toString("utf8", start, end));
}

const result = (text: string): string => `{"jsonrpc":"2.0","id":1,"result":${text}}`;
const blocks = (...list: string[]): string => result(`{"content":[${list.join(" , ")}]}`);

test("links and embedded resources in a tool's content are found, whatever stands around them", () => {
  const link = '{"name":"n","uri":"a:1","type":"resource_link","x":{"uri":"no"}}';
  const embedded = '{"type":"resource","resource":{"text":"\\"uri\\"","uri":"b:2","blob":""},"uri":"no"}';
  assert.deepEqual(found(blocks('{"type":"text","text":"\\"uri\\""}', link, embedded, "null", "7", "[]")), [
    '"a:1"',
    '"b:2"',
  ]);
});

test("text, structured content, icons, other blocks and other members are no links", () => {
  const uri = '"uri":"a:1"';
  assert.deepEqual(
    found(blocks(`{"type":"text",${uri}}`, `{"type":"video",${uri}}`, `{${uri}}`, `{"type":1,${uri}}`)),
    [],
  );
  assert.deepEqual(found(result(`{"structuredContent":{"content":[{"type":"resource_link",${uri}}]},${uri}}`)), []);
  assert.deepEqual(found(blocks('{"type":"resource_link","uri":7,"icons":[{"src":"a:1","uri":"b:1"}]}')), []);
  assert.deepEqual(found(`{"id":1,"error":{"code":1,"message":"","data":{${uri}}}}`, "tools/list"), []);
});

test("prompts have content of one block or of several; a read has contents, or an error that names the resource", () => {
  const link = (uri: string): string => `{"type":"resource_link","uri":"${uri}"}`;
  const messages = `[{"role":"user","content":${link("a:1")}},{"content":[${link("b:2")},${link("c:3")}]},{"content":"uri"}]`;
  assert.deepEqual(found(result(`{"messages":${messages}}`), "prompts/get"), ['"a:1"', '"b:2"', '"c:3"']);
  const contents = '[{"uri":"a:1","text":""},{"blob":"","uri":"b:2"}]';
  assert.deepEqual(found(result(`{"contents":${contents}}`), "resources/read"), ['"a:1"', '"b:2"']);
  const error = '{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"no","data":{"uri":"a:1"}}}';
  assert.deepEqual(found(error, "resources/read"), ['"a:1"']);
});

test("an app's page is found in a tool and in a result, under its key and the older one", () => {
  const meta = '"_meta":{"ui":{"csp":{},"resourceUri":"ui://a"},"ui/resourceUri":"ui://b","x":{"resourceUri":"no"}}';
  assert.deepEqual(found(result(`{"content":[],${meta}}`)), ['"ui://a"', '"ui://b"']);
  const tool = Buffer.from(`{"name":"t",${meta},"inputSchema":{"properties":{"uri":{}}}}`);
  assert.equal(linksInTool(tool).length, 2);
  assert.deepEqual(found(result(`{"content":[],"_meta":{"ui\\/resourceUri":"ui://b"}}`)), ['"ui://b"']);
});

test("an update names its resource", () => {
  const update = Buffer.from('{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:1"}}');
  assert.equal(linksInNotification("notifications/resources/updated", update).length, 1);
  assert.equal(linksInNotification("notifications/progress", update).length, 0);
});

test("keys and types are found in any spelling", () => {
  const spelled = '{"\\u0074ype":"resource\\u005flink","\\u0075\\u0072\\u0069":"a:1"}';
  assert.deepEqual(found(blocks(spelled)), ['"a:1"']);
  assert.deepEqual(found(blocks('{"type":"resource_link","u\\u0072i":"a:1"}')), ['"a:1"']);
  assert.deepEqual(found(result('{"_meta":{"ui":{"resource\\u0055ri":"ui://a"}}}')), ['"ui://a"']);
  assert.deepEqual(found(result('{"_meta":{"ui":{"resourceUr\\u0069":"ui://a"}}}')), ['"ui://a"']);
});

test("what is said twice, in any spelling, is no link; the rest of the message is read on", () => {
  const good = '{"type":"resource_link","uri":"a:1"}';
  for (const twice of [
    '{"type":"resource_link","uri":"b:1","ur\\u0069":"b:2"}',
    '{"type":"resource_link","uri":"b:1","type":"text"}',
    '{"type":"resource","resource":{"uri":"b:1"},"resource":{"uri":"b:2"}}',
    '{"type":"resource","resource":{"uri":"b:1","uri":"b:2"}}',
  ]) {
    assert.deepEqual(found(blocks(twice, good)), ['"a:1"'], twice);
  }
  assert.deepEqual(found(result(`{"content":[${good}],"content":[${good}]}`)), []);
  assert.deepEqual(found(`{"result":{"content":[${good}]},"result":{}}`), []);
});

test("what is no JSON, or ends early, has no links", () => {
  const whole = blocks('{"type":"resource_link","uri":"a:1"}');
  for (let length = 0; length < whole.length; length++) assert.deepEqual(found(whole.slice(0, length)), []);
});

test("a long message is searched, in whichever text", () => {
  const link = '{"type":"resource_link","uri":"a:1"}';
  for (const filler of ['\\"', "u", "plain text ", "\\\\u00", "\\u001b"]) {
    const text = `{"type":"text","text":"${filler.repeat(2_000)}"}`;
    assert.deepEqual(found(blocks(text)), [], filler);
    assert.deepEqual(found(blocks(text, link)), ['"a:1"'], filler);
    assert.deepEqual(found(blocks(text, link.replace("uri", "\\u0075ri"))), ['"a:1"'], filler);
  }
});
