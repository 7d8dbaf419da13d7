import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ConfigDiff } from "@mcp-manager/api";
import { problem, toldManager } from "../testing/manager.ts";
import type { Ran, Terminal } from "../testing/terminal.ts";
import { type } from "../testing/terminal.ts";

const diff: ConfigDiff = {
  servers: [
    { name: "a", change: "created", fields: [{ path: "source.command", to: "node" }], deployment: true },
    {
      name: "b",
      change: "changed",
      fields: [
        { path: "replicas", from: 1, to: 2 },
        { path: "source.env.TOKEN", from: "(hidden)", to: "(hidden)" },
        { path: "labels.team", from: "x" },
      ],
      deployment: true,
    },
    { name: "c", change: "deleted", fields: [], deployment: false },
    { name: "d", change: "unchanged", fields: [], deployment: false },
    { name: "e", change: "unchanged", fields: [], deployment: false, message: "it stays" },
  ],
  restart: ["port"],
};

async function ask(
  answer: unknown,
  words: string,
  terminal: Terminal = {},
  status = 200,
): Promise<Ran & { readonly body: string }> {
  await using manager = await toldManager({ "POST /api/v1/config/diff": [[status, answer]] });
  const ran = await type(`diff ${words} --url ${manager.url}`, terminal);
  return { ...ran, body: manager.asked[0]?.body ?? "" };
}

test("what would change is shown server by server, with fields, and counted", async () => {
  const { status, stdout } = await ask(diff, "-", { stdin: "servers: {}" });
  assert.equal(status, 0);
  assert.deepEqual(stdout.split("\n"), [
    "+ a created, which begins a deployment",
    "    source.command: node",
    "~ b changed, which begins a deployment",
    "    replicas: 1 → 2",
    "    source.env.TOKEN: (hidden) → (hidden)",
    "    labels.team: x → (none)",
    "- c deleted",
    "= e unchanged: it stays",
    "! a restart is needed for port",
    "1 created, 1 changed, 1 deleted, 2 unchanged",
    "",
  ]);
});

test("colours are for a terminal", async () => {
  const { stdout } = await ask(diff, "-", { columns: 80 });
  assert.ok(stdout.includes("\u001B[32m+ a created"), stdout);
});

test("with --exit-code a difference is 1 and none is 0; without, both are 0", async () => {
  const none: ConfigDiff = { servers: diff.servers.slice(3), restart: [] };
  assert.equal((await ask(diff, "- --exit-code")).status, 1);
  assert.equal((await ask({ ...none, restart: ["port"] }, "- --exit-code")).status, 1);
  assert.equal((await ask(none, "- --exit-code")).status, 0);
  assert.equal((await ask(diff, "-")).status, 0);
});

test("-o json is what the manager answered", async () => {
  assert.deepEqual(JSON.parse((await ask(diff, "- -o json")).stdout), diff);
});

test("the file is sent with its name, and mistakes in it come back with their places", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mcp-manager-diff-"));
  await writeFile(join(folder, "servers.yaml"), "servers: [");
  const answer = problem("invalid_argument", "servers.yaml:1:11: a bracket is missing\n  1 | servers: [", {
    reason: "INVALID_CONFIG",
  });
  const ran = await ask(answer, "servers.yaml", { cwd: folder }, 400);
  await rm(folder, { recursive: true });
  assert.deepEqual(JSON.parse(ran.body), { text: "servers: [", filename: "servers.yaml" });
  assert.equal(ran.status, 2);
  assert.equal(ran.stderr, "mcp-manager: servers.yaml:1:11: a bracket is missing\n  1 | servers: [\n");
  assert.match((await ask(answer, "none.yaml")).stderr, /cannot read none\.yaml: there is no such file/);
});
