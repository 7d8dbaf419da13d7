import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answers } from "../testing/manager.ts";
import { problem, serverOf, toldManager } from "../testing/manager.ts";
import type { Ran, Terminal } from "../testing/terminal.ts";
import { type } from "../testing/terminal.ts";

const document = (name: string, revision?: string): string =>
  JSON.stringify({
    kind: "Server",
    metadata: { name, ...(revision === undefined ? {} : { revision }) },
    spec: { source: { kind: "process", command: "node" } },
  });

const starting = { state: "starting", replicas: { desired: 1, ready: 0 } };
const failure = {
  stage: "initialize",
  message: "the process exited with status 3",
  at: new Date().toISOString(),
  stderr: ["cannot open the map"],
};

/** What else is asked of a server that is waited for: its newest revision and its replicas. */
const details = (name: string, revision = `${name}-1`, replicas: readonly object[] = []): Answers => ({
  [`GET /api/v1/servers/${name}/revisions?limit=1`]: [[200, { items: [{ metadata: { name: revision } }] }]],
  [`GET /api/v1/servers/${name}/replicas?limit=1000`]: [[200, { items: replicas }]],
});

async function against(
  answers: Answers,
  words: string,
  terminal: Terminal = {},
): Promise<Ran & { readonly asked: readonly string[] }> {
  await using manager = await toldManager(answers);
  const ran = await type([...words.split(" "), "--url", manager.url], terminal);
  return { ...ran, asked: manager.asked.map(({ method, path }) => `${method} ${path}`) };
}

test("apply waits until every server has come to an end, and says how", async () => {
  const ran = await against(
    {
      "PUT /api/v1/servers/a?dryRun=false": [[201, serverOf("a", { state: "pending" })]],
      "PUT /api/v1/servers/b?dryRun=false": [[201, serverOf("b", { state: "pending" })]],
      "GET /api/v1/servers/a": [
        [200, serverOf("a", starting)],
        [200, serverOf("a", { tools: 4 })],
      ],
      ...details("a"),
      ...details("b"),
      "GET /api/v1/servers/b": [[200, serverOf("b", { ...starting, state: "failed", lastFailure: failure })]],
    },
    "server apply -f -",
    { stdin: `${document("a")}\n---\n${document("b")}` },
  );
  assert.equal(ran.status, 1);
  assert.match(
    ran.stdout,
    /^server a is ready \(1\/1 replicas, 4 tools\)\nserver b has failed: initialize, \ds ago: the process exited with status 3\n {2}\| cannot open the map\n$/,
  );
  assert.deepEqual(ran.asked.slice(0, 2), ["PUT /api/v1/servers/a?dryRun=false", "PUT /api/v1/servers/b?dryRun=false"]);
});

test("apply does not take the state of an older generation for the result", async () => {
  const old = serverOf("a", { observedGeneration: 0 });
  const ran = await against(
    {
      "PUT /api/v1/servers/a?dryRun=false": [[200, old]],
      "GET /api/v1/servers/a": [
        [200, old],
        [200, serverOf("a", { revision: "a-2" })],
      ],
      ...details("a", "a-2"),
    },
    "server apply -f - -o json",
    { stdin: document("a") },
  );
  assert.equal((JSON.parse(ran.stdout) as { status: { revision: string } }).status.revision, "a-2");
  assert.equal(ran.stderr, "server a is ready (1/1 replicas)\n");
});

test("apply gives up when its time is over, and does not wait at all when told so", async () => {
  const answers: Answers = {
    "PUT /api/v1/servers/a?dryRun=false": [[201, serverOf("a", starting)]],
    "GET /api/v1/servers/a": [[200, serverOf("a", starting)]],
    ...details("a"),
  };
  const late = await against(answers, "server apply -f - --wait 300ms", { stdin: document("a") });
  assert.deepEqual(
    [late.status, late.stdout],
    [1, "server a is not there after 0.3 s: it is starting (0/1 replicas)\n"],
  );
  const never = await against(answers, "server apply -f - --wait 0s", { stdin: document("a") });
  assert.deepEqual([never.status, never.stdout], [0, "server a is applied (generation 1)\n"]);
  assert.equal(never.asked.length, 1);
  const wrong = await against(answers, "server apply -f - --wait soon", { stdin: document("a") });
  assert.equal(wrong.status, 2);
});

test("apply --dry-run changes nothing and waits for nothing", async () => {
  const ran = await against(
    { "PUT /api/v1/servers/a?dryRun=true": [[200, serverOf("a")]] },
    "server apply -f - --dry-run",
    {
      stdin: document("a"),
    },
  );
  assert.deepEqual([ran.status, ran.stdout], [0, "server a is valid; nothing was changed\n"]);
  assert.equal(ran.asked.length, 1);
});

test("apply --if-unchanged sends the revision that was read, and needs one", async () => {
  await using manager = await toldManager({
    "PUT /api/v1/servers/a?dryRun=false": [[412, problem("conflict", 'server "a" is at revision 9, not 7')]],
  });
  const words = ["server", "apply", "-f", "-", "--if-unchanged", "--url", manager.url];
  const ran = await type(words, { stdin: document("a", "7") });
  assert.deepEqual([ran.status, ran.stderr], [1, 'mcp-manager: server "a" is at revision 9, not 7\n']);
  assert.equal(manager.asked[0]?.headers["if-match"], '"7"');
  const without = await type(words, { stdin: document("a") });
  assert.equal(without.status, 2);
  assert.match(without.stderr, /has no metadata\.revision in the file/);
  assert.equal(manager.asked.length, 1);
});

test("delete waits until the server is gone", async () => {
  const draining = serverOf("a", { state: "draining" });
  const answers: Answers = {
    "DELETE /api/v1/servers/a?force=false": [[202, draining]],
    "GET /api/v1/servers/a": [
      [200, draining],
      [404, problem("not_found", "gone")],
    ],
  };
  assert.equal((await against(answers, "server delete a")).stdout, "server a is gone\n");
  const now = await against(answers, "server delete a --wait 0s");
  assert.deepEqual([now.status, now.stdout], [0, "server a is draining\n"]);
  const stuck: Answers = { ...answers, "GET /api/v1/servers/a": [[200, draining]] };
  const late = await against(stuck, "server delete a --wait 300ms");
  assert.equal(late.status, 1);
  assert.match(late.stderr, /^server a is not gone after 0\.3 s: mcp-manager server get a shows why\n$/);
});

test("get shows what went wrong last, without a value of the environment", async () => {
  const server = serverOf("a", { state: "failed", replicas: { desired: 1, ready: 0 }, lastFailure: failure }) as {
    spec: { source: object };
  };
  server.spec.source = { kind: "process", command: "node", args: ["s.js"], env: { TOKEN: "hunter2" } };
  const ran = await against(
    { "GET /api/v1/servers/a": [[200, server]], "GET /api/v1/servers/a/replicas": [[200, { items: [] }]] },
    "server get a",
  );
  assert.match(ran.stdout, /^State: +failed$/m);
  assert.match(ran.stdout, /^Environment: +TOKEN$/m);
  assert.match(
    ran.stdout,
    /^Last failure: +initialize, \ds ago: the process exited with status 3\n {2}\| cannot open the map$/m,
  );
  assert.doesNotMatch(ran.stdout, /hunter2/);
});

test("labels are sent as they are, and checked", async () => {
  const ran = await against(
    { "GET /api/v1/servers?labels=team%3Da%2Ctier%3D1": [[200, { items: [] }]] },
    "server list -l team=a,tier=1",
  );
  assert.deepEqual([ran.status, ran.stdout, ran.stderr], [0, "", "no server has these labels\n"]);
  assert.equal((await against({}, "server list -l team")).status, 2);
});
