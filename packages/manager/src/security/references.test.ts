import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ReferenceSources } from "./references.ts";
import { readSecretFile, resolveReferences } from "./references.ts";

const sources: ReferenceSources = {
  env: (name) =>
    new Map([
      ["TOKEN", "t0ken-value"],
      ["EMPTY", ""],
    ]).get(name),
  file: (path) => {
    if (path === "/run/secret") return "from-file\n";
    throw new Error("ENOENT");
  },
  secret: async (name) => (name === "token" ? "s3cret-value" : undefined),
};

const resolve = (value: string): ReturnType<typeof resolveReferences> =>
  resolveReferences({ KEY: value }, "spec.source.env of server weather", sources);

test("references are replaced inside text, and what was put in is reported", async () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ["Bearer ${env:TOKEN}", "Bearer t0ken-value", ["t0ken-value"]],
    ["${file:/run/secret}", "from-file", ["from-file"]],
    ["a${secret:token}b${env:TOKEN}", "as3cret-valuebt0ken-value", ["s3cret-value", "t0ken-value"]],
    ["${HOME} and ${vault:x}", "${HOME} and ${vault:x}", []],
    ["${env:NOPE:-plain}", "plain", []],
    ["${env:EMPTY:-plain}", "plain", []],
    ["${env:EMPTY}", "", [""]],
    ["$${env:TOKEN} costs $5", "${env:TOKEN} costs $5", []],
  ];
  for (const [value, expected, secrets] of cases) {
    assert.deepEqual(await resolve(value), { values: { KEY: expected }, secrets }, value);
  }
});

test("what is missing is named, with who needs it and what to do", async () => {
  await assert.rejects(resolve("${env:NOPE}"), {
    code: "failed_precondition",
    message: /NOPE is not set, and KEY in spec\.source\.env of server weather needs it: set it/,
  });
  await assert.rejects(resolve("${secret:nope}"), {
    code: "failed_precondition",
    message: /secret nope does not exist, and KEY in spec\.source\.env of server weather needs it: .*secret set nope$/,
  });
  await assert.rejects(resolve("${file:/nope}"), /the file \/nope, which KEY in .* needs, cannot be read: ENOENT/);
});

test("a value that was put in is not looked through for references again", async () => {
  const nested = { ...sources, env: () => "${file:/run/secret}" };
  const { values } = await resolveReferences({ A: "${env:X}" }, "env", nested);
  assert.equal(values["A"], "${file:/run/secret}");
});

test("only small regular files are read, and a pipe does not block", async () => {
  const dir = await mkdtemp(join(tmpdir(), "references-"));
  try {
    await writeFile(join(dir, "secret"), "value");
    assert.equal(readSecretFile(join(dir, "secret")), "value");
    await writeFile(join(dir, "large"), "x".repeat(70_000));
    assert.throws(() => readSecretFile(join(dir, "large")), /larger than 65536 bytes/);
    assert.throws(() => readSecretFile(dir), /no regular file/);
    assert.throws(() => readSecretFile(join(dir, "nope")), /ENOENT/);
    execFileSync("mkfifo", [join(dir, "pipe")]);
    assert.throws(() => readSecretFile(join(dir, "pipe")), /no regular file/);
  } finally {
    await rm(dir, { recursive: true });
  }
});
