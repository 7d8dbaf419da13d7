/** Sandboxes from the outside: applied through the API, shown in the status, refused by the instance's rule, and gone with the server. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { ReplicaStatus, Sandbox, ServerSourceInput } from "@mcp-manager/api";
import { sourceOf } from "./testing/fixtures.ts";
import { type ManagerProcess, root, startManager, until } from "./testing/manager.ts";
import { initialize, request } from "./testing/mcp.ts";

const trial = spawnSync("bwrap", ["--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "/bin/sh", "-c", ":"]);
const here = { skip: trial.status === 0 ? false : "bubblewrap is not here, or does not work" };

async function apply(manager: ManagerProcess, name: string, sandbox?: Sandbox): Promise<void> {
  const source = { ...sourceOf("plain"), cwd: join(root, "test/e2e/testing") } as unknown as ServerSourceInput;
  await manager.client.servers.apply({
    metadata: { name },
    spec: { source, ...(sandbox === undefined ? {} : { sandbox }) },
  });
}

async function statusOf({ client }: ManagerProcess, name: string): Promise<ReplicaStatus | undefined> {
  return (await client.servers.replicas(name)).items[0]?.status;
}

test("servers in a sandbox answer, and their status says what is in force", here, async () => {
  await using manager = await startManager();
  await apply(manager, "plain");
  await apply(manager, "shut", "default");
  await apply(manager, "alone", { level: "default", network: "none" });
  await apply(manager, "strict", "strict");
  await manager.serversReady("plain", "shut", "alone", "strict");
  const shown = async (name: string): Promise<unknown> => {
    const { level, network } = (await statusOf(manager, name))?.isolation ?? {};
    return [level, network];
  };
  assert.deepEqual(await shown("plain"), ["trusted", "host"]);
  assert.deepEqual(await shown("shut"), ["default", "host"]);
  assert.deepEqual(await shown("alone"), ["default", "none"]);
  assert.deepEqual(await shown("strict"), ["strict", "none"]);

  const status = await statusOf(manager, "strict");
  assert.match(status?.isolation?.boundary ?? "", /^(cgroup|pid-namespace)$/);
  assert.match(status?.memory ?? "", /^(512MiB$|not enforced: )/);
  assert.match(await readFile(`/proc/${status?.pid}/cmdline`, "latin1"), /server\.mjs/, "the pid is the server's own");

  const session = await initialize(manager);
  for (const name of ["plain", "shut", "alone", "strict"]) {
    const answer = await request(manager, session, "tools/call", { name: `${name}__echo`, arguments: { from: name } });
    assert.deepEqual(answer.json().result?.["echo"], { from: name });
  }
});

test("the HOME of a server is there while the server is", here, async () => {
  await using manager = await startManager();
  const homes = (): Promise<readonly string[]> => readdir(join(manager.dataDir, "homes"));
  await apply(manager, "shut", "default");
  await manager.serversReady("shut");
  assert.deepEqual(await homes(), ["shut"]);
  await manager.client.servers.delete("shut");
  await until("its HOME is removed", async () => (await homes()).length === 0);
});

test("sandbox.default raises every server, and sandbox.minimum refuses what is weaker", here, async () => {
  const env = { MCP_MANAGER_SANDBOX_DEFAULT: "default", MCP_MANAGER_SANDBOX_MINIMUM: "strict" };
  await using manager = await startManager({ env });
  await apply(manager, "weak");
  await apply(manager, "strong", "strict");
  await manager.serversReady("strong");
  await until("the refusal is shown", async () => (await statusOf(manager, "weak"))?.lastFailure !== undefined);
  const failure = (await statusOf(manager, "weak"))?.lastFailure;
  assert.equal(failure?.stage, "configure");
  assert.equal(
    failure?.message,
    "it has the sandbox default, and this manager starts nothing below strict; " +
      "set spec.sandbox to strict, or change the setting sandbox.minimum",
  );
});
