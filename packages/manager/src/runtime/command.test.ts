/** How a command is found, and what is said when it is not. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { findCommand } from "./command.ts";
import { temporaryData } from "./testing/platform.ts";

async function directory(): Promise<{ path: string } & AsyncDisposable> {
  const data = await temporaryData();
  await mkdir(join(data.path, "bin/tool"), { recursive: true });
  await mkdir(join(data.path, "later"));
  await writeFile(join(data.path, "bin/plain"), "");
  for (const name of ["tool", "plain", "run"])
    await writeFile(join(data.path, "later", name), "#!/bin/sh\n", { mode: 0o755 });
  return data;
}

const find = (command: string, cwd: string | undefined, path: string | undefined): Promise<string> =>
  findCommand({ server: "weather", command, cwd, path });

test("a name is looked up on the PATH of the child; what is no program there is passed over", async () => {
  await using at = await directory();
  const path = `${at.path}/bin:${at.path}/later`;
  assert.equal(await find("tool", undefined, path), join(at.path, "later/tool"));
  assert.equal(await find("plain", undefined, path), join(at.path, "later/plain"));
  assert.match(await find("sh", undefined, undefined), /\/sh$/);
});

test("a path starts from the working directory", async () => {
  await using at = await directory();
  assert.equal(await find("./later/run", at.path, "/bin"), join(at.path, "later/run"));
  assert.equal(await find(join(at.path, "later/run"), undefined, ""), join(at.path, "later/run"));
});

test("what is there but no program is told from what is not there", async () => {
  await using at = await directory();
  const advice = "install it, or give its full path in spec.source.command";
  await assert.rejects(find("plain", undefined, `${at.path}/bin`), {
    code: "failed_precondition",
    message: `server "weather": the command "plain" can't be run: ${at.path}/bin/plain is no executable file; make it one, or ${advice}`,
  });
  await assert.rejects(find("./gone", at.path, undefined), {
    message: `server "weather": the command "./gone" was not found from ${at.path}; ${advice}`,
  });
});

test("a working directory that is none is refused", async () => {
  await using at = await directory();
  await assert.rejects(find("sh", join(at.path, "bin/plain"), undefined), {
    code: "failed_precondition",
    message: /the working directory .*\/bin\/plain is not a directory; make it usable, or change spec.source.cwd$/,
  });
});
