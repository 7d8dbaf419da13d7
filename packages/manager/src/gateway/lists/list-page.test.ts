/** Pages: whole where they can be, in one order where not, right when lists change between them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ListItem } from "../../protocol/list.ts";
import { placeOf, type Position } from "./list-cursor.ts";
import { type PageLimits, takePage } from "./list-page.ts";

type Lists = ReadonlyMap<string, readonly string[]>;

const item = (key: string): ListItem => ({
  bytes: Buffer.from(JSON.stringify({ name: key })),
  key,
  keyStart: 8,
  keyEnd: 8,
});

function page(
  lists: Lists,
  after: Position | undefined,
  limits: PageLimits,
): { shown: string[]; next: Position | undefined } {
  const sources = [...lists]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, keys]) => ({ route: { name }, items: keys.map(item) }));
  const show = ({ name }: { name: string }, { key }: ListItem): Buffer | undefined =>
    key.startsWith("hidden") ? undefined : Buffer.from(`${name}/${key}`);
  const { items, next } = takePage({ sources, after, show }, limits);
  return { shown: items.map(String), next };
}

test("what fits a page is shown in each server's own order, with nothing after it", () => {
  const lists = new Map([
    ["b", ["z", "a"]],
    ["a", ["y", "x"]],
  ]);
  const expected = { shown: ["a/y", "a/x", "b/z", "b/a"], next: undefined };
  assert.deepEqual(page(lists, undefined, { items: 4, bytes: 1_000 }), expected);
});

test("a page ends at its number of items or of bytes, whichever comes first; hidden items make no page of their own", () => {
  const lists = new Map([["s", ["d", "c", "b", "a", "hidden-1", "hidden-2"]]]);
  const first = page(lists, undefined, { items: 2, bytes: 1_000 });
  assert.deepEqual(first.shown, ["s/a", "s/b"]);
  assert.deepEqual(page(lists, first.next, { items: 2, bytes: 1_000 }), { shown: ["s/c", "s/d"], next: undefined });
  assert.deepEqual(page(lists, undefined, { items: 100, bytes: 7 }).shown, ["s/a", "s/b"]);
  assert.deepEqual(page(lists, undefined, { items: 100, bytes: 1 }).shown, ["s/a"], "one is always taken");
});

test("a walk goes on where it was when its server, or the item, has gone", () => {
  const after = { server: "b", place: "m" };
  const limits = { items: 10, bytes: 1_000 };
  assert.deepEqual(page(new Map([["b", ["z", "l", "n"]]]), after, limits).shown, ["b/n", "b/z"]);
  const gone = new Map([
    ["a", ["z"]],
    ["c", ["x"]],
  ]);
  assert.deepEqual(page(gone, after, limits).shown, ["c/x"]);
  assert.deepEqual(page(new Map(), after, limits), { shown: [], next: undefined });
});

test("a place is short, its own for each name, and orders names that begin alike", () => {
  const long = "x".repeat(5_000);
  assert.ok(placeOf(long).length < 1_100);
  assert.notEqual(placeOf(`${long}a`), placeOf(`${long}b`));
  assert.equal(placeOf("short"), "short");
  const lists = new Map([["s", [`${long}1`, `${long}2`, `${long}3`]]]);
  const seen: string[] = [];
  for (let after: Position | undefined, more = true; more; more = after !== undefined) {
    const { shown, next } = page(lists, after, { items: 1, bytes: 1_000_000 });
    seen.push(...shown);
    after = next;
  }
  assert.equal(new Set(seen).size, 3);
});

const names = ["a", "aa", "b", "c", "C", "d", "e", "f", "g", "h", "é", "\u{1f600}", "\ufffd", "", "hidden-x"];

test("G20 however lists change between pages, a walk gives no item twice and all that were there throughout", () => {
  const some = fc.uniqueArray(fc.constantFrom(...names), { maxLength: 12 });
  const lists = fc.dictionary(fc.constantFrom("air", "bus", "car"), some, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.array(lists, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 4 }), (states, size) => {
      const limits = { items: size, bytes: 1_000 };
      const seen: string[] = [];
      const used: Lists[] = [];
      let after: Position | undefined;
      for (let round = 0; round < 100; round++) {
        const now: Lists = new Map(Object.entries(states[Math.min(round, states.length - 1)] ?? {}));
        used.push(now);
        const { shown, next } = page(now, after, limits);
        assert.ok(shown.length <= size);
        seen.push(...shown);
        after = next;
        if (next === undefined) break;
      }
      assert.equal(after, undefined, "a walk ends");
      assert.equal(new Set(seen).size, seen.length, "nothing comes twice");
      const first = [...(used[0] ?? [])].flatMap(([server, keys]) => keys.map((key) => ({ server, key })));
      const throughout = first.filter(({ server, key }) => used.every((state) => state.get(server)?.includes(key)));
      for (const { server, key } of throughout) {
        if (!key.startsWith("hidden")) assert.ok(seen.includes(`${server}/${key}`), `${key} was there all the time`);
      }
    }),
  );
});
