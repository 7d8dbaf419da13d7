/** Resources by name: creating, changing under compare-and-swap, listing, deleting. */
import assert from "node:assert/strict";
import { ManagerError, pendingServerStatus, runnablePart } from "@mcp-manager/api";
import type { ErrorCode, Server, ServerStatus } from "@mcp-manager/api";
import { UncertainError } from "../store/store.ts";
import { kinds } from "./kinds.ts";
import { replicaDraft, serverDraft, serverSpec } from "./testing/drafts.ts";
import { onEachStore } from "./testing/stores.ts";

const ready: ServerStatus = { ...pendingServerStatus, state: "ready" };

async function refused(code: ErrorCode, promise: Promise<unknown>): Promise<ManagerError> {
  let seen: unknown;
  await promise.catch((error: unknown) => (seen = error));
  assert.ok(seen instanceof ManagerError, String(seen));
  assert.equal(seen.code, code);
  return seen;
}

onEachStore("a created resource comes back as it was answered", async ({ registry, clock }) => {
  const servers = registry.resources(kinds.Server);
  const made = await servers.create(serverDraft("weather", { team: "forecast" }));
  assert.deepEqual(await servers.get("weather"), made);
  assert.equal(made.kind, "Server");
  assert.equal(made.metadata.generation, 1);
  assert.equal(made.metadata.createdAt, new Date(clock.wallMs()).toISOString());
  assert.match(made.metadata.uid, /^[0-9a-f-]{36}$/);
  assert.match(made.metadata.revision, /^[1-9][0-9]*$/);
  assert.deepEqual([made.metadata.labels, made.status], [{ team: "forecast" }, pendingServerStatus]);
  await refused("already_exists", servers.create(serverDraft("weather")));
  assert.equal((await servers.get("weather"))?.metadata.uid, made.metadata.uid);
});

onEachStore("what does not exist is undefined, or not_found when it is required", async ({ registry }) => {
  const servers = registry.resources(kinds.Server);
  assert.equal(await servers.get("weather"), undefined);
  assert.equal(await servers.delete("weather"), undefined);
  assert.equal(await servers.updateStatus("weather", () => ready), undefined);
  await refused("not_found", servers.require("weather"));
  await refused("not_found", servers.replace("weather", { spec: serverSpec() }, { ifRevision: "1" }));
  await refused(
    "not_found",
    servers.update("weather", () => ({ spec: serverSpec() })),
  );
});

onEachStore("each kind begins with its own status", async ({ registry }) => {
  const replica = await registry.resources(kinds.Replica).create(replicaDraft("weather-1-x2k9"));
  assert.deepEqual(replica.status, { state: "pending", node: "n1", revision: "weather-1", restarts: 0 });
  const spec = { server: "weather", number: 1, ...runnablePart(serverSpec()) };
  const revision = await registry.resources(kinds.Revision).create({ name: "weather-1", spec });
  assert.match(revision.status.digest, /^sha256:[0-9a-f]{64}$/);
  const other = { ...spec, ...runnablePart(serverSpec("other")) };
  const second = await registry.resources(kinds.Revision).create({ name: "weather-2", spec: other });
  assert.notEqual(second.status.digest, revision.status.digest);
});

onEachStore("a spec is replaced only at the revision that was read", async ({ registry }) => {
  const servers = registry.resources(kinds.Server);
  const first = await servers.create(serverDraft("weather", { team: "forecast" }));
  const ifRevision = first.metadata.revision;
  const second = await servers.replace("weather", { spec: serverSpec("other") }, { ifRevision });
  assert.deepEqual([second.metadata.generation, second.metadata.labels], [2, { team: "forecast" }]);
  assert.notEqual(second.metadata.revision, ifRevision);
  assert.deepEqual(await servers.get("weather"), second);
  const conflict = await refused("conflict", servers.replace("weather", { spec: serverSpec() }, { ifRevision }));
  assert.deepEqual(conflict.details["current"], second);
});

onEachStore("two that replace at once: one wins, the other is told what is now", async ({ registry }) => {
  const servers = registry.resources(kinds.Server);
  const { metadata } = await servers.create(serverDraft("weather"));
  const replace = (command: string) =>
    servers.replace("weather", { spec: serverSpec(command) }, { ifRevision: metadata.revision });
  const results = await Promise.allSettled([replace("one"), replace("two")]);
  const won = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const lost = results.flatMap((result): unknown[] => (result.status === "rejected" ? [result.reason] : []));
  assert.equal(won.length, 1);
  assert.ok(lost[0] instanceof ManagerError);
  assert.deepEqual([lost[0].code, lost[0].details["current"]], ["conflict", won[0]]);
});

onEachStore("an equal spec is no change, whatever the order of its members", async ({ registry, store }) => {
  const servers = registry.resources(kinds.Server);
  const made = await servers.create(serverDraft("weather", { a: "1" }));
  const before = (await store.status()).revision;
  const reordered = Object.fromEntries(Object.entries(serverSpec()).toReversed());
  const same = await servers.update("weather", () => ({ spec: { ...serverSpec(), ...reordered }, labels: { a: "1" } }));
  assert.deepEqual([same, (await store.status()).revision], [made, before]);
  const labelled = await servers.update("weather", ({ spec }) => ({ spec, labels: { a: "2" } }));
  assert.deepEqual([labelled.metadata.generation, labelled.metadata.labels], [1, { a: "2" }]);
  assert.notEqual(labelled.metadata.revision, made.metadata.revision);
});

onEachStore(
  "a status write moves neither revision nor generation, and is no conflict with a spec write",
  async (bench) => {
    const servers = bench.registry.resources(kinds.Server);
    const made = await servers.create(serverDraft("weather"));
    bench.store.beforeTxn = async () => {
      await servers.update("weather", () => ({ spec: serverSpec("other") }));
    };
    let asked = 0;
    await servers.updateStatus("weather", () => {
      asked += 1;
      return ready;
    });
    assert.equal(asked, 1);
    const now = await servers.require("weather");
    assert.deepEqual([now.status, now.metadata.generation], [ready, 2]);
    const later = await servers.updateStatus("weather", (current) => ({ ...current.status, tools: 12 }));
    assert.deepEqual(later, { ...now, status: { ...ready, tools: 12 } });
    assert.notEqual(now.metadata.revision, made.metadata.revision);
  },
);

onEachStore("status writes that meet are asked again and none is lost", async ({ registry }) => {
  const servers = registry.resources(kinds.Server);
  await servers.create(serverDraft("weather"));
  await Promise.all(
    Array.from({ length: 8 }, () =>
      servers.updateStatus("weather", ({ status }) => ({ ...status, tools: (status.tools ?? 0) + 1 })),
    ),
  );
  assert.equal((await servers.require("weather")).status.tools, 8);
});

onEachStore("a status write of which nobody knows whether it arrived is asked again", async ({ registry, store }) => {
  const servers = registry.resources(kinds.Server);
  await servers.create(serverDraft("weather"));
  store.beforeTxn = () => Promise.reject(new UncertainError("no answer"));
  assert.deepEqual((await servers.updateStatus("weather", () => ready))?.status, ready);
  store.beforeTxn = () => Promise.reject(new UncertainError("no answer"));
  const error = await refused(
    "unavailable",
    servers.update("weather", () => ({ spec: serverSpec("other") })),
  );
  assert.equal(error.reason, "STORE_UNCERTAIN");
});

onEachStore("an equal status, or none, is not written", async ({ registry, store }) => {
  const servers = registry.resources(kinds.Server);
  await servers.create(serverDraft("weather"));
  const before = (await store.status()).revision;
  await servers.updateStatus("weather", (current) => ({ ...current.status }));
  await servers.updateStatus("weather", () => undefined);
  assert.equal((await store.status()).revision, before);
});

onEachStore(
  "a status for a resource that was deleted meanwhile, or made again, is dropped",
  async ({ registry, store }) => {
    const servers = registry.resources(kinds.Server);
    await servers.create(serverDraft("weather"));
    store.beforeTxn = async () => void (await servers.delete("weather"));
    assert.equal(await servers.updateStatus("weather", () => ready), undefined);
    assert.deepEqual((await store.list(registry.keys.kind("servers"))).kvs, []);
    await servers.create(serverDraft("weather"));
    const seen: string[] = [];
    store.beforeTxn = async () => {
      await servers.delete("weather");
      await servers.create(serverDraft("weather"));
    };
    await servers.updateStatus("weather", ({ metadata }) => {
      seen.push(metadata.uid);
      return seen.length === 1 ? ready : undefined;
    });
    assert.equal(new Set(seen).size, 2);
    assert.equal((await servers.require("weather")).status.state, "pending");
  },
);

onEachStore(
  "asking for deletion is recorded once and is a new revision of the same generation",
  async ({ registry }) => {
    const servers = registry.resources(kinds.Server);
    const made = await servers.create(serverDraft("weather"));
    const marked = await servers.markDeleted("weather");
    assert.ok(marked?.metadata.deletedAt !== undefined);
    assert.deepEqual([marked.metadata.generation, await servers.get("weather")], [1, marked]);
    assert.notEqual(marked.metadata.revision, made.metadata.revision);
    assert.deepEqual(await servers.markDeleted("weather"), marked);
    await refused("conflict", servers.delete("weather", { ifRevision: made.metadata.revision }));
    assert.deepEqual(await servers.delete("weather", { ifRevision: marked.metadata.revision }), marked);
    assert.equal(await servers.get("weather"), undefined);
  },
);

onEachStore("what is private is kept beside the resource and goes with it", async ({ registry, store }) => {
  const keys = registry.resources(kinds.ApiKey);
  const spec = { principal: "key:ci", roles: ["admin"] } as const;
  const made = await keys.create({ name: "ci", spec, status: { hint: "mcpm_ab" }, private: { hash: "s3cret" } });
  assert.ok(!JSON.stringify([made, await keys.get("ci"), (await keys.list()).items]).includes("s3cret"));
  assert.deepEqual(await keys.readPrivate("ci"), { hash: "s3cret" });
  assert.equal(await keys.readPrivate("other"), undefined);
  await keys.delete("ci");
  assert.deepEqual((await store.list(registry.keys.kind("api-keys"))).kvs, []);
});

onEachStore("a list has one kind in order of names, by labels and by what the caller asks", async ({ registry }) => {
  const servers = registry.resources(kinds.Server);
  for (const name of ["b", "a-b", "a", "a0"]) await servers.create(serverDraft(name, { team: name.slice(0, 1) }));
  await registry.resources(kinds.Replica).create(replicaDraft("weather-1-x"));
  const names = async (options: Parameters<typeof servers.list>[0]): Promise<string[]> =>
    (await servers.list(options)).items.map(({ metadata }) => metadata.name);
  assert.deepEqual(await names({}), ["a", "a-b", "a0", "b"]);
  assert.deepEqual(await names({ labels: { team: "a" } }), ["a", "a-b", "a0"]);
  assert.deepEqual(await names({ labels: { team: "a", other: "x" } }), []);
  assert.deepEqual(await names({ where: ({ metadata }) => metadata.name !== "a" }), ["a-b", "a0", "b"]);
});

onEachStore("pages show the state of the first page", async ({ registry, store }) => {
  const servers = registry.resources(kinds.Server);
  for (const name of ["a", "b", "c", "d", "e"]) await servers.create(serverDraft(name));
  const first = await servers.list({ limit: 2 });
  await servers.delete("c");
  await servers.create(serverDraft("cc"));
  const seen = first.items.map(({ metadata }) => metadata.name);
  for (let cursor = first.nextCursor; cursor !== undefined;) {
    const page = await servers.list({ limit: 2, cursor });
    seen.push(...page.items.map(({ metadata }) => metadata.name));
    cursor = page.nextCursor;
  }
  assert.deepEqual(seen, ["a", "b", "c", "d", "e"]);
  assert.equal((await servers.list({ limit: 5 })).nextCursor, undefined);
  await store.compact((await store.status()).revision);
  const tooOld = await refused("invalid_argument", servers.list({ cursor: first.nextCursor ?? "" }));
  assert.match(tooOld.message, /too old/);
  await refused("invalid_argument", servers.list({ cursor: "bm9uc2Vuc2U" }));
  await refused("invalid_argument", servers.list({ limit: 0 }));
});

onEachStore("a page looks at what it shows and at one more, wherever hyphens put their keys", async ({ registry }) => {
  const servers = registry.resources(kinds.Server);
  const names = ["a", "a-b", "a-b-c", "a0", "ab", "b", "b-a"];
  for (const name of names.toReversed()) await servers.create(serverDraft(name));
  const seen: string[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined;) {
    const looked: string[] = [];
    const where = ({ metadata }: Server): boolean => looked.push(metadata.name) > 0;
    const page: { readonly items: readonly Server[]; readonly nextCursor?: string } = await servers.list({
      limit: 2,
      where,
      ...(cursor === "" ? {} : { cursor }),
    });
    assert.deepEqual(looked, names.slice(seen.length, seen.length + 3));
    seen.push(...page.items.map(({ metadata }) => metadata.name));
    cursor = page.nextCursor;
  }
  assert.deepEqual(seen, names);
  const alike = await servers.list({ startingWith: "a-", limit: 1 });
  const others = await servers.list({ startingWith: "b", cursor: alike.nextCursor ?? "" });
  assert.deepEqual(
    others.items.map(({ metadata }) => metadata.name),
    ["b", "b-a"],
  );
  const none = await servers.list({
    startingWith: "a-b-",
    cursor: (await servers.list({ limit: 6 })).nextCursor ?? "",
  });
  assert.deepEqual(none.items, []);
});

onEachStore("what can't be kept is refused and changes nothing", async ({ registry, store }) => {
  const servers = registry.resources(kinds.Server);
  const { revision } = await store.status();
  const args = ["x".repeat(store.limits.maxValueBytes)];
  const spec = serverSpec("c", { source: { kind: "process", command: "c", args, env: {} } });
  const tooLarge = await refused("invalid_argument", servers.create({ name: "large", spec }));
  assert.match(tooLarge.message, /Server large takes \d+ bytes; at most 262144/);
  for (const name of ["", "a/b", "A", "../x", "a".repeat(65)]) {
    await refused("invalid_argument", servers.create(serverDraft(name)));
    await refused("invalid_argument", servers.get(name));
  }
  assert.equal((await store.status()).revision, revision);
});

onEachStore("a store that is away is unavailable", async ({ registry, store }) => {
  store.leave();
  const error = await refused("unavailable", registry.resources(kinds.Server).get("weather"));
  assert.equal(error.reason, "STORE_UNAVAILABLE");
});

onEachStore("a list can be of names that begin alike", async ({ registry }) => {
  const servers = registry.resources(kinds.Server);
  for (const name of ["weather", "weather-1", "weather-2", "web"]) await servers.create(serverDraft(name));
  const names = async (startingWith: string) =>
    (await servers.list({ startingWith })).items.map(({ metadata }) => metadata.name);
  assert.deepEqual(await names("weather-"), ["weather-1", "weather-2"]);
  assert.deepEqual(await names("we"), ["weather", "weather-1", "weather-2", "web"]);
  assert.deepEqual(await names("x"), []);
});

onEachStore(
  "the newest come first by when they were made, whatever the clock says and whoever changed since",
  async ({ registry, clock }) => {
    const servers = registry.resources(kinds.Server);
    for (const name of ["north", "south", "east"]) {
      await servers.create(serverDraft(name));
      clock.stepWall(-3_600_000);
    }
    await servers.update("north", () => ({ spec: serverSpec("other") }));
    await servers.updateStatus("south", () => ready);
    const names = async (options?: object): Promise<readonly string[]> =>
      (await servers.newestFirst(options)).map(({ metadata }) => metadata.name);
    assert.deepEqual(await names(), ["east", "south", "north"]);
    const isReady = ({ status }: Server): boolean => status.state === "ready";
    assert.deepEqual([await names({ where: isReady }), await names({ startingWith: "n" })], [["south"], ["north"]]);
  },
);
