/** Where cgroups are found, and which bounds are written. On directories that look like cgroups; real ones are in process.test.ts. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { cgroupName, locateCgroup } from "./cgroup-home.ts";
import { createCgroup, ranOutOfMemory, removeCgroup } from "./cgroup.ts";
import { temporaryData } from "./testing/platform.ts";

const unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";
const hybrid = [
  "37 31 0:36 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory",
  "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw",
].join("\n");

test("the cgroup of this process is found on unified, hybrid and bind-mounted hierarchies", () => {
  assert.equal(locateCgroup(unified, "0::/system.slice/m.service\n"), "/sys/fs/cgroup/system.slice/m.service");
  assert.equal(locateCgroup(hybrid, "4:memory:/x\n0::/\n"), "/sys/fs/cgroup/unified");
  const bound = "30 23 0:26 /docker/abc /my\\040cgroup rw - cgroup2 cgroup2 rw";
  assert.equal(locateCgroup(bound, "0::/docker/abc/m"), "/my cgroup/m");
});

test("where the hierarchy is missing, or does not hold this process, there is none", () => {
  assert.equal(locateCgroup("31 23 0:28 / /tmp rw - tmpfs tmpfs rw", "0::/"), undefined);
  assert.equal(locateCgroup(hybrid, "4:memory:/x\n"), undefined);
  assert.equal(locateCgroup("30 23 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw", "0::/"), undefined);
  assert.equal(locateCgroup(unified, "0::/../other"), undefined);
});

test("the bounds are written where their controllers are in force", async () => {
  await using data = await temporaryData();
  const home = { path: data.path, owner: "0123", controllers: new Set(["memory", "pids", "cpu"]) };
  const limits = { memoryBytes: 512 * 1024 * 1024, processesMax: 64, cpu: 1.5 };
  const { path, memoryUnbounded, boundsProcesses } = await createCgroup(home, "weather-1", limits);
  assert.equal(path, join(data.path, cgroupName("0123", "weather-1")));
  assert.deepEqual([memoryUnbounded, boundsProcesses], [undefined, true]);
  const read = (file: string): Promise<string> => readFile(join(path, file), "utf8");
  assert.equal(await read("memory.max"), "536870912");
  assert.equal(await read("memory.high"), "483183820");
  assert.equal(await read("memory.swap.max"), "0");
  assert.equal(await read("pids.max"), "1024");
  assert.equal(await read("cpu.max"), "150000 100000");
});

test("without a memory controller the reason stands in place of the bound", async () => {
  await using data = await temporaryData();
  const limits = { memoryBytes: 512 * 1024 * 1024, processesMax: 64, cpu: undefined };
  const none = { path: data.path, owner: "0", controllers: new Set<string>() };
  const { path, memoryUnbounded, boundsProcesses } = await createCgroup(none, "x", limits);
  assert.match(memoryUnbounded ?? "", /no memory controller/);
  assert.equal(boundsProcesses, false);
  assert.equal(await removeCgroup(path), true);
});

test("a kill by the kernel for want of memory is seen", async () => {
  await using data = await temporaryData();
  const events = (kills: number): Promise<void> =>
    writeFile(join(data.path, "memory.events"), `low 0\nhigh 0\nmax 9\noom ${kills}\noom_kill ${kills}\n`);
  assert.equal(ranOutOfMemory(data.path), false);
  await events(0);
  assert.equal(ranOutOfMemory(data.path), false);
  await events(12);
  assert.equal(ranOutOfMemory(data.path), true);
});
