/** The configuration file of a manager that runs: changed, broken, replaced, as editors and clusters do it; calls go on meanwhile. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ConfigHealth, ServerSourceInput } from "@mcp-manager/api";
import { cli } from "./testing/cli.ts";
import { configOf, sourceOf } from "./testing/fixtures.ts";
import { type ManagerProcess, startManager, until } from "./testing/manager.ts";

/** A folder whose servers.yaml a manager runs with. */
async function running(
  text: string,
): Promise<{ readonly manager: ManagerProcess; readonly path: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "mcp-manager-reload-"));
  const path = join(folder, "servers.yaml");
  await writeFile(path, text);
  const manager = await startManager({ config: { path } });
  return {
    manager,
    path,
    async [Symbol.asyncDispose]() {
      await manager[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

async function names({ client }: ManagerProcess): Promise<readonly string[]> {
  return (await client.servers.list()).items.map(({ metadata }) => metadata.name);
}

/** The state of the file once it is `wanted`. */
async function fileState(manager: ManagerProcess, wanted: (config: ConfigHealth) => boolean): Promise<ConfigHealth> {
  const state = async (): Promise<ConfigHealth | undefined> => (await manager.client.health()).config;
  await until("the file is read again", async () => {
    const config = await state();
    return config !== undefined && wanted(config);
  });
  return (await state()) ?? assert.fail();
}

test("a file that is changed is applied: one comes, one changes, one goes, and what came by the API stays", async () => {
  await using run = await running(configOf({ plain: { mode: "plain" }, goes: { mode: "plain" } }));
  const { manager, path } = run;
  await manager.client.servers.apply({
    metadata: { name: "own" },
    spec: { source: sourceOf("plain") as ServerSourceInput },
  });
  await manager.serversReady("plain", "goes", "own");
  await writeFile(path, configOf({ plain: { mode: "plain", spec: { replicas: 2 } }, comes: { mode: "plain" } }));
  await until("it is so", async () => (await names(manager)).join() === "comes,own,plain");
  await manager.serversReady("plain", "comes", "own");
  assert.equal((await manager.client.servers.get("plain")).spec.replicas, 2);
  await until("it is logged", () => Promise.resolve(/applied: plain, comes; deleted: goes/.test(manager.output)));
});

test("a file that becomes wrong keeps what was, says where it is wrong, and is applied when it is right again", async () => {
  await using run = await running(configOf({ plain: { mode: "plain" } }));
  const { manager, path } = run;
  await manager.serversReady("plain");
  await writeFile(path, "servers:\n  plain:\n    command: npx: y\n");
  const wrong = await fileState(manager, ({ state }) => state === "invalid");
  assert.match(wrong.message ?? "", /servers\.yaml:3:14: there is a second colon/);
  assert.deepEqual(await names(manager), ["plain"]);
  await until("it is logged", () => Promise.resolve(/servers\.yaml:3:14/.test(manager.output)));
  await writeFile(path, configOf({ plain: { mode: "plain" }, second: { mode: "plain" } }));
  await fileState(manager, ({ state, message }) => state === "ok" && message === undefined);
  assert.deepEqual(await names(manager), ["plain", "second"]);
});

test("diff tells what a changed file would do, then the file does it, and nothing is left to tell", async () => {
  await using run = await running(configOf({ plain: { mode: "plain" }, goes: { mode: "plain" } }));
  const { manager, path } = run;
  const next = configOf({ plain: { mode: "plain", spec: { replicas: 2 } }, comes: { mode: "plain" } });
  const before = await cli(manager, "diff - --exit-code", { stdin: next });
  assert.equal(before.status, 1);
  assert.match(
    before.stdout,
    /^\+ comes created, .*\n(?: {4}.*\n)+- goes deleted\n~ plain changed\n {4}replicas: 1 → 2\n/,
  );
  await writeFile(path, next);
  await until("it is so", async () => (await names(manager)).join() === "comes,plain");
  const after = await cli(manager, `diff ${path} --exit-code`);
  assert.deepEqual([after.status, after.stdout], [0, "2 unchanged\n"]);
});

test("a setting that is changed is said to need a restart, also after SIGHUP, which ends nothing", async () => {
  await using run = await running(configOf({ plain: { mode: "plain" } }));
  const { manager, path } = run;
  const servers = JSON.parse(configOf({ plain: { mode: "plain" } })) as object;
  await writeFile(path, JSON.stringify({ ...servers, log: { level: "debug" } }));
  process.kill(manager.pid, "SIGHUP");
  const { message } = await fileState(manager, (config) => config.message !== undefined);
  assert.equal(message, "no server changed; a restart is needed for log.level");
});

test("a directory whose link is swapped, as a ConfigMap's is, is followed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mcp-manager-configmap-"));
  const put = async (name: string, text: string): Promise<void> => {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, "servers.yaml"), text);
    await symlink(name, join(folder, "..data_tmp"));
    await rename(join(folder, "..data_tmp"), join(folder, "..data"));
  };
  await put("..1", configOf({ one: { mode: "plain" } }));
  await symlink("..data/servers.yaml", join(folder, "servers.yaml"));
  {
    await using manager = await startManager({ config: { path: join(folder, "servers.yaml") } });
    await put("..2", configOf({ two: { mode: "plain" } }));
    await until("it is followed", async () => (await names(manager)).join() === "two");
  }
  await rm(folder, { recursive: true });
});
