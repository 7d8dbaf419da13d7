import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "../base/clock.ts";
import { seededRandom, systemRandom } from "../base/random.ts";
import type { Sealer } from "./seal.ts";
import { createSealer, loadSealKeys, toSealKey } from "./seal.ts";

const epochMs = 1_700_000_000_000;
const [newKey, oldKey, otherKey] = [1, 2, 3].map((seed) => toSealKey(seededRandom(seed).bytes(32)));
assert.ok(newKey && oldKey && otherKey);

function sealer(keys = [newKey], clock = new ManualClock(epochMs)): Sealer {
  return createSealer(
    keys.flatMap((key) => key ?? []),
    clock,
    systemRandom,
  );
}

test("what was sealed opens to the same value, whatever JSON can say", () => {
  const one = sealer();
  const property = fc.property(fc.json(), fc.string(), (json, context) => {
    const payload = JSON.parse(json) as unknown;
    const text = one.seal(context, payload, epochMs + 1);
    assert.match(text, /^[A-Za-z0-9_-]+$/);
    assert.deepEqual(one.open(context, text), payload);
  });
  fc.assert(property, { numRuns: 200 });
});

test("it is good until it expires, for its own context, and under a key that is known", async () => {
  const clock = new ManualClock(epochMs);
  const one = sealer([newKey, oldKey], clock);
  const text = one.seal("session", { a: 1 }, epochMs + 1_000);
  assert.equal(one.open("cursor", text), undefined);
  assert.equal(sealer([otherKey]).open("session", text), undefined);
  await clock.advance(999);
  assert.deepEqual(one.open("session", text), { a: 1 });
  await clock.advance(1);
  assert.equal(one.open("session", text), undefined);
});

test("a key that was rotated out of first place still opens, and no longer seals", () => {
  const before = sealer([oldKey]).seal("c", 1, epochMs + 1);
  const rotated = sealer([newKey, oldKey]);
  assert.equal(rotated.open("c", before), 1);
  assert.equal(sealer([oldKey]).open("c", rotated.seal("c", 1, epochMs + 1)), undefined);
});

test("G9 no other text opens: a changed bit, loose bits, padding, spaces, other alphabets, truncations", () => {
  const one = sealer();
  const text = one.seal("c", { principal: "key:ci" }, epochMs + 1_000);
  const bytes = Buffer.from(text, "base64url");
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.equal(one.open("c", changed.toString("base64url")), undefined, `bit ${bit}`);
  }
  for (let length = 0; length < text.length; length += 1) assert.equal(one.open("c", text.slice(0, length)), undefined);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const others = Array.from(alphabet)
    .map((last) => text.slice(0, -1) + last)
    .filter((other) => other !== text);
  const variants = [
    ...others,
    `${text}=`,
    `${text}==`,
    ` ${text}`,
    `${text}\n`,
    `${text}A`,
    bytes.toString("base64"),
    "",
    "é",
  ];
  for (const variant of variants)
    if (variant !== text) assert.equal(one.open("c", variant), undefined, variant.slice(-4));
});

test("arbitrary text never opens and never throws", () => {
  const one = sealer();
  fc.assert(fc.property(fc.string(), (text) => assert.equal(one.open("c", text), undefined)));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.equal(
        one.open("c", Buffer.concat([Buffer.of(1), newKey?.id ?? Buffer.of(), bytes]).toString("base64url")),
        undefined,
      );
    }),
  );
  assert.equal(one.open("c", "A".repeat(1_000_000)), undefined);
});

test("G9 the same value is never sealed to the same text", () => {
  const one = sealer();
  assert.equal(new Set(Array.from({ length: 1_000 }, () => one.seal("c", 1, epochMs + 1))).size, 1_000);
});

test("the installation's key is made once, mode 0600, and what was sealed before a restart opens after it", async () => {
  const dir = await mkdtemp(join(tmpdir(), "seal-"));
  try {
    const first = createSealer(await loadSealKeys(dir, systemRandom), new ManualClock(epochMs), systemRandom);
    const text = first.seal("c", "x", epochMs + 1);
    assert.equal((await stat(join(dir, "cluster.key"))).mode & 0o777, 0o600);
    const second = createSealer(await loadSealKeys(dir, systemRandom), new ManualClock(epochMs), systemRandom);
    assert.equal(second.open("c", text), "x");
    const path = join(dir, "cluster.key");
    const line = (await readFile(path, "utf8")).trim();
    await writeFile(path, `${systemRandom.bytes(32).toString("base64url")}\n${line}\n`);
    const rotated = createSealer(await loadSealKeys(dir, systemRandom), new ManualClock(epochMs), systemRandom);
    assert.equal(rotated.open("c", text), "x");
    for (const broken of ["", "short", `${line}x`, `${line}=`, Array.from({ length: 9 }, () => line).join("\n")]) {
      await writeFile(path, broken);
      await assert.rejects(loadSealKeys(dir, systemRandom), /cluster\.key does not hold/);
    }
  } finally {
    await rm(dir, { recursive: true });
  }
});
