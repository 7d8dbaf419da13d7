/** Names as they are shown, and the way back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Exposure, isCut, prefixedName, prefixedUri, splitPrefixed, splitPrefixedUri } from "./exposure.ts";

const prefix = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/);

test("a name on the aggregate has at most 64 characters, and is whole when it fits", () => {
  fc.assert(
    fc.property(prefix, fc.stringMatching(/^[A-Za-z0-9_.-]{1,128}$/), (server, name) => {
      const shown = prefixedName(server, name);
      assert.ok(shown.length <= 64);
      if (isCut(server, name)) assert.match(shown, /_[0-9a-f]{6}$/);
      else assert.deepEqual(splitPrefixed(shown), { prefix: server, rest: name });
    }),
  );
});

test("a long name is cut to 64 and six characters of its hash, so that two that begin alike differ", () => {
  const name = "x".repeat(80);
  assert.equal(prefixedName("s", `${name}1`).length, 64);
  assert.notEqual(prefixedName("s", `${name}1`), prefixedName("s", `${name}2`));
  assert.equal(prefixedName("s", "a".repeat(61)), `s__${"a".repeat(61)}`);
});

test("a URI carries its server in the scheme, and comes back as it was", () => {
  fc.assert(
    fc.property(prefix, fc.webUrl(), (server, uri) => {
      assert.deepEqual(splitPrefixedUri(prefixedUri(server, uri)), { prefix: server, rest: uri });
    }),
  );
  assert.equal(splitPrefixedUri("file:///a+b"), undefined);
  assert.equal(splitPrefixedUri("no colon+at all"), undefined);
});

test("tools are shown as the server's rules say, deny before allow, and found again", () => {
  const exposure = new Exposure("s", {
    tools: { allow: ["get_*", "set_a"], deny: ["get_secret"], override: { get_a: { name: "read", description: "d" } } },
  });
  assert.equal(exposure.shownTool("get_a"), "read");
  assert.equal(exposure.originalTool("read"), "get_a");
  assert.equal(exposure.originalTool("get_a"), undefined);
  assert.equal(exposure.shownTool("get_b"), "get_b");
  assert.equal(exposure.shownTool("get_secret"), undefined);
  assert.equal(exposure.originalTool("get_secret"), undefined);
  assert.equal(exposure.originalTool("set_b"), undefined);
  assert.equal(exposure.toolDescription("get_a"), "d");
});

test("a tool whose name was given to another is hidden: one name, one tool", () => {
  const exposure = new Exposure("s", { tools: { override: { forecast: { name: "get" } } } });
  assert.equal(exposure.shownTool("forecast"), "get");
  assert.equal(exposure.shownTool("get"), undefined);
  assert.equal(exposure.originalTool("get"), "forecast");
});
