import assert from "node:assert/strict";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeDirectory } from "./directory.ts";

let root = "";
before(async () => {
  root = await mkdtemp(join(tmpdir(), "directory-"));
});
after(() => rm(root, { recursive: true }));

test("a directory is made with those above it, for its owner alone, and may be there already", async () => {
  const path = join(root, "a", "b", "c");
  await makeDirectory(path);
  await makeDirectory(path);
  assert.equal((await stat(path)).mode & 0o777, 0o700);
});

test("a file in the way is an error", async () => {
  const file = join(root, "file");
  await writeFile(file, "");
  await assert.rejects(makeDirectory(file), /EEXIST/);
  await assert.rejects(makeDirectory(join(file, "below")), /ENOTDIR/);
});

test("a place where nothing can be made is an error at once", async () => {
  await assert.rejects(makeDirectory("/proc/no-such-thing/below"));
});
