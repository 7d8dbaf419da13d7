/** Long results on their way: with the caller's id, whatever the pieces, and never with a second one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LongAnswer } from "./long-answer.ts";
import { jsonValue } from "./testing/arbitrary-json.ts";
import { outbound, toolCall } from "./testing/calls.ts";

/** What leaves of a message cut at these places: undefined when it is not passed on, or its end is not. */
function passed(
  text: string,
  headBytes: number,
  cuts: readonly number[],
  id: string,
  channelId?: number,
): string | undefined {
  const bytes = Buffer.from(text);
  const long = LongAnswer.begin(bytes.subarray(0, headBytes), outbound(toolCall("x", { id })), channelId);
  if (long === undefined) return undefined;
  const parts: (Buffer | undefined)[] = [];
  let from = headBytes;
  for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
    if (cut <= from) continue;
    parts.push(long.push(bytes.subarray(from, cut)));
    from = cut;
  }
  const last = long.end();
  return last === undefined
    ? undefined
    : Buffer.concat([...parts.filter((part) => part !== undefined), last]).toString();
}

const forms: readonly ((id: string, value: string) => string)[] = [
  (id, value) => `{"jsonrpc":"2.0","id":${id},"result":${value}}`,
  (id, value) => `{"result":${value},"jsonrpc":"2.0","id":${id}}`,
  (id, value) => `{"result":${value},"id":${id},"jsonrpc":"2.0"}`,
  (id, value) => `{"jsonrpc":"2.0","result":${value}, "id" : ${id} }\n`,
];

const cutsOf = fc.array(fc.nat(30_000), { maxLength: 40 });
const objectValue = jsonValue.map((value) => `{"a":${value},"b":"${"z".repeat(300)}"}`);

test("a result leaves as it came but for the id, in every usual order and cut anywhere", () => {
  const ids = fc.constantFrom("1", '"a"', '"\\u0041"', `"${"long".repeat(100)}"`);
  const property = fc.property(
    objectValue,
    ids,
    fc.constantFrom(...forms),
    cutsOf,
    fc.nat(),
    (value, id, form, cuts, seed) => {
      const text = form("42", value);
      const headBytes = 40 + (seed % (Buffer.byteLength(text) - 40));
      assert.equal(passed(text, headBytes, cuts, id, 42), form(id, value));
      const own = form(id, value);
      // Before the result only an id in its plainest spelling is looked at.
      if (headBytes > Buffer.byteLength(id) + 60 && !(form === forms[0] && id.includes("\\")))
        assert.equal(passed(own, headBytes, cuts, id), own);
    },
  );
  fc.assert(property, { numRuns: 1_000 });
});

test("the end of a result that has a second id, another's id or none never leaves", () => {
  const more = fc.constantFrom('"id":42', ' "id" :1', '"i\\u0064":1', '"\\u0069d":{"x":1}');
  const property = fc.property(objectValue, more, fc.constantFrom(...forms), cutsOf, (value, member, form, cuts) => {
    assert.equal(passed(form("42", `${value},${member}`), 40, cuts, "1", 42), undefined);
    assert.equal(passed(form("43", value), 40, cuts, "1", 42), undefined);
    assert.equal(passed(`{"result":${value},"jsonrpc":"2.0"}`, 40, cuts, "1", 42), undefined);
  });
  fc.assert(property, { numRuns: 500 });
});

test("what does not begin as a result does is not passed on", () => {
  const rest = `{"text":"${"x".repeat(500)}"}}`;
  for (const head of [
    '{"jsonrpc":"2.0","id":42,"error":',
    '{"error":',
    '{"jsonrpc":"2.0","method":"notifications/message","params":',
    '{"jsonrpc":"2.0","id":42,"method":"x","params":',
    '{"id":42,"jsonrpc":"2.0","result":',
    ' {"result":',
    '{"jsonrpc":"2.0","id":43,"result":',
  ]) {
    assert.equal(passed(head + rest, 100, [], "1", 42), undefined, head);
  }
});

test("bytes that trickle in are not gathered without bound", () => {
  const long = LongAnswer.begin(Buffer.from('{"result":"' + "x".repeat(100)), outbound(toolCall("x")), 42);
  let held = 0;
  for (let i = 0; i < 100_000; i++) held = long?.push(Buffer.from("x")) === undefined ? held + 1 : 0;
  assert.ok(held < 20_000);
});
