/** What is left after a manager was killed with SIGKILL, and that nothing else is touched. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { createProcessRuntime } from "./process.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { identityOf, isRunning } from "./process-identity.ts";
import { ownerOf, writeRecord } from "./run-record.ts";
import { isAlive, noCgroup, noProc, temporaryData, until } from "./testing/platform.ts";

const doomed = join(import.meta.dirname, "testing/doomed-manager.ts");

function sweepIn(dataDir: string, boundary: "cgroup" | "process-group"): Promise<number> {
  return createProcessRuntime({ dataDir, clock: systemClock, random: systemRandom, baseEnv: {}, boundary }).sweep();
}

/** A manager with one run, whose processes it gives. */
async function startManager(dataDir: string, boundary: string): Promise<{ manager: ChildProcess; pids: number[] }> {
  const manager = fork(doomed, [dataDir, boundary], { execArgv: ["--conditions=mcp-manager-source"] });
  const [pids] = (await once(manager, "message")) as [number[]];
  return { manager, pids };
}

async function killHard(manager: ChildProcess): Promise<void> {
  manager.kill("SIGKILL");
  await once(manager, "exit");
}

for (const boundary of ["cgroup", "process-group"] as const) {
  const skip = noProc ?? (boundary === "cgroup" ? noCgroup : undefined) ?? false;
  test(`sweep (${boundary}): of a manager that was killed nothing runs on, another's goes on`, { skip }, async () => {
    await using data = await temporaryData();
    await using othersData = await temporaryData();
    const { manager, pids } = await startManager(data.path, boundary);
    const other = await startManager(othersData.path, boundary);
    await killHard(manager);
    // The process that was started ends with its input, or with its parent; what it left behind does not.
    await until(() => !isAlive(pids[0] ?? 0));
    assert.equal(pids.filter(isAlive).length, 2);

    assert.equal(await sweepIn(data.path, boundary), 1);
    await until(() => !pids.some(isAlive));
    assert.deepEqual(await readdir(join(data.path, "run")), []);
    assert.equal(await sweepIn(data.path, boundary), 0);
    assert.deepEqual(other.pids.filter(isAlive), other.pids);

    await killHard(other.manager);
    assert.equal(await sweepIn(othersData.path, boundary), 1);
    await until(() => !other.pids.some(isAlive));
  });
}

test("sweep: only the very same process is killed", { skip: noProc ?? false }, async () => {
  await using data = await temporaryData();
  const records = join(data.path, "run");
  await mkdir(records);
  const owner = await ownerOf(data.path);
  const innocent = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
  const leader = identityOf(innocent.pid ?? 0);
  assert.ok(leader !== undefined);
  const forgeries: readonly (readonly [string, string, ProcessIdentity])[] = [
    ["another-start", owner, { ...leader, startTime: `${Number(leader.startTime) - 1}` }],
    ["another-boot", owner, { ...leader, bootId: "00000000-0000-4000-8000-000000000000" }],
    ["another-owner", "0123456789abcdef", leader],
  ];
  for (const [id, whose, identity] of forgeries) writeRecord(records, { id, owner: whose, leader: identity });
  assert.equal(await sweepIn(data.path, "process-group"), 0);
  assert.ok(isRunning(leader));
  assert.deepEqual(await readdir(records), ["another-owner.json"]);

  writeRecord(records, { id: "the-same", owner, leader });
  const [swept] = await Promise.all([sweepIn(data.path, "process-group"), once(innocent, "exit")]);
  assert.equal(swept, 1);
  assert.equal(innocent.signalCode, "SIGKILL");
});
