import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import type { RevisionDiff } from "@mcp-manager/api";
import { deploymentOf } from "../testing/deployment.ts";
import type { Answers } from "../testing/manager.ts";
import { serverOf, toldManager } from "../testing/manager.ts";
import type { Ran, Terminal } from "../testing/terminal.ts";
import { type } from "../testing/terminal.ts";

async function against(
  answers: Answers,
  words: string,
  terminal: Terminal = {},
): Promise<Ran & { readonly bodies: readonly string[] }> {
  await using manager = await toldManager(answers);
  const ran = await type([...words.split(" "), "--url", manager.url], terminal);
  return { ...ran, bodies: manager.asked.map(({ body }) => body) };
}

const diff: RevisionDiff = {
  from: "a-6",
  to: "a-7",
  spec: [
    { path: "source.args", from: ["a@1"], to: ["a@2"] },
    { path: "source.env.LOG", to: "debug" },
  ],
  schema: {
    class: "breaking",
    changes: [
      { class: "breaking", subject: "tool get", message: 'the input "days" is required now' },
      { class: "semantic", subject: "tool echo", message: "it reads otherwise", diff: ["- old words", "+ new words"] },
    ],
  },
};

test("diff shows what runs and what clients see, by names or numbers of revisions", async () => {
  const answers = { "GET /api/v1/servers/a/diff?from=a-6&to=a-7": [[200, diff]] } as const;
  const { stdout } = await against(answers, "server diff a 6 a-7");
  const lines = [
    "a-6 → a-7",
    "",
    "What runs:",
    "  source.args",
    '    - ["a@1"]',
    '    + ["a@2"]',
    "  source.env.LOG",
    "    + debug",
    "",
    "What clients see: 1 breaking, 1 semantic changes",
    '  breaking  tool get: the input "days" is required now',
    "  semantic  tool echo: it reads otherwise",
    "    - old words",
    "    + new words",
  ];
  assert.equal(stdout, `${lines.join("\n")}\n`);
  const coloured = (await against(answers, "server diff a 6 7", { columns: 100 })).stdout;
  assert.equal(stripVTControlCharacters(coloured), stdout);
  assert.ok(coloured.includes("\u001b[32mnew words\u001b[0m"));
});

test("diff says when nothing differs, and when it cannot be told", async () => {
  const same = { ...diff, spec: [], schema: { class: "none", changes: [] } };
  const none = await against({ "GET /api/v1/servers/a/diff": [[200, same]] }, "server diff a");
  assert.match(none.stdout, /^What runs: the same\n\nWhat clients see: none: both offer the same$/m);
  const { schema: _, ...unknown } = diff;
  const open = await against({ "GET /api/v1/servers/a/diff": [[200, unknown]] }, "server diff a");
  assert.match(open.stdout, /What clients see: not known until both have run\n$/);
});

test("revisions say which of them serve", async () => {
  const next = { revision: "a-3", weight: 10, salt: "s", match: [], differs: false };
  const revision = (number: number): object => ({
    metadata: { name: `a-${number}`, createdAt: "2026-01-01T00:00:00Z" },
    spec: { source: { kind: "process", command: "node", args: [`v${number}`], env: {} } },
    status: { digest: "sha256:0123456789abcdef" },
  });
  const shown = async (status: object): Promise<readonly string[]> => {
    const answers: Answers = {
      "GET /api/v1/servers/a/revisions?limit=1000": [[200, { items: [3, 2, 1].map(revision) }]],
      "GET /api/v1/servers/a": [[200, serverOf("a", status)]],
    };
    const { stdout } = await against(answers, "server revisions a");
    return stdout
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((line) => line.split(/ {2,}/).slice(0, 2).join(" "));
  };
  const route = { stable: "a-2", next, draining: ["a-1"] };
  assert.deepEqual(await shown({ route }), ["a-3 10 %", "a-2 90 %", "a-1 finishing"]);
  assert.deepEqual(await shown({ route: { ...route, next: { ...next, weight: 0 } } }), [
    "a-3 preview",
    "a-2 100 %",
    "a-1 finishing",
  ]);
  assert.deepEqual(await shown({ revision: "a-3" }), ["a-3 100 %", "a-2 -", "a-1 -"]);
});

test("rollback goes to the revision that is named, or to the one before", async () => {
  const completed = deploymentOf({ phase: "Completed" }, { from: "a-3", to: "a-2", rollback: true });
  const answers: Answers = {
    "POST /api/v1/servers/a/rollback": [[202, completed]],
    "GET /api/v1/deployments/a-2-1": [[200, completed]],
    "GET /api/v1/servers/a": [[200, serverOf("a")]],
  };
  const ran = await against(answers, "server rollback a --to 2");
  assert.deepEqual([ran.status, ran.stdout], [0, "server a is ready (1/1 replicas); all traffic is on a-2\n"]);
  assert.equal(ran.bodies[0], '{"to":"a-2"}');
  const usual = await against(answers, "server rollback a --no-wait");
  assert.equal(usual.bodies[0], "{}");
});

test("a rollback that takes back what is under way is good when it has gone back", async () => {
  const message = "key:ci rolled the server back to its stable revision";
  const back = deploymentOf({ phase: "Aborting", reason: "RolledBack", message });
  const answers = {
    "POST /api/v1/servers/a/rollback": [[202, back]],
    "GET /api/v1/deployments/a-2-1": [
      [200, back],
      [200, { ...back, status: { ...back.status, phase: "Aborted" } }],
    ],
    "GET /api/v1/servers/a": [[200, serverOf("a")]],
    "GET /api/v1/servers/a/replicas?limit=1000": [[200, { items: [] }]],
  } as const;
  const ran = await against(answers, "server rollback a");
  assert.deepEqual([ran.status, ran.stdout], [0, `server a went back to a-1 (RolledBack): ${message}\n`]);
  assert.doesNotMatch(ran.stderr, /retry/);
});
