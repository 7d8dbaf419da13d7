/** G20: lists of more than a page, over the wire: whole, in order, and cursors that are good for nobody and nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import type { Received } from "../testing/scripted-connection.ts";
import { peerOf, TestGateway } from "../testing/gateway.ts";
import { type Answer, Peer } from "../testing/peer.ts";

const numbered = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => `t${String(i + from).padStart(5, "0")}`);
const tools = (all: readonly string[]) => ({
  "tools/list": (call: Received): void => call.result({ tools: all.map((name) => ({ name })) }),
});
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function names({ body }: Answer): string[] {
  return ((body?.result?.["tools"] ?? []) as readonly { readonly name: string }[]).map(({ name }) => name);
}

function cursorOf({ body, text }: Answer): string {
  const cursor = body?.result?.["nextCursor"];
  assert.ok(typeof cursor === "string", text.slice(0, 500));
  return cursor;
}

test("G20 a list of one page has no cursor, of 1,000 items still", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("s", { script: tools(numbered(1_000)) });
  const answer = await new Peer(gateway.url).modern("tools/list");
  assert.equal(names(answer).length, 1_000);
  assert.deepEqual(Object.keys(answer.body?.result ?? {}), ["resultType", "tools", "ttlMs", "cacheScope"]);
});

for (const era of ["legacy", "modern"] as const) {
  test(`G20 a client of the ${era} era walks a long list of several servers and gets each item once, in order`, async () => {
    await using gateway = await TestGateway.open();
    gateway.serve("zoo", { script: tools(numbered(1_200).toReversed()) });
    gateway.serve("air", { script: tools(numbered(1_300)) });
    const peer = await peerOf(era, gateway);
    const seen: string[] = [];
    let params = {};
    for (let page = 0; page < 3; page++) {
      const answer =
        era === "modern" ? await peer.modern("tools/list", params) : await peer.legacy("tools/list", params);
      seen.push(...names(answer));
      assert.equal(answer.body?.result?.["cacheScope"], era === "modern" ? "private" : undefined);
      if (page < 2) params = { cursor: cursorOf(answer) };
      else assert.equal(answer.body?.result?.["nextCursor"], undefined);
    }
    const expected = [
      ...numbered(1_300).map((name) => `air__${name}`),
      ...numbered(1_200).map((name) => `zoo__${name}`),
    ];
    assert.deepEqual(seen, expected);
  });
}

test("G20 a page is also full at 1 MiB", async () => {
  await using gateway = await TestGateway.open();
  const list = ["a", "b", "c"].map((name) => ({ name, description: "x".repeat(600 * 1024) }));
  gateway.serve("s", { script: { "tools/list": (call) => call.result({ tools: list }) } });
  const peer = new Peer(gateway.url);
  const first = await peer.modern("tools/list");
  assert.deepEqual(names(first), ["s__a"]);
  assert.deepEqual(names(await peer.modern("tools/list", { cursor: cursorOf(first) })), ["s__b"]);
});

test("G20 a list that changes between two pages loses nothing that stayed, and gives nothing twice", async () => {
  await using gateway = await TestGateway.open();
  const server = gateway.serve("s", { script: tools(numbered(1_500)) });
  const peer = new Peer(gateway.url);
  const first = await peer.modern("tools/list");
  // The last one shown goes, one comes before it, one after it.
  const changed = [...numbered(999), "t00500-new", ...numbered(500, 1_000), "t01200-new"];
  server.script = tools(changed);
  gateway.upstreams.notified("s", "notifications/tools/list_changed", Buffer.alloc(0));
  await settle();
  const second = await peer.modern("tools/list", { cursor: cursorOf(first) });
  const expected = [...numbered(500, 1_000), "t01200-new"].sort().map((name) => `s__${name}`);
  assert.deepEqual(names(second), expected);
  assert.equal(second.body?.result?.["nextCursor"], undefined);
});

test("G20 any instance of the installation goes on with a cursor of another", async () => {
  await using one = await TestGateway.open();
  await using two = await TestGateway.open();
  for (const gateway of [one, two]) gateway.serve("s", { script: tools(numbered(1_001)) });
  const cursor = cursorOf(await new Peer(one.url).modern("tools/list"));
  assert.deepEqual(names(await new Peer(two.url).modern("tools/list", { cursor })), ["s__t01000"]);
});

test("G20 a cursor that was not given to this principal, for this list, within the hour, is refused and asks nobody", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  const server = gateway.serve("s", { script: tools(numbered(1_001)) });
  gateway.principal("eve", ["admin"]);
  const peer = new Peer(gateway.url);
  const cursor = cursorOf(await peer.modern("tools/list"));
  const sessionId = (await peer.initialize()).headers.get("mcp-session-id");
  const changed = `${cursor.slice(0, 60)}${cursor[60] === "A" ? "B" : "A"}${cursor.slice(61)}`;
  const asked = server.received.length;
  const refused: readonly (readonly [string, Promise<Answer>])[] = [
    ["made up", peer.modern("tools/list", { cursor: "c" }, { id: "x" })],
    ["empty", peer.modern("tools/list", { cursor: "" }, { id: "x" })],
    ["no text", peer.modern("tools/list", { cursor: 7 }, { id: "x" })],
    ["null", peer.modern("tools/list", { cursor: null }, { id: "x" })],
    ["changed", peer.modern("tools/list", { cursor: changed }, { id: "x" })],
    ["a session id", peer.modern("tools/list", { cursor: sessionId }, { id: "x" })],
    ["another list", peer.modern("prompts/list", { cursor }, { id: "x" })],
    [
      "another endpoint",
      new Peer(gateway.url, { path: "/servers/s/mcp" }).modern("tools/list", { cursor }, { id: "x" }),
    ],
    ["another principal", new Peer(gateway.url, { who: "eve" }).modern("tools/list", { cursor }, { id: "x" })],
    ["legacy", peer.legacy("tools/list", { cursor: "c" }, { id: "x" })],
  ];
  for (const [what, answering] of refused) {
    const { status, body } = await answering;
    assert.deepEqual([status, body?.id, body?.error?.code], [200, "x", -32602], what);
  }
  assert.deepEqual(names(await peer.modern("tools/list", { cursor })), ["s__t01000"]);
  assert.equal(server.received.length, asked);
  await gateway.time.advance(60 * 60_000);
  const late = await peer.modern("tools/list", { cursor }, { id: "x" });
  assert.deepEqual([late.body?.id, late.body?.error?.code], ["x", -32602]);
  assert.equal(server.received.length, asked);
});
