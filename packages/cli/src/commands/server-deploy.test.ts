import assert from "node:assert/strict";
import { test } from "node:test";
import { deploymentOf } from "../testing/deployment.ts";
import type { Answers, Asked } from "../testing/manager.ts";
import { serverOf, toldManager } from "../testing/manager.ts";
import type { Ran, Terminal } from "../testing/terminal.ts";
import { type } from "../testing/terminal.ts";

const present = { kind: "process", command: "npx", args: ["-y", "a@1"], cwd: "/srv", env: { LOG: "info", OLD: "1" } };
const remote = { kind: "remote", url: "https://a.example/mcp", transport: "sse", headers: { A: "1" } };
const withSource = (source: object): object => ({ ...serverOf("a"), spec: { source, replicas: 1 } });

async function deploy(
  words: readonly string[],
  terminal: Terminal = {},
  source: object = present,
): Promise<Ran & { readonly body: unknown; readonly asked: readonly Asked[] }> {
  const answers: Answers = {
    "GET /api/v1/servers/a": [[200, withSource(source)]],
    "POST /api/v1/servers/a/deploy": [[202, deploymentOf()]],
  };
  await using manager = await toldManager(answers);
  const ran = await type(["server", "deploy", "a", ...words, "--no-wait", "--url", manager.url], terminal);
  const asked = manager.asked.find(({ method }) => method === "POST");
  return { ...ran, asked: manager.asked, body: asked === undefined ? undefined : JSON.parse(asked.body) };
}

test("what is named changes, what is not stays", async () => {
  const args = ["--arg=-y", "--arg", "a@2", "--env", "LOG=debug", "--env", "OLD=", "--env", "NEW=x=y"];
  const ran = await deploy(args);
  assert.deepEqual(ran.body, { source: { ...present, args: ["-y", "a@2"], env: { LOG: "debug", NEW: "x=y" } } });
  assert.deepEqual([ran.status, ran.stdout], [0, "deployment a-2-1 has begun: a-1 → a-2\n"]);
});

test("another program begins without the arguments of the one before", async () => {
  assert.deepEqual((await deploy(["--command", "a-mcp"])).body, { source: { ...present, command: "a-mcp", args: [] } });
});

test("a remote server gets another address and keeps its headers and transport", async () => {
  const url = "https://a.example/v2";
  const ran = await deploy(["--remote-url", url, "--header", "B=2"], {}, remote);
  assert.deepEqual(ran.body, { source: { ...remote, url, headers: { A: "1", B: "2" } } });
});

test("a process becomes remote, and the other way round, when that is said in full", async () => {
  const url = "https://a.example/v2";
  assert.deepEqual((await deploy(["--remote-url", url])).body, { source: { kind: "remote", url, headers: {} } });
  const back = await deploy(["--command", "a-mcp"], {}, remote);
  assert.deepEqual(back.body, { source: { kind: "process", command: "a-mcp", args: [], env: {} } });
  assert.match((await deploy(["--arg", "x"], {}, remote)).stderr, /server a is remote: --command says which program/);
  assert.match((await deploy(["--header", "A=2"])).stderr, /server a is a process: --remote-url says where/);
});

test("a strategy by flags, with the steps of a canary", async () => {
  const ran = await deploy(["--strategy", "canary", "--step", "10:5m", "--step", "50", "--accept-breaking"]);
  const steps = [{ weight: 10, pause: "5m" }, { weight: 50 }];
  assert.deepEqual(ran.body, { strategy: { kind: "canary", steps }, acceptBreaking: true });
  assert.deepEqual((await deploy(["--strategy", "blue-green"])).body, { strategy: { kind: "blue-green" } });
});

test("from a file its source and strategy are taken, and nothing else", async () => {
  const file = (name: string): string =>
    JSON.stringify({
      kind: "Server",
      metadata: { name },
      spec: { source: { kind: "process", command: "x" }, strategy: { kind: "recreate" }, replicas: 9 },
    });
  const ran = await deploy(["-f", "-"], { stdin: file("a") });
  assert.deepEqual(ran.body, { source: { kind: "process", command: "x" }, strategy: { kind: "recreate" } });
  const other = await deploy(["-f", "-"], { stdin: file("b") });
  assert.deepEqual([other.status, other.stderr], [2, 'mcp-manager: - holds no server "a" (it holds b)\n']);
});

const wrong: readonly (readonly [words: string, message: RegExp])[] = [
  ["", /server deploy needs what is to be otherwise: -f FILE, --command/],
  ["-f a.yaml --arg x", /-f FILE says what is to run, and so does --arg: take one/],
  ["--arg x --remote-url https://x", /--arg is of a process and --remote-url of a remote server: take one/],
  ["--env LOG", /--env takes NAME=VALUE: a name, =, and what it is to be\b(?!.*LOG)/],
  ["--strategy canary", /--strategy canary needs its steps/],
  ["--strategy slow", /--strategy takes rolling, recreate, blue-green, canary or ab, not "slow"/],
  ["--step 10", /--step is of a canary/],
  ["--strategy canary --step ten", /--step takes a percentage and a pause, as 10:5m, not "ten"/],
  ["--strategy canary --step 10:soon", /--step takes a percentage and a pause/],
];

for (const [words, message] of wrong) {
  test(`server deploy ${words} makes no sense, and nothing is begun`, async () => {
    const ran = await deploy(words === "" ? [] : words.split(" "));
    assert.equal(ran.status, 2);
    assert.match(ran.stderr, message);
    assert.equal(ran.body, undefined);
  });
}
