import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment, DeploymentPhase, DeploymentReason, DeploymentSpec, DeploymentStatus } from "@mcp-manager/api";
import { deploymentOf } from "../testing/deployment.ts";
import type { Answers } from "../testing/manager.ts";
import { problem, serverOf, toldManager } from "../testing/manager.ts";
import type { Ran, Terminal } from "../testing/terminal.ts";
import { type } from "../testing/terminal.ts";

const stdin = JSON.stringify({
  kind: "Server",
  metadata: { name: "a" },
  spec: { source: { kind: "process", command: "node" } },
});
const server = serverOf("a", { deployment: "a-2-1", tools: 4 });

const at = (
  phase: DeploymentPhase,
  reason?: DeploymentReason,
  more: Partial<DeploymentStatus> = {},
  spec: Partial<DeploymentSpec> = {},
): Deployment =>
  deploymentOf({ phase, ...(reason === undefined ? {} : { reason, message: `because ${reason}` }), ...more }, spec);

/** A manager that begins a deployment, which is seen so at one look after the other; the first look is whether it moves at all. */
const seen = (deployments: readonly (Deployment | undefined)[], more: Answers = {}): Answers => ({
  "PUT /api/v1/servers/a?dryRun=false": [[200, server]],
  "GET /api/v1/servers/a": [[200, server]],
  "GET /api/v1/servers/a/replicas?limit=1000": [[200, { items: [] }]],
  "GET /api/v1/servers/a/revisions?limit=1": [[200, { items: [{ metadata: { name: "a-2" } }] }]],
  "GET /api/v1/deployments/a-2-1": deployments.map((one) =>
    one === undefined ? ([404, problem("not_found", 'deployment "a-2-1" does not exist')] as const) : [200, one],
  ),
  ...more,
});

async function apply(
  answers: Answers,
  words = "",
  terminal: Terminal = {},
): Promise<Ran & { readonly looks: number; readonly lines: readonly string[] }> {
  await using manager = await toldManager(answers);
  const given = words === "" ? [] : words.split(" ");
  const ran = await type(["server", "apply", "-f", "-", ...given, "--url", manager.url], { stdin, ...terminal });
  const looks = manager.asked.filter(({ path }) => path.startsWith("/api/v1/deployments/")).length;
  return { ...ran, looks, lines: ran.stderr.split("\n").slice(0, -1) };
}

const moving = at("Progressing");

test("apply returns when all new traffic is on the new revision, and says each change meanwhile", async () => {
  const step = { index: 1, of: 2, weight: 10, since: "2026-01-01T00:00:00Z" };
  const ran = await apply(
    seen([at("SchemaCheck"), at("SchemaCheck"), at("Progressing", undefined, { step }), at("Draining")]),
  );
  assert.equal(ran.status, 0);
  assert.equal(ran.stdout, "server a is ready (1/1 replicas, 4 tools); all new traffic is on a-2\n");
  assert.deepEqual(ran.lines, [
    "a-2-1: SchemaCheck, 10 % to a-2, 2/2 of a-1, 1/1 of a-2 ready",
    "a-2-1: Progressing, step 1 of 2, 10 % to a-2, 2/2 of a-1, 1/1 of a-2 ready",
    "a-2-1: Draining: all new traffic is on a-2, what began on a-1 finishes",
  ]);
});

test("apply --wait completed stays until the old revision is over", async () => {
  const ran = await apply(seen([moving, at("Draining"), at("Draining"), at("Completed")]), "--wait completed");
  assert.deepEqual([ran.status, ran.looks], [0, 4]);
  assert.equal(ran.stdout, "server a is ready (1/1 replicas, 4 tools); all traffic is on a-2\n");
});

test("apply --no-wait names the deployment and looks no further", async () => {
  const ran = await apply(seen([moving]), "--no-wait");
  assert.deepEqual(
    [ran.status, ran.stdout, ran.stderr],
    [0, "server a is applied (generation 1, deployment a-2-1)\n", ""],
  );
  assert.equal(ran.looks, 0);
});

test("a pause is told with the commands that end it, and is waited through", async () => {
  const ran = await apply(seen([moving, at("Paused", "SchemaBreaking"), at("Progressing"), at("Completed")]));
  assert.equal(ran.status, 0);
  assert.deepEqual(ran.lines.slice(0, 4), [
    "a-2-1: Paused (SchemaBreaking): because SchemaBreaking",
    "  to read the difference: mcp-manager server diff a a-1 a-2",
    "  to accept it: mcp-manager deployment promote a-2-1 --accept-breaking",
    "  to go back: mcp-manager deployment abort a-2-1",
  ]);
});

test("what went back is said with the reason, the revision that serves and what to do; the status is 1", async () => {
  const ran = await apply(seen([moving, at("Aborted", "AnalysisFailed")]));
  assert.deepEqual(
    [ran.status, ran.stdout],
    [1, "server a went back to a-1 (AnalysisFailed): because AnalysisFailed\n"],
  );
  assert.deepEqual(ran.lines.slice(-3), [
    "to see why: mcp-manager server logs a",
    "to try again: mcp-manager deployment retry a-2-1",
    "to try something else: mcp-manager server apply -f FILE",
  ]);
});

test("what cannot start is said with the last words of its replica", async () => {
  const lastFailure = {
    stage: "initialize",
    message: "the process exited with status 3",
    at: new Date().toISOString(),
    stderr: ["cannot open the map"],
  };
  const items = [
    { spec: { revision: "a-1" }, status: { state: "ready" } },
    { spec: { revision: "a-2" }, status: { state: "failed", lastFailure } },
  ];
  const ran = await apply(
    seen([moving, at("Failed", "CannotStart")], { "GET /api/v1/servers/a/replicas?limit=1000": [[200, { items }]] }),
  );
  assert.equal(ran.status, 1);
  assert.match(
    ran.stdout,
    /^server a has failed \(CannotStart\), and a-1 serves on: initialize, \ds ago: the process exited with status 3\n {2}\| cannot open the map\n$/,
  );
});

test("a server that is deleted in the meantime is told so", async () => {
  const ran = await apply(seen([moving, moving, undefined]));
  assert.equal(ran.status, 1);
  assert.equal(ran.stdout, "server a was deleted in the meantime, and deployment a-2-1 with it\n");
});

test("apply gives up after --timeout, also for a person; the deployment goes on", async () => {
  const ran = await apply(seen([moving, at("Paused", "AwaitingPromotion")]), "--timeout 300ms");
  assert.equal(ran.status, 1);
  assert.equal(
    ran.stdout,
    "server a is not there yet: deployment a-2-1 is Paused (AwaitingPromotion): because AwaitingPromotion\n",
  );
  assert.ok(ran.lines.includes("to go on: mcp-manager deployment promote a-2-1"));
});

test("Ctrl-C stops the waiting and nothing else, and says how to look again", async () => {
  const ran = await apply(seen([moving]), "", { signal: AbortSignal.timeout(1000) });
  assert.equal(ran.status, 130);
  assert.equal(ran.lines.at(-1), "a-2-1 goes on without you: mcp-manager deployment get a-2-1 --watch");
});

test("a manager that restarts meanwhile is waited for", async () => {
  const ran = await apply(
    seen([], {
      "GET /api/v1/deployments/a-2-1": [
        [200, moving],
        [200, moving],
        [503, problem("unavailable", "the manager is stopping")],
        [200, at("Draining")],
      ],
    }),
  );
  assert.equal(ran.status, 0);
  assert.ok(ran.lines.includes("the manager does not answer; waiting for it"));
});

test("a change of nothing that runs waits for the server's state, whatever its last deployment came to", async () => {
  const ran = await apply(
    seen([at("Completed")], {
      "GET /api/v1/servers/a": [
        [200, serverOf("a", { observedGeneration: 0 })],
        [200, serverOf("a", { replicas: { desired: 2, ready: 2 } })],
      ],
    }),
  );
  assert.deepEqual([ran.status, ran.stdout, ran.stderr], [0, "server a is ready (2/2 replicas)\n", ""]);
});

test("what went back before and is asked for again unchanged is still not there", async () => {
  const ran = await apply(seen([at("Aborted", "AnalysisFailed")]));
  assert.deepEqual(
    [ran.status, ran.stdout],
    [1, "server a went back to a-1 (AnalysisFailed): because AnalysisFailed\n"],
  );
});

test("a first deployment has no steps, so that of it only the end is said", async () => {
  const first = { from: null };
  const ran = await apply(
    seen([
      at("Progressing", undefined, {}, first),
      at("Progressing", undefined, {}, first),
      at("Completed", undefined, {}, first),
    ]),
  );
  assert.deepEqual([ran.status, ran.stdout, ran.stderr], [0, "server a is ready (1/1 replicas, 4 tools)\n", ""]);
});

test("-o json keeps stdout to the Server as it is at the end", async () => {
  const ran = await apply(seen([moving, at("Draining")]), "-o json");
  assert.equal((JSON.parse(ran.stdout) as { readonly kind: string }).kind, "Server");
  assert.equal(ran.lines.at(-1), "server a is ready (1/1 replicas, 4 tools); all new traffic is on a-2");
});

test("in a terminal the deployment is drawn in place, and the result stands below", async () => {
  const terminal = { columns: 80, env: { NO_COLOR: "1" } };
  const ran = await apply(
    seen([moving, at("SchemaCheck"), at("Paused", "PausedByUser"), at("Draining")]),
    "",
    terminal,
  );
  assert.deepEqual([ran.status, ran.stderr], [0, ""]);
  // oxlint-disable-next-line no-control-regex
  const frames = ran.stdout.split(/\u001b\[\?2026h\r(?:\u001b\[\d+A)?\u001b\[J/).slice(1);
  assert.equal(frames.length, 3);
  assert.match(frames[0] ?? "", /^Phase: +SchemaCheck/m);
  assert.match(frames[1] ?? "", /^to go on {4}mcp-manager deployment resume a-2-1$/m);
  assert.match(frames[2] ?? "", /^Phase: +Draining/m);
  assert.match(ran.stdout, /server a is ready \(1\/1 replicas, 4 tools\); all new traffic is on a-2\n$/);
});

const contradictions: readonly (readonly [words: string, message: RegExp])[] = [
  ["--no-wait --timeout 5s", /--no-wait and --timeout contradict each other/],
  ["--no-wait --wait completed", /--no-wait and --wait contradict each other/],
  ["--wait done", /--wait takes promoted, completed or a duration such as 90s, not "done"/],
  ["--wait 5s --timeout 5s", /--wait takes promoted or completed beside --timeout, not "5s"/],
  ["--timeout soon", /"soon" is not a duration/],
];

for (const [words, message] of contradictions) {
  test(`apply ${words} is refused before anything is changed`, async () => {
    await using manager = await toldManager({});
    const ran = await type(["server", "apply", "-f", "-", ...words.split(" "), "--url", manager.url], { stdin });
    assert.equal(ran.status, 2);
    assert.match(ran.stderr, message);
    assert.deepEqual(manager.asked, []);
  });
}
