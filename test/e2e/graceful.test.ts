/** How a manager comes to its end, told to or not: what was accepted is finished, nothing is left running, and the status says how it was. */
import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { configOf } from "./testing/fixtures.ts";
import { type ManagerProcess, runManager, startManager, until } from "./testing/manager.ts";
import { initialize, post, request, send } from "./testing/mcp.ts";
import { postModern, sendModern } from "./testing/modern.ts";
import { processesWith } from "./testing/processes.ts";

/** A manager with one server, and these settings of its gateway. */
async function start(tag: string, gateway: object = {}, nodeArgs: readonly string[] = []): Promise<ManagerProcess> {
  const servers = JSON.parse(configOf({ one: { mode: "plain", tag } })) as object;
  const manager = await startManager({ config: JSON.stringify({ ...servers, gateway }), nodeArgs });
  await manager.serversReady("one");
  return manager;
}

/** A call that is at its server when this resolves, and its answer, which is not there yet. */
async function callFor(
  ms: number,
  manager: ManagerProcess,
  session: string,
): Promise<{ readonly answer: Promise<Response> }> {
  const params = { name: "one__slow", arguments: { ms } };
  const answer = post(manager, { jsonrpc: "2.0", id: 1, method: "tools/call", params }, { session });
  // Answered after it on the same pipe.
  assert.equal((await request(manager, session, "tools/call", { name: "one__pid" })).status, 200);
  return { answer };
}

test("M4 told to stop, it says so at once where load balancers look, and opens no session, but goes on with calls", async () => {
  await using manager = await start(`tag-${randomUUID()}`, { readinessDelay: "10m" });
  const session = await initialize(manager);
  const ended = manager.end("SIGTERM");
  await until("it is not ready", async () => (await fetch(`${manager.url}/ready`)).status === 503);
  assert.equal((await fetch(`${manager.url}/health`)).status, 200);
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "late", version: "1" } };
  const late = await send(manager, { jsonrpc: "2.0", id: 0, method: "initialize", params });
  assert.deepEqual([late.status, late.json().error?.data?.["code"]], [503, "unavailable"]);
  assert.ok(late.headers.has("retry-after"));
  assert.equal((await request(manager, session, "tools/call", { name: "one__pid" })).status, 200);
  assert.equal((await sendModern(manager, "tools/call", { name: "one__pid" })).status, 200);
  // Signals within a second are one ask.
  await until("another signal ends the delay", async () => {
    const isListening = await fetch(`${manager.url}/health`).catch(() => undefined);
    if (isListening !== undefined) process.kill(manager.pid, "SIGTERM");
    return isListening === undefined;
  });
  assert.equal(await ended, 0);
});

test("M4 told to stop, calls in flight finish, streams on which clients listen end in their way, and it exits with 0", async () => {
  const tag = `tag-${randomUUID()}`;
  await using manager = await start(tag);
  const session = await initialize(manager);
  const own = await fetch(`${manager.url}/mcp`, {
    headers: { accept: "text/event-stream", authorization: `Bearer ${manager.key}`, "mcp-session-id": session },
  });
  assert.equal(own.status, 200);
  const listening = await postModern(
    manager,
    "subscriptions/listen",
    { notifications: { toolsListChanged: true } },
    { id: "ears" },
  );
  assert.equal(listening.status, 200);
  const { answer: slow } = await callFor(1_000, manager, session);
  const ended = manager.end("SIGTERM");
  const [, heard, answer] = await Promise.all([own.text(), listening.text(), slow]);
  const last = heard.split("\n").findLast((line) => line.startsWith("data: "));
  const { id, result } = JSON.parse(last?.slice(6) ?? "{}") as { id?: unknown; result?: unknown };
  assert.deepEqual([id, typeof result], ["ears", "object"]);
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /done/);
  assert.equal(await ended, 0);
  assert.deepEqual(processesWith(tag), []);
});

test("M4 calls that take longer than the grace are cut, and it exits with 0", async () => {
  const tag = `tag-${randomUUID()}`;
  await using manager = await start(tag, { drainTimeout: "300ms" });
  const { answer: slow } = await callFor(600_000, manager, await initialize(manager));
  const cut = assert.rejects(slow.then((response) => response.text()));
  assert.equal(await manager.end("SIGTERM"), 0);
  await cut;
  assert.deepEqual(processesWith(tag), []);
});

test("M4 a second signal cuts the grace short, and leaves no child behind", async () => {
  const tag = `tag-${randomUUID()}`;
  await using manager = await start(tag, { drainTimeout: "1h" });
  const { answer: slow } = await callFor(600_000, manager, await initialize(manager));
  const cut = assert.rejects(slow.then((response) => response.text()));
  const ended = manager.end("SIGTERM");
  // Signals within a second are one ask; and none is sent to a process that is about to go, which no handler would hear.
  const state = { isCut: false };
  void cut.then(() => (state.isCut = true));
  await until("the call is cut", () => {
    if (!state.isCut) process.kill(manager.pid, "SIGTERM");
    return Promise.resolve(state.isCut);
  });
  assert.equal(await ended, 0);
  assert.deepEqual(processesWith(tag), []);
});

test("M5 with a mistake in its file it refuses to start in one clear error, and what is stored stays as it was", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mcp-manager-"));
  const dataDir = join(folder, "data");
  const good = configOf({ one: { mode: "plain" } });
  try {
    const first = await startManager({ dataDir, config: { text: good, folder } });
    await first.serversReady("one");
    const before = await first.client.servers.get("one");
    await first.end();
    const digest = async (): Promise<string> =>
      createHash("sha256")
        .update(await readFile(join(dataDir, "store.db")))
        .digest("hex");
    const stored = await digest();
    for (const text of ['{"servers": {"one": {"source": ', '{"servers": {"one": {"command": 7}}, "prot": 8080}']) {
      for (let i = 0; i < 2; i++) {
        const { status, output } = await runManager({ dataDir, config: { text, folder } });
        assert.notEqual(status, 0);
        assert.match(output, /servers\.yaml/);
        assert.doesNotMatch(output, /\n\s+at |ready on/);
        assert.equal(output.match(/^mcp-manager: /gm)?.length, 1, output);
      }
    }
    assert.equal(await digest(), stored);
    const again = await startManager({ dataDir, config: { text: good, folder } });
    await again.serversReady("one");
    const { spec, metadata } = await again.client.servers.get("one");
    assert.deepEqual(
      [spec, metadata.uid, metadata.generation],
      [before.spec, before.metadata.uid, before.metadata.generation],
    );
    await again.end();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** Makes the mistake that nobody made: at a signal. */
const faults = {
  "a rejection that nobody handles": "Promise.reject(new Error('a bug'))",
  "an error that nobody catches": "throw new Error('a bug')",
};

for (const [name, code] of Object.entries(faults)) {
  test(`M7 after ${name} it says so in one line, stops its servers, and exits with 1`, async () => {
    const tag = `tag-${randomUUID()}`;
    const fault = `data:text/javascript,process.on("SIGUSR2", () => { ${code} })`;
    await using manager = await start(tag, {}, ["--import", fault]);
    const { answer: slow } = await callFor(600_000, manager, await initialize(manager));
    const cut = assert.rejects(slow.then((response) => response.text()));
    assert.equal(await manager.end("SIGUSR2"), 1);
    await cut;
    assert.equal(manager.output.match(/an error that nobody caught.*a bug/g)?.length, 1, manager.output);
    assert.deepEqual(processesWith(tag), []);
  });
}
