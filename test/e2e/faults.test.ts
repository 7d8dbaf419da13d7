/** The manager killed, stopped and started again: nothing that was accepted is lost, and nothing is left running. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { configOf } from "./testing/fixtures.ts";
import { startManager, until } from "./testing/manager.ts";
import { initialize, request } from "./testing/mcp.ts";
import { isAlive, processesWith } from "./testing/processes.ts";

test("after a kill -9 the registry is intact, replicas run again and no orphan is left", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "mcp-manager-"));
  const tag = `tag-${randomUUID()}`;
  try {
    const first = await startManager({
      dataDir,
      config: configOf({ one: { mode: "plain", tag }, two: { mode: "plain", tag } }),
    });
    await first.serversReady("one", "two");
    // Something that came by the API, not by the file.
    const made = await first.client.servers.apply({
      metadata: { name: "three", labels: { team: "maps" } },
      spec: {
        source: {
          kind: "process",
          command: process.execPath,
          args: [`${import.meta.dirname}/testing/server.mjs`, "plain", tag],
        },
      },
    });
    await first.serversReady("three");
    const key = await first.client.apiKeys.create({ metadata: { name: "ci" }, spec: { roles: ["caller"] } });
    const session = await initialize(first);
    const before = processesWith(tag);
    assert.equal(before.length, 3);
    await first.end("SIGKILL");

    const second = await startManager({ dataDir, env: { MCP_MANAGER_AGENT_SPARES: "0" } });
    await second.serversReady("one", "two", "three");
    assert.deepEqual((await second.client.servers.get("three")).metadata, made.metadata);
    assert.ok(
      before.every((pid) => !isAlive(pid)),
      "the old processes are gone",
    );
    assert.equal(processesWith(tag).length, 3);
    // The key and the sealed session of before are good here, too.
    const answer = await request(second, session, "tools/call", { name: "two__pid" });
    assert.equal(answer.status, 200);
    const asCaller = await request(
      second,
      await initialize(second, { key: key.key }),
      "tools/list",
      {},
      { key: key.key },
    );
    assert.equal(asCaller.status, 200);
    assert.equal(await second.end("SIGTERM"), 0);
    assert.deepEqual(processesWith(tag), []);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});

test("SIGTERM lets calls in flight finish, takes no new ones, and leaves no child behind", async () => {
  const tag = `tag-${randomUUID()}`;
  const manager = await startManager({ config: configOf({ one: { mode: "plain", tag } }) });
  await manager.serversReady("one");
  const session = await initialize(manager);
  const slow = request(manager, session, "tools/call", { name: "one__slow", arguments: { ms: 1_500 } });
  await until("the call is under way", async () => {
    const metrics = await fetch(`${manager.url}/metrics`, { headers: { authorization: `Bearer ${manager.key}` } });
    return metrics.ok;
  });
  const ended = manager.end("SIGTERM");
  await until("new connections are refused", () =>
    fetch(`${manager.url}/health`).then(
      () => false,
      () => true,
    ),
  );
  const answer = await slow;
  assert.equal(answer.status, 200);
  assert.match(answer.text, /done/);
  assert.equal(await ended, 0);
  assert.deepEqual(processesWith(tag), []);
  await manager[Symbol.asyncDispose]();
});

test("G10 a server that ends in the middle of a call is told to the caller at once and started again", async () => {
  await using manager = await startManager({ config: configOf({ one: { mode: "plain" } }) });
  await manager.serversReady("one");
  const session = await initialize(manager);
  const call = await request(manager, session, "tools/call", { name: "one__exit" });
  assert.equal(call.status, 503);
  assert.equal(call.json().error?.data?.["code"], "unavailable");
  await until("it serves again", async () => {
    const again = await request(manager, session, "tools/call", { name: "one__pid" });
    return again.status === 200;
  });
  const [replica] = (await manager.client.servers.replicas("one")).items;
  assert.equal(replica?.status.lastFailure?.exitCode, 0);
  assert.match(replica?.status.lastFailure?.message ?? "", /exited with status 0/);
});

test("a second manager on the same data directory is refused and disturbs nothing", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "mcp-manager-"));
  try {
    const first = await startManager({ dataDir });
    await assert.rejects(startManager({ dataDir }), /in use by another manager/);
    assert.equal((await first.client.health()).status, "ok");
    await first.end();
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});
