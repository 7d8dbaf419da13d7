import assert from "node:assert/strict";
import { test } from "node:test";
import { parseWebhook, type WebhookInput } from "@mcp-manager/api";
import { kinds } from "../registry/kinds.ts";
import { openBench, openWorld, until } from "./testing/bench.ts";
import { openEndpoint } from "./testing/endpoint.ts";
import { storedEvent } from "./testing/events.ts";
import { signatureOf } from "./signature.ts";

const secret = "a secret of some length";

function draft(spec: WebhookInput["spec"]): ReturnType<typeof parseWebhook> {
  return parseWebhook({ metadata: { name: "ops" }, spec });
}

test("a secret is sealed beside the resource, in which it is hidden", async () => {
  await using world = await openWorld();
  await using bench = await openBench(world);
  const made = await bench.writes.create(draft({ url: "https://hooks.example/", secret }));
  assert.equal(made.spec.secret, "(hidden)");
  const { kvs } = await world.store.list(bench.registry.keys.kind("webhooks"));
  assert.ok(kvs.length >= 3);
  for (const { value } of kvs) assert.ok(!Buffer.from(value).toString().includes(secret));
});

test("a secret that is left out or hidden stays, the same one changes nothing, another one is used from then on", async () => {
  await using world = await openWorld();
  await using endpoint = await openEndpoint();
  await using bench = await openBench(world);
  const { url } = endpoint;
  const first = await bench.writes.create(draft({ url, secret }));
  for (const given of [{}, { secret: "(hidden)" }, { secret }]) {
    const { webhook } = await bench.writes.put(draft({ url, ...given }), undefined);
    assert.equal(webhook.metadata.revision, first.metadata.revision, JSON.stringify(given));
  }
  const other = "another secret of some length";
  const { webhook } = await bench.writes.put(draft({ url, secret: other }), first.metadata.revision);
  assert.equal(webhook.metadata.generation, 2);
  await until("the new queue reads", () => world.streams.readers === 1 && world.streams.opened.length >= 1);
  world.streams.store(storedEvent(100));
  await endpoint.count(1);
  const [received] = endpoint.received;
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature } = received?.headers ?? {};
  assert.equal(signature, signatureOf(other, String(id), Number(timestamp), received?.body ?? ""));
});

test("a reference is shown and looked up for each attempt; one that is not there sends nothing unsigned", async () => {
  await using world = await openWorld();
  await using endpoint = await openEndpoint();
  const reference = "${secret:hooks}";
  const secrets: Record<string, string> = {};
  await using bench = await openBench(world, { secrets });
  const made = await bench.writes.create(draft({ url: endpoint.url, secret: reference }));
  assert.equal(made.spec.secret, reference);
  await until("it reads", () => world.streams.readers === 1);
  world.streams.store(storedEvent(100));
  await until("it failed", () => bench.delivery.live("ops")?.state === "failing");
  secrets[reference] = "whsec_not-base64-at-all";
  await bench.passTime(1_000);
  const { lastFailure } = bench.delivery.live("ops") ?? {};
  assert.match(lastFailure?.message ?? "", /webhook ops .* is no secret to sign with: set it to 16 to 256 characters/);
  assert.equal(endpoint.received.length, 0);
  secrets[reference] = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";
  await bench.passTime(4_000);
  await endpoint.count(1);
});

test("without a secret only Slack's template goes, and it goes unsigned", async () => {
  await using world = await openWorld();
  await using endpoint = await openEndpoint();
  await using bench = await openBench(world);
  const { url } = endpoint;
  await assert.rejects(bench.writes.create(draft({ url })), {
    code: "invalid_argument",
    message: /spec\.secret: given nothing/,
  });
  await assert.rejects(bench.writes.create(draft({ url, secret: "(hidden)" })), { code: "invalid_argument" });
  await bench.writes.create(draft({ url, template: "slack" }));
  await until("it reads", () => world.streams.readers === 1);
  world.streams.store(storedEvent(100));
  await endpoint.count(1);
  assert.equal(endpoint.received[0]?.headers["webhook-signature"], undefined);
  assert.match(endpoint.received[0]?.body ?? "", /^\{"text":/);
});

test("an address that leads inside is refused when it is written, naming the setting", async () => {
  await using world = await openWorld();
  await using bench = await openBench(world, { allow: [] });
  for (const url of ["http://hooks.example/", "https://127.0.0.1/", "https://[::1]:8443/", "https://localhost/x"])
    await assert.rejects(bench.writes.create(draft({ url, secret })), {
      code: "invalid_argument",
      message: /spec\.url: .*setting egress\.allow/,
    });
});

test("a webhook made again under a name that had one begins anew, with a secret of its own", async () => {
  await using world = await openWorld();
  await using bench = await openBench(world);
  const url = "https://hooks.example/";
  await bench.writes.create(draft({ url, secret }));
  await until("it is read", () => world.streams.readers === 1);
  await bench.writes.delete("ops", undefined);
  await assert.rejects(bench.writes.put(draft({ url }), undefined), { message: /since it has none yet/ });
  await assert.rejects(bench.writes.put(draft({ url, secret }), "7"), { code: "conflict" });
  const { webhook, isNew } = await bench.writes.put(draft({ url, secret }), undefined);
  assert.ok(isNew);
  await until("it is read anew", () => world.streams.opened.at(-1)?.after === webhook.metadata.revision);
  assert.equal((await bench.registry.resources(kinds.Webhook).require("ops")).metadata.generation, 1);
});

test("there are a hundred webhooks at most", async () => {
  await using world = await openWorld();
  await using bench = await openBench(world);
  const url = "https://hooks.example/";
  for (let number = 0; number < 100; number += 1) await bench.hook({ url, secret, enabled: false }, `hook-${number}`);
  await assert.rejects(bench.hook({ url, secret }, "one-more"), { code: "resource_exhausted" });
  await bench.hook({ url, secret, topics: ["server.*"], enabled: false }, "hook-7");
});
