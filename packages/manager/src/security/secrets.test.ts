import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { SecretDraft } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import fc from "fast-check";
import { systemClock } from "../base/clock.ts";
import { seededRandom, systemRandom } from "../base/random.ts";
import { kinds } from "../registry/kinds.ts";
import { Registry } from "../registry/registry.ts";
import { openMemoryStore } from "../store/memory.ts";
import { createSealer, toSealKey } from "./seal.ts";
import { loadSecretSealer, Secrets } from "./secrets.ts";

const clock = systemClock;
const random = systemRandom;
const [newKey, oldKey] = [toSealKey(seededRandom(1).bytes(32)), toSealKey(seededRandom(2).bytes(32))];

interface Bench extends AsyncDisposable {
  /** Secrets of a cluster of one store, under these keys. */
  secrets(keys?: readonly (typeof newKey)[], cluster?: string): Secrets;
  registry(cluster?: string): Registry;
  /** Everything that the store holds, as one text. */
  stored(): Promise<string>;
}

async function openBench(): Promise<Bench> {
  const store = await openMemoryStore({ clock, random });
  const registry = (cluster = "default"): Registry => new Registry({ store, clock, random, cluster });
  return {
    registry,
    secrets: (keys = [newKey], cluster) => new Secrets(registry(cluster), createSealer(keys, clock, random)),
    async stored() {
      const { kvs } = await store.list(registry().keys.kind(kinds.Secret.plural));
      return kvs.map(({ value }) => Buffer.from(value).toString()).join("\n");
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
}

const draft = (name: string, value: string): SecretDraft => ({ name, value });

test("any value comes back as it was, and is nowhere in the store as it is", async () => {
  await using bench = await openBench();
  const secrets = bench.secrets();
  const texts = fc.string({ unit: "binary", minLength: 8, maxLength: 200 });
  const property = fc.asyncProperty(texts, async (value) => {
    const { secret } = await secrets.put(draft("a", value));
    assert.deepEqual(secret.spec, {});
    assert.equal(await secrets.open("a"), value);
    const stored = await bench.stored();
    for (const form of [value, JSON.stringify(value), Buffer.from(value).toString("base64")])
      assert.ok(!stored.includes(form));
  });
  await fc.assert(property, { numRuns: 100 });
  const longest = "\u0001".repeat(65_536);
  await secrets.put(draft("longest", longest));
  assert.equal(await secrets.open("longest"), longest);
});

test("what was changed by a bit, moved to another name or cluster, or sealed under another key does not open", async () => {
  await using bench = await openBench();
  const secrets = bench.secrets();
  await secrets.create(draft("a", "the value"));
  await secrets.create(draft("b", "another"));
  const sealed = (await bench.registry().resources(kinds.Secret).readPrivate("a")) as { readonly sealed: string };
  const putBeside = async (name: string, text: string, cluster?: string): Promise<void> => {
    const resources = bench.registry(cluster).resources(kinds.Secret);
    if ((await resources.get(name)) === undefined) await resources.create({ name, spec: {}, private: {} });
    await resources.update(name, () => ({ spec: {}, private: { sealed: text } }));
  };
  const refused = { code: "failed_precondition", reason: "SECRET_NOT_OPENED", message: /secret set (a|b)$/ };
  const bytes = Buffer.from(sealed.sealed, "base64url");
  const bits = fc.integer({ min: 0, max: bytes.length * 8 - 1 });
  const tampered = fc.asyncProperty(bits, async (bit) => {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    await putBeside("a", changed.toString("base64url"));
    await assert.rejects(secrets.open("a"), refused);
  });
  await fc.assert(tampered, { numRuns: 100 });
  await putBeside("b", sealed.sealed);
  await assert.rejects(secrets.open("b"), refused);
  await putBeside("a", sealed.sealed, "other");
  await assert.rejects(bench.secrets([newKey], "other").open("a"), refused);
  await putBeside("a", sealed.sealed);
  assert.equal(await secrets.open("a"), "the value");
  await assert.rejects(bench.secrets([oldKey]).open("a"), refused);
});

test("after a rotation the new key seals, and the old one still opens", async () => {
  await using bench = await openBench();
  await bench.secrets([oldKey]).create(draft("a", "one"));
  const rotated = bench.secrets([newKey, oldKey]);
  assert.equal(await rotated.open("a"), "one");
  await rotated.put(draft("a", "two"));
  assert.equal(await bench.secrets([newKey]).open("a"), "two");
});

test("another value counts as a change of the spec, the same one changes nothing", async () => {
  await using bench = await openBench();
  const secrets = bench.secrets();
  const { secret: first, outcome } = await secrets.put(draft("a", "one"));
  assert.equal(outcome, "created");
  assert.deepEqual(await secrets.put(draft("a", "one")), { secret: first, outcome: "unchanged" });
  const changed = await secrets.put(draft("a", "two"), first.metadata.revision);
  assert.deepEqual([changed.outcome, changed.secret.metadata.generation], ["changed", 2]);
  await assert.rejects(secrets.put(draft("a", "three"), first.metadata.revision), { code: "conflict" });
  await assert.rejects(secrets.put(draft("b", "three"), "*"), { code: "conflict" });
  await assert.rejects(secrets.create(draft("a", "three")), { code: "already_exists" });
  assert.equal(await secrets.open("a"), "two");
});

test("labels stay unless others are given", async () => {
  await using bench = await openBench();
  const secrets = bench.secrets();
  await secrets.put({ ...draft("a", "one"), labels: { team: "x" } });
  assert.deepEqual((await secrets.put(draft("a", "two"))).secret.metadata.labels, { team: "x" });
  const { outcome, secret } = await secrets.put({ ...draft("a", "two"), labels: {} });
  assert.deepEqual([outcome, secret.metadata.labels, secret.metadata.generation], ["changed", {}, 2]);
});

test("one whose key is lost can be set again", async () => {
  await using bench = await openBench();
  await bench.secrets([oldKey]).create(draft("a", "one"));
  const { outcome } = await bench.secrets([newKey]).put(draft("a", "one"));
  assert.equal(outcome, "changed");
  assert.equal(await bench.secrets([newKey]).open("a"), "one");
});

test("the key is made once, for the owner alone, and a damaged file is named with what to do", async () => {
  const dir = await mkdtemp(join(tmpdir(), "secrets-"));
  try {
    const sealed = (await loadSecretSealer(dir, clock, random)).seal("c", 1, Number.POSITIVE_INFINITY);
    assert.equal((await stat(join(dir, "secrets.key"))).mode & 0o777, 0o600);
    assert.equal((await loadSecretSealer(dir, clock, random)).open("c", sealed), 1);
    const key = await readFile(join(dir, "secrets.key"), "utf8");
    await writeFile(join(dir, "secrets.key"), key.slice(4));
    await assert.rejects(loadSecretSealer(dir, clock, random), (error) => {
      assert.ok(error instanceof ManagerError);
      assert.match(error.message, /secrets\.key does not hold .*: restore it/);
      return !error.message.includes(key.slice(4, 20));
    });
  } finally {
    await rm(dir, { recursive: true });
  }
});
