/** Whether a message has an `id` of its own, told from its bytes as they pass. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { IdWatch, noOwnId, unclearOwnId } from "./id-watch.ts";
import { decodeString, membersAt } from "./json.ts";

/** What is answered when the bytes come cut at these places. */
function watch(bytes: Buffer, cuts: readonly number[] = []): number {
  const watching = new IdWatch();
  let from = 0;
  for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
    watching.push(bytes.subarray(from, cut));
    from = cut;
  }
  return watching.end();
}

const space = fc.constantFrom("", "", "", " ", "\n\t");
const spellings = [
  '"id"',
  '"\\u0069d"',
  '"i\\u0064"',
  '"\\u0069\\u0064"',
  '"\\"id"',
  '"id\\\\"',
  '"i\\u0064x"',
  '"uid"',
];
const keyText = fc.constantFrom(...spellings, '"id"', '"a"', '"long key of an inner object"', '"}"', '"{\\"id\\":1"');
const scalar = fc.oneof(
  fc.constantFrom(
    "1",
    "null",
    "-2.5e3",
    '"id"',
    '"\\\\"',
    '"\\\\\\"id\\":"',
    '"},"',
    '"\\u0069d"',
    '"x\\\\u0069"',
    '""',
  ),
  fc.nat(300).map((length) => `"${'z\\"'.repeat(length)}"`),
  fc.nat(300).map((length) => `"${"\\\\".repeat(length)}"`),
);
const value = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    tie("object"),
    fc.array(tie("value"), { maxLength: 3 }).map((v) => `[${v.join()}]`),
  ),
  object: fc
    .array(fc.tuple(space, keyText, space, space, tie("value"), space), { maxLength: 4 })
    .map((members) => `{${members.map(([a, key, b, c, text, d]) => `${a}${key}${b}:${c}${text}${d}`).join()}}`),
})).value;

const message = fc
  .array(fc.tuple(space, fc.oneof({ weight: 3, arbitrary: fc.constantFrom('"x"', '"y"') }, keyText), value, space), {
    maxLength: 4,
  })
  .map((members) => `{"jsonrpc":"2.0"${members.map(([a, key, text, b]) => `,${a}${key}${b}:${text}${b}`).join("")}}`);

test("an id of the message's own is found wherever it stands, inner ones are not, however the bytes come", () => {
  const property = fc.property(
    message,
    fc.array(fc.nat(400), { maxLength: 6 }),
    fc.boolean(),
    (text, places, bytewise) => {
      const bytes = Buffer.from(text);
      const keys = (membersAt(bytes, 0) ?? []).map(({ keyStart, keyEnd }) => ({
        at: keyStart,
        name: decodeString(bytes, keyStart, keyEnd),
        written: bytes.toString("latin1", keyStart, keyEnd),
      }));
      const own = keys.filter(({ name }) => name === "id");
      const cuts = bytewise
        ? Array.from({ length: bytes.length }, (_, i) => i)
        : places.filter((at) => at < bytes.length);
      const found = watch(bytes, cuts);
      const [first] = own;
      const isOdd = keys.some(({ written }) => /\\u006[49]/.test(written));
      if (first === undefined) assert.ok(found === noOwnId || (isOdd && found === unclearOwnId), String(found));
      else if (isOdd) assert.ok(found === unclearOwnId || found === first.at, String(found));
      else assert.equal(found, first.at);
    },
  );
  fc.assert(property, { numRuns: 3_000 });
});

test("of two the first is told, and what has no end is unclear", () => {
  assert.equal(watch(Buffer.from('{"a":1,"id":2,"id":3}')), 7);
  assert.equal(watch(Buffer.from('{"a":1,"id":2')), unclearOwnId);
  assert.equal(watch(Buffer.from('{"a":1,"i\\u0064":2}')), unclearOwnId);
  assert.equal(watch(Buffer.from('{"a":[{"b":"id"},"id"],"c":1} \n')), noOwnId);
  assert.equal(watch(Buffer.from('{"a":1,"id":2} \n')), 7);
});

test("finds far apart and near, in text of every kind, are all seen", () => {
  for (const filler of ["x", '\\"', "id ", "\\u00e9", "0", "u", "i"]) {
    for (const length of [100, 200, 5_000, 70_000]) {
      const text = filler.repeat(length);
      const inner = `{"x":"${text}","rows":[{"n":"${text}","id":1},{"id":2}]}`;
      const bytes = Buffer.from(`{"result":${inner},"jsonrpc":"2.0","id":7}`);
      assert.equal(watch(bytes), bytes.length - '"id":7}'.length, filler);
      assert.equal(watch(bytes, [length, length + 3, 2 * length + 21]), bytes.length - '"id":7}'.length, filler);
      assert.equal(watch(Buffer.from(`{"result":${inner}}`)), noOwnId, filler);
    }
  }
});
