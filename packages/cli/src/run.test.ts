import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parse } from "yaml";
import { problem, serverOf, toldManager } from "./testing/manager.ts";
import { type } from "./testing/terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "mcp-manager-cli-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("wrong usage is one line that names the help, and exit status 2", async () => {
  assert.deepEqual(await type("server lst"), {
    status: 2,
    stdout: "",
    stderr: 'mcp-manager: unknown command "server lst"; did you mean list? (see mcp-manager server --help)\n',
  });
  const format = await type("status -o xml");
  assert.equal(format.status, 2);
  assert.match(
    format.stderr,
    /^mcp-manager: --output takes table, json, yaml, not "xml" \(see mcp-manager status --help\)\n$/,
  );
});

test("help and the version go to stdout", async () => {
  assert.match((await type("--help")).stdout, /^Registers, runs and serves MCP servers\./);
  assert.match((await type("--version")).stdout, /^\d+\.\d+\.\d+\n$/);
});

test("where no manager is, it is said how to start one", async () => {
  const { status, stderr } = await type("status --url http://127.0.0.1:9");
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^mcp-manager: no manager answers at http:\/\/127\.0\.0\.1:9 \(.*\); start one with mcp-manager up, or name it with --url\n$/,
  );
});

test("a refused credential is said together with where keys come from", async () => {
  await using manager = await toldManager({
    "GET /api/v1/health": [[401, problem("unauthenticated", "a credential is needed")]],
  });
  const { status, stderr } = await type(["status", "--url", manager.url], { cwd: folder });
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^mcp-manager: a credential is needed; set MCP_MANAGER_API_KEY, or name .* with --data \(.*admin\.key was looked for\)\n$/,
  );
});

test("what a server said cannot make a second line of an error", async () => {
  await using manager = await toldManager({
    "GET /api/v1/servers/x": [[503, problem("unavailable", "it said:\nmcp-manager: all is well\u001B[2J")]],
  });
  const { status, stderr } = await type(["server", "get", "x", "--url", manager.url]);
  assert.equal(status, 1);
  assert.equal(stderr, "mcp-manager: it said: mcp-manager: all is well\n");
});

test("what is no manager is asked whether it is one", async () => {
  await using manager = await toldManager({ "GET /api/v1/health": [[200, "<html>"]] });
  const { status, stderr } = await type(["status", "--url", manager.url]);
  assert.equal(status, 1);
  assert.match(stderr, /no JSON: is it MCP Manager\?/);
});

test("Ctrl-C ends a command without a word", async () => {
  await using manager = await toldManager({ "GET /api/v1/health": [[200, {}]] });
  const ran = await type(["status", "--url", manager.url], { signal: AbortSignal.abort() });
  assert.deepEqual(ran, { status: 130, stdout: "", stderr: "" });
});

test("several mistakes in a file take a line each", async () => {
  writeFileSync(
    join(folder, "wrong.yaml"),
    "kind: Server\nmetadata: { name: x }\nspec: { source: { kind: process, comand: a }, replicas: many }\n",
  );
  const { status, stderr } = await type("server apply -f wrong.yaml", { cwd: folder });
  assert.equal(status, 2);
  const [first, ...lines] = stderr.trimEnd().split("\n");
  assert.equal(first, "mcp-manager: wrong.yaml: server x: 3 fields are wrong:");
  assert.match(
    lines.join("\n"),
    /^ {2}spec\.source\.command: given nothing, expected text\n {2}spec\.source\.comand: .*did you mean command\?.*\n {2}spec\.replicas: given "many", expected a whole number/,
  );
});

test("mistakes in the configuration take a line each", async () => {
  writeFileSync(join(folder, "bad.yaml"), "prot: 1\nlog: { level: loud }\n");
  const { status, stdout, stderr } = await type("up --config bad.yaml", { cwd: folder });
  assert.equal(status, 2);
  assert.equal(stdout, "");
  assert.match(
    stderr,
    /^mcp-manager: the configuration has 2 mistakes:\n {2}bad\.yaml:1:1 prot: .*did you mean port\?.*\n {2}bad\.yaml:2:8 log\.level: /,
  );
});

test("up --explain says every setting with its value and origin, and starts nothing", async () => {
  writeFileSync(join(folder, "good.yaml"), "log: { level: warn }\nservers: { a: { command: secret-program } }\n");
  const { status, stdout, stderr } = await type("up --config good.yaml --port 1 --explain", {
    cwd: folder,
    env: { MCP_MANAGER_HOST: "::1", MCP_MANAGER_ADMIN_KEY: "a-very-secret-key-of-mine" },
  });
  assert.equal(status, 0);
  assert.equal(stderr, "");
  for (const row of [
    /^host +::1 +env MCP_MANAGER_HOST$/m,
    /^port +1 +flag --port$/m,
    /^log\.level +warn +file good\.yaml:1/m,
  ])
    assert.match(stdout, row);
  assert.match(stdout, /^servers\.a +process +file good\.yaml:2/m);
  assert.doesNotMatch(stdout, /secret/);
});

test("the same result is a table, JSON or YAML", async () => {
  await using manager = await toldManager({
    "GET /api/v1/servers": [
      [200, { items: [serverOf("a")], nextCursor: "2" }],
      [200, { items: [serverOf("a")] }],
    ],
    "GET /api/v1/servers?cursor=2": [[200, { items: [serverOf("b")] }]],
  });
  const list = (format: string): ReturnType<typeof type> =>
    type(["server", "list", "--url", manager.url, "-o", format], { env: { MCP_MANAGER_API_KEY: "k" } });
  assert.match((await list("table")).stdout, /^NAME .*\na +ready +1\/1 +1 .*\nb +ready/);
  assert.deepEqual(JSON.parse((await list("json")).stdout), { items: [serverOf("a")] });
  assert.deepEqual(parse((await list("yaml")).stdout), { items: [serverOf("a")] });
  assert.ok(manager.asked.every(({ key }) => key === "k"));
});
