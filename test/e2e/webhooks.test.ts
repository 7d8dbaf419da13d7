/** Webhooks from end to end: made on the command line, checked as the guide says, given up and replayed, and kept from going inside. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { cli } from "./testing/cli.ts";
import { configOf, sourceOf } from "./testing/fixtures.ts";
import type { ManagerProcess } from "./testing/manager.ts";
import { root, startManager, until } from "./testing/manager.ts";

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const received: Received[] = [];
let status = 204;
const endpoint = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk: Buffer) => (body += chunk.toString()));
  request.on("end", () => {
    received.push({ headers: request.headers, body });
    response.writeHead(status).end();
  });
});
let address: string;
let manager: ManagerProcess;

before(async () => {
  endpoint.listen(0, "127.0.0.1");
  await once(endpoint, "listening");
  address = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/hook`;
  const env = { MCP_MANAGER_EGRESS_ALLOW: "127.0.0.1" };
  manager = await startManager({ config: configOf({ plain: { mode: "plain" } }), env });
});
after(async () => {
  await manager[Symbol.asyncDispose]();
  endpoint.closeAllConnections();
  endpoint.close();
});

function audit(): string {
  return readFileSync(join(manager.dataDir, "audit", "audit.jsonl"), "utf8");
}

/** The function of the guide, as a reader would copy it. */
async function isGenuine(one: Received, secret: string): Promise<boolean> {
  const guide = readFileSync(join(root, "docs/guides/webhooks.md"), "utf8");
  const [, code = ""] = /^```js\n([^]*?)^```$/m.exec(guide) ?? [];
  const module = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
    isGenuine(headers: IncomingHttpHeaders, body: string, secret: string): boolean;
  };
  return module.isGenuine(one.headers, one.body, secret);
}

/** Makes something happen to a server: it is registered, and becomes ready. */
async function happen(name: string): Promise<void> {
  await manager.client.servers.apply({ metadata: { name }, spec: { source: sourceOf("plain") as never } });
  await manager.serversReady(name);
}

function about(server: string): readonly Received[] {
  return received.filter(({ body }) => (JSON.parse(body) as { server?: string }).server === server);
}

test("what happens arrives signed, as the guide's function sees, and nobody else's does", async () => {
  const made = await cli(manager, ["webhook", "create", "ops", address, "-t", "server.*"]);
  assert.equal(made.status, 0, made.stderr);
  const secret = made.stdout.trim();
  await happen("first");
  await until("it is delivered", () => Promise.resolve(about("first").length > 0));
  const [one] = about("first");
  assert.ok(one);
  assert.ok(await isGenuine(one, secret));
  assert.ok(!(await isGenuine({ ...one, body: `${one.body} ` }, secret)));
  assert.ok(!(await isGenuine(one, `${secret.slice(0, -6)}AAAAA=`)));
  const old = { ...one.headers, "webhook-timestamp": String(Number(one.headers["webhook-timestamp"]) - 301) };
  assert.ok(!(await isGenuine({ ...one, headers: old }, secret)));
  const shown = await cli(manager, "webhook get ops");
  assert.match(shown.stdout, /^State: +active$/m);
  assert.doesNotMatch(
    shown.stdout + JSON.stringify(await manager.client.webhooks.get("ops")),
    new RegExp(secret.slice(6, 20)),
  );
});

test("what the endpoint will not have is a dead letter, which is replayed when it will", async () => {
  status = 400;
  await happen("second");
  await until(
    "it is given up",
    async () => (await manager.client.deadLetters.list({ webhook: "ops" })).items.length > 0,
  );
  const [letter] = (await manager.client.deadLetters.list({ webhook: "ops" })).items;
  assert.ok(letter);
  assert.deepEqual([letter.status.attempts, letter.status.lastStatus], [3, 400]);
  const again = await cli(manager, ["dead-letter", "replay", letter.metadata.name]);
  assert.equal(again.status, 1);
  assert.match(again.stderr, /stays: the endpoint answered 400/);
  status = 200;
  const replayed = await cli(manager, ["dead-letter", "replay", letter.metadata.name]);
  assert.equal(replayed.stdout, `dead letter ${letter.metadata.name} is delivered\n`);
  const sent = received.filter(({ headers }) => headers["webhook-id"] === letter.spec.deliveryId);
  assert.equal(sent.length, 5, "three attempts, and two replays");
  await assert.rejects(manager.client.deadLetters.get(letter.metadata.name), { code: "not_found" });
});

test("deliveries are counted, a dead letter is an event, and the audit has who did what but no secret", async () => {
  const headers = { authorization: `Bearer ${manager.key}` };
  const metrics = await (await fetch(`${manager.url}/metrics`, { headers })).text();
  assert.match(metrics, /^mcp_manager_webhook_deliveries_total\{webhook="ops",outcome="dead"\} [1-9]/m);
  assert.match(metrics, /^mcp_manager_events_total\{topic="delivery\.dead"\} [1-9]/m);
  await until("the audit is written", () => Promise.resolve(audit().includes('"replayDeadLetter"')));
  assert.match(audit(), /"action":"createWebhook","target":"webhooks","outcome":"allowed"/);
  assert.match(
    audit(),
    /"action":"replayDeadLetter","target":"dead-letters\/dl-\w{8}","outcome":"failed","reason":"unavailable"/,
  );
  assert.doesNotMatch(audit() + manager.output, /whsec_/);
});

test("a webhook that leads inside is refused, with what to do", async () => {
  for (const url of ["https://169.254.169.254/latest/meta-data", "https://10.0.0.1/", "http://[fd00::1]/"]) {
    const refused = await cli(manager, ["webhook", "create", "inside", url]);
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /egress\.allow/);
  }
});

test("a secret of the manager's signs by reference, and is known to be in use", async () => {
  const value = "the first secret of some length";
  await manager.client.secrets.create({ metadata: { name: "hooks" }, spec: { value } });
  const reference = "${secret:hooks}";
  const spec = { url: `${address}/by-reference`, topics: ["server.registered"], secret: reference };
  const made = await manager.client.webhooks.create({ metadata: { name: "referring" }, spec });
  assert.equal(made.spec.secret, reference);
  await manager.client.webhooks.delete("ops");
  await happen("third");
  await until("it is delivered", () => Promise.resolve(about("third").length > 0));
  const [one] = about("third");
  assert.ok(one && (await isGenuine(one, value)));
  assert.deepEqual((await manager.client.secrets.get("hooks")).status.usedBy, ["webhook referring"]);
});
