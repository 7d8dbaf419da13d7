/** Servers that hang, are busy, go away or want a credential: each is found out, shown, spared or replaced, as it should be. */
import assert from "node:assert/strict";
import { kill } from "node:process";
import { after, before, test } from "node:test";
import type { HealthRules, Replica, ServerSpecInput } from "@mcp-manager/api";
import { configOf, sourceOf } from "./testing/fixtures.ts";
import { type HttpServer, startHttpServer } from "./testing/http-server.ts";
import { type ManagerProcess, startManager, until } from "./testing/manager.ts";
import { initialize, request, type Wire } from "./testing/mcp.ts";
import { isAlive } from "./testing/processes.ts";

/** Found out within a second and a half, given up within three. */
const health: Partial<HealthRules> = { interval: "500ms", timeout: "300ms", failures: 2 };

let manager: ManagerProcess;
let session: string;

before(async () => {
  manager = await startManager({
    config: configOf({
      frozen: { mode: "plain", spec: { health, limits: { callTimeout: "4s" } } },
      busy: { mode: "busy", spec: { health, limits: { callTimeout: "30s" } } },
      loud: { mode: "garbage" },
    }),
  });
  await manager.serversReady("frozen", "busy", "loud");
  session = await initialize(manager);
});
after(() => manager[Symbol.asyncDispose]());

async function replicaOf(server: string): Promise<Replica> {
  const [replica] = (await manager.client.servers.replicas(server)).items;
  return replica ?? assert.fail(`${server} has no replica`);
}

function call(tool: string, args: object = {}): Promise<Wire> {
  return request(manager, session, "tools/call", { name: tool, arguments: args });
}

/** What the list says, and whether the tools of a server are in it. */
async function lists(server: string): Promise<boolean> {
  const { result = {} } = (await request(manager, session, "tools/list")).json();
  return (result["tools"] as { name: string }[]).some(({ name }) => name.startsWith(`${server}__`));
}

test("R5 a process that is stopped is taken out, its call ends in time, it is killed and replaced; its tools stay listed", async () => {
  assert.ok(await lists("frozen"));
  const { pid = 0 } = (await replicaOf("frozen")).status;
  const slow = call("frozen__slow", { ms: 60_000 });
  await until("the call is under way", async () => ((await replicaOf("frozen")).status.load?.inFlight ?? 0) > 0);
  kill(pid, "SIGSTOP");
  await until("it is taken out", async () => (await replicaOf("frozen")).status.state === "failed");
  const { health: found, lastFailure } = (await replicaOf("frozen")).status;
  assert.deepEqual([found?.state, found?.reason, lastFailure?.stage], ["unhealthy", "ProbesFailed", "health"]);
  assert.match(lastFailure?.message ?? "", /did not answer ping within 300 ms/);
  const refused = await call("frozen__pid");
  assert.equal(refused.status, 503);
  assert.match(refused.json().error?.message ?? "", /did not answer ping/);
  assert.ok(await lists("frozen"));
  assert.match((await slow).text, /did not answer tools\/call within 4000 ms/);
  await manager.serversReady("frozen");
  assert.equal(isAlive(pid), false);
  assert.notEqual((await call("frozen__pid")).text.includes(String(pid)), true);
  assert.equal((await replicaOf("frozen")).status.restarts, 1);
});

test("a server that is busy with one call for long is neither ended nor started again", async () => {
  const { pid } = (await replicaOf("busy")).status;
  const slow = call("busy__slow", { ms: 8_000 });
  await until("it is taken out", async () => (await replicaOf("busy")).status.state === "failed");
  const answer = await slow;
  assert.deepEqual([answer.status, answer.text.includes("done")], [200, true]);
  await manager.serversReady("busy");
  const { status } = await replicaOf("busy");
  assert.deepEqual([status.pid, status.restarts, status.health?.state], [pid, 0, "healthy"]);
});

test("U1 a server whose stdout is full of noise is marked, and serves on", async () => {
  for (let i = 0; i < 12; i++) assert.equal((await call("loud__echo", { i })).status, 200);
  await until("it is marked", async () => (await replicaOf("loud")).status.health?.reason === "StdoutNoise");
  assert.equal((await replicaOf("loud")).status.state, "ready");
  await until("its server says so", async () => {
    const { conditions, state } = (await manager.client.servers.get("loud")).status;
    const healthy = conditions.find(({ type }) => type === "Healthy");
    return state === "ready" && healthy?.status === "False" && healthy.reason === "StdoutNoise";
  });
  assert.equal((await call("loud__echo")).status, 200);
});

async function apply(name: string, url: string): Promise<void> {
  const spec: ServerSpecInput = { source: { kind: "remote", url }, health };
  await manager.client.servers.apply({ metadata: { name }, spec });
}

for (const era of ["legacy", "modern"] as const) {
  test(`a ${era} server over HTTP that goes away is found out, and taken up again when it comes back`, async () => {
    let server: HttpServer = await startHttpServer(era);
    const { url } = server;
    await apply(`away-${era}`, url);
    await manager.serversReady(`away-${era}`);
    assert.equal((await call(`away-${era}__echo`, { a: 1 })).status, 200);
    await server[Symbol.asyncDispose]();
    const stateOf = async (): Promise<string> => (await manager.client.servers.get(`away-${era}`)).status.state;
    await until("it has failed", async () => (await stateOf()) === "failed");
    assert.equal((await call(`away-${era}__echo`)).status, 503);
    assert.ok(await lists(`away-${era}`));
    server = await startHttpServer(era, { port: Number(new URL(url).port) });
    await manager.serversReady(`away-${era}`);
    assert.equal((await call(`away-${era}__echo`, { a: 1 })).status, 200);
    await server[Symbol.asyncDispose]();
  });
}

test("a server that wants a credential is shown as that, and is not down", async () => {
  let status: number | undefined;
  await using server = await startHttpServer("legacy", { refuse: () => status });
  await apply("locked", server.url);
  await manager.serversReady("locked");
  const { length } = server.seen;
  status = 401;
  await until("it is shown", async () => (await replicaOf("locked")).status.health?.state === "needs-authorization");
  await until("it is asked many times", () => Promise.resolve(server.seen.length > length + 6));
  assert.equal((await replicaOf("locked")).status.state, "ready");
  status = undefined;
  await until("it is healthy", async () => (await replicaOf("locked")).status.health?.state === "healthy");
});

test("a server that lets nobody in from the start has failed for want of a credential, not in a crash loop", async () => {
  await using server = await startHttpServer("legacy", { refuse: () => 401 });
  await apply("closed", server.url);
  await until("it says so", async () => {
    const { conditions } = (await manager.client.servers.get("closed")).status;
    return conditions.some(({ reason }) => reason === "NeedsAuthorization");
  });
  const { health: found, crashLoop } = (await replicaOf("closed")).status;
  assert.deepEqual([found?.state, crashLoop], ["needs-authorization", undefined]);
});

test("probes open no sessions", async () => {
  await using server = await startHttpServer("legacy");
  await apply("sessions", server.url);
  await manager.serversReady("sessions");
  await until("it is probed", () => Promise.resolve(server.seen.length > 12));
  const sessions = new Set(server.seen.flatMap((headers) => headers["mcp-session-id"] ?? []));
  assert.equal(sessions.size, 1);
});

test("R4 a server that crashes again and again is called that, with when it is tried next", async () => {
  await manager.client.servers.apply({ metadata: { name: "crashing" }, spec: { source: sourceOf("broken") as never } });
  await until("it is a crash loop", async () => (await replicaOf("crashing")).status.crashLoop === true);
  await until("its server says so", async () => {
    const { conditions } = (await manager.client.servers.get("crashing")).status;
    const loop = conditions.find(({ type }) => type === "CrashLoop");
    return loop?.status === "True" && /exited with status 3.*times in 10 minutes/.test(loop.message);
  });
});
