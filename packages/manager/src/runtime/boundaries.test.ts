/** The end of whole trees within each boundary, with servers of every bad habit: nothing of them is ever left. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { SandboxLevel } from "@mcp-manager/api";
import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import type { BoundaryKind } from "./boundary.ts";
import { createProcessRuntime } from "./process.ts";
import type { Bench, Shell } from "./testing/bench.ts";
import { bench } from "./testing/bench.ts";
import {
  isAlive,
  noCgroup,
  noPidNamespace,
  noProc,
  noSandbox,
  processesWith,
  temporaryData,
  until,
  zombies,
} from "./testing/platform.ts";

interface Row {
  readonly boundary: BoundaryKind;
  readonly level: SandboxLevel;
  readonly skip: string | undefined;
  /** What the status says of it. */
  readonly shown: BoundaryKind;
}

const rows: readonly Row[] = [
  { boundary: "cgroup", level: "trusted", skip: noCgroup, shown: "cgroup" },
  { boundary: "cgroup", level: "default", skip: noCgroup ?? noSandbox, shown: "cgroup" },
  { boundary: "pid-namespace", level: "trusted", skip: noPidNamespace, shown: "pid-namespace" },
  { boundary: "process-group", level: "strict", skip: noSandbox, shown: "pid-namespace" },
  { boundary: "process-group", level: "trusted", skip: undefined, shown: "process-group" },
];

let count = 0;
/** The seconds that a `sleep` of one test alone sleeps, by which it is found whatever its number. */
const uniqueSeconds = (): string => `${900_000 + process.pid}.${++count}`;

for (const { boundary, level, skip, shown } of rows) {
  const declare = (title: string, run: (own: Bench, sh: (script: string) => Promise<Shell>) => Promise<void>): void => {
    test(`${level} in a ${shown}: ${title}`, { skip: noProc ?? skip ?? false }, async () => {
      await using own = await bench({ boundary });
      await run(own, (script) => own.sh(script, {}, { sandbox: level }));
      assert.deepEqual(zombies(), []);
    });
  };

  declare("the status says what holds, and the pid is the server's", async (_, sh) => {
    const seconds = uniqueSeconds();
    const running = await sh(`echo ready; exec sleep ${seconds}`);
    await once(running.stdout, "data");
    assert.deepEqual([running.isolation.level, running.isolation.boundary], [level, shown]);
    await until(() => processesWith(seconds).includes(running.pid ?? 0));
    await running.stop();
    assert.deepEqual(processesWith(seconds), []);
  });

  declare("R7 a daemon that forked away is ended with it", async (_, sh) => {
    const seconds = uniqueSeconds();
    const running = await sh(`setsid sleep ${seconds} & sleep ${seconds} & echo ready; wait`);
    await once(running.stdout, "data");
    await running.stop();
    assert.deepEqual(processesWith(seconds), []);
  });

  declare("R7 a daemon is ended when the server ends by itself", async (_, sh) => {
    const seconds = uniqueSeconds();
    const running = await sh(`setsid sleep ${seconds} & exit 3`);
    assert.deepEqual(await running.exited, { code: 3, signal: undefined });
    assert.deepEqual(processesWith(seconds), []);
  });

  declare("one that cleared its environment too", async (_, sh) => {
    const seconds = uniqueSeconds();
    const running = await sh(`env -i setsid sleep ${seconds} & echo ready; wait`);
    await once(running.stdout, "data");
    await until(() => processesWith(`sleep ${seconds}`).length > 0);
    await running.stop();
    // The one thing that only the process group lets go.
    if (shown !== "process-group") return assert.deepEqual(processesWith(seconds), []);
    for (const pid of processesWith(seconds)) process.kill(pid, "SIGKILL");
  });

  const patient = (title: string, inputMs: number, script: string, code: number): void => {
    test(`${level} in a ${shown}: ${title}`, { skip: noProc ?? skip ?? false }, async () => {
      await using own = await bench({ boundary, stopTimes: { inputMs, termMs: 60_000 } });
      const running = await own.sh(script, {}, { sandbox: level });
      await once(running.stdout, "data");
      assert.deepEqual(await running.stop(), { code, signal: undefined });
    });
  };
  patient("G10 the end of input reaches it, and its status us", 60_000, "echo ready; cat; exit 4", 4);
  patient("G10 SIGTERM reaches it", 50, "trap 'exit 5' TERM; echo ready; while :; do sleep 0.02; done", 5);

  declare("R6 one that ignores the end of input and SIGTERM is killed", async (_, sh) => {
    const running = await sh("trap '' TERM; echo ready; while :; do sleep 0.1; done");
    await once(running.stdout, "data");
    assert.deepEqual(await running.stop(), { code: undefined, signal: "SIGKILL" });
  });

  declare("R5 a stopped one (SIGSTOP) is killed all the same", async (_, sh) => {
    const seconds = uniqueSeconds();
    const running = await sh(`echo ready; exec sleep ${seconds}`);
    await once(running.stdout, "data");
    await until(() => processesWith(seconds).includes(running.pid ?? 0));
    process.kill(running.pid ?? 0, "SIGSTOP");
    assert.deepEqual(await running.stop(), { code: undefined, signal: "SIGKILL" });
  });

  declare("R1 one that is killed says by which signal", async (_, sh) => {
    const running = await sh("echo ready; exec sleep 600");
    await once(running.stdout, "data");
    process.kill(running.pid ?? 0, "SIGKILL");
    assert.deepEqual(await running.exited, { code: undefined, signal: "SIGKILL" });
  });

  declare("U5 one that closes a pipe and goes on is seen to", async (_, sh) => {
    const running = await sh("exec 0<&-; echo ready; exec 1>&-; exec sleep 600");
    const ended = once(running.stdout, "end");
    const closed = new Promise((resolve) => {
      running.stdin.once("close", resolve);
    });
    await once(running.stdout, "data");
    await ended;
    running.stdin.write("{}\n");
    await closed;
    await running.stop();
  });

  const title = `${level} in a ${shown}: kill -9 of the manager leaves nothing`;
  test(title, { skip: noProc ?? skip ?? false }, async () => {
    await using data = await temporaryData();
    const seconds = uniqueSeconds();
    const manager = fork(
      join(import.meta.dirname, "testing/doomed-manager.ts"),
      [data.path, boundary, level, seconds],
      {
        execArgv: ["--conditions=mcp-manager-source"],
      },
    );
    await once(manager, "message");
    await killHard(manager);
    await createProcessRuntime({
      ...{ dataDir: data.path, clock: systemClock, random: systemRandom, baseEnv: {}, boundary },
    }).sweep();
    await until(() => processesWith(`sleep ${seconds}`).length === 0);
    assert.deepEqual(await readdir(join(data.path, "run")), []);
    assert.equal(isAlive(manager.pid ?? 0), false);
  });
}

async function killHard(manager: ChildProcess): Promise<void> {
  manager.kill("SIGKILL");
  await once(manager, "exit");
}
