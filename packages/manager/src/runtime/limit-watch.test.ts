/** The watch of limits: on a clock that the test moves and a meter that says what it is told, then with real processes. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import type { Excess } from "./limit-watch.ts";
import { LimitWatch, watchIntervalMs } from "./limit-watch.ts";
import type { TreeNames } from "./process-tree.ts";
import { bench } from "./testing/bench.ts";
import { noCgroup, noProc, noSandbox, processesWith, until, zombies } from "./testing/platform.ts";
import type { TreeMeter } from "./tree-meter.ts";
import { procMeter } from "./tree-meter.ts";

/** One tree, of which the test says how much it has. */
class Measured implements TreeMeter {
  readonly clock = new ManualClock();
  readonly watch: LimitWatch = new LimitWatch(this.clock, this);
  readonly excesses: Excess[] = [];
  processes = 1;
  estimated = 0;
  exactly = 0;
  looks = 0;

  add(limits: { readonly memoryBytesMax?: number; readonly processesMax?: number }, isInside = false): () => void {
    const { memoryBytesMax, processesMax } = limits;
    const tree = { id: "weather-1", pid: 1, cgroup: undefined, isInside };
    return this.watch.add({ tree, memoryBytesMax, processesMax, exceeded: (what) => void this.excesses.push(what) });
  }

  async look(): Promise<void> {
    const { looks } = this;
    await this.clock.advance(watchIntervalMs);
    assert.equal(this.looks, looks + 1);
    // The watch lets others have their turn between two trees.
    await new Promise((resolve) => {
      setImmediate(() => setImmediate(resolve));
    });
  }

  members(trees: readonly TreeNames[]): Promise<ReadonlyMap<TreeNames, readonly number[]>> {
    this.looks += 1;
    return Promise.resolve(new Map(trees.map((tree) => [tree, Array.from({ length: this.processes }, (_, at) => at)])));
  }

  estimate(): number {
    return this.estimated;
  }

  exact(): number {
    return this.exactly;
  }
}

test("a tree that grows above its number of processes is reported once", async () => {
  const measured = new Measured();
  measured.add({ processesMax: 3 });
  measured.processes = 3;
  await measured.look();
  assert.deepEqual(measured.excesses, []);
  measured.processes = 4;
  await measured.look();
  await measured.clock.advance(10 * watchIntervalMs);
  assert.deepEqual(measured.excesses, ["processes"]);
  assert.equal(measured.clock.pendingCount, 0);
});

test("the two that make a namespace do not count as the server's", async () => {
  const measured = new Measured();
  measured.add({ processesMax: 3 }, true);
  measured.processes = 5;
  await measured.look();
  assert.deepEqual(measured.excesses, []);
  measured.processes = 6;
  await measured.look();
  assert.deepEqual(measured.excesses, ["processes"]);
});

test("memory that forks share is no reason to end a tree: what is dear to know is asked before", async () => {
  const measured = new Measured();
  measured.add({ memoryBytesMax: 100 });
  measured.estimated = 150;
  measured.exactly = 90;
  await measured.look();
  assert.deepEqual(measured.excesses, []);
  measured.exactly = 101;
  await measured.look();
  assert.deepEqual(measured.excesses, ["memory"]);
});

test("nobody is looked at when there is nobody, or nothing to look for", async () => {
  const measured = new Measured();
  measured.add({});
  assert.equal(measured.clock.pendingCount, 0);
  const leaveOff = measured.add({ processesMax: 1 });
  leaveOff();
  leaveOff();
  assert.equal(measured.clock.pendingCount, 0);
});

test("R8 a fork bomb is ended, its daemons too, and the reason is told", { skip: noProc ?? false }, async () => {
  await using own = await bench({ boundary: "process-group" });
  const script =
    "i=0; while [ $i -lt 30 ]; do sleep 812345.6 & i=$((i+1)); done; setsid sleep 812345.6 & echo ready; wait";
  const running = await own.sh(script, {}, { limits: { processesMax: 20 } });
  assert.deepEqual(await running.exited, { code: undefined, signal: "SIGKILL", tooManyProcesses: true });
  assert.deepEqual(processesWith("812345.6"), []);
  assert.deepEqual(zombies(), []);
});

for (const level of ["trusted", "default"] as const) {
  const skip = noProc ?? noCgroup ?? (level === "default" ? noSandbox : undefined) ?? false;
  test(`R8 a memory leak is ended and told as such (${level})`, { skip }, async () => {
    await using own = await bench();
    const script = "const held = []; setInterval(() => held.push(Buffer.alloc(8 << 20, 1)), 5)";
    const source = { command: process.execPath, args: ["-e", script] };
    const running = await own.start(source, { sandbox: level, limits: { memoryBytes: 192 << 20 } });
    const exit = await running.exited;
    assert.deepEqual(exit, { code: undefined, signal: "SIGKILL", outOfMemory: true });
  });
}

test(
  "a real tree is measured: descendants, and what left the group but not the family",
  { skip: noProc ?? false },
  async () => {
    await using own = await bench({ boundary: "process-group" });
    const script = "setsid sh -c 'sleep 812345.7; :' & sleep 812345.7 & echo ready; wait";
    const running = await own.sh(script);
    await once(running.stdout, "data");
    await until(() => processesWith("sleep 812345.7").length >= 4);
    const meter = procMeter();
    const tree = { id: "x", pid: running.pid ?? 0, cgroup: undefined, isInside: false };
    const pids = (await meter.members([tree])).get(tree) ?? [];
    assert.equal(pids.length, 4);
    const [estimate, exact] = [meter.estimate([process.pid]), meter.exact([process.pid])];
    assert.ok(estimate > 10 << 20 && estimate < 1 << 30, `${estimate}`);
    assert.ok(Math.abs(estimate - exact) < estimate / 2, `${estimate} and ${exact}`);
    await running.stop();
  },
);
