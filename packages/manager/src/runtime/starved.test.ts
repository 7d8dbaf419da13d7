/** Starts on a machine that has nothing more to give, and what bounds a sandbox where no cgroup does. Real limits, real processes. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Order, Report } from "./testing/bare-manager.ts";
import { noProc, noSandbox, temporaryData } from "./testing/platform.ts";

const order: Order = { level: "trusted", script: "echo ran", processesMax: 64 };
const ran: Report = { kind: "ran", said: "ran\n", stderr: [] };
/** Somebody whose processes are counted: root's never are. */
const nobody = 65_534;

const isRoot = process.getuid?.() === 0;
const asNobody = isRoot ? ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups", "--"] : [];

const script = join(import.meta.dirname, "testing/bare-manager.ts");
const here = { skip: noProc ?? whyNotAsNobody() ?? false };

/** A checkout in somebody's home may be closed to others. */
function whyNotAsNobody(): string | undefined {
  const [file, ...args] = [...asNobody, process.execPath, "-e", `require("fs").accessSync(${JSON.stringify(script)})`];
  return spawnSync(file, args).status === 0 ? undefined : "others may not read the sources";
}

interface Bare extends AsyncDisposable {
  readonly pid: number;
  run(order: Order): Promise<Report>;
}

/** A process that is nobody's when this one is root's. */
async function bareManager(): Promise<Bare> {
  const data = await temporaryData();
  if (isRoot) chownSync(data.path, nobody, nobody);
  const words = [process.execPath, "--conditions=mcp-manager-source", script, data.path];
  const [file = "", ...args] = [...asNobody, ...words];
  const child: ChildProcess = spawn(file, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  await once(child, "message");
  return {
    pid: child.pid ?? 0,
    async run(what) {
      child.send(what);
      const [report] = (await once(child, "message")) as [Report];
      return report;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await once(child, "exit");
      await data[Symbol.asyncDispose]();
    },
  };
}

function limit({ pid }: Bare, rule: string): void {
  const [file, ...args] = [...asNobody, "prlimit", "--pid", String(pid), rule];
  execFileSync(file, args);
}

const shortages = [
  { what: "descriptors (EMFILE)", code: "EMFILE", take: "--nofile=5:", giveBack: "--nofile=512:" },
  { what: "processes (EAGAIN)", code: "EAGAIN", take: "--nproc=1:", giveBack: "--nproc=1024:" },
] as const;

for (const { what, code, take, giveBack } of shortages) {
  test(`F2 without ${what} a start fails with the reason, and the next one works when there are`, here, async () => {
    await using manager = await bareManager();
    assert.deepEqual(await manager.run(order), ran);
    limit(manager, take);
    const refused = await manager.run(order);
    assert.ok(refused.kind === "refused");
    assert.equal(refused.code, "resource_exhausted");
    assert.match(
      refused.message,
      new RegExp(`^server "shell" can't be started now \\(${code}\\): the machine has no more`),
    );
    limit(manager, giveBack);
    assert.deepEqual(await manager.run(order), ran);
  });
}

test(
  "R8 a sandbox of somebody who is not root can't fork without end",
  { skip: noProc ?? noSandbox ?? false },
  async () => {
    await using manager = await bareManager();
    const bomb = "i=0; while [ $i -lt 40 ]; do sleep 5 & i=$((i+1)); done; echo never";
    const report = await manager.run({ level: "default", script: bomb, processesMax: 1 });
    assert.ok(report.kind === "ran");
    assert.equal(report.said, "");
    assert.match(report.stderr.join("\n"), /fork/i);
  },
);
