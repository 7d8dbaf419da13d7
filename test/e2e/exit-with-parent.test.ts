/** `up --exit-with-parent`: a manager that a program started for itself ends with that program, however that ends. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { configOf } from "./testing/fixtures.ts";
import { root, until } from "./testing/manager.ts";
import { processesWith } from "./testing/processes.ts";

/** A program that starts another with a pipe to it, and then only lives. */
const parent = `require("node:child_process").spawn(process.execPath, process.argv.slice(1), { stdio: ["pipe", "inherit", "inherit"] });`;

/** What ends with this process: a command line that runs a manager with one server, whose process has the folder in its arguments. */
interface Family extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Unique; part of the arguments of everything that was started. */
  readonly folder: string;
  output(): string;
}

async function start(isBehindParent: boolean): Promise<Family> {
  const folder = await mkdtemp(join(tmpdir(), `mcp-manager-${randomUUID()}-`));
  const config = join(folder, "servers.json");
  await writeFile(config, configOf({ one: { mode: "plain", tag: folder } }));
  const command = [
    "--conditions=mcp-manager-source",
    join(root, "packages/cli/bin/mcp-manager.js"),
    ...["up", "--exit-with-parent", "--config", config, "--data", join(folder, "data"), "--port", "0"],
    ...["--grpc-port", "0"],
  ];
  const args = isBehindParent ? ["-e", parent, "--", ...command] : command;
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  await until("its server runs", () => Promise.resolve(processesWith("server.mjs plain", folder).length === 1));
  return {
    child,
    folder,
    output: () => output,
    async [Symbol.asyncDispose]() {
      for (const pid of processesWith(folder)) process.kill(pid, "SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Its status, when it has ended and nobody holds its output any more. */
function closed(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once("close", resolve));
}

test("a manager and its servers end in order when the program that started them is killed", async () => {
  await using family = await start(true);
  const end = closed(family.child);
  family.child.kill("SIGKILL");
  await end;
  assert.match(family.output(), /stopping: calls in flight may end[^]*"stopped"/);
  await until("no process is left", () => Promise.resolve(processesWith(family.folder).length === 0));
});

test("a manager whose pipe is closed exits with 0", async () => {
  await using family = await start(false);
  const end = closed(family.child);
  family.child.stdin?.write("nobody reads this\n");
  family.child.stdin?.end();
  assert.equal(await end, 0, family.output());
});

test("a manager that holds a pipe still ends when a signal tells it to", async () => {
  await using family = await start(false);
  const end = closed(family.child);
  family.child.kill("SIGTERM");
  assert.equal(await end, 0, family.output());
});
