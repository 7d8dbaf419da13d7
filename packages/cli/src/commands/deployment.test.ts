import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment } from "@mcp-manager/api";
import { deploymentOf } from "../testing/deployment.ts";
import type { Answers, Asked } from "../testing/manager.ts";
import { problem, serverOf, toldManager } from "../testing/manager.ts";
import type { Ran, Terminal } from "../testing/terminal.ts";
import { type } from "../testing/terminal.ts";

async function against(
  answers: Answers,
  words: readonly string[],
  terminal: Terminal = {},
): Promise<Ran & { readonly asked: readonly Asked[] }> {
  await using manager = await toldManager(answers);
  const ran = await type([...words, "--url", manager.url], terminal);
  return { ...ran, asked: manager.asked };
}

const paused = deploymentOf({ phase: "Paused", reason: "PausedByUser", message: "a person paused it" });
const completed = deploymentOf({ phase: "Completed", traffic: { target: 100 } });
const path = "/api/v1/deployments/a-2-1";

test("list shows where each is, of one server or of all", async () => {
  const page = { items: [paused] };
  const all = await against({ "GET /api/v1/deployments": [[200, page]] }, ["deployment", "list"]);
  const [head, row] = all.stdout.split("\n");
  assert.match(head ?? "", /^NAME +SERVER +FROM → TO +PHASE +TRAFFIC +AGE +STRATEGY$/);
  assert.match(row ?? "", /^a-2-1 +a +a-1 → a-2 +Paused \(PausedByUser\) +10 % +\w+ +canary 10 % → 50 % → 100 %$/);
  const answers = { "GET /api/v1/servers/a/deployments?limit=1000": [[200, { items: [] }]] } as const;
  const none = await against(answers, ["deployment", "list", "a"]);
  assert.deepEqual([none.status, none.stderr], [0, "server a has no deployments\n"]);
});

test("get shows one, and says what there is none of", async () => {
  const ran = await against({ [`GET ${path}`]: [[200, paused]] }, ["deployment", "get", "a-2-1"]);
  assert.match(ran.stdout, /^Phase: +Paused \(PausedByUser\)/m);
  const json = await against({ [`GET ${path}`]: [[200, paused]] }, ["deployment", "get", "a-2-1", "-o", "json"]);
  assert.deepEqual(JSON.parse(json.stdout), paused);
  const none = await against({}, ["deployment", "get", "a-2-1", "--watch"]);
  assert.deepEqual([none.status, none.stderr], [1, "mcp-manager: no such thing\n"]);
});

test("get --watch ends with the deployment, and its status says how", async () => {
  const good = await against(
    {
      [`GET ${path}`]: [
        [200, paused],
        [200, completed],
      ],
    },
    ["deployment", "get", "a-2-1", "-w"],
  );
  assert.equal(good.status, 0);
  assert.match(
    good.stdout,
    /^a-2-1: Paused .*\n {2}to go on: .*\n {2}to go back: .*\na-2-1: Completed: all traffic is on a-2\n/,
  );
  const aborted = deploymentOf({ phase: "Aborted", reason: "AbortedByUser", message: "a person said so" });
  const bad = await against({ [`GET ${path}`]: [[200, aborted]] }, ["deployment", "get", "a-2-1", "--watch"]);
  assert.equal(bad.status, 1);
});

test("get --watch -o json is a line for each change", async () => {
  const answers = {
    [`GET ${path}`]: [
      [200, paused],
      [200, paused],
      [200, completed],
    ],
  } as const;
  const { stdout } = await against(answers, ["deployment", "get", "a-2-1", "--watch", "-o", "json"]);
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Deployment);
  assert.deepEqual(
    lines.map(({ status }) => status.phase),
    ["Paused", "Completed"],
  );
});

const words: readonly (readonly [line: string, verb: string, body: object, told: string])[] = [
  ["promote a-2-1", "promote", {}, "deployment a-2-1 goes on"],
  ["promote a-2-1 --full", "promote", { full: true }, "deployment a-2-1 goes to the end: all traffic to a-2"],
  ["promote a-2-1 --accept-breaking", "promote", { acceptBreaking: true }, "deployment a-2-1 goes on"],
  ["resume a-2-1", "resume", {}, "deployment a-2-1 goes on"],
  ["abort a-2-1", "abort", {}, "deployment a-2-1 is taken back: all traffic goes to a-1"],
];

for (const [line, verb, body, told] of words) {
  test(`deployment ${line} says the word, and what it does`, async () => {
    const answer = deploymentOf();
    const ran = await against({ [`POST ${path}/${verb}`]: [[200, answer]] }, ["deployment", ...line.split(" ")]);
    assert.deepEqual([ran.status, ran.stdout], [0, `${told}\n`]);
    assert.equal(ran.stderr, "to watch it: mcp-manager deployment get a-2-1 --watch\n");
    assert.deepEqual(
      ran.asked.map((asked) => JSON.parse(asked.body)),
      [body],
    );
  });
}

test("pause says where it stays and how it goes on", async () => {
  const ran = await against({ [`POST ${path}/pause`]: [[200, paused]] }, ["deployment", "pause", "a-2-1"]);
  assert.equal(ran.stdout, "deployment a-2-1 stays where it is, with 10 % of the traffic on a-2\n");
  assert.match(ran.stderr, /^to go on: mcp-manager deployment resume a-2-1\n/);
});

test("who comes too late is told the phase and what to do", async () => {
  const detail =
    'cannot promote deployment "a-2-1" in phase Completed: it is over: go back with a rollback of the server';
  const answers = { [`POST ${path}/promote`]: [[409, problem("failed_precondition", detail)]] } as const;
  const ran = await against(answers, ["deployment", "promote", "a-2-1"]);
  assert.deepEqual([ran.status, ran.stderr], [1, `mcp-manager: ${detail}\n`]);
});

test("abort --watch is good when it has gone back, promote --watch is not", async () => {
  const aborted = deploymentOf({ phase: "Aborted", reason: "AbortedByUser", message: "a person said so" });
  const answers = {
    [`POST ${path}/abort`]: [[200, deploymentOf({ phase: "Aborting" })]],
    [`POST ${path}/promote`]: [[200, deploymentOf()]],
    [`GET ${path}`]: [[200, aborted]],
  } as const;
  assert.equal((await against(answers, ["deployment", "abort", "a-2-1", "--watch"])).status, 0);
  assert.equal((await against(answers, ["deployment", "promote", "a-2-1", "--watch"])).status, 1);
});

test("retry follows the next deployment", async () => {
  const next = { ...completed, metadata: { ...completed.metadata, name: "a-2-2" } };
  const answers = {
    [`POST ${path}/retry`]: [[202, next]],
    "GET /api/v1/deployments/a-2-2": [[200, next]],
    "GET /api/v1/servers/a": [[200, serverOf("a")]],
  } as const;
  const ran = await against(answers, ["deployment", "retry", "a-2-1"]);
  assert.deepEqual([ran.status, ran.stdout], [0, "server a is ready (1/1 replicas); all traffic is on a-2\n"]);
  const now = await against(answers, ["deployment", "retry", "a-2-1", "--no-wait"]);
  assert.match(now.stdout, /^deployment a-2-2 is the newest already, Completed: a-1 → a-2\n$/);
});
