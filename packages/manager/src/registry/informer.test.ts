/** The cache of a kind: in step with the store, whatever happens between them. */
import assert from "node:assert/strict";
import type { ManagerError, Server } from "@mcp-manager/api";
import { pendingServerStatus } from "@mcp-manager/api";
import type { Informer } from "./informer.ts";
import { kinds } from "./kinds.ts";
import { replicaDraft, serverDraft, serverSpec } from "./testing/drafts.ts";
import type { Bench } from "./testing/stores.ts";
import { onEachStore, until } from "./testing/stores.ts";

interface Followed extends AsyncDisposable {
  readonly informer: Informer<Server>;
  /** `<name> <state> <generation>` or `<name> gone`, as told. */
  readonly told: string[];
  readonly errors: ManagerError[];
  untilTold(count: number): Promise<void>;
}

async function follow(bench: Bench, wait = true): Promise<Followed> {
  const told: string[] = [];
  const errors: ManagerError[] = [];
  const informer = bench.registry.informer(kinds.Server, { onError: (error) => errors.push(error) });
  informer.onChange((name, server) => {
    told.push(server === undefined ? `${name} gone` : `${name} ${server.status.state} ${server.metadata.generation}`);
    assert.equal(informer.get(name), server, "the cache is up to date when it tells");
  });
  informer.start();
  if (wait) await informer.synced;
  return {
    informer,
    told,
    errors,
    untilTold: (count) => until(`${count} changes, not ${told.length}: ${told.join()}`, () => told.length >= count),
    [Symbol.asyncDispose]: () => informer[Symbol.asyncDispose](),
  };
}

onEachStore("the cache begins with what is there and follows every change", async (bench) => {
  const servers = bench.registry.resources(kinds.Server);
  await servers.create(serverDraft("b"));
  await servers.create(serverDraft("a-b"));
  await using followed = await follow(bench);
  const { informer, told } = followed;
  assert.deepEqual(told.toSorted(), ["a-b pending 1", "b pending 1"]);
  assert.deepEqual(informer.list(), (await servers.list()).items);
  await servers.create(serverDraft("a"));
  await servers.update("a", () => ({ spec: serverSpec("other") }));
  await servers.updateStatus("a", (server) => ({ ...server.status, state: "ready" }));
  await servers.delete("b");
  await followed.untilTold(6);
  assert.deepEqual(told.slice(2), ["a pending 1", "a pending 2", "a ready 2", "b gone"]);
  assert.deepEqual(informer.list(), (await servers.list()).items);
  assert.deepEqual([informer.get("a"), informer.get("b")], [await servers.get("a"), undefined]);
  assert.equal(informer.revision, (await bench.store.status()).revision);
});

onEachStore("resources changed in one transaction are in the cache before either is told", async (bench) => {
  await using followed = await follow(bench);
  const seen: number[] = [];
  followed.informer.onChange(() => seen.push(followed.informer.list().length));
  const transaction = bench.registry.transaction();
  transaction.create(kinds.Server, serverDraft("a"));
  transaction.create(kinds.Server, serverDraft("b"));
  await transaction.commit();
  await followed.untilTold(2);
  assert.deepEqual(seen, [2, 2]);
});

onEachStore("what belongs to a server is in the cache as soon as its change is told", async (bench) => {
  const replicas = bench.registry.resources(kinds.Replica);
  await replicas.create(replicaDraft("weather-1-a"));
  await using informer = bench.registry.informer(kinds.Replica);
  const told: string[] = [];
  informer.onChange(() =>
    told.push(
      informer
        .ofServer("weather")
        .map(({ metadata }) => metadata.name)
        .join(),
    ),
  );
  informer.start();
  await informer.synced;
  await replicas.create(replicaDraft("weather-1-b"));
  await replicas.delete("weather-1-a");
  await until("3 changes", () => told.length === 3);
  assert.deepEqual(told, ["weather-1-a", "weather-1-a,weather-1-b", "weather-1-b"]);
  assert.deepEqual(informer.ofServer("other"), []);
});

onEachStore("a store that is away at the start is waited for", async (bench) => {
  bench.store.leave();
  await using followed = await follow(bench, false);
  await until("the first failure", () => followed.errors.length > 0);
  assert.equal(followed.informer.staleSinceMs, bench.clock.nowMs());
  await bench.registry
    .resources(kinds.Replica)
    .list()
    .catch(() => undefined);
  bench.store.come();
  await bench.registry.resources(kinds.Server).create(serverDraft("a"));
  await bench.clock.advance(30_000);
  await followed.informer.synced;
  assert.deepEqual([followed.told, followed.informer.staleSinceMs], [["a pending 1"], undefined]);
});

onEachStore(
  "a store that goes away leaves the cache, and what happened meanwhile is told when it is back",
  async (bench) => {
    const servers = bench.registry.resources(kinds.Server);
    for (const name of ["changed", "deleted", "remade", "same"]) await servers.create(serverDraft(name));
    await using followed = await follow(bench);
    const before = followed.told.length;
    bench.store.leave();
    await until("staleness", () => followed.informer.staleSinceMs !== undefined);
    assert.equal(followed.informer.list().length, 4);
    bench.store.come();
    await servers.update("changed", () => ({ spec: serverSpec("other") }));
    await servers.delete("deleted");
    await servers.delete("remade");
    await servers.create(serverDraft("remade"));
    await servers.create(serverDraft("new"));
    await bench.store.compact((await bench.store.status()).revision);
    await bench.clock.advance(60_000);
    await followed.untilTold(before + 4);
    assert.deepEqual(followed.told.slice(before).toSorted(), [
      "changed pending 2",
      "deleted gone",
      "new pending 1",
      "remade pending 1",
    ]);
    assert.equal(followed.informer.get("remade")?.metadata.uid, (await servers.get("remade"))?.metadata.uid);
    await servers.updateStatus("same", () => ({ ...pendingServerStatus, state: "ready" }));
    await followed.untilTold(before + 5);
  },
);

onEachStore("a change that the watch missed is found, told and reported within about ten minutes", async (bench) => {
  const servers = bench.registry.resources(kinds.Server);
  await servers.create(serverDraft("a"));
  await using followed = await follow(bench);
  bench.store.deaf = true;
  await servers.update("a", () => ({ spec: serverSpec("other") }));
  const { revision } = await bench.store.status();
  await until("the swallowed change", () => followed.informer.revision >= revision);
  bench.store.deaf = false;
  assert.deepEqual(followed.told, ["a pending 1"]);
  await bench.clock.advance(660_000);
  await followed.untilTold(2);
  assert.equal(followed.told[1], "a pending 2");
  assert.deepEqual(
    followed.errors.map((error) => error.reason),
    ["CHANGES_MISSED"],
  );
});

onEachStore("comparing finds nothing when nothing was missed", async (bench) => {
  const servers = bench.registry.resources(kinds.Server);
  await servers.create(serverDraft("a"));
  await using followed = await follow(bench);
  for (let round = 0; round < 3; round += 1) {
    await servers.update("a", () => ({ spec: serverSpec(`round-${round}`) }));
    await bench.clock.advance(660_000);
  }
  await followed.untilTold(4);
  assert.deepEqual([followed.told.length, followed.errors], [4, []]);
});

onEachStore("a resource that can't be read is reported and stays as it was; the others go on", async (bench) => {
  const servers = bench.registry.resources(kinds.Server);
  const made = await servers.create(serverDraft("a"));
  await using followed = await follow(bench);
  const key = bench.registry.keys.part("servers", "a", "spec");
  await bench.store.txn({ compare: [], success: [{ op: "put", key, value: Buffer.from("{") }] });
  await servers.create(serverDraft("b"));
  await until("the other", () => followed.informer.get("b") !== undefined);
  assert.deepEqual(followed.informer.get("a"), made);
  assert.deepEqual(
    followed.errors.map((error) => error.reason),
    ["UNREADABLE_RESOURCE"],
  );
});

onEachStore("a listener that throws hinders nobody", async (bench) => {
  await using followed = await follow(bench);
  const heard: string[] = [];
  followed.informer.onChange(() => {
    throw new Error("my own fault");
  });
  const unsubscribe = followed.informer.onChange((name) => heard.push(name));
  const servers = bench.registry.resources(kinds.Server);
  await servers.create(serverDraft("a"));
  await followed.untilTold(1);
  await until("the report", () => followed.errors.length === 1);
  unsubscribe();
  await servers.create(serverDraft("b"));
  await followed.untilTold(2);
  assert.deepEqual(heard, ["a"]);
});

onEachStore("what is private is in the cache beside the resource", async (bench) => {
  const keys = bench.registry.resources(kinds.ApiKey);
  await using informer = bench.registry.informer(kinds.ApiKey);
  informer.start();
  await keys.create({ name: "ci", spec: { principal: "key:ci", roles: ["admin"] }, private: { hash: "s3cret" } });
  await until("the key", () => informer.get("ci") !== undefined);
  assert.deepEqual(informer.private("ci"), { hash: "s3cret" });
  assert.equal(informer.private("other"), undefined);
  await keys.delete("ci");
  await until("the end of the key", () => informer.get("ci") === undefined);
  assert.equal(informer.private("ci"), undefined);
});

onEachStore("a stopped informer tells nothing more and leaves no timer", async (bench) => {
  const pending = bench.clock.pendingCount;
  const followed = await follow(bench);
  await followed.informer[Symbol.asyncDispose]();
  await followed.informer[Symbol.asyncDispose]();
  await bench.registry.resources(kinds.Server).create(serverDraft("a"));
  assert.deepEqual([followed.told, followed.informer.list()], [[], []]);
  assert.equal(bench.clock.pendingCount, pending);
  bench.store.leave();
  const unsynced = await follow(bench, false);
  await unsynced[Symbol.asyncDispose]();
  await assert.rejects(unsynced.informer.synced, { code: "cancelled" });
  assert.equal(bench.clock.pendingCount, pending);
});

onEachStore("what the cache holds can be written by, while the store still holds the same", async (bench) => {
  const servers = bench.registry.resources(kinds.Server);
  await servers.create(serverDraft("weather"));
  await using followed = await follow(bench);
  const { informer } = followed;
  const before = informer.stored("weather");
  assert.deepEqual(before, await servers.read("weather"));
  assert.equal(informer.stored("none"), undefined);
  assert.ok(before !== undefined);
  const write = async () => {
    const transaction = bench.registry.transaction();
    transaction.putStatus(kinds.Server, before, { ...pendingServerStatus, state: "ready" });
    return (await transaction.commit()).kind;
  };
  assert.deepEqual([await write(), await write()], ["committed", "conflict"]);
});
