/** What the door does when it is full: real connections to the whole data plane. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { until } from "../../transport/testing/calls.ts";
import { TestGateway } from "../testing/gateway.ts";
import { counted } from "./crowd.ts";

interface Client extends AsyncDisposable {
  readonly socket: Socket;
  /** What has come. */
  readonly text: () => string;
  readonly isClosed: () => boolean;
}

/** An open connection; `from` is the address it comes from. */
async function open(gateway: TestGateway, from = "127.0.0.1"): Promise<Client> {
  const { port } = new URL(gateway.url);
  const socket = connect({ port: Number(port), host: "127.0.0.1", localAddress: from });
  let text = "";
  let isClosed = false;
  socket.on("data", (chunk: Buffer) => (text += chunk.toString())).on("error", () => undefined);
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  void closed.then(() => (isClosed = true));
  await new Promise<void>((resolve) => socket.once("connect", resolve).once("close", () => resolve()));
  return {
    socket,
    text: () => text,
    isClosed: () => isClosed,
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await closed;
    },
  };
}

async function openAll(scope: AsyncDisposableStack, gateway: TestGateway, count: number): Promise<readonly Client[]> {
  return await Promise.all(Array.from({ length: count }, async () => scope.use(await open(gateway))));
}

/** Sends a request by hand; resolves with the answer's head and body when one has come, or with what came before the close. */
async function ask(client: Client, path: string, who = "bob"): Promise<string> {
  const before = client.text().length;
  client.socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${who}\r\n\r\n`);
  await until("an answer", () => client.isClosed() || /\r\n\r\n[^]*\S/.test(client.text().slice(before)));
  return client.text().slice(before);
}

function refused(gateway: TestGateway, reason: string): number {
  const line = new RegExp(`^mcp_manager_refused_total\\{reason="${reason}"\\} (\\d+)$`, "m");
  return Number(line.exec(gateway.metrics.text())?.[1]);
}

function connected(gateway: TestGateway): number {
  return Number(/^mcp_manager_client_connections (\d+)$/m.exec(gateway.metrics.text())?.[1]);
}

test("when the door is full, who comes next is told so, but probes and managers are served, and it recovers", async () => {
  await using gateway = await TestGateway.open({ connectionsMax: 5 });
  gateway.principal("bob", ["caller"]);
  await using scope = new AsyncDisposableStack();
  const held = await openAll(scope, gateway, 5);
  await until("all are in", () => connected(gateway) === 5);
  const late = scope.use(await open(gateway));
  const answer = await ask(late, "/api/v1/servers");
  assert.match(answer, /^HTTP\/1\.1 503 .*\r\n/);
  assert.match(answer, /\r\nretry-after: [1-5]\r\n/i);
  assert.match(answer, /\r\nconnection: close\r\n/i);
  assert.match(answer, /"code":"unavailable"/);
  assert.match(await ask(scope.use(await open(gateway)), "/api/v1/servers", "ada"), /^HTTP\/1\.1 200 /);
  assert.match(await ask(scope.use(await open(gateway)), "/health"), /^HTTP\/1\.1 200 /);
  assert.match(await ask(scope.use(await open(gateway)), "/mcp"), /^HTTP\/1\.1 503 /);
  // Whoever was in is not concerned.
  for (const client of held) assert.match(await ask(client, "/api/v1/servers"), /^HTTP\/1\.1 200 /);
  held[0]?.socket.destroy();
  await until("there is room", () => connected(gateway) < 5);
  assert.match(await ask(scope.use(await open(gateway)), "/api/v1/servers"), /^HTTP\/1\.1 200 /);
  assert.equal(refused(gateway, "connections"), 2);
});

test("connections that wait for a next request make room for new ones", async () => {
  await using gateway = await TestGateway.open({ connectionsMax: 3 });
  await using scope = new AsyncDisposableStack();
  const idle = await openAll(scope, gateway, 3);
  for (const client of idle) await ask(client, "/health");
  const late = scope.use(await open(gateway));
  await until("the idle are gone", () => idle.every(({ isClosed }) => isClosed()));
  assert.match(await ask(late, "/api/v1/servers"), /^HTTP\/1\.1 200 /);
});

test("what is more than the reserve is closed unheard, and who holds a place there without a word loses it", async () => {
  await using gateway = await TestGateway.open({ connectionsMax: 2 });
  await using scope = new AsyncDisposableStack();
  const clients = await openAll(scope, gateway, 40);
  const open_ = (): number => clients.filter(({ isClosed }) => !isClosed()).length;
  await until("the rest is closed", () => open_() <= 18);
  assert.ok(refused(gateway, "connections") >= 22);
  await until("the reserve is free again", () => open_() <= 2);
  assert.match(await ask(scope.use(await open(gateway)), "/api/v1/servers", "ada"), /^HTTP\/1\.1 200 /);
});

test("one address gets so many connections, this machine's own as many as there are", async () => {
  await using gateway = await TestGateway.open({ perAddressMax: 3 });
  await using scope = new AsyncDisposableStack();
  const strangers = await Promise.all(
    Array.from({ length: 5 }, async () => scope.use(await open(gateway, "127.0.0.2"))),
  );
  await until("two are closed", () => strangers.filter(({ isClosed }) => isClosed()).length === 2);
  assert.equal(refused(gateway, "address"), 2);
  const own = await openAll(scope, gateway, 5);
  for (const client of own) assert.match(await ask(client, "/health"), /^HTTP\/1\.1 200 /);
  for (const { socket } of strangers) socket.destroy();
  await until("all are forgotten", () => connected(gateway) === 5);
  assert.match(await ask(scope.use(await open(gateway, "127.0.0.2")), "/health"), /^HTTP\/1\.1 200 /);
});

test("from stage 2 of overload on, new connections are of the reserve; from stage 3 on, requests are refused", async () => {
  await using gateway = await TestGateway.open();
  gateway.principal("bob", ["caller"]);
  await using scope = new AsyncDisposableStack();
  const early = scope.use(await open(gateway));
  early.socket.write("GET /api/v1/servers HTTP/1.1\r\nHost: localhost\r\n");
  await until("it is in", () => connected(gateway) === 1);
  gateway.stage.replace(2);
  const late = await ask(scope.use(await open(gateway)), "/mcp");
  assert.match(late, /^HTTP\/1\.1 503 [^]*\r\nretry-after: \d+\r\n[^]*"code":503[^]*overloaded/i);
  early.socket.write("Authorization: Bearer bob\r\n\r\n");
  await until("who was in is served", () => early.text().includes('"who":"bob"'));
  gateway.stage.replace(3);
  const manager = scope.use(await open(gateway));
  assert.match(await ask(manager, "/api/v1/servers", "ada"), /^HTTP\/1\.1 200 /);
  for (const path of ["/health", "/ready", "/metrics"])
    assert.match(await ask(scope.use(await open(gateway)), path), /^HTTP\/1\.1 200 /);
  assert.match(await ask(scope.use(await open(gateway)), "/api/v1/servers"), /^HTTP\/1\.1 503 /);
  gateway.stage.replace(0);
  assert.match(await ask(scope.use(await open(gateway)), "/api/v1/servers"), /^HTTP\/1\.1 200 /);
  assert.ok(refused(gateway, "overload") >= 2);
});

test("who has one address of an IPv6 network is counted for all of it", () => {
  assert.equal(counted("::ffff:10.0.0.1"), "10.0.0.1");
  assert.equal(counted("10.0.0.1"), "10.0.0.1");
  assert.equal(counted("::ffff:127.0.0.1"), undefined);
  assert.equal(counted("::1"), undefined);
  assert.equal(counted(undefined), undefined);
  assert.equal(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2");
  assert.equal(counted("2001:db8:1:2::6"), "2001:db8:1:2");
  assert.equal(counted("2001:db8::6"), "2001:db8:0:0");
  assert.equal(counted("fe80::1"), "fe80:0:0:0");
  assert.equal(counted("2001:db8:1::2:3:4:5"), "2001:db8:1:0");
});
