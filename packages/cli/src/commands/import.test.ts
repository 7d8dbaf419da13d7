import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { toldManager } from "../testing/manager.ts";
import { type } from "../testing/terminal.ts";

const answer = {
  servers: [
    { name: "github", outcome: "created", deployment: "github-1-1" },
    { name: "asks", outcome: "created", notes: ["it needs the secret key, which is not set yet"] },
    { name: "bad", outcome: "refused", error: { code: "invalid_argument", message: "server bad: 1 field is wrong" } },
  ],
  secrets: [{ name: "github-token", server: "github", field: "env.TOKEN" }],
  notes: ["server old: skipped, because it is disabled there"],
};

test("a file is sent as it is, with where it lies, and what came of it is shown", async () => {
  const dir = await mkdtemp(join(tmpdir(), "import-"));
  try {
    const text = '// mine\n{ "mcpServers": {} }\n';
    await writeFile(join(dir, "mcp.json"), text);
    await using manager = await toldManager({ "POST /api/v1/import?dryRun=false&replace=true": [[200, answer]] });
    const ran = await type(["import", "mcp.json", "--replace", "--url", manager.url], { cwd: dir });
    assert.deepEqual(JSON.parse(manager.asked[0]?.body ?? ""), { text, filename: join(dir, "mcp.json") });
    assert.equal(ran.status, 1);
    assert.match(
      ran.stdout,
      /^SERVER +OUTCOME +WHY\ngithub +created +-\nasks +created +it needs the secret key.*\nbad +ref/,
    );
    assert.match(ran.stdout, /\n\nSECRET +SERVER +TAKEN FROM\ngithub-token +github +env\.TOKEN\n$/);
    assert.equal(ran.stderr, "server old: skipped, because it is disabled there\n");
  } finally {
    await rm(dir, { recursive: true });
  }
});

test("stdin is taken too, and a dry run says so", async () => {
  const only = { servers: [], secrets: [], notes: [] };
  await using manager = await toldManager({ "POST /api/v1/import?dryRun=true&replace=false": [[200, only]] });
  const ran = await type(["import", "-", "--dry-run", "--url", manager.url], { stdin: "{}" });
  assert.deepEqual(ran, { status: 0, stdout: "", stderr: "there are no servers in it\nnothing was changed\n" });
  assert.deepEqual(JSON.parse(manager.asked[0]?.body ?? ""), { text: "{}", filename: "stdin" });
});

test("a file that cannot be read is named, and nothing is asked", async () => {
  const { status, stderr } = await type("import nowhere.json --url http://127.0.0.1:9");
  assert.deepEqual([status, stderr], [2, "mcp-manager: cannot read nowhere.json: there is no such file\n"]);
});
