/** The disk full, and a store that is not what it should be: calls go on, what is refused is said, and nothing is silently empty. */
import assert from "node:assert/strict";
import { chmod, copyFile, mkdir, open, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import { runManager, until } from "../e2e/testing/manager.ts";
import { codeOf } from "./testing/ledger.ts";
import { asNobody, inScenario, type Scenario } from "./testing/scenario.ts";

/** Why there can be no small file system here; undefined where there can. */
const skip = process.platform === "linux" ? false : "a small file system takes Linux";

/** Fills what is left of the data's file system. */
async function fill({ dataDir }: Scenario): Promise<string> {
  const path = join(dataDir, "filler");
  const file = await open(path, "w");
  try {
    for (const bytes of [65_536, 4_096, 512]) while (await written(file, bytes));
  } finally {
    await file.close();
  }
  return path;
}

async function written(file: Awaited<ReturnType<typeof open>>, bytes: number): Promise<boolean> {
  try {
    return (await file.write(Buffer.alloc(bytes, 1))).bytesWritten === bytes;
  } catch {
    return false;
  }
}

test(
  "S7 on a full disk changes are refused, calls go on, the log and the audit lose lines and say so, and it heals",
  { skip },
  async () => {
    await inScenario({ servers: { pipe: {}, far: { over: "http" } }, dataMiB: 24 }, async (scenario) => {
      const { manager } = scenario;
      const clients = [await scenario.client("old", "legacy"), await scenario.client("new", "modern")];
      await scenario.apply("before", {});
      const filler = await fill(scenario);
      const refusal = await firstRefusal(scenario);
      assert.deepEqual([refusal.code, /no space/.test(refusal.message)], ["unavailable", true], refusal.message);
      await until(
        "it says that it cannot write",
        async () => (await manager.client.health()).store === "read-only",
        250,
      );
      // Each of them is a line of the audit, of which none can be written any more.
      for (let times = 0; times < 25; times += 1)
        for (const client of clients)
          for (const name of ["pipe", "far"]) assert.match(await client.text(name, "echo"), /call-/);
      await until("it says that the audit loses lines", async () =>
        /audit entries cannot be written/.test(manager.output),
      );
      await rm(filler);
      await until("it heals", async () => (await manager.client.health()).store === "ok", 250);
      await scenario.apply("after", {});
      await manager.serversReady("pipe", "far", "before", "after");
      for (const client of clients) assert.match(await client.text("after", "echo"), /call-/);
      await until("the audit says how much is lost", async () =>
        /[1-9]\d* entries were lost/.test(await audit(scenario)),
      );
    });
  },
);

/** Writes until it is refused: a file has a little room of its own on a full disk. */
async function firstRefusal({ manager }: Scenario): Promise<ManagerError> {
  for (let times = 0; times < 1_000; times += 1) {
    try {
      await manager.client.apiKeys.create({ metadata: { name: `key-${times}` }, spec: { roles: ["caller"] } });
    } catch (error) {
      return ManagerError.from(error);
    }
  }
  throw new Error("a full disk took a thousand keys");
}

async function audit({ dataDir }: Scenario): Promise<string> {
  return readFile(join(dataDir, "audit", "audit.jsonl"), "utf8");
}

test("S7 nobody who reads the log any more is no reason to stop", async () => {
  await inScenario({ servers: { pipe: {} } }, async (scenario) => {
    const client = await scenario.client("new", "modern");
    scenario.manager.closeOutput();
    // Each of these is worth a line.
    await scenario.apply("other", {});
    await client.call("pipe", "fault", { do: "crash" });
    await until(
      "it serves",
      async () =>
        (await client.call("pipe", "echo")).kind === "answered" &&
        codeOf(await client.call("pipe", "echo")) === undefined,
    );
    await scenario.manager.serversReady("pipe", "other");
  });
});

/** What is done to a store that was closed in order. */
const damages: readonly (readonly [name: string, damage: (path: string) => Promise<void>])[] = [
  ["is no database", (path) => writeFile(path, "hello ".repeat(10_000))],
  ["was cut off to nothing", (path) => truncate(path)],
  ["was cut off", async (path) => truncate(path, Math.floor((await stat(path)).size / 2 / 4_096) * 4_096 + 100)],
  ["was overwritten in the middle", overwritten],
  ["is a directory", (path) => rm(path).then(() => mkdir(path))],
];

async function overwritten(path: string): Promise<void> {
  const file = await open(path, "r+");
  const { size } = await file.stat();
  // Every page but the first: whatever is read of it is wrong.
  for (let at = 4_096; at < size; at += 4_096) await file.write(Buffer.alloc(64, 0xa5), 0, 64, at);
  await file.close();
}

for (const [name, damage] of damages) {
  test(`S8 a store that ${name} is refused with what to do, left as it is, and good again from a copy`, async () => {
    await inScenario({ servers: { pipe: {} } }, async (scenario) => {
      await scenario.apply("kept", {});
      await scenario.manager.end("SIGTERM");
      const path = join(scenario.dataDir, "store.db");
      const copy = join(scenario.folder, "copy.db");
      await copyFile(path, copy);
      await damage(path);
      const damaged = await contents(path);
      const { status, output } = await runManager({ dataDir: scenario.dataDir });
      assert.equal(status, 1, output);
      assert.match(output, /^mcp-manager: .*store/m);
      assert.deepEqual(await contents(path), damaged, "it was changed");
      await rm(path, { recursive: true });
      await copyFile(copy, path);
      await scenario.again();
      await scenario.manager.serversReady("pipe", "kept");
      await scenario.takeBaseline();
    });
  });
}

async function contents(path: string): Promise<string> {
  return (await stat(path)).isDirectory() ? "a directory" : (await readFile(path)).toString("latin1");
}

test("S8 what was written since the last orderly end is lost from where its file was cut off, and nothing before", async () => {
  await inScenario({ servers: { pipe: {} } }, async (scenario) => {
    await scenario.apply("kept", {});
    await scenario.restart("SIGTERM");
    for (const name of ["early", "late"]) await scenario.apply(name, {});
    await scenario.manager.serversReady("pipe", "kept", "early", "late");
    await scenario.manager.end("SIGKILL");
    const log = join(scenario.dataDir, "store.db-wal");
    await truncate(log, Math.floor((await stat(log)).size / 2) + 100);
    // Bytes that were on the disk and are gone are beyond what can be promised.
    for (const name of ["early", "late"]) scenario.acknowledged.delete(name);
    await scenario.again();
    await scenario.manager.serversReady("pipe", "kept");
    const names: string[] = [];
    for await (const { metadata } of scenario.manager.client.servers.all()) names.push(metadata.name);
    if (names.includes("late")) assert.ok(names.includes("early"), "what came after a gap is not taken");
    await scenario.manager.serversReady(...names);
    await scenario.takeBaseline();
  });
});

test("S8 a store that another manager has is refused, and the other goes on", async () => {
  await inScenario({ servers: { pipe: {} } }, async (scenario) => {
    const client = await scenario.client("new", "modern");
    const { status, output } = await runManager({ dataDir: scenario.dataDir });
    assert.equal(status, 1, output);
    assert.match(output, /in use by another manager/);
    assert.match(await client.text("pipe", "echo"), /call-/);
  });
});

test("S8 a store that may not be read or written is refused, and good when it may", async () => {
  await inScenario({ servers: { pipe: {} }, isNobodys: true }, async (scenario) => {
    await scenario.apply("kept", {});
    await scenario.manager.end("SIGTERM");
    const path = join(scenario.dataDir, "store.db");
    const before = await contents(path);
    for (const mode of [0o000, 0o444]) {
      await chmod(path, mode);
      const { status, output } = await runManager({ dataDir: scenario.dataDir, launcher: asNobody });
      assert.equal(status, 1, output);
      assert.match(output, /^mcp-manager: the store in .* cannot be opened: .*EACCES/m);
    }
    assert.equal(await contents(path), before);
    await chmod(path, 0o600);
    await scenario.again();
    await scenario.manager.serversReady("pipe", "kept");
    await scenario.takeBaseline();
  });
});
