import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { ManagerError, operations } from "@mcp-manager/api";
import { Client } from "./client.ts";

interface Fake extends AsyncDisposable {
  readonly client: Client;
  readonly url: string;
  readonly asked: { readonly line: string; readonly headers: IncomingMessage["headers"]; readonly body: string }[];
}

/** A manager that answers everything with `answer`. */
async function openFake(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Fake> {
  const asked: Fake["asked"] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      asked.push({
        line: `${request.method} ${request.url}`,
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      });
      answer(request, response);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    client: new Client({ url: `${url}/`, key: "k" }),
    url,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("every operation has its method, with the path and the method of the table", async () => {
  await using fake = await openFake((request, response) =>
    response.end(request.url === "/api/v1/events" ? "id: 1\n\n" : '{"items":[]}'),
  );
  const { servers, deployments, tools, apiKeys } = fake.client;
  const input = { metadata: { name: "n" }, spec: { source: { kind: "process" as const, command: "x" } } };
  await servers.list();
  await servers.create(input);
  await servers.get("n");
  await servers.apply(input);
  await servers.delete("n");
  await servers.restart("n");
  await servers.setBreaker("n", { state: "auto" });
  await servers.deploy("n");
  await servers.rollback("n");
  await servers.deployments("n");
  await servers.revisions("n");
  await servers.diff("n");
  await servers.replicas("n");
  await tools.list("n");
  await tools.call("n", "t");
  for await (const _line of servers.logs("n"));
  await deployments.list();
  await deployments.get("n");
  await deployments.promote("n");
  await deployments.pause("n");
  await deployments.resume("n");
  await deployments.abort("n");
  await deployments.retry("n");
  for await (const _item of fake.client.events.watch()) break;
  await fake.client.health();
  await apiKeys.list();
  await apiKeys.create({ metadata: { name: "n" }, spec: { roles: ["caller"] } });
  await apiKeys.get("n");
  await apiKeys.delete("n");
  await fake.client.openApi();
  const expected = Object.values(operations).map(
    ({ method, path }) => `${method} ${path.replace("{name}", "n").replace("{tool}", "t")}`,
  );
  assert.deepEqual(
    fake.asked.map(({ line }) => line),
    expected,
  );
  assert.ok(fake.asked.every(({ headers }) => headers.authorization === "Bearer k"));
});

test("names are escaped, options become query and If-Match", async () => {
  await using fake = await openFake((_request, response) => response.end("{}"));
  await fake.client.servers.get("a/../b");
  await fake.client.servers.list({ limit: 5, cursor: "c d", labels: { team: "x", tier: "1" } });
  await fake.client.servers.apply(
    { metadata: { name: "n" }, spec: { source: { kind: "process", command: "x" } } },
    { ifRevision: "42", dryRun: true },
  );
  assert.deepEqual(
    fake.asked.map(({ line }) => line),
    [
      "GET /api/v1/servers/a%2F..%2Fb",
      "GET /api/v1/servers?limit=5&cursor=c+d&labels=team%3Dx%2Ctier%3D1",
      "PUT /api/v1/servers/n?dryRun=true",
    ],
  );
  assert.equal(fake.asked[2]?.headers["if-match"], '"42"');
});

test("a problem document becomes the error it stands for", async () => {
  await using fake = await openFake((_request, response) => {
    response.writeHead(404, { "content-type": "application/problem+json" });
    response.end('{"status":404,"code":"not_found","detail":"server \\"x\\" does not exist","server":"x"}');
  });
  await assert.rejects(fake.client.servers.get("x"), (error) => {
    assert.ok(error instanceof ManagerError);
    assert.deepEqual([error.code, error.message, error.server], ["not_found", 'server "x" does not exist', "x"]);
    return true;
  });
});

test("what is no manager, and nothing at all, are told apart", async () => {
  await using fake = await openFake((_request, response) => response.end("<html>"));
  await assert.rejects(fake.client.health(), { code: "protocol_error", message: /is it MCP Manager\?/ });
  const gone = new Client({ url: fake.url });
  await fake[Symbol.asyncDispose]();
  await assert.rejects(gone.health(), { code: "unavailable", message: /nothing listens there/ });
  assert.throws(() => new Client({ url: "localhost:8080" }), { code: "invalid_argument" });
});

test("all pages are read", async () => {
  await using fake = await openFake((request, response) => {
    response.end(request.url?.includes("cursor=2") ? '{"items":[3]}' : '{"items":[1,2],"nextCursor":"2"}');
  });
  const items: unknown[] = [];
  for await (const item of fake.client.servers.all()) items.push(item);
  assert.deepEqual(items, [1, 2, 3]);
});

test("log lines arrive whole however the stream is cut, and leaving the loop closes it", async () => {
  const lines = ["a", "ü", "c"].map((text) => ({ replica: "r", at: "2027-01-01T00:00:00Z", text }));
  const closed = Promise.withResolvers<void>();
  await using fake = await openFake((_request, response) => {
    response.on("close", () => closed.resolve());
    const bytes = Buffer.from(`:\n\n${lines.map((line) => `event: log\ndata: ${JSON.stringify(line)}\n\n`).join("")}`);
    for (const byte of bytes) response.write(Buffer.of(byte));
  });
  const read: unknown[] = [];
  for await (const line of fake.client.servers.logs("x", { follow: true })) {
    read.push(line);
    if (read.length === lines.length) break;
  }
  assert.deepEqual(read, lines);
  await closed.promise;
});

test("an answer that breaks off is a lost connection, whatever was being read", async () => {
  await using fake = await openFake((_request, response) => {
    response.writeHead(200, { "content-length": 100 });
    response.write('{"items":[');
    setImmediate(() => response.destroy());
  });
  const lost = { code: "unavailable", reason: "MANAGER_CONNECTION_LOST" };
  await assert.rejects(fake.client.health(), lost);
  await assert.rejects(fake.client.tools.callText("s", "t"), lost);
  await assert.rejects(fake.client.servers.logs("x", { follow: true }).next(), lost);
});

test("a tool result's text keeps its digits", async () => {
  await using fake = await openFake((_request, response) => response.end('{"x":12345678901234567890}'));
  assert.equal(await fake.client.tools.callText("s", "t", { a: 1 }), '{"x":12345678901234567890}');
  assert.equal(fake.asked[0]?.body, '{"arguments":{"a":1}}');
});
