import assert from "node:assert/strict";
import { test } from "node:test";
import { problem, toldManager } from "../testing/manager.ts";
import { type } from "../testing/terminal.ts";

const letter = {
  kind: "DeadLetter",
  metadata: { name: "dl-mhx2k0ab", createdAt: "2026-01-01T00:00:00Z", labels: {} },
  spec: {
    source: { kind: "webhook", name: "ops" },
    deliveryId: "msg_1",
    event: {
      topic: "server.failed",
      at: "2026-01-01T00:00:00Z",
      server: "weather",
      message: "it failed",
      severity: "warning",
    },
    firstAttemptAt: "2026-01-01T00:00:00Z",
  },
  status: { attempts: 6, lastError: "the endpoint answered 500", lastStatus: 500, at: "2026-01-01T00:05:00Z" },
};

test("dead letters are listed by webhook, read and deleted", async () => {
  await using manager = await toldManager({
    "GET /api/v1/dead-letters?webhook=ops": [[200, { items: [letter] }]],
    "GET /api/v1/dead-letters/dl-mhx2k0ab": [[200, letter]],
    "DELETE /api/v1/dead-letters/dl-mhx2k0ab": [[200, letter]],
  });
  const list = await type(["dead-letter", "list", "-w", "ops", "--url", manager.url]);
  assert.match(list.stdout, /\ndl-mhx2k0ab +ops +server\.failed +weather +\S+ +6 +the endpoint answered 500\n$/);
  const get = await type(["dead-letter", "get", "dl-mhx2k0ab", "--url", manager.url]);
  assert.match(get.stdout, /For: +webhook ops\n[^]*Message: +it failed\n/);
  const removed = await type(["dead-letter", "delete", "dl-mhx2k0ab", "--url", manager.url]);
  assert.equal(removed.stdout, "dead letter dl-mhx2k0ab is deleted\n");
});

test("one is replayed and waited for; that it failed again is an error that says why", async () => {
  const refusal = problem(
    "unavailable",
    "dead letter dl-mhx2k0ab could not be delivered and stays: no answer within 10 s",
  );
  await using manager = await toldManager({
    "POST /api/v1/dead-letters/dl-mhx2k0ab/replay": [
      [200, letter],
      [503, refusal],
    ],
  });
  const replay = (): ReturnType<typeof type> => type(["dead-letter", "replay", "dl-mhx2k0ab", "--url", manager.url]);
  assert.equal((await replay()).stdout, "dead letter dl-mhx2k0ab is delivered\n");
  const again = await replay();
  assert.equal(again.status, 1);
  assert.match(again.stderr, /stays: no answer within 10 s/);
});

test("many are replayed or purged only when it is said which", async () => {
  await using manager = await toldManager({
    "POST /api/v1/dead-letters/replay?webhook=ops": [[202, { count: 2 }]],
    "POST /api/v1/dead-letters/replay": [[202, { count: 3 }]],
    "DELETE /api/v1/dead-letters": [[200, { count: 3 }]],
  });
  const ask = (...words: readonly string[]): ReturnType<typeof type> =>
    type(["dead-letter", ...words, "--url", manager.url]);
  assert.equal((await ask("replay", "-w", "ops")).stdout, "dead letters being tried: 2\n");
  assert.equal((await ask("replay", "--all")).stdout, "dead letters being tried: 3\n");
  assert.equal((await ask("purge", "--all")).stdout, "dead letters deleted: 3\n");
  const asked = manager.asked.length;
  for (const words of [["replay"], ["purge"], ["purge", "--all", "-w", "ops"], ["replay", "dl-mhx2k0ab", "--all"]])
    assert.equal((await ask(...words)).status, 2, words.join(" "));
  assert.equal(manager.asked.length, asked);
});
