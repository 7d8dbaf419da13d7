/** Events over REST: what is sent, to whom, and from where one goes on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { kinds } from "../registry/kinds.ts";
import { serverDraft } from "../registry/testing/drafts.ts";
import { type Ask, type Door, openDoor } from "./testing.ts";

/** Reads a stream of events as text, until it has so many blocks. */
async function open(door: Door, query = "", options: Ask = {}) {
  const leaving = new AbortController();
  const response = await door.ask(`/api/v1/events${query}`, { ...options, signal: leaving.signal });
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    async blocks(count: number): Promise<readonly string[]> {
      for (;;) {
        const blocks = text.split("\n\n");
        if (blocks.length > count) {
          text = blocks.slice(count).join("\n\n");
          return blocks.slice(0, count);
        }
        const { done, value } = (await reader?.read()) ?? { done: true };
        if (done) assert.fail(`it ended after ${JSON.stringify(text)}`);
        text += value ?? "";
      }
    },
    leave: () => leaving.abort(),
  };
}

test("events come as they happen, one block each, the last of a revision with its id", async () => {
  await using door = await openDoor();
  const stream = await open(door, "?topics=server.*");
  const [begin = ""] = await stream.blocks(1);
  assert.match(begin, /^id: \d+$/);
  const { metadata } = await door.registry.resources(kinds.Server).create(serverDraft("weather"));
  const [block = ""] = await stream.blocks(1);
  const [topic, id, data = "", ...rest] = block.split("\n");
  assert.deepEqual([topic, id, rest.length], ["event: server.registered", `id: ${metadata.revision}`, 0]);
  const event = JSON.parse(data.replace("data: ", "")) as Record<string, unknown>;
  assert.deepEqual(
    [event["topic"], event["revision"], event["server"]],
    ["server.registered", metadata.revision, "weather"],
  );
  stream.leave();
  const again = await open(door, "?topics=server.*&after=1", { headers: { "last-event-id": begin.slice(4) } });
  assert.deepEqual(await again.blocks(1), [block], "the header counts before the URL");
  again.leave();
});

test("what went by, a snapshot and a new beginning have their own blocks", async () => {
  await using door = await openDoor();
  await door.registry.resources(kinds.Server).create(serverDraft("weather"));
  const fresh = await open(door, "?snapshot=true");
  const [snapshot = "", synced = ""] = await fresh.blocks(2);
  assert.match(snapshot, /^event: snapshot\ndata: \{"resource":\{"kind":"Server","metadata":\{"name":"weather"/);
  assert.match(synced, /^event: synced\nid: (\d+)\ndata: \{"position":"\1"\}$/);
  door.bus.publish({ topic: "breaker.state", server: "weather", message: "closed → open", severity: "warning" });
  const [passing = ""] = await fresh.blocks(1);
  assert.match(passing, /^event: breaker.state\ndata: /, "it has no id");
  fresh.leave();
  const lost = await open(door, "?after=999999&topics=server.*");
  assert.deepEqual((await lost.blocks(1))[0], 'event: reset\ndata: {"reason":"unknown-position"}');
  lost.leave();
});

test("each sees of a server what it may, and who may not listen is refused", async () => {
  await using door = await openDoor();
  const plain = serverDraft("weather");
  const source = { ...plain.spec.source, env: { TOKEN: "secret" } };
  await door.registry.resources(kinds.Server).create({ ...plain, spec: { ...plain.spec, source } });
  for (const [role, isShown] of [
    ["admin", true],
    ["operator", false],
    ["viewer", false],
  ] as const) {
    const stream = await open(door, "?after=1&topics=server.registered", { role });
    const [block = ""] = await stream.blocks(1);
    assert.equal(block.includes("secret"), isShown, role);
    stream.leave();
  }
  assert.equal((await door.ask("/api/v1/events", { role: "caller" })).status, 403);
  const wrong = await door.read("/api/v1/events?topics=servers.*");
  assert.equal(wrong["code"], "invalid_argument");
  assert.equal((await door.ask("/api/v1/events?after=yesterday")).status, 400);
  assert.equal((await door.ask("/api/v1/events", { method: "HEAD" })).status, 200);
});

test("a reader that comes and goes a hundred times leaves nothing behind", async () => {
  await using door = await openDoor();
  await door.registry.resources(kinds.Server).create(serverDraft("weather"));
  for (let count = 0; count < 100; count += 1) {
    const stream = await open(door, "?after=1");
    await stream.blocks(1);
    stream.leave();
  }
  assert.deepEqual(door.failures, []);
});
