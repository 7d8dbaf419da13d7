import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeadLetter } from "@mcp-manager/api";
import { openDoor } from "./testing.ts";

const secret = "a secret of some length";
const path = "/api/v1/webhooks/ops";

function webhook(spec: Record<string, unknown> = {}): object {
  return { metadata: { name: "ops" }, spec: { url: "https://hooks.example/T0/B0", secret, ...spec } };
}

function letter(name: string, webhookName = "ops"): DeadLetter {
  const at = "2027-01-01T00:00:00Z";
  return {
    kind: "DeadLetter",
    metadata: { name, uid: name, generation: 1, revision: "1", labels: {}, createdAt: at },
    spec: {
      source: { kind: "webhook", name: webhookName },
      deliveryId: `msg_${name}`,
      event: { topic: "server.state", at, message: "ready → failed", severity: "warning" },
      firstAttemptAt: at,
    },
    status: { attempts: 6, lastError: "the endpoint answered 500", lastStatus: 500, at },
  };
}

test("a webhook is made with its defaults, and its secret is in no answer", async () => {
  await using door = await openDoor();
  const created = await door.ask("/api/v1/webhooks", { method: "POST", json: webhook() });
  assert.equal(created.status, 201);
  const text = await created.text();
  assert.doesNotMatch(text, /a secret/);
  const { spec } = JSON.parse(text) as { spec: unknown };
  const url = "https://hooks.example/T0/B0";
  assert.deepEqual(spec, { url, topics: ["#"], secret: "(hidden)", template: "raw", enabled: true });
  for (const read of ["/api/v1/webhooks", path]) assert.doesNotMatch(await (await door.ask(read)).text(), /a secret/);
});

test("who may not write webhooks sees of an address only where it is", async () => {
  await using door = await openDoor();
  await door.ask(path, { method: "PUT", json: webhook() });
  const { spec } = (await door.read(path, { role: "operator" })) as { spec: { url: string } };
  assert.equal(spec.url, "https://hooks.example/(hidden)");
  assert.equal((await door.ask(path, { role: "operator", method: "DELETE" })).status, 403);
  assert.equal((await door.ask(path, { role: "viewer" })).status, 403);
});

test("a webhook is changed at the revision that was read, and taken away", async () => {
  await using door = await openDoor();
  const made = await door.ask(path, { method: "PUT", json: webhook() });
  assert.equal(made.status, 201);
  const headers = { "if-match": made.headers.get("etag") ?? "" };
  const change = { method: "PUT", headers, json: webhook({ topics: ["server.*"] }) };
  assert.equal((await door.ask(path, change)).status, 200);
  assert.equal((await door.ask(path, change)).status, 412);
  assert.equal((await door.ask(path, { method: "DELETE" })).status, 200);
  assert.equal((await door.ask(path)).status, 404);
});

test("everything wrong in a webhook is named at once, and neither address nor secret is repeated", async () => {
  await using door = await openDoor();
  const wrong = {
    url: "ftp://user:pw@hooks.example",
    topics: ["a b"],
    secret: "too short",
    template: "xml",
    retries: 1,
  };
  const answer = await door.ask(path, { method: "PUT", json: webhook(wrong) });
  assert.equal(answer.status, 400);
  const text = await answer.text();
  const { errors } = JSON.parse(text) as { errors: readonly { path: string; expected: string }[] };
  assert.deepEqual(errors.map((error) => error.path).toSorted(), [
    "spec.retries",
    "spec.secret",
    "spec.template",
    "spec.topics[0]",
    "spec.url",
  ]);
  assert.match(errors.find((error) => error.path === "spec.template")?.expected ?? "", /raw, slack/);
  assert.doesNotMatch(text, /too short|user:pw/);
});

test("an address with credentials or a fragment, an empty list of topics and half a reference are refused", async () => {
  await using door = await openDoor();
  const cases = [
    { url: "https://user:pw@hooks.example/" },
    { url: "https://hooks.example/#x" },
    { url: `https://hooks.example/${"x".repeat(2048)}` },
    { topics: [] },
    { secret: "x${secret:hooks}" },
    { secret: "${env:SOME_VARIABLE}" },
    { secret: "whsec_short" },
    { enabled: "yes" },
  ];
  for (const wrong of cases) {
    const { status } = await door.ask(path, { method: "PUT", json: webhook(wrong) });
    assert.equal(status, 400, JSON.stringify(wrong).slice(0, 80));
  }
  const reference = await door.ask(path, { method: "PUT", json: webhook({ secret: "${secret:hooks}" }) });
  assert.equal(reference.status, 201);
});

test("dead letters are listed newest first in pages, by webhook, read and deleted", async () => {
  await using door = await openDoor();
  for (const name of ["dl-00000001", "dl-00000002", "dl-00000003"]) door.letters.set(name, letter(name));
  door.letters.set("dl-00000004", letter("dl-00000004", "other"));
  const namesOf = ({ items }: Record<string, unknown>): unknown =>
    (items as readonly DeadLetter[]).map(({ metadata }) => metadata.name);
  const first = await door.read("/api/v1/dead-letters?webhook=ops&limit=2");
  assert.deepEqual(namesOf(first), ["dl-00000003", "dl-00000002"]);
  const next = await door.read(`/api/v1/dead-letters?webhook=ops&limit=2&cursor=${String(first["nextCursor"])}`);
  assert.deepEqual(namesOf(next), ["dl-00000001"]);
  assert.deepEqual(
    await door.read("/api/v1/dead-letters/dl-00000004", { role: "operator" }),
    letter("dl-00000004", "other"),
  );
  assert.equal((await door.ask("/api/v1/dead-letters/dl-00000004", { method: "DELETE" })).status, 200);
  assert.equal((await door.ask("/api/v1/dead-letters/dl-00000004", { method: "DELETE" })).status, 404);
});

test("dead letters are replayed and purged, one or many, by who may", async () => {
  await using door = await openDoor();
  for (const name of ["dl-00000001", "dl-00000002"]) door.letters.set(name, letter(name));
  for (const name of ["dl-00000003", "dl-00000004"]) door.letters.set(name, letter(name, "other"));
  const post = { method: "POST" };
  assert.equal((await door.ask("/api/v1/dead-letters/dl-00000001/replay", { ...post, role: "operator" })).status, 403);
  const replayed = await door.read("/api/v1/dead-letters/dl-00000001/replay", post);
  assert.deepEqual(replayed, letter("dl-00000001"));
  assert.equal((await door.ask("/api/v1/dead-letters/dl-00000001/replay", post)).status, 404);
  const all = await door.ask("/api/v1/dead-letters/replay?webhook=other", post);
  assert.deepEqual([all.status, await all.json()], [202, { count: 2 }]);
  const purged = await door.ask("/api/v1/dead-letters", { method: "DELETE" });
  assert.deepEqual([purged.status, await purged.json()], [200, { count: 1 }]);
  assert.equal((await door.ask("/api/v1/dead-letters/replay", { ...post, json: { all: true } })).status, 400);
});
