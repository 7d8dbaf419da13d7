/** Several resources in one transaction. */
import assert from "node:assert/strict";
import { pendingServerStatus, runnablePart } from "@mcp-manager/api";
import { kinds } from "./kinds.ts";
import { serverDraft, serverSpec } from "./testing/drafts.ts";
import { onEachStore } from "./testing/stores.ts";

onEachStore("resources of several kinds are made at one revision, or none is", async ({ registry }) => {
  const spec = { server: "weather", number: 1, ...runnablePart(serverSpec()) };
  const both = registry.transaction();
  both.create(kinds.Server, serverDraft("weather"));
  both.create(kinds.Revision, { name: "weather-1", spec });
  const result = await both.commit();
  assert.equal(result.kind, "committed");
  const server = await registry.resources(kinds.Server).require("weather");
  const revision = await registry.resources(kinds.Revision).require("weather-1");
  assert.equal(server.metadata.revision, revision.metadata.revision);

  const again = registry.transaction();
  again.create(kinds.Server, serverDraft("other"));
  again.create(kinds.Revision, { name: "weather-1", spec });
  assert.deepEqual(await again.commit(), { kind: "conflict", names: ["revisions/weather-1"] });
  assert.equal(await registry.resources(kinds.Server).get("other"), undefined);
});

onEachStore("a transaction holds only while what it read is unchanged", async ({ registry }) => {
  const servers = registry.resources(kinds.Server);
  await servers.create(serverDraft("weather"));
  const current = await servers.read("weather");
  assert.ok(current !== undefined);
  await servers.update("weather", () => ({ spec: serverSpec("other") }));
  const replace = registry.transaction();
  replace.replace(kinds.Server, current, { spec: serverSpec("mine") });
  const remove = registry.transaction();
  remove.delete(kinds.Server, current);
  const beside = registry.transaction();
  beside.requireUnchanged(kinds.Server, current);
  beside.create(kinds.Server, serverDraft("second"));
  for (const transaction of [replace, remove, beside]) {
    assert.deepEqual(await transaction.commit(), { kind: "conflict", names: ["servers/weather"] });
  }
  assert.deepEqual((await servers.list()).items.length, 1);
});

onEachStore("spec and status of one resource can change together", async ({ registry }) => {
  const servers = registry.resources(kinds.Server);
  await servers.create(serverDraft("weather"));
  const current = await servers.read("weather");
  assert.ok(current !== undefined);
  const transaction = registry.transaction();
  transaction.replace(kinds.Server, current, { spec: serverSpec("other") });
  transaction.putStatus(kinds.Server, current, { ...pendingServerStatus, state: "starting" });
  assert.equal((await transaction.commit()).kind, "committed");
  const now = await servers.require("weather");
  assert.deepEqual([now.metadata.generation, now.status.state], [2, "starting"]);
  const late = registry.transaction();
  late.putStatus(kinds.Server, current, pendingServerStatus);
  assert.deepEqual(await late.commit(), { kind: "conflict", names: ["servers/weather"] });
});

onEachStore("a leader that was followed by another writes nothing", async ({ registry, store }) => {
  const role = registry.keys.leaderRole("deployment");
  const leader = await store.campaign(role, "n1", await store.grantLease(6000));
  const write = async (name: string): Promise<string> => {
    const transaction = registry.transaction();
    transaction.require(leader.guard);
    transaction.create(kinds.Server, serverDraft(name));
    return (await transaction.commit()).kind;
  };
  assert.equal(await write("one"), "committed");
  await leader.resign();
  assert.equal(await write("two"), "conflict");
  assert.equal(await registry.resources(kinds.Server).get("two"), undefined);
});

onEachStore("a transaction that touches a resource twice is refused", async ({ registry }) => {
  const transaction = registry.transaction();
  transaction.create(kinds.Server, serverDraft("weather"));
  transaction.create(kinds.Server, serverDraft("weather"));
  await assert.rejects(transaction.commit(), { code: "invalid_argument" });
});

onEachStore("what depends on a status holds only while that is as it was read", async ({ registry }) => {
  const servers = registry.resources(kinds.Server);
  await servers.create(serverDraft("weather"));
  const current = await servers.read("weather");
  assert.ok(current !== undefined);
  const depending = (name: string) => {
    const transaction = registry.transaction();
    transaction.requireStatus(kinds.Server, current);
    transaction.create(kinds.Server, serverDraft(name));
    return transaction.commit();
  };
  await servers.update("weather", () => ({ spec: serverSpec("other") }));
  assert.equal((await depending("one")).kind, "committed");
  await servers.updateStatus("weather", ({ status }) => ({ ...status, state: "ready" }));
  assert.equal((await depending("two")).kind, "conflict");
});
