import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemRandom } from "../base/random.ts";
import { loadAdminKey } from "./admin-key.ts";
import { keyDigest } from "./api-key.ts";

async function dataDir(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "admin-key-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const load = (path: string, given?: string): ReturnType<typeof loadAdminKey> =>
  loadAdminKey({ dataDir: path, given, random: systemRandom });

test("the first start makes the key, for its owner's eyes alone; the next finds it", async () => {
  await using dir = await dataDir();
  const data = join(dir.path, "not", "there", "yet");
  const first = await load(data);
  const text = (await readFile(join(data, "admin.key"), "utf8")).trim();
  assert.match(text, /^mcpm_admin_[A-Za-z0-9_-]{43}$/);
  assert.equal((await stat(join(data, "admin.key"))).mode & 0o777, 0o600);
  assert.deepEqual([first.source, first.entry.digest, first.entry.roles], ["created", keyDigest(text), ["admin"]]);
  assert.ok(!first.hint.includes(text.slice(11)) && first.hint.includes("admin.key"));
  const second = await load(data);
  assert.deepEqual([second.source, second.entry], ["file", first.entry]);
  assert.deepEqual(await readdir(data), ["admin.key"]);
});

test("starts at the same time end up with one key", async () => {
  await using dir = await dataDir();
  const keys = await Promise.all(Array.from({ length: 8 }, () => load(dir.path)));
  assert.equal(new Set(keys.map(({ entry }) => entry.digest.toString("hex"))).size, 1);
  assert.equal(keys.filter(({ source }) => source === "created").length, 1);
});

test("a key from the environment wins and writes nothing; one that can be guessed is warned of", async () => {
  await using dir = await dataDir();
  const { entry, source, warning } = await load(dir.path, "short");
  assert.deepEqual([source, entry.digest], ["environment", keyDigest("short")]);
  assert.match(warning ?? "", /16 characters/);
  assert.equal((await load(dir.path, "long-enough-not-to-guess")).warning, undefined);
  assert.deepEqual(await readdir(dir.path), []);
  await assert.rejects(load(dir.path, "two words"), { code: "invalid_argument" });
});

test("an empty variable counts as none", async () => {
  await using dir = await dataDir();
  assert.equal((await load(dir.path, "")).source, "created");
});

test("a file that others can read is narrowed", async () => {
  await using dir = await dataDir();
  await load(dir.path);
  await chmod(join(dir.path, "admin.key"), 0o644);
  await load(dir.path);
  assert.equal((await stat(join(dir.path, "admin.key"))).mode & 0o777, 0o600);
});

test("a file that holds no key stops the start with what to do, and stays as it is", async () => {
  await using dir = await dataDir();
  const path = join(dir.path, "admin.key");
  for (const text of ["", "two words\n", "k\u00e9y"]) {
    await writeFile(path, text);
    await assert.rejects(
      load(dir.path),
      (error: Error) => error.message.includes(path) && error.message.includes("delete it"),
    );
    assert.equal(await readFile(path, "utf8"), text);
  }
  await rm(path);
  await mkdir(path);
  await assert.rejects(load(dir.path), /admin\.key is not a key file/);
});
