import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const protos = fileURLToPath(new URL("../../../../../proto", import.meta.url));
const generated = fileURLToPath(new URL("gen", import.meta.url));
const binaries = fileURLToPath(new URL("../../../../../node_modules/.bin", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "mcp-manager-proto-"));
after(() => rmSync(folder, { recursive: true }));

/** Runs buf in `proto`; what it complains of is the error. */
function buf(...args: readonly string[]): void {
  const env = {
    ...process.env,
    PATH: `${binaries}:${process.env["PATH"] ?? ""}`,
    BUF_CACHE_DIR: join(folder, "cache"),
  };
  try {
    execFileSync(join(binaries, "buf"), args, { cwd: protos, env, encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    assert.fail(`buf ${args.join(" ")}: ${(error as { stdout?: string }).stdout ?? ""}${String(error)}`);
  }
}

function filesOf(root: string): Readonly<Record<string, string>> {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(root.length + 1), readFileSync(path, "utf8")]));
}

test("the proto files are well-formed, and formatted", () => {
  buf("lint");
  buf("format", "--diff", "--exit-code");
});

test("nothing that was released is taken back: clients of then go on", () => {
  buf("breaking", "--against", "v1.binpb");
});

test("the generated code is what the proto files say: npm run proto makes it so", () => {
  const plan = readFileSync(join(protos, "buf.gen.yaml"), "utf8");
  const out = join(folder, "gen");
  const template = join(folder, "buf.gen.yaml");
  writeFileSync(template, plan.replace(/^ {4}out: .*$/m, `    out: ${out}`));
  buf("generate", "--template", template);
  assert.deepEqual(filesOf(out), filesOf(generated));
});
