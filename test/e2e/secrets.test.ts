/** A client's file with its secrets in it goes in, its server gets them, and they are found nowhere else. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { cli } from "./testing/cli.ts";
import type { ManagerProcess } from "./testing/manager.ts";
import { root, startManager, until } from "./testing/manager.ts";

const token = "tok-3f9a-the-token-of-the-test";
const option = "opt-7b1c-the-option-of-the-test";
const claudeFile = {
  mcpServers: {
    keyed: {
      command: process.execPath,
      args: [join(root, "test/e2e/testing/server.mjs"), "keyed", "--api-key", option],
      env: { API_TOKEN: token },
    },
  },
};

let folder: string;
let manager: ManagerProcess;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "secrets-"));
  await writeFile(join(folder, "claude_desktop_config.json"), JSON.stringify(claudeFile));
  manager = await startManager({ dataDir: join(folder, "data") });
});
after(async () => {
  await manager[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function proofOf(...keys: readonly string[]): string {
  return createHash("sha256").update(keys.join(":")).digest("hex");
}

async function proof(): Promise<string> {
  const result = await manager.client.tools.call("keyed", "proof");
  const [content] = result["content"] as readonly { readonly text: string }[];
  return content?.text ?? "";
}

/** The files under the data directory that hold one of the secrets. */
async function filesWith(...secrets: readonly string[]): Promise<readonly string[]> {
  const entries = await readdir(join(folder, "data"), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  assert.ok(files.length > 3, files.join());
  const forms = secrets.flatMap((secret) => [secret, Buffer.from(secret).toString("base64").slice(0, -4)]);
  const found = await Promise.all(
    files.map(async (file) => {
      const bytes = await readFile(file);
      return forms.some((form) => bytes.includes(form)) ? [file] : [];
    }),
  );
  return found.flat();
}

test("a server that is imported gets the secrets that its file had", async () => {
  const imported = await cli(manager, ["import", "claude_desktop_config.json"], { cwd: folder });
  assert.equal(imported.status, 0, imported.stderr);
  assert.match(imported.stdout, /^keyed +created +args\[3\] is the secret keyed-api-key now/m);
  assert.match(imported.stdout, /^keyed-api-token +keyed +env\.API_TOKEN$/m);
  assert.ok(!(imported.stdout + imported.stderr).includes(token));
  await manager.serversReady("keyed");
  assert.equal(await proof(), proofOf(token, option));
  const again = await cli(manager, ["import", "claude_desktop_config.json"], { cwd: folder });
  assert.match(again.stdout, /^keyed +unchanged /m);
});

test("they are nowhere in the data directory, in what the manager printed, or in what a door shows", async () => {
  assert.deepEqual(await filesWith(token, option), []);
  const get = async (path: string): Promise<string> => {
    const response = await fetch(manager.url + path, { headers: { authorization: `Bearer ${manager.key}` } });
    assert.equal(response.status, 200, path);
    return await response.text();
  };
  const paths = [
    ..."servers servers/keyed servers/keyed/revisions servers/keyed/replicas servers/keyed/logs?tail=100".split(" "),
    ..."servers/keyed/diff deployments secrets secrets/keyed-api-token health".split(" "),
  ];
  const shown = await Promise.all([...paths.map((path) => get(`/api/v1/${path}`)), get("/metrics")]);
  const logs = shown[4] ?? "";
  assert.match(logs, /my keys are \[redacted\] and \[redacted\]/);
  const exported = await cli(manager, "export");
  assert.match(exported.stdout, /API_TOKEN: \$\{secret:keyed-api-token\}/);
  for (const text of [...shown, exported.stdout, manager.output])
    assert.ok(!text.includes(token) && !text.includes(option), text.slice(0, 200));
});

test("a new value is taken at the next start", async () => {
  const set = await cli(manager, "secret set keyed-api-token", { stdin: "another-token-of-the-test\n" });
  assert.deepEqual([set.status, set.stdout], [0, "secret keyed-api-token is set\n"]);
  assert.match(set.stderr, /^ {2}mcp-manager server restart keyed$/m);
  assert.equal(await proof(), proofOf(token, option));
  await cli(manager, "server restart keyed");
  await until("it has the new token", async () => (await proof()) === proofOf("another-token-of-the-test", option));
});

test("after a restart of the manager its key still opens them, and what was exported is taken by another", async () => {
  const { stdout } = await cli(manager, "export");
  await manager[Symbol.asyncDispose]();
  manager = await startManager({ dataDir: join(folder, "data") });
  await manager.serversReady("keyed");
  assert.equal(await proof(), proofOf("another-token-of-the-test", option));
  await using other = await startManager({ config: stdout });
  assert.match((await cli(other, "secret list")).stderr, /no secrets yet/);
  await until("it says what is missing", async () => {
    const { status } = await other.client.servers.get("keyed");
    return /secret keyed-api-(?:token|key) does not exist, and .* needs it: .*secret set/.test(
      status.lastFailure?.message ?? "",
    );
  });
  for (const name of ["keyed-api-token", "keyed-api-key"]) await cli(other, `secret set ${name}`, { stdin: name });
  await other.serversReady("keyed");
});

test("one in use is not deleted, and says who uses it", async () => {
  const refused = await cli(manager, "secret delete keyed-api-key");
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /secret "keyed-api-key" is used by server keyed/);
});
