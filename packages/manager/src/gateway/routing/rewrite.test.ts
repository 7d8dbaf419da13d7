/** Links under a server's prefix, and everything else as it came. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { prefixedUri, splitPrefixedUri } from "./exposure.ts";
import { rewriteNotification, rewriteResult, toolLinkEdits } from "./rewrite.ts";
import { splice } from "../../protocol/splice.ts";

/** JSON as servers of any make may write it: numbers beyond a double, escapes, white space. */
const odd = fc.oneof(
  fc.constantFrom("1e400", "12345678901234567890", "-0.0", "1.50E+2", "null", '"\\u0041\\/"', "{ }", '[ "uri" ]'),
  fc.json(),
);
const uri = fc.oneof(
  fc.webUrl(),
  fc.constantFrom("ui://panel/a.html", "ui:///x", "demo://a/{id}", "{+path}", "", "git+ssh://h", "é:😀"),
  fc.string({ unit: "binary" }),
);
const members = (...own: (readonly [string, string])[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.array(fc.tuple(fc.constantFrom("x", "name", "annotations", "é"), odd), { maxLength: 2 }), fc.nat())
    .map(([more, turn]) => {
      const all = [...own, ...more.map(([key, value], i) => [`${key}${i}`, value] as const)];
      const from = all.length === 0 ? 0 : turn % all.length;
      const turned = [...all.slice(from), ...all.slice(0, from)];
      return `{ ${turned.map(([key, value]) => `"${key}" :${value}`).join(" , ")}}`;
    });

/** A piece of a message, written for a prefix: undefined gives it as the server does. */
type Text = (prefix: string | undefined) => string;
const shown =
  (text: string): Text =>
  (prefix) =>
    JSON.stringify(prefix === undefined ? text : prefixedUri(prefix, text));

const block: fc.Arbitrary<Text> = fc.oneof(
  odd.map(
    (text): Text =>
      () =>
        `{"type":"text","text":${text},"uri":"a:1"}`,
  ),
  fc.tuple(uri, members()).map(
    ([text, rest]): Text =>
      (prefix) =>
        `{"type":"resource_link","uri":${shown(text)(prefix)},"z":${rest}}`,
  ),
  fc.tuple(uri, members()).map(
    ([text, rest]): Text =>
      (prefix) =>
        `{"type":"resource","resource":{"y":${rest},"uri": ${shown(text)(prefix)} }}`,
  ),
);

const content = fc.array(block, { maxLength: 4 });
const join = (list: readonly Text[], prefix: string | undefined): string => list.map((each) => each(prefix)).join(",");

const message: fc.Arbitrary<readonly [string, Text]> = fc.oneof(
  fc
    .tuple(content, uri, odd)
    .map(([list, page, rest]): readonly [string, Text] => [
      "tools/call",
      (prefix) =>
        `{"structuredContent":${rest},"content":[${join(list, prefix)}],"_meta":{"ui":{"resourceUri":${shown(page)(prefix)}}}}`,
    ]),
  fc
    .tuple(content, block, odd)
    .map(([list, one, rest]): readonly [string, Text] => [
      "prompts/get",
      (prefix) => `{"description":${rest},"messages":[{"content":[${join(list, prefix)}]},{"content":${one(prefix)}}]}`,
    ]),
  fc
    .tuple(uri, odd)
    .map(([text, rest]): readonly [string, Text] => [
      "resources/read",
      (prefix) => `{"contents":[{"text":${rest},"uri":${shown(text)(prefix)}}]}`,
    ]),
);
const prefix = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/);

test("G21 every link of a result gets the prefix, and every other byte stays as it was", () => {
  fc.assert(
    fc.property(message, prefix, ([method, text], server) => {
      const whole = (p: string | undefined): string => `{"jsonrpc":"2.0","result":${text(p)}, "id":"x"}`;
      const rewritten = rewriteResult(method, Buffer.from(whole(undefined)), server);
      assert.equal(rewritten.toString(), whole(server));
    }),
  );
});

test("G21 a result of any other method, and any JSON at all, stays the same buffer or the same JSON", () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom("tools/call", "completion/complete"), (text, method) => {
      const bytes = Buffer.from(text);
      assert.equal(rewriteResult(method, bytes, "s"), bytes);
    }),
  );
});

test("a URI under a prefix comes back as it was, app pages and templates too", () => {
  fc.assert(
    fc.property(prefix, uri, (server, text) => {
      const there = prefixedUri(server, text);
      assert.deepEqual(splitPrefixedUri(there), { prefix: server, rest: text });
      assert.equal(there.startsWith("ui://"), text.startsWith("ui://"));
      assert.match(there, /^[A-Za-z]/);
    }),
  );
});

test("a tool's app page and an update's resource are rewritten too", () => {
  const tool = Buffer.from('{"name":"t","_meta":{"ui":{"resourceUri":"ui://t/p.html"}}}');
  assert.equal(
    splice(tool, toolLinkEdits(tool, "wx")).toString(),
    '{"name":"t","_meta":{"ui":{"resourceUri":"ui://wx+t/p.html"}}}',
  );
  const update = Buffer.from('{"method":"notifications/resources/updated","params":{"uri":"a:1"}}');
  const rewritten = rewriteNotification("notifications/resources/updated", update, "wx");
  assert.equal(rewritten.toString(), update.toString().replace("a:1", "wx+a:1"));
});
