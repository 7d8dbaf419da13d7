import assert from "node:assert/strict";
import { test } from "node:test";
import { parseServer } from "@mcp-manager/api";
import { systemClock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import { kinds } from "../registry/kinds.ts";
import { Registry } from "../registry/registry.ts";
import { openMemoryStore } from "../store/memory.ts";
import { admitConfigured } from "./configured.ts";
import type { ConfiguredServer } from "./file-reading.ts";
import { ServerWrites } from "./operations/server-writes.ts";

async function open(): Promise<{ registry: Registry; writes: ServerWrites } & AsyncDisposable> {
  const random = seededRandom(1);
  const store = await openMemoryStore({ clock: systemClock, random });
  const registry = new Registry({ store, clock: systemClock, random });
  return { registry, writes: new ServerWrites(registry), [Symbol.asyncDispose]: () => store.close() };
}

function configured(replicas: number): ConfiguredServer {
  return named("weather", replicas);
}

function named(name: string, replicas: number): ConfiguredServer {
  const draft = parseServer({ metadata: { name }, spec: { source: { kind: "process", command: "w" }, replicas } });
  return { draft, digest: `replicas ${replicas}` };
}

test("a server in the file is registered at the first start", async () => {
  await using door = await open();
  const admissions = await admitConfigured(door.registry, door.writes, { servers: [configured(2)] });
  assert.deepEqual(admissions, [{ name: "weather", outcome: "applied" }]);
  assert.equal((await door.registry.resources(kinds.Server).require("weather")).spec.replicas, 2);
});

test("what was changed by other ways stays until the file's text for that server changes", async () => {
  await using door = await open();
  const servers = door.registry.resources(kinds.Server);
  await admitConfigured(door.registry, door.writes, { servers: [configured(2)] });
  await servers.update("weather", ({ spec }) => ({ spec: { ...spec, replicas: 5 } }));
  const [again] = await admitConfigured(door.registry, door.writes, { servers: [configured(2)] });
  assert.equal(again?.outcome, "kept");
  assert.equal((await servers.require("weather")).spec.replicas, 5);
  await admitConfigured(door.registry, door.writes, { servers: [configured(3)] });
  assert.equal((await servers.require("weather")).spec.replicas, 3);
});

test("a server that was deleted stays deleted until its text changes", async () => {
  await using door = await open();
  const servers = door.registry.resources(kinds.Server);
  await admitConfigured(door.registry, door.writes, { servers: [configured(2)] });
  await servers.delete("weather");
  assert.equal(
    (await admitConfigured(door.registry, door.writes, { servers: [configured(2)] }))[0]?.outcome,
    "deleted",
  );
  assert.equal(await servers.get("weather"), undefined);
  await servers.list();
  assert.equal(
    (await admitConfigured(door.registry, door.writes, { servers: [configured(1)] }))[0]?.outcome,
    "applied",
  );
});

test("one that cannot be applied now is told, and the others are admitted", async () => {
  await using door = await open();
  const servers = door.registry.resources(kinds.Server);
  await admitConfigured(door.registry, door.writes, { servers: [configured(2)] });
  await servers.markDeleted("weather");
  const other = { ...configured(1), draft: { ...configured(1).draft, name: "other" } };
  const admissions = await admitConfigured(door.registry, door.writes, { servers: [configured(3), other] });
  assert.deepEqual(
    admissions.map(({ name, outcome }) => [name, outcome]),
    [
      ["weather", "refused"],
      ["other", "applied"],
    ],
  );
  assert.match(admissions[0]?.error?.message ?? "", /being deleted/);
});

test("many are admitted several at a time, and answered in their order; one that asks for a prefix has its turn alone", async () => {
  await using door = await open();
  const inHand = new Set<string>();
  const together = new Map<string, readonly string[]>();
  class Observed extends ServerWrites {
    override async apply(...args: Parameters<ServerWrites["apply"]>): ReturnType<ServerWrites["apply"]> {
      const { name } = args[0];
      inHand.add(name);
      try {
        return await super.apply(...args);
      } finally {
        together.set(name, [...inHand]);
        inHand.delete(name);
      }
    }
  }
  const all = Array.from({ length: 150 }, (_, number): ConfiguredServer => {
    const { draft, digest } = configured(1);
    const expose = number === 70 ? { ...draft.spec.expose, prefix: "wx" } : draft.spec.expose;
    return { draft: { ...draft, name: `s${number}`, spec: { ...draft.spec, expose } }, digest };
  });
  const admissions = await admitConfigured(door.registry, new Observed(door.registry), { servers: all });
  assert.deepEqual(
    admissions.map(({ name, outcome }) => `${name} ${outcome}`),
    all.map(({ draft }) => `${draft.name} applied`),
  );
  assert.ok((together.get("s0") ?? []).length > 1);
  assert.deepEqual(together.get("s70"), ["s70"]);
  const servers = await door.registry.resources(kinds.Server).list();
  assert.equal(servers.items.length, 150);
});

const file = "/srv/servers.yaml";

test("what the file made and names no more is taken out gracefully; the rest of it is applied", async () => {
  await using door = await open();
  const servers = door.registry.resources(kinds.Server);
  await admitConfigured(door.registry, door.writes, { servers: [configured(1), named("news", 1)], file });
  const after = await admitConfigured(door.registry, door.writes, { servers: [named("news", 2)], file });
  assert.deepEqual(after, [
    { name: "news", outcome: "applied" },
    { name: "weather", outcome: "removed" },
  ]);
  assert.notEqual((await servers.require("weather")).metadata.deletedAt, undefined);
  assert.deepEqual(
    (await admitConfigured(door.registry, door.writes, { servers: [named("news", 2)], file })).map(({ name }) => name),
    ["news"],
  );
});

test("what others made is never taken out: not before the file named it, nor under the name of what the file made", async () => {
  await using door = await open();
  const servers = door.registry.resources(kinds.Server);
  await door.writes.apply(named("first", 1).draft);
  await door.writes.apply(named("other", 1).draft);
  await admitConfigured(door.registry, door.writes, { servers: [named("first", 2), named("again", 1)], file });
  await servers.delete("again");
  await door.writes.apply(named("again", 5).draft);
  const after = await admitConfigured(door.registry, door.writes, { servers: [], file });
  assert.deepEqual(
    after.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    [
      { name: "again", outcome: "released" },
      { name: "first", outcome: "released" },
    ],
  );
  const { items } = await servers.list();
  assert.deepEqual(
    items.map(({ metadata }) => [metadata.name, metadata.deletedAt]),
    [
      ["again", undefined],
      ["first", undefined],
      ["other", undefined],
    ],
  );
});

test("another file, or none, takes nothing out; one that names a server too has it from then on", async () => {
  await using door = await open();
  const both = { servers: [configured(1), named("news", 1)], file };
  await admitConfigured(door.registry, door.writes, both);
  assert.deepEqual(await admitConfigured(door.registry, door.writes, { servers: [] }), []);
  await admitConfigured(door.registry, door.writes, { servers: [configured(1)], file: "/srv/other.yaml" });
  const after = await admitConfigured(door.registry, door.writes, { servers: [], file: "/srv/other.yaml" });
  assert.deepEqual(after, [{ name: "weather", outcome: "removed" }]);
});
