/** What is said where there can be no sandbox. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { probeBubblewrap, sandboxRefusal } from "./bubblewrap.ts";
import { noProc, temporaryData } from "./testing/platform.ts";

const here = { skip: noProc ?? false };
const strict = { level: "strict", network: "none", writable: [] } as const;

test("where bubblewrap is not, the refusal names the package", here, async () => {
  await using data = await temporaryData();
  const found = await probeBubblewrap(data.path, [join(data.path, "bwrap")]);
  assert.ok("unavailable" in found);
  const error = sandboxRefusal("weather", strict, found);
  assert.equal(error.code, "failed_precondition");
  assert.equal(
    error.message,
    'server "weather": the sandbox strict needs bubblewrap, which is not here: ' +
      "install the package bubblewrap (on Debian: apt-get install bubblewrap); or set spec.sandbox to trusted",
  );
});

test("where it does not work, the refusal holds what it said", here, async () => {
  await using data = await temporaryData();
  const path = join(data.path, "bwrap");
  await writeFile(path, "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n", {
    mode: 0o755,
  });
  const found = await probeBubblewrap(data.path, [path]);
  assert.ok("unavailable" in found);
  assert.match(
    found.unavailable,
    /^needs bubblewrap, which does not work here \(bwrap: setting up uid map: Permission denied\): /,
  );
});
