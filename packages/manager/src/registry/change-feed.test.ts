import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import { openMemoryStore } from "../store/memory.ts";
import { isForgotten, type RevisionChanges } from "./change-feed.ts";
import { kinds } from "./kinds.ts";
import { Registry } from "./registry.ts";
import { replicaDraft, serverDraft, serverSpec } from "./testing/drafts.ts";
import { onEachStore } from "./testing/stores.ts";

const followed = [kinds.Server, kinds.Replica];

/** What a feed that begins after `after` tells up to `until`. */
async function changesOf(registry: Registry, after: bigint, until: bigint): Promise<readonly RevisionChanges[]> {
  const feed = registry.changes(followed);
  await feed.open(after);
  const told: RevisionChanges[] = [];
  if (feed.revision >= until) return told;
  for await (const item of feed.follow(new AbortController().signal)) {
    if (item.changes.length > 0) told.push(item);
    if (item.revision >= until) break;
  }
  return told;
}

/** Each change in a line: revision, name, and the revisions and states from and to. */
function linesOf(told: readonly RevisionChanges[]): readonly string[] {
  return told.flatMap(({ revision, changes }) =>
    changes.map(({ kind, name, before, after }) => {
      const shown = (resource: typeof before): string =>
        resource === undefined ? "none" : `${resource.metadata.revision} ${JSON.stringify(resource.status)}`;
      return `${revision} ${kind} ${name}: ${shown(before)} → ${shown(after)}`;
    }),
  );
}

onEachStore(
  "a change has what was before it, status and spec alike, and of kinds that are followed alone",
  async (bench) => {
    const { registry, store } = bench;
    const servers = registry.resources(kinds.Server);
    await servers.create(serverDraft("weather"));
    await registry.resources(kinds.ApiKey).create({ name: "ci", spec: { principal: "key:ci", roles: [] } });
    await servers.updateStatus("weather", ({ status }) => ({ ...status, state: "ready" }));
    await servers.update("weather", () => ({ spec: serverSpec("other") }));
    await registry.marks("seen").put("weather", "text");
    await servers.delete("weather");
    const { revision } = await store.status();
    const told = await changesOf(registry, 0n, revision);
    assert.deepEqual(
      told.flatMap(({ changes }) =>
        changes.map(({ before, after }) =>
          [before?.status, after?.status].map((status) => (status as { state?: string } | undefined)?.state),
        ),
      ),
      [
        [undefined, "pending"],
        ["pending", "ready"],
        ["ready", "ready"],
        ["ready", undefined],
      ],
    );
    const changed = told[2]?.changes[0];
    assert.notEqual(changed?.before?.metadata.revision, changed?.after?.metadata.revision);
    assert.ok((changed?.bytes ?? 0) > 200);
  },
);

onEachStore("a feed whose place is forgotten says so, and can be opened anew with what is different", async (bench) => {
  const { registry, store } = bench;
  const servers = registry.resources(kinds.Server);
  await servers.create(serverDraft("gone"));
  await servers.create(serverDraft("stays"));
  const feed = registry.changes(followed);
  await feed.open();
  const at = feed.revision;
  await servers.delete("gone");
  await servers.create(serverDraft("new"));
  await store.compact((await store.status()).revision);
  const failure = await changesOf(registry, at, at + 1n).catch((error: unknown) => error);
  assert.ok(isForgotten(failure));
  const { revision, changes } = await feed.reopen(new AbortController().signal);
  assert.equal(revision, (await store.status()).revision);
  assert.deepEqual(
    changes.map(({ name, before, after }) => [name, before === undefined, after === undefined]),
    [
      ["gone", false, true],
      ["new", true, false],
    ],
  );
});

type Step = { readonly what: "make" | "drop" | "state" | "spec" | "both"; readonly server: string };

async function doStep(registry: Registry, { what, server }: Step, number: number): Promise<void> {
  const servers = registry.resources(kinds.Server);
  const spec = serverSpec(`command-${number}`);
  switch (what) {
    case "make":
      return void (await servers.create(serverDraft(server)).catch(() => undefined));
    case "drop":
      return void (await servers.delete(server));
    case "state":
      return void (await servers.updateStatus(server, (now) => ({ ...now.status, tools: number })));
    case "spec":
      return void (await servers.update(server, () => ({ spec })).catch(() => undefined));
    case "both": {
      const transaction = registry.transaction();
      transaction.create(kinds.Replica, replicaDraft(`${server}-1-r${number}`));
      const stored = await servers.read(server);
      if (stored !== undefined) transaction.putStatus(kinds.Server, stored, { ...stored.resource.status, tools: -1 });
      await transaction.commit();
    }
  }
}

test("a feed that begins at any revision tells exactly what a feed from the start tells after it", async () => {
  const step: fc.Arbitrary<Step> = fc.record({
    what: fc.constantFrom("make", "drop", "state", "spec", "both"),
    server: fc.constantFrom("weather", "news"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), async (steps) => {
      const clock = new ManualClock();
      await using store = Object.assign(await openMemoryStore({ clock, random: seededRandom(1) }), {
        [Symbol.asyncDispose]: () => store.close(),
      });
      const registry = new Registry({ store, clock, random: seededRandom(2) });
      for (const [number, one] of steps.entries()) await doStep(registry, one, number);
      const { revision: head } = await store.status();
      const whole = await changesOf(registry, 0n, head);
      for (let after = 0n; after <= head; after += 1n) {
        const suffix = whole.filter(({ revision }) => revision > after);
        assert.deepEqual(linesOf(await changesOf(registry, after, head)), linesOf(suffix));
      }
    }),
    { numRuns: 40 },
  );
});
