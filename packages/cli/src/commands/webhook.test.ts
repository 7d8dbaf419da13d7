import assert from "node:assert/strict";
import { test } from "node:test";
import { toldManager } from "../testing/manager.ts";
import { type } from "../testing/terminal.ts";

const webhook = {
  kind: "Webhook",
  metadata: { name: "ops", createdAt: "2026-01-01T00:00:00Z", labels: {} },
  spec: {
    url: "https://hooks.example/T0/token",
    topics: ["server.*"],
    secret: "(hidden)",
    template: "raw",
    enabled: true,
  },
  status: {
    state: "failing",
    pending: 3,
    deadLetters: 2,
    lastFailure: { at: "2026-01-02T00:00:00Z", message: "the endpoint answered 500" },
  },
};

test("a new secret stands alone on stdout, so that a script can keep it, and the manager has it", async () => {
  await using manager = await toldManager({ "POST /api/v1/webhooks": [[201, webhook]] });
  const line = "webhook create ops https://hooks.example/x -t server.*,deployment.# --url";
  const { status, stdout, stderr } = await type([...line.split(" "), manager.url]);
  assert.equal(status, 0);
  const { spec } = JSON.parse(manager.asked[0]?.body ?? "") as { spec: { secret: string; topics: unknown } };
  assert.match(spec.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.deepEqual(spec.topics, ["server.*", "deployment.#"]);
  assert.equal(stdout, `${spec.secret}\n`);
  assert.match(stderr, /keep it now/);
});

test("no secret is made for Slack, nor where one is referred to; one in plain text is not taken", async () => {
  await using manager = await toldManager({ "POST /api/v1/webhooks": [[201, webhook]] });
  const create = (...more: readonly string[]): ReturnType<typeof type> =>
    type(["webhook", "create", "ops", "https://hooks.example/x", "--url", manager.url, ...more]);
  assert.equal((await create("--template", "slack")).stdout, "webhook ops is made\n");
  assert.equal((await create("--secret", "${secret:hooks}")).stdout, "webhook ops is made\n");
  const secrets = manager.asked.map(({ body }) => (JSON.parse(body) as { spec: { secret?: string } }).spec.secret);
  assert.deepEqual(secrets, [undefined, "${secret:hooks}"]);
  const plain = await create("--secret", "a secret of some length");
  assert.equal(plain.status, 2);
  assert.match(plain.stderr, /others can see a command line/);
  assert.equal((await create("--template", "xml")).status, 2);
});

test("webhooks are shown with what waits, what is dead and what failed, without the path of their address", async () => {
  await using manager = await toldManager({
    "GET /api/v1/webhooks": [[200, { items: [webhook] }]],
    "GET /api/v1/webhooks/ops": [[200, webhook]],
    "DELETE /api/v1/webhooks/ops": [[200, webhook]],
  });
  const list = await type(["webhook", "list", "--url", manager.url]);
  const [head, row] = list.stdout.split("\n");
  assert.match(head ?? "", /^NAME +STATE +WAITING +DEAD +TOPICS +URL$/);
  assert.match(row ?? "", /^ops +failing +3 +2 +server\.\* +https:\/\/hooks\.example\/…$/);
  const get = await type(["webhook", "get", "ops", "--url", manager.url]);
  assert.match(get.stdout, /Last failure: +2026-01-02T00:00:00Z: the endpoint answered 500\n/);
  assert.doesNotMatch(get.stdout, /token/);
  const removed = await type(["webhook", "delete", "ops", "--url", manager.url]);
  assert.equal(removed.stdout, "webhook ops is deleted\n");
});

test("what was read can be applied again, several at once; a mistake in one changes nothing", async () => {
  await using manager = await toldManager({ "PUT /api/v1/webhooks/ops": [[200, webhook]] });
  const stdin = JSON.stringify({ items: [webhook, { ...webhook, spec: { ...webhook.spec, topics: ["a b"] } }] });
  const wrong = await type(["webhook", "apply", "-f", "-", "--url", manager.url], { stdin });
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /spec\.topics\[0\]/);
  assert.equal(manager.asked.length, 0);
  const right = await type(["webhook", "apply", "-f", "-", "--url", manager.url], { stdin: JSON.stringify(webhook) });
  assert.equal(right.stdout, "webhook ops is as the file says\n");
  assert.equal((await type(["webhook", "apply", "--url", manager.url])).status, 2);
});
