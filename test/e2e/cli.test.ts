/** Every command, run as a person runs it, against a manager that was started by `up`. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { cli, startCli } from "./testing/cli.ts";
import { configOf, sourceOf } from "./testing/fixtures.ts";
import type { ManagerProcess } from "./testing/manager.ts";
import { startManager, until } from "./testing/manager.ts";
import { isAlive } from "./testing/processes.ts";

let manager: ManagerProcess;

before(async () => {
  manager = await startManager({
    config: configOf({ plain: { mode: "plain", spec: { labels: { team: "a" } } }, broken: { mode: "broken" } }),
  });
  await manager.serversReady("plain");
});
after(() => manager[Symbol.asyncDispose]());

interface ServerText {
  readonly metadata: { readonly name: string; readonly revision: string };
  readonly spec: { readonly replicas: number };
  readonly status: { readonly state: string; readonly revision: string; readonly replicas: { readonly ready: number } };
}

function documentOf(name: string, spec: object = {}): string {
  return `kind: Server\nmetadata: { name: ${name} }\nspec: ${JSON.stringify({ source: sourceOf("plain"), ...spec })}\n`;
}

test("up says on one line what is ready, and is found by its data directory", async () => {
  assert.match(
    manager.output,
    /^MCP Manager \d+\.\d+\.\d+ ready on http:\/\/127\.0\.0\.1:\d+ and grpc:\/\/127\.0\.0\.1:\d+$/m,
  );
  const { status, stdout, stderr } = await cli(manager, "status");
  assert.equal(status, 0);
  assert.equal(stderr, "");
  assert.match(
    stdout,
    /^Manager \d+\.\d+\.\d+: degraded, up \d+[ms].*, store ok\nLoad: not overloaded\nConfiguration: \S+, read \d+s ago\nServers: [^\n]+\n\nSERVER +STATE +REPLICAS +WHY\nbroken +failed +0\/1 +\S/,
  );
});

test("a table in a pipe has no colours and is not cut", async () => {
  const { stdout } = await cli(manager, "server list", { env: { COLUMNS: "20", FORCE_COLOR: "1" } });
  assert.ok(!stdout.includes("\u001B") && !stdout.includes("…"), stdout);
  assert.match(stdout, /^plain +ready +1\/1 +1 +4 +\S+ +\S+ \S+server\.mjs$/m);
});

test("what is printed as JSON and YAML can be read, and says the same", async () => {
  const json = await cli(manager, "server list -l team=a -o json");
  const { items } = JSON.parse(json.stdout) as { readonly items: readonly ServerText[] };
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ["plain"],
  );
  const yaml = await cli(manager, "server get plain -o yaml");
  assert.match(
    yaml.stdout,
    new RegExp(`^kind: Server\nmetadata:\n(?: {2}.*\n)* {2}revision: "${items[0]?.metadata.revision}"$`, "m"),
  );
});

test("get shows why a server does not run, with what it wrote last", async () => {
  await until("it has failed", async () => (await manager.client.servers.get("broken")).status.state === "failed");
  const { status, stdout } = await cli(manager, "server get broken");
  assert.equal(status, 0);
  assert.match(stdout, /^State: +failed for /m);
  assert.match(
    stdout,
    /^Last failure: +initialize, .* ago: the process exited with status 3 before it answered initialize/m,
  );
  assert.match(stdout, /^ {2}\| cannot open the map\n {2}\| no licence found$/m);
  assert.match(stdout, /^broken-1-\w+ +(failed|starting)/m);
});

test("apply registers what a file says and returns when it is ready; again, it changes nothing", async () => {
  const text = `${documentOf("one")}---\n${documentOf("two", { replicas: 2 })}`;
  const first = await cli(manager, "server apply -f -", { stdin: text });
  assert.deepEqual([first.status, first.stderr], [0, ""]);
  assert.match(first.stdout, /^server one is ready \(1\/1 replicas.*\)\nserver two is ready \(2\/2 replicas.*\)\n$/);
  const earlier = await manager.client.servers.get("two");
  assert.equal((await cli(manager, "server apply -f -", { stdin: text })).status, 0);
  assert.equal((await manager.client.servers.get("two")).metadata.revision, earlier.metadata.revision);
});

test("what get prints can be edited and applied; --if-unchanged refuses when somebody was faster", async () => {
  await cli(manager, "server apply -f -", { stdin: documentOf("edited") });
  const { stdout } = await cli(manager, "server get edited -o yaml");
  const changed = await cli(manager, "server apply -f - --if-unchanged -o json", {
    stdin: stdout.replace("replicas: 1\n", "replicas: 2\n"),
  });
  assert.equal((JSON.parse(changed.stdout) as ServerText).status.replicas.ready, 2);
  const late = await cli(manager, "server apply -f - --if-unchanged", { stdin: stdout });
  assert.equal(late.status, 1);
  assert.match(late.stderr, /^mcp-manager: server "edited" is at revision \d+, not \d+: read it again/);
  assert.equal((await manager.client.servers.get("edited")).spec.replicas, 2);
});

test("apply says every mistake of a file, and then changes nothing", async () => {
  const names = async (): Promise<readonly string[]> =>
    (await manager.client.servers.list()).items.map(({ metadata }) => metadata.name);
  const earlier = await names();
  const wrong = documentOf("wrong", { replicas: "many", strategi: {} });
  const unknown = await cli(manager, "server apply -f -", { stdin: `${documentOf("good")}---\n${wrong}` });
  assert.equal(unknown.status, 2);
  assert.match(
    unknown.stderr,
    /stdin \(document 2\): server wrong: 2 fields are wrong:\n {2}spec\.replicas: .*\n {2}spec\.strategi: .*did you mean strategy\?/,
  );
  const syntax = await cli(manager, "server apply -f -", { stdin: 'kind: Server\nspec: { token: "hunter2 }\n' });
  assert.equal(syntax.status, 2);
  assert.match(syntax.stderr, /^mcp-manager: stdin:3:1: this is not valid YAML or JSON/);
  assert.doesNotMatch(syntax.stderr, /hunter2/);
  const dry = await cli(manager, "server apply -f - --dry-run", { stdin: documentOf("good") });
  assert.deepEqual([dry.status, dry.stdout], [0, "server good is valid; nothing was changed\n"]);
  assert.deepEqual(await names(), earlier);
});

test("apply of a server that does not start says why, and exits 1", async () => {
  const { status, stdout } = await cli(manager, "server apply -f -", {
    stdin: documentOf("dead", { source: sourceOf("broken") }),
  });
  assert.equal(status, 1);
  assert.match(
    stdout,
    /^server dead has failed(?: \(\w+\))?: initialize, \d+s ago: the process exited with status 3.*\n(?: {2}\| .*\n)* {2}\| no licence found\n$/,
  );
  await cli(manager, "server delete dead");
});

test("a changed command makes a revision, and apply returns when calls go to it", async () => {
  await cli(manager, "server apply -f -", { stdin: documentOf("changing") });
  const pid = async (): Promise<string> => (await cli(manager, "tool call changing pid")).stdout.trim();
  const old = await pid();
  const spec = { source: { ...sourceOf("plain"), env: { CHANGED: "yes" } } };
  const applied = await cli(manager, "server apply -f - -o json", { stdin: documentOf("changing", spec) });
  assert.equal((JSON.parse(applied.stdout) as ServerText).status.revision, "changing-2");
  assert.notEqual(await pid(), old);
  const broken = await cli(manager, "server apply -f -", {
    stdin: documentOf("changing", { source: sourceOf("broken") }),
  });
  assert.equal(broken.status, 1);
  const failed =
    /^server changing has failed(?:, and what ran before runs| \(\w+\), and changing-2 serves) on: .* status 3/;
  assert.match(broken.stdout, failed);
  assert.match(await pid(), /^\d+$/);
  const { stdout } = await cli(manager, "server revisions changing");
  assert.match(stdout, /^NAME .*\nchanging-3 .*\nchanging-2 .*\nchanging-1 .*\n$/);
});

test("restart replaces a replica's process", async () => {
  await cli(manager, "server apply -f -", { stdin: documentOf("restarted") });
  const pidOf = async (): Promise<number | undefined> => {
    const [replica] = (await manager.client.servers.replicas("restarted")).items;
    return replica?.status.state === "ready" ? replica.status.pid : undefined;
  };
  const oldPid = await pidOf();
  assert.ok(oldPid !== undefined && isAlive(oldPid));
  const { status, stdout } = await cli(manager, "server restart restarted");
  assert.deepEqual([status, stdout], [0, "server restarted is being restarted\n"]);
  await until("another process serves", async () => {
    const pid = await pidOf();
    return pid !== undefined && pid !== oldPid;
  });
});

test("delete returns when the server and its process are gone", async () => {
  await cli(manager, "server apply -f -", { stdin: documentOf("gone") });
  const pid = Number((await cli(manager, "tool call gone pid")).stdout);
  const { status, stdout } = await cli(manager, "server delete gone");
  assert.deepEqual([status, stdout], [0, "server gone is gone\n"]);
  assert.ok(!isAlive(pid));
  const again = await cli(manager, "server delete gone");
  assert.deepEqual([again.status, again.stderr], [1, 'mcp-manager: server "gone" does not exist\n']);
});

test("logs are what a server wrote to stderr; followed, until Ctrl-C", async () => {
  const { stdout } = await cli(manager, "server logs plain --tail 1");
  assert.match(stdout, /^started plain as \d+\n$/);
  const following = startCli(manager, ["server", "logs", "plain", "-f"]);
  await until("the lines so far are there", () => Promise.resolve(following.stdout.includes("started plain")));
  assert.equal((await cli(manager, "server restart plain")).status, 0);
  await until("what follows is there", () => Promise.resolve(following.stdout.split("started plain").length > 2));
  following.child.kill("SIGINT");
  assert.equal(await following.exited, 130);
  assert.equal(following.stderr, "");
});

test("a reader that has seen enough is no failure", async () => {
  const reading = startCli(manager, ["server", "logs", "broken", "-f", "-n", "1000"]);
  await until("the first line is there", () => Promise.resolve(reading.stdout !== ""));
  reading.child.stdout?.destroy();
  assert.equal(await reading.exited, 0);
  assert.equal(reading.stderr, "");
});

test("tools are listed and called, and the server's own bytes come back as JSON", async () => {
  const list = await cli(manager, "tool list plain");
  assert.deepEqual(
    list.stdout
      .split("\n")
      .slice(1, -1)
      .map((line) => line.split(/ +/)[1]),
    ["echo", "slow", "pid", "exit"],
  );
  const json = await cli(manager, [
    "tool",
    "call",
    "plain",
    "echo",
    "--args",
    '{"big": 12345678901234567890}',
    "-o",
    "json",
  ]);
  assert.deepEqual([json.status, json.stderr], [0, ""]);
  assert.ok(json.stdout.includes('{"big":12345678901234567890}') || json.stdout.includes("12345678901234567000"));
  const text = await cli(manager, "tool call plain slow ms=1");
  assert.deepEqual(text, { status: 0, stdout: "done\n", stderr: "" });
});

test("a tool's own failure exits 1 with its text; a server that is not there says why", async () => {
  const failed = await cli(manager, "tool call plain fail");
  assert.deepEqual(failed, {
    status: 1,
    stdout: "no such city\n",
    stderr: "mcp-manager: the tool says that it failed:\n",
  });
  const unavailable = await cli(manager, "tool call broken echo");
  assert.deepEqual([unavailable.status, unavailable.stdout], [1, ""]);
  assert.match(unavailable.stderr, /^mcp-manager: server "broken" has no ready replica: .*exited with status 3.*\n$/);
  const unknown = await cli(manager, "tool call nowhere echo");
  assert.deepEqual([unknown.status, unknown.stderr], [1, 'mcp-manager: server "nowhere" does not exist\n']);
});

test("a caller's key calls tools and may do nothing else, until it is revoked", async () => {
  const made = await cli(manager, "api-key create ci");
  assert.match(made.stdout, /^mcpm_\S+\n$/);
  const env = { MCP_MANAGER_API_KEY: made.stdout.trim() };
  assert.equal((await cli(manager, "tool call plain slow ms=1", { env })).stdout, "done\n");
  const denied = await cli(manager, "server list", { env });
  assert.deepEqual([denied.status, denied.stdout], [1, ""]);
  assert.match(denied.stderr, /^mcp-manager: .*servers:read.*\n$/);
  const list = await cli(manager, "api-key list");
  assert.match(list.stdout, /^ci +key:ci +caller /m);
  assert.ok(!list.stdout.includes(made.stdout.trim()));
  assert.equal((await cli(manager, "api-key delete ci")).stdout, "API key ci is revoked\n");
  const revoked = await cli(manager, "tool call plain slow ms=1", { env });
  assert.equal(revoked.status, 1);
  assert.match(revoked.stderr, /set MCP_MANAGER_API_KEY/);
});

test("what connect prints connects", async () => {
  const { stdout } = await cli(manager, "connect cursor --server plain --new-key editor");
  const { mcpServers } = JSON.parse(stdout) as {
    readonly mcpServers: { readonly plain: { readonly url: string; readonly headers: Record<string, string> } };
  };
  const response = await fetch(mcpServers.plain.url, {
    method: "POST",
    headers: {
      ...mcpServers.plain.headers,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "cursor", version: "1" } },
    }),
  });
  assert.equal(response.status, 200);
  assert.match(await response.text(), /"serverInfo"/);
});

test("where no manager is, and where it went away, that is said", async () => {
  const none = await cli(undefined, "status --url http://127.0.0.1:9");
  assert.equal(none.status, 1);
  assert.match(
    none.stderr,
    /^mcp-manager: no manager answers at http:\/\/127\.0\.0\.1:9 .*start one with mcp-manager up/,
  );
  await using brief = await startManager({ config: configOf({ plain: { mode: "plain" } }) });
  await brief.serversReady("plain");
  const following = startCli(brief, ["server", "logs", "plain", "-f"]);
  await until("it follows", () => Promise.resolve(following.stdout.includes("started plain")));
  await brief.end("SIGKILL");
  assert.equal(await following.exited, 1);
  assert.match(following.stderr, /^mcp-manager: the connection to the manager .*\n$/);
});

test("a manager runs on when nobody reads what it says", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "mcp-manager-"));
  const unread = startCli(undefined, ["up", "--data", dataDir, "--port", "0", "--grpc-port", "off"]);
  const url = (): string | undefined => /ready on (http:\/\/\S+)/.exec(unread.stdout)?.[1];
  await until("it is ready", () => Promise.resolve(url() !== undefined));
  unread.child.stdout?.destroy();
  unread.child.stderr?.destroy();
  const env = { MCP_MANAGER_URL: url() ?? "", MCP_MANAGER_DATA: dataDir };
  assert.equal((await cli(undefined, "server apply -f -", { env, stdin: documentOf("logged") })).status, 0);
  assert.equal((await cli(undefined, "tool call logged slow ms=1", { env })).stdout, "done\n");
  unread.child.kill("SIGTERM");
  assert.equal(await unread.exited, 0);
  await rm(dataDir, { recursive: true, force: true });
});

test("up --explain says every setting and server, and starts nothing", async () => {
  const { status, stdout } = await cli(undefined, `up --explain --data ${manager.dataDir} --port 0`);
  assert.equal(status, 0);
  assert.match(stdout, /^port +0 +flag --port$/m);
  assert.match(stdout, /^data +\S+ +flag --data$/m);
});
