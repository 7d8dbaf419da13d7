/** The event stream as people and programs hear it: of a manager as it is started, over its own door, by the client and the command line. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Event } from "@mcp-manager/api";
import { configOf, sourceOf } from "./testing/fixtures.ts";
import { type ManagerProcess, root, startManager, until } from "./testing/manager.ts";

let manager: ManagerProcess;
const heard: Event[] = [];
const stop = new AbortController();
let listening: Promise<void>;

before(async () => {
  const servers = JSON.parse(configOf({ plain: { mode: "plain" } })) as object;
  const timeouts = { headers: "1s", request: "1s", idle: "1s", stalled: "2s" };
  manager = await startManager({ config: JSON.stringify({ ...servers, gateway: { timeouts } }) });
  listening = (async () => {
    const items = manager.client.events.watch({ snapshot: true, signal: stop.signal });
    for await (const item of items) if (item.kind === "event") heard.push(item.event);
  })();
});

after(async () => {
  stop.abort();
  await listening;
  await manager[Symbol.asyncDispose]();
});

const topicsOf = (server: string): readonly string[] =>
  heard.filter((event) => event.server === server).map(({ topic }) => topic);

test("the life of a server is told from its registration to its end", async () => {
  await manager.serversReady("plain");
  const { servers } = manager.client;
  const source = sourceOf("plain") as { kind: "process"; command: string; args: string[] };
  await servers.create({ metadata: { name: "brief" }, spec: { source } });
  await manager.serversReady("brief");
  await servers.delete("brief");
  await until("its end is told", () => Promise.resolve(topicsOf("brief").includes("server.removed")));
  const topics = topicsOf("brief");
  assert.equal(topics[0], "server.registered");
  assert.equal(topics.at(-1), "server.removed");
  for (const topic of ["deployment.phase", "server.state", "server.changed", "replica.state"])
    assert.ok(topics.includes(topic), topic);
  const states = heard.filter(({ server, topic }) => server === "brief" && topic === "server.state");
  assert.ok(states.some(({ data }) => data?.["to"] === "ready"));
  const revisions = heard.flatMap(({ revision }) => (revision === undefined ? [] : [BigInt(revision)]));
  assert.deepEqual(
    revisions,
    revisions.toSorted((a, b) => Number(a - b)),
  );
});

test("a stream outlives the time that a request has, and what a reader may not see is not in it", async () => {
  await sleep(3_500);
  const { apiKeys } = manager.client;
  const { key } = await apiKeys.create({ metadata: { name: "eyes" }, spec: { roles: ["viewer"] } });
  await until("it is told", () => Promise.resolve(heard.some(({ topic }) => topic === "access.changed")));
  assert.ok(!JSON.stringify(heard).includes(key), "keys are told of, never told");
  assert.equal(heard.filter(({ topic, server }) => topic === "server.registered" && server === "brief").length, 1);
});

test("refusals are told", async () => {
  const headers = { authorization: "Bearer wrong" };
  assert.equal((await fetch(`${manager.url}/api/v1/servers`, { headers })).status, 401);
  await until("it is told", () => Promise.resolve(heard.some(({ topic }) => topic === "access.denied")));
});

test("readers that vanish harm nobody", async () => {
  const { port, hostname } = new URL(manager.url);
  for (let count = 0; count < 20; count += 1) {
    const socket = connect(Number(port), hostname);
    socket.write(`GET /api/v1/events HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${manager.key}\r\n\r\n`);
    const [head] = (await once(socket, "data")) as [Buffer];
    assert.match(head.toString(), /^HTTP\/1.1 200 OK/);
    socket.destroy();
  }
  assert.equal((await fetch(`${manager.url}/ready`)).status, 200);
});

test("the command shows what happens, and Ctrl-C is its end; a manager that stops ends its streams at once", async () => {
  const program = join(root, "packages/cli/bin/mcp-manager.js");
  const args = ["--conditions=mcp-manager-source", program, "events", "--since", "1", "--url", manager.url];
  const child = spawn(process.execPath, args, { env: { ...process.env, MCP_MANAGER_API_KEY: manager.key } });
  let shown = "";
  for (const output of [child.stdout, child.stderr]) output.on("data", (chunk: Buffer) => (shown += chunk.toString()));
  await until("it shows what was before it", () =>
    Promise.resolve(shown.includes("server.removed     brief  it was deleted")),
  );
  child.kill("SIGINT");
  assert.deepEqual(await once(child, "close"), [0, null]);
  const response = await fetch(`${manager.url}/api/v1/events`, { headers: { authorization: `Bearer ${manager.key}` } });
  const text = response.text();
  const begun = performance.now();
  assert.equal(await manager.end("SIGTERM"), 0);
  assert.ok(performance.now() - begun < 15_000, "it does not wait for its readers");
  assert.match(await text, /^id: \d+\n\n/, "it ended whole");
});
