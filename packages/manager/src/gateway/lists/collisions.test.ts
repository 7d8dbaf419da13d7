/** Who loses a name is told, in the lists and to whom sees what took it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isCut, prefixedName } from "../routing/exposure.ts";
import { TestGateway } from "../testing/gateway.ts";
import { type Answer, Peer } from "../testing/peer.ts";
import type { Script } from "../testing/scripted-connection.ts";

const tools = (...names: string[]): Script => ({
  "tools/list": (call) => call.result({ tools: names.map((name) => ({ name })) }),
  "tools/call": (call) => call.result({ content: [], called: call.name }),
});

function collisions({ body }: Answer): unknown {
  return (body?.result?.["_meta"] as Record<string, unknown> | undefined)?.["mcp-manager/collisions"];
}

function namesIn({ body }: Answer): unknown[] {
  const items = body?.result?.["tools"] as readonly Record<string, unknown>[] | undefined;
  return (items ?? []).map(({ name }) => name);
}

test("of two servers that ask for one prefix, in any case, the younger gets its name, and the list says so", async () => {
  const roles = new Map([
    ["admin", [{ verbs: ["list" as const] }]],
    ["younger", [{ verbs: ["list" as const], servers: ["second"] }]],
  ]);
  await using gateway = await TestGateway.open({ roles });
  gateway.serve("first", { script: tools("a") }, { expose: { prefix: "P" } });
  gateway.serve("second", { script: tools("a") }, { expose: { prefix: "p" } });
  const answer = await new Peer(gateway.url).modern("tools/list");
  assert.deepEqual(namesIn(answer), ["P__a", "second__a"]);
  const message =
    'server "second" is shown under "second", because server "first" has the prefix "p": give one of them another expose.prefix';
  assert.deepEqual(collisions(answer), [{ server: "second", name: "p", message }]);
  // Who may not see the other does not hear of it.
  gateway.principal("eve", ["younger"]);
  assert.equal(collisions(await new Peer(gateway.url, { who: "eve" }).modern("tools/list")), undefined);
  assert.equal(
    collisions(await new Peer(gateway.url, { path: "/servers/second/mcp" }).modern("tools/list")),
    undefined,
  );
});

test("a tool that lost its name to another by an override is hidden, and the list says so on either endpoint", async () => {
  await using gateway = await TestGateway.open();
  const override = { b: { name: "a" }, c: { name: "d" }, e: { name: "d" } };
  gateway.serve("s", { script: tools("a", "b", "c", "e") }, { expose: { tools: { override } } });
  for (const path of ["/mcp", "/servers/s/mcp"]) {
    const answer = await new Peer(gateway.url, { path }).modern("tools/list");
    const start = path === "/mcp" ? "s__" : "";
    assert.deepEqual(namesIn(answer), [`${start}a`, `${start}d`]);
    const told = collisions(answer) as readonly { readonly name: string; readonly message: string }[];
    assert.deepEqual(
      told.map(({ name }) => name),
      ["a", "d"],
    );
    assert.match(
      told[0]?.message ?? "",
      /^tool "a" of server "s" is hidden, because another tool was given its name "a"/,
    );
  }
});

test("of two names that are one when cut, the first is shown and called, and the list says so", async () => {
  await using gateway = await TestGateway.open();
  const [one, other] = twins("s");
  gateway.serve("s", { script: tools(one, other, "short") });
  const peer = new Peer(gateway.url);
  const answer = await peer.modern("tools/list");
  const shown = prefixedName("s", one);
  assert.deepEqual(namesIn(answer), [shown, "s__short"]);
  const [told] = collisions(answer) as readonly { readonly name: string; readonly message: string }[];
  assert.equal(told?.name, shown);
  assert.ok(told.message.startsWith(`tool "${other}" of server "s" is hidden`), told.message);
  assert.equal((await peer.modern("tools/call", { name: shown })).body?.result?.["called"], one);
});

/** Two names whose cut forms are the same; six hexadecimal digits take some thousands of tries. */
function twins(prefix: string): readonly [string, string] {
  const seen = new Map<string, string>();
  for (let i = 0; ; i++) {
    const name = `${"long_".repeat(14)}${i}`;
    assert.ok(isCut(prefix, name));
    const shown = prefixedName(prefix, name);
    const twin = seen.get(shown);
    if (twin !== undefined) return [twin, name];
    seen.set(shown, name);
  }
}
