/** Servers of which none runs while nobody calls: their tools stay listed, a call starts them, and what happens to a start is told. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ServerSpecInput } from "@mcp-manager/api";
import { configOf, sourceOf } from "./testing/fixtures.ts";
import { startHttpServer } from "./testing/http-server.ts";
import { type ManagerProcess, startManager, until } from "./testing/manager.ts";
import { initialize, request, type Wire } from "./testing/mcp.ts";
import { sendModern } from "./testing/modern.ts";
import { processesWith } from "./testing/processes.ts";

const autoscale = { min: 0, idleAfter: "1s" } as const;
/** Probes come often, and must not keep it awake. */
const health = { interval: "300ms" } as const;
const tag = `tag-${randomUUID()}`;

let manager: ManagerProcess;
let session: string;

before(async () => {
  manager = await startManager({
    config: configOf({
      napping: { mode: "plain", tag, spec: { autoscale, health } },
      awake: { mode: "plain" },
    }),
  });
  await manager.serversReady("napping", "awake");
  session = await initialize(manager);
});
after(() => manager[Symbol.asyncDispose]());

async function stateOf(server: string): Promise<string> {
  return (await manager.client.servers.get(server)).status.state;
}

/** Resolves when it sleeps and nothing of it runs. */
async function asleep(server: string, mark?: string): Promise<void> {
  await until(`${server} sleeps`, async () => (await stateOf(server)) === "idle");
  if (mark !== undefined) await until("its process is gone", () => Promise.resolve(processesWith(mark).length === 0));
}

function call(tool: string, args: object = {}): Promise<Wire> {
  return request(manager, session, "tools/call", { name: tool, arguments: args });
}

test("a server that nobody calls ends, is idle and available, and shows its tools all the same", async () => {
  await asleep("napping", tag);
  const { conditions, replicas } = (await manager.client.servers.get("napping")).status;
  const available = conditions.find(({ type }) => type === "Available");
  assert.deepEqual([available?.status, available?.reason], ["True", "Idle"]);
  assert.deepEqual(replicas, { desired: 1, ready: 0 });
  const [replica] = (await manager.client.servers.replicas("napping")).items;
  assert.equal(replica?.status.state, "idle");
  const { result = {} } = (await request(manager, session, "tools/list")).json();
  const names = (result["tools"] as { name: string }[]).map(({ name }) => name);
  assert.ok(names.includes("napping__echo") && names.includes("awake__echo"), names.join());
  assert.equal(result["_meta"], undefined, "it is not unavailable");
  const own = await initialize(manager, { path: "/servers/napping/mcp" });
  const list = await request(manager, own, "tools/list", {}, { path: "/servers/napping/mcp" });
  const { result: ownResult = {} } = list.json();
  assert.equal((ownResult["tools"] as unknown[]).length, 4);
  assert.equal(await stateOf("napping"), "idle", "looking at it does not wake it");
  assert.deepEqual(processesWith(tag), []);
});

test("many calls at once to a server that sleeps start it once, and all are answered, of either era and by REST", async () => {
  await asleep("napping", tag);
  const answers = await Promise.all([
    ...Array.from({ length: 10 }, (_, i) => call("napping__echo", { i })),
    sendModern(manager, "tools/call", { name: "napping__echo", arguments: {} }),
  ]);
  assert.ok(
    answers.every(({ status }) => status === 200),
    answers.map(({ text }) => text).join("\n"),
  );
  assert.equal(processesWith(tag).length, 1);
  await asleep("napping", tag);
  const { content } = await manager.client.tools.call("napping", "pid");
  assert.match(JSON.stringify(content), /\d+/);
});

test("a call that takes longer than it may be idle keeps it awake", async () => {
  const answer = await call("napping__slow", { ms: 3_500 });
  assert.match(answer.text, /done/);
});

test("when it cannot be started, who called is told the cause at once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mcp-manager-idle-"));
  try {
    // It starts as long as the file is there.
    const licence = join(folder, "licence");
    const program = join(folder, "server.mjs");
    const gate = `import { existsSync } from "node:fs";
      if (!existsSync(${JSON.stringify(licence)})) { console.error("no licence found"); process.exit(7); }
      await import(${JSON.stringify((sourceOf("plain") as { args: string[] }).args[0])});`;
    await writeFile(licence, "");
    await writeFile(program, gate);
    const source: ServerSpecInput["source"] = { kind: "process", command: process.execPath, args: [program] };
    const spec = { source, autoscale, limits: { callTimeout: "60s" } } as const;
    await manager.client.servers.apply({ metadata: { name: "gated" }, spec });
    await manager.serversReady("gated");
    await asleep("gated");
    await rm(licence);
    const startMs = performance.now();
    const answer = await call("gated__echo");
    assert.equal(answer.status, 503);
    assert.match(answer.json().error?.message ?? "", /exited with status 7/);
    assert.ok(performance.now() - startMs < 30_000, "it did not wait for its deadline");
    const { lastFailure } = (await manager.client.servers.get("gated")).status;
    assert.deepEqual(lastFailure?.stderr, ["no licence found"]);
    await writeFile(licence, "");
    await until("it is tried again", async () => (await call("gated__echo")).status === 200);
  } finally {
    await manager.client.servers.delete("gated");
    await rm(folder, { recursive: true, force: true });
  }
});

for (const era of ["legacy", "modern"] as const) {
  test(`a ${era} server over HTTP sleeps without a connection, and is taken up by a call`, async () => {
    await using server = await startHttpServer(era);
    const name = `remote-${era}`;
    const spec = { source: { kind: "remote", url: server.url }, autoscale, health } as const;
    await manager.client.servers.apply({ metadata: { name }, spec });
    await manager.serversReady(name);
    await asleep(name);
    const { length } = server.seen;
    assert.equal((await call(`${name}__echo`, { a: 1 })).status, 200);
    assert.ok(server.seen.length > length);
    await manager.client.servers.delete(name);
  });
}

test("after a restart of the manager it is started once, so that its tools are known, and sleeps again", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "mcp-manager-"));
  const mark = `tag-${randomUUID()}`;
  try {
    const first = await startManager({
      dataDir,
      config: configOf({ napping: { mode: "plain", tag: mark, spec: { autoscale } } }),
    });
    await until("it sleeps", async () => (await first.client.servers.get("napping")).status.state === "idle");
    await first.end("SIGKILL");
    const second = await startManager({ dataDir, env: { MCP_MANAGER_AGENT_SPARES: "0" } });
    await until("it was started", () => Promise.resolve(processesWith(mark).length === 1));
    await until("it sleeps", async () => (await second.client.servers.get("napping")).status.state === "idle");
    const list = await request(second, await initialize(second), "tools/list");
    assert.match(list.text, /napping__echo/);
    assert.equal(await second.end(), 0);
    assert.deepEqual(processesWith(mark), []);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});

test("a server with much to do gets more replicas, and has one when it has none", async () => {
  const mark = `tag-${randomUUID()}`;
  const spec = {
    source: sourceOf("plain", mark) as ServerSpecInput["source"],
    autoscale: { min: 1, max: 3, target: { inFlight: 2 }, idleAfter: "3s" },
  } as const;
  await manager.client.servers.apply({ metadata: { name: "scaling" }, spec });
  await manager.serversReady("scaling");
  const calls = Array.from({ length: 6 }, () => call("scaling__slow", { ms: 6_000 }));
  await until("there are three", async () => (await manager.client.servers.get("scaling")).status.replicas.ready === 3);
  assert.ok((await Promise.all(calls)).every(({ text }) => text.includes("done")));
  await until("there is one", () => Promise.resolve(processesWith(mark).length === 1));
  await manager.client.servers.delete("scaling");
});
