import assert from "node:assert/strict";
import { test } from "node:test";
import { problem, toldManager } from "../testing/manager.ts";
import { type } from "../testing/terminal.ts";

const secretOf = (usedBy: readonly string[]): object => ({
  kind: "Secret",
  metadata: { name: "token", createdAt: "2026-01-01T00:00:00Z", generation: 3, labels: {} },
  spec: {},
  status: { usedBy },
});

test("a value is piped in, without its line end, or typed unseen; and it is printed nowhere", async () => {
  await using manager = await toldManager({ "PUT /api/v1/secrets/token": [[200, secretOf(["server weather"])]] });
  const words = ["secret", "set", "token", "--url", manager.url];
  const piped = await type(words, { stdin: "the-value\n" });
  const typed = await type(words, { typed: "the-value" });
  assert.deepEqual(piped, typed);
  assert.deepEqual(piped, {
    status: 0,
    stdout: "secret token is set\n",
    stderr: "what uses it takes it at its next start; to take it now:\n  mcp-manager server restart weather\n",
  });
  for (const { body } of manager.asked)
    assert.deepEqual(JSON.parse(body), { metadata: { name: "token" }, spec: { value: "the-value" } });
});

test("nothing is not a value, and an argument is not taken for one", async () => {
  await using manager = await toldManager({});
  const empty = await type(["secret", "set", "token", "--url", manager.url], { stdin: "\n" });
  assert.deepEqual([empty.status, empty.stdout], [2, ""]);
  assert.match(empty.stderr, /there is no value for secret token: pipe it in/);
  assert.equal((await type(["secret", "set", "token", "value", "--url", manager.url])).status, 2);
  assert.equal(manager.asked.length, 0);
});

test("secrets are shown by who uses them", async () => {
  await using manager = await toldManager({
    "GET /api/v1/secrets": [[200, { items: [secretOf(["server a", "server b"])] }]],
    "GET /api/v1/secrets/token": [[200, secretOf([])]],
  });
  const list = await type(["secret", "list", "--url", manager.url]);
  assert.match(list.stdout, /^NAME +AGE +CHANGES +USED BY\ntoken +\S+ +2 +server a, server b\n$/);
  const one = await type(["secret", "get", "token", "--url", manager.url]);
  assert.match(one.stdout, /^Used by: +nobody\nWritten as: +\$\{secret:token\}$/m);
});

test("one in use is not deleted unless by force", async () => {
  await using manager = await toldManager({
    "DELETE /api/v1/secrets/token?force=false": [[409, problem("failed_precondition", "it is used by server a")]],
    "DELETE /api/v1/secrets/token?force=true": [[200, secretOf(["server a"])]],
  });
  const refused = await type(["secret", "delete", "token", "--url", manager.url]);
  assert.deepEqual([refused.status, refused.stderr], [1, "mcp-manager: it is used by server a\n"]);
  const gone = await type(["secret", "delete", "token", "--force", "--url", manager.url]);
  assert.deepEqual([gone.status, gone.stdout], [0, "secret token is gone\n"]);
});
