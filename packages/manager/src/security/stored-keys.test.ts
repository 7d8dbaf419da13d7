import assert from "node:assert/strict";
import { parseApiKey } from "@mcp-manager/api";
import { seededRandom } from "../base/random.ts";
import { onEachStore, until } from "../registry/testing/stores.ts";
import { KeyAuthenticator, keyDigest } from "./api-key.ts";
import { StoredKeys } from "./stored-keys.ts";

const draft = (name: string, roles = ["caller"]): ReturnType<typeof parseApiKey> =>
  parseApiKey({ metadata: { name }, spec: { roles } });

onEachStore(
  "a key works as soon as it was made, and is refused as soon as it was deleted",
  async ({ registry, clock }) => {
    await using keys = new StoredKeys({ registry, random: seededRandom(1) });
    await keys.start();
    using authenticator = new KeyAuthenticator(keys.table, clock);
    const { key, ...resource } = await keys.create(draft("ci"));
    const header = `Bearer ${key}`;
    const answer = authenticator.authenticate(header);
    assert.deepEqual(answer.kind === "principal" && [answer.principal.name, answer.principal.roles], [
      "key:ci",
      ["caller"],
    ]);
    assert.deepEqual(await keys.get("ci"), resource);
    assert.equal((await keys.delete("ci"))?.metadata.uid, resource.metadata.uid);
    assert.equal(authenticator.authenticate(header).kind, "failure");
    assert.equal(await keys.delete("ci"), undefined);
  },
);

onEachStore("another instance, and the same one after a restart, knows the keys", async ({ registry, clock }) => {
  await using here = new StoredKeys({ registry, random: seededRandom(1) });
  await using there = new StoredKeys({ registry, random: seededRandom(2) });
  await Promise.all([here.start(), there.start()]);
  const { key } = await here.create(draft("ci"));
  using authenticator = new KeyAuthenticator(there.table, clock);
  await until("the key", () => authenticator.authenticate(`Bearer ${key}`).kind === "principal");
  await using later = new StoredKeys({ registry, random: seededRandom(3) });
  await later.start();
  using afterwards = new KeyAuthenticator(later.table, clock);
  assert.equal(afterwards.authenticate(`Bearer ${key}`).kind, "principal");
  await here.delete("ci");
  await until("its end", () => authenticator.authenticate(`Bearer ${key}`).kind === "failure");
  assert.equal(later.table.current.byId.size, 0);
});

onEachStore("nothing that is stored or listed holds the key", async ({ registry, store }) => {
  await using keys = new StoredKeys({ registry, random: seededRandom(1) });
  await keys.start();
  const { key, ...resource } = await keys.create(draft("ci"));
  const secret = key.split("_").slice(2).join("_");
  assert.deepEqual(await keys.list(), [resource]);
  assert.ok(!JSON.stringify(resource).includes(secret));
  const { kvs } = await store.list(registry.keys.kind("api-keys"));
  assert.ok(kvs.length >= 2);
  for (const { value } of kvs) assert.ok(!Buffer.from(value).toString("latin1").includes(secret));
});

onEachStore("a name that is taken is refused, and the key behind it goes on working", async ({ registry, clock }) => {
  await using keys = new StoredKeys({ registry, random: seededRandom(1) });
  await keys.start();
  const { key } = await keys.create(draft("ci"));
  await assert.rejects(keys.create(draft("ci", ["admin"])), { code: "already_exists" });
  using authenticator = new KeyAuthenticator(keys.table, clock);
  assert.equal(authenticator.authenticate(`Bearer ${key}`).kind, "principal");
});

onEachStore(
  "a key made and deleted before the store's event arrives does not come back with it",
  async ({ registry }) => {
    await using keys = new StoredKeys({ registry, random: seededRandom(1) });
    await keys.start();
    const sizes: number[] = [];
    keys.table.onChange(({ byId }) => sizes.push(byId.size));
    await keys.create(draft("brief"));
    await keys.delete("brief");
    const marker = await keys.create(draft("marker"));
    await until("the events", () => keys.table.current.byId.size === 1 && sizes.length > 3);
    assert.deepEqual(
      sizes.slice(1).filter((size) => size > 1),
      [],
    );
    assert.equal((await keys.get("marker"))?.metadata.uid, marker.metadata.uid);
  },
);

onEachStore("before it is started only the admin key is known", async ({ registry, clock }) => {
  const admin = { principal: "admin", roles: ["admin"], digest: keyDigest("k") };
  const keys = new StoredKeys({ registry, random: seededRandom(1), admin });
  using authenticator = new KeyAuthenticator(keys.table, clock);
  assert.equal(authenticator.authenticate("Bearer k").kind, "principal");
  assert.equal(keys.table.current.byId.size, 0);
});
