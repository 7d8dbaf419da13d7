import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { FileWatch } from "./file-watch.ts";

interface Watching extends AsyncDisposable {
  readonly folder: string;
  readonly clock: ManualClock;
  /** How often the file was said to be another. */
  readonly count: number;
  /** Resolves when it was said so often, time passing as fast as it may but for the poll. */
  heard(count: number): Promise<void>;
}

/** Watches `name` in a folder of its own, which `make` fills. */
async function watching(name: string, make: (folder: string) => Promise<void>): Promise<Watching> {
  const folder = await mkdtemp(join(tmpdir(), "mcp-manager-watch-"));
  await make(folder);
  const clock = new ManualClock();
  let count = 0;
  const watch = new FileWatch({ path: join(folder, name), clock, onChange: () => (count += 1) });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  // Its first look is over when it waits for something to happen, which the poll stands for.
  const waiting = async (): Promise<void> => {
    while (clock.pendingCount === 0) await turn();
  };
  await waiting();
  await clock.advance(200);
  await waiting();
  return {
    folder,
    clock,
    get count() {
      return count;
    },
    async heard(wanted) {
      for (;;) {
        if (count >= wanted) return;
        await clock.advance(1);
        await turn();
      }
    },
    async [Symbol.asyncDispose]() {
      await watch[Symbol.asyncDispose]();
      assert.equal(clock.pendingCount, 0);
      await rm(folder, { recursive: true });
    },
  };
}

test("a file that is written in place is another, once", async () => {
  await using watch = await watching("a.yaml", (folder) => writeFile(join(folder, "a.yaml"), "servers: {}"));
  assert.equal(watch.count, 0);
  await writeFile(join(watch.folder, "a.yaml"), "servers: { a: {} }");
  await watch.heard(1);
  await watch.clock.advance(1_000);
  assert.equal(watch.count, 1);
});

test("a file that is replaced by a rename is another", async () => {
  await using watch = await watching("a.yaml", (folder) => writeFile(join(folder, "a.yaml"), "one"));
  for (const round of [1, 2]) {
    await writeFile(join(watch.folder, "new"), "two");
    await rename(join(watch.folder, "new"), join(watch.folder, "a.yaml"));
    await watch.heard(round);
  }
});

test("a link that is swapped for one to another directory leads to another file, as in a ConfigMap", async () => {
  const version = async (folder: string, name: string, text: string): Promise<void> => {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, "a.yaml"), text);
  };
  await using watch = await watching("a.yaml", async (folder) => {
    await version(folder, "..2026_1", "one");
    await symlink("..2026_1", join(folder, "..data"));
    await symlink("..data/a.yaml", join(folder, "a.yaml"));
  });
  for (const round of [1, 2]) {
    await version(watch.folder, `..2027_${round}`, "one");
    await symlink(`..2027_${round}`, join(watch.folder, "..data_tmp"));
    await rename(join(watch.folder, "..data_tmp"), join(watch.folder, "..data"));
    await watch.heard(round);
  }
});

test("a directory that takes the place of the file's is noticed, and is the one that is watched from then on", async () => {
  await using watch = await watching("in/a.yaml", async (folder) => {
    await mkdir(join(folder, "in"));
    await writeFile(join(folder, "in", "a.yaml"), "one");
  });
  await mkdir(join(watch.folder, "next"));
  await writeFile(join(watch.folder, "next", "a.yaml"), "two");
  await rename(join(watch.folder, "in"), join(watch.folder, "before"));
  await rename(join(watch.folder, "next"), join(watch.folder, "in"));
  await watch.heard(1);
  await writeFile(join(watch.folder, "in", "a.yaml"), "three");
  await watch.heard(2);
});

test("a file that goes and one that comes are another; what else happens in the directory is not", async () => {
  await using watch = await watching("a.yaml", (folder) => writeFile(join(folder, "a.yaml"), "one"));
  await writeFile(join(watch.folder, "b.yaml"), "other");
  await watch.clock.advance(30_000);
  assert.equal(watch.count, 0);
  await rm(join(watch.folder, "a.yaml"));
  await watch.heard(1);
  await writeFile(join(watch.folder, "a.yaml"), "again");
  await watch.heard(2);
});
