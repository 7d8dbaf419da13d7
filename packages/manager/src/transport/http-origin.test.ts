/** Kept connections to an HTTP server: which request goes on which, and what becomes of it when one breaks. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import { ManualClock } from "../base/clock.ts";
import type { HttpExchange, HttpResponseHandler } from "./http-exchange.ts";
import { HttpOrigin, type HttpOriginOptions } from "./http-origin.ts";
import { until } from "./testing/calls.ts";
import { RawServer, respond } from "./testing/raw-server.ts";

class Recorder implements HttpResponseHandler {
  status = 0;
  readonly chunks: Buffer[] = [];
  goesOn = true;
  readonly told: string[] = [];
  error: ManagerError | undefined;
  written: boolean | undefined;
  readonly over: Promise<void>;
  exchange: HttpExchange | undefined;
  #resolve: () => void = () => {};

  constructor() {
    this.over = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get body(): string {
    return Buffer.concat(this.chunks).toString("latin1");
  }

  get bytes(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  onHead(status: number): void {
    this.status = status;
    this.told.push("head");
  }

  onData(chunk: Buffer): boolean {
    this.chunks.push(chunk);
    return this.goesOn;
  }

  onEnd(): void {
    this.told.push("end");
    this.#resolve();
  }

  onError(error: ManagerError, written: boolean): void {
    this.told.push("error");
    this.error = error;
    this.written = written;
    this.#resolve();
  }
}

interface Bench extends AsyncDisposable {
  readonly server: RawServer;
  readonly clock: ManualClock;
  readonly origin: HttpOrigin;
  get(path: string, body?: Buffer): Recorder;
  /** Asks and waits for the answer's body; fails when there is none. */
  fetched(path: string): Promise<string>;
}

async function open(options: Partial<HttpOriginOptions> = {}): Promise<Bench> {
  const server = new RawServer();
  const port = await server.listen();
  const clock = new ManualClock();
  const origin = new HttpOrigin({
    host: "127.0.0.1",
    port,
    connectionsMax: 4,
    clock,
    idleTimeoutMs: 10_000,
    headerBytesMax: 10_000,
    connectTimeoutMs: 5_000,
    ...options,
  });
  const get = (path: string, body: Buffer = Buffer.alloc(0)): Recorder => {
    const recorder = new Recorder();
    recorder.exchange = origin.request(
      `POST ${path} HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n`,
      body,
      recorder,
    );
    assert.deepEqual(recorder.told, [], "nothing is told from inside request");
    return recorder;
  };
  return {
    server,
    clock,
    origin,
    get,
    async fetched(path) {
      const recorder = get(path);
      await recorder.over;
      assert.deepEqual(recorder.told, ["head", "end"], String(recorder.error));
      return recorder.body;
    },
    async [Symbol.asyncDispose]() {
      origin.destroy();
      await server.close();
      assert.equal(clock.pendingCount, 0, "no timer is left");
    },
  };
}

test("requests after each other share a connection", async () => {
  await using bench = await open();
  for (const path of ["/a", "/b", "/c"]) assert.equal(await bench.fetched(path), "ok");
  assert.deepEqual(bench.server.requests, ["1 /a", "1 /b", "1 /c"]);
});

test("requests at the same time have a connection each, and use the last one that came free", async () => {
  await using bench = await open();
  const first = ["/a", "/b", "/c"].map((path) => bench.get(path));
  await Promise.all(first.map((recorder) => recorder.over));
  assert.equal(bench.server.sockets.length, 3);
  await bench.fetched("/d");
  assert.equal(bench.server.sockets.length, 3);
});

test("with all connections in use a request waits its turn; too many are refused", async () => {
  await using bench = await open({ connectionsMax: 2, waitersMax: 4 });
  const { server } = bench;
  const held: Socket[] = [];
  server.answer = (socket) => void held.push(socket);
  const recorders = ["/a", "/b"].map((path) => bench.get(path));
  await until("two requests", () => held.length === 2);
  recorders.push(...["/c", "/d", "/e", "/f"].map((path) => bench.get(path)));
  const refused = bench.get("/g");
  await refused.over;
  assert.deepEqual([refused.error?.code, refused.error?.reason], ["resource_exhausted", "CONNECTION_QUEUE_FULL"]);
  assert.equal(refused.written, false);
  server.answer = (socket, path) => respond(socket, path);
  for (const socket of held) respond(socket, "late");
  await Promise.all(recorders.map((recorder) => recorder.over));
  assert.deepEqual(
    recorders.map(({ body }) => body),
    ["late", "late", "/c", "/d", "/e", "/f"],
  );
  assert.equal(server.sockets.length, 2);
});

test("an idle connection is closed after its time, or a second before the server's", async () => {
  await using bench = await open({ idleTimeoutMs: 10_000 });
  await bench.fetched("/a");
  await bench.clock.advance(9_000);
  await bench.fetched("/b");
  await bench.clock.advance(9_000);
  assert.equal(bench.server.open, 1);
  await bench.clock.advance(2_000);
  await until("the connection closes", () => bench.server.open === 0);
  bench.server.answer = (socket) => respond(socket, "ok", "Keep-Alive: timeout=5\r\n");
  await bench.fetched("/c");
  await bench.clock.advance(4_000);
  await until("the connection closes", () => bench.server.open === 0);
  assert.deepEqual(bench.server.requests, ["1 /a", "1 /b", "2 /c"]);
});

test("a connection is replaced after so many requests, or at a great age, between two requests", async () => {
  await using bench = await open({ requestsMax: 2, ageMaxMs: 5_000 });
  for (const path of ["/a", "/b", "/c"]) await bench.fetched(path);
  assert.deepEqual(bench.server.requests, ["1 /a", "1 /b", "2 /c"]);
  await bench.clock.advance(5_000);
  await until("the old one closes", () => bench.server.open === 0);
  const held: Socket[] = [];
  bench.server.answer = (socket) => void held.push(socket);
  const [slow, other] = [bench.get("/d"), bench.get("/e")];
  await until("two requests", () => held.length === 2);
  respond(held[1] ?? assert.fail(), "ok");
  await Promise.race([slow.over, other.over]);
  await bench.clock.advance(5_000);
  respond(held[0] ?? assert.fail(), "ok");
  await Promise.all([slow.over, other.over]);
  assert.deepEqual([slow.body, other.body], ["ok", "ok"]);
  await until("both have closed", () => bench.server.open === 0);
  assert.deepEqual(bench.origin.counts, { open: 0, idle: 0, opened: 4, reused: 1, recycled: 4 });
});

test("what is open, idle, and was used again is counted", async () => {
  await using bench = await open({ connectionsMax: 2 });
  const recorders = ["/a", "/b", "/c"].map((path) => bench.get(path));
  assert.deepEqual(bench.origin.counts, { open: 0, idle: 0, opened: 0, reused: 0, recycled: 0 });
  await Promise.all(recorders.map(({ over }) => over));
  await bench.fetched("/d");
  assert.deepEqual(bench.origin.counts, { open: 2, idle: 2, opened: 2, reused: 2, recycled: 0 });
});

test("a connection the server means to close at once is not used again", async () => {
  await using bench = await open();
  for (const fields of ["Connection: close\r\n", "Keep-Alive: timeout=1\r\n"]) {
    bench.server.answer = (socket) => respond(socket, "ok", fields);
    await bench.fetched("/a");
    await until("the connection closes", () => bench.server.open === 0);
  }
});

test("a byte that nobody asked for ends an idle connection, and bytes after a response end theirs", async () => {
  await using bench = await open();
  await bench.fetched("/a");
  bench.server.sockets[0]?.write("HTTP/1.1 200 OK\r\n");
  await until("the connection closes", () => bench.server.open === 0);
  bench.server.answer = (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n");
  assert.equal(await bench.fetched("/b"), "ok");
  await until("the connection closes", () => bench.server.open === 0);
});

test("a request on an idle connection that was just reset is sent on another, and arrives once", async () => {
  await using bench = await open();
  for (let round = 0; round < 20; round++) {
    await bench.fetched("/warm");
    // In one turn: the reset is in the kernel, and this side has not heard of it.
    bench.server.sockets.at(-1)?.resetAndDestroy();
    const recorder = bench.get(`/once-${round}`);
    await recorder.over;
    assert.deepEqual(recorder.told, ["head", "end"], String(recorder.error));
    assert.equal(bench.server.requests.filter((line) => line.endsWith(`/once-${round}`)).length, 1);
  }
});

test("a request that a server may have seen is never sent again", async () => {
  await using bench = await open();
  await bench.fetched("/warm");
  bench.server.answer = (socket) => socket.destroy();
  const recorder = bench.get("/once");
  await recorder.over;
  assert.deepEqual([recorder.error?.reason, recorder.written], ["CONNECTION_LOST", true]);
  assert.deepEqual(bench.server.requests, ["1 /warm", "1 /once"]);
});

test("a response that breaks off, or is malformed, fails its request", async () => {
  await using bench = await open();
  bench.server.answer = (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell");
  const short = bench.get("/short");
  await short.over;
  assert.deepEqual([short.told, short.error?.code], [["head", "error"], "unavailable"]);
  assert.match(short.error?.message ?? "", /lost: .*before the end/);
  bench.server.answer = (socket) => socket.write("SSH-2.0-OpenSSH\r\n");
  const other = bench.get("/other");
  await other.over;
  assert.deepEqual([other.error?.code, other.error?.reason], ["protocol_error", "MALFORMED_HTTP"]);
  await until("the connections close", () => bench.server.open === 0);
});

test("abort closes the connection of a request under way, and the next one waiting is served", async () => {
  await using bench = await open({ connectionsMax: 1 });
  bench.server.answer = (socket, path) => path === "/b" && respond(socket, "ok");
  const a = bench.get("/a");
  const b = bench.get("/b");
  await until("the request", () => bench.server.requests.length === 1);
  a.exchange?.abort();
  a.exchange?.abort();
  await b.over;
  assert.deepEqual([a.told, b.body], [[], "ok"]);
  assert.deepEqual(bench.server.requests, ["1 /a", "2 /b"]);
});

test("a request that is given up while it waits is never sent", async () => {
  await using bench = await open({ connectionsMax: 1 });
  const a = bench.get("/a");
  const b = bench.get("/b");
  b.exchange?.abort();
  await a.over;
  await bench.fetched("/c");
  assert.deepEqual([b.told, bench.server.requests], [[], ["1 /a", "1 /c"]]);
});

test("nobody listens there: every request fails, none was written", async () => {
  const bench = await open();
  await bench.server.close();
  const recorders = [
    bench.get("/a"),
    bench.get("/b"),
    bench.get("/c"),
    bench.get("/d"),
    bench.get("/e"),
    bench.get("/f"),
  ];
  for (const recorder of recorders) {
    await recorder.over;
    const { error } = recorder;
    assert.deepEqual([error?.code, error?.reason, recorder.written], ["unavailable", "CONNECT_FAILED", false]);
    assert.match(error?.message ?? "", /^cannot connect to http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  }
  bench.origin.destroy();
  assert.equal(bench.clock.pendingCount, 0);
});

test("no answer to the connection attempt within its time is a failure", async () => {
  // A TLS handshake that the server, which speaks none, never answers; an address as name must do no harm.
  await using bench = await open({ tls: { servername: "127.0.0.1" }, connectTimeoutMs: 5_000 });
  const recorder = bench.get("/a");
  await until("the connection", () => bench.server.sockets.length === 1);
  await bench.clock.advance(5_000);
  await recorder.over;
  assert.equal(recorder.error?.reason, "CONNECT_FAILED");
  assert.match(recorder.error?.message ?? "", /https:.*no answer within 5000 ms/);
});

test("a pause stops the reading, and resume gives all the rest", async () => {
  await using bench = await open();
  const size = 8_000_000;
  bench.server.answer = (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    socket.write(Buffer.alloc(size, "x"));
  };
  const recorder = bench.get("/big");
  recorder.goesOn = false;
  await until("the first piece", () => recorder.chunks.length > 0);
  await bench.clock.advance(1);
  const { bytes } = recorder;
  const other = bench.get("/other");
  await until("another connection serves meanwhile", () => other.chunks.length > 0);
  assert.equal(recorder.bytes, bytes);
  recorder.goesOn = true;
  other.exchange?.abort();
  recorder.exchange?.resume();
  await recorder.over;
  assert.equal(recorder.bytes, size);
});

test("a long body goes out whole, and a short one with its head", async () => {
  await using bench = await open();
  const long = bench.get("/long", Buffer.alloc(3_000_000, "y"));
  await long.over;
  assert.deepEqual([long.told, bench.server.requests], [["head", "end"], ["1 /long"]]);
});

test("an answer before the request is all out ends the connection", async () => {
  await using bench = await open();
  const server = bench.server;
  const recorder = bench.get("/never-read", Buffer.alloc(30_000_000, "y"));
  await until("the connection", () => server.sockets.length === 1);
  server.sockets[0]?.removeAllListeners("data").pause();
  respond(server.sockets[0] as Socket, "too long");
  await recorder.over;
  assert.deepEqual([recorder.told, recorder.body], [["head", "end"], "too long"]);
  server.sockets[0]?.resume();
  await until("the connection closes", () => server.open === 0);
});

test("close lets what was accepted end and takes nothing new", async () => {
  await using bench = await open({ connectionsMax: 1 });
  const held: Socket[] = [];
  bench.server.answer = (socket) => void held.push(socket);
  const a = bench.get("/a");
  const b = bench.get("/b");
  await until("the request", () => held.length === 1);
  bench.origin.close();
  const late = bench.get("/late");
  await late.over;
  assert.deepEqual([late.error?.reason, late.written], ["CONNECTION_CLOSED", false]);
  bench.server.answer = (socket) => respond(socket, "b");
  respond(held[0] as Socket, "a");
  await Promise.all([a.over, b.over]);
  assert.deepEqual([a.body, b.body], ["a", "b"]);
  await until("the connection closes", () => bench.server.open === 0);
});

test("destroy fails everything with its reason", async () => {
  await using bench = await open({ connectionsMax: 1 });
  bench.server.answer = () => {};
  const sent = bench.get("/sent");
  const waiting = bench.get("/waiting");
  await until("the request", () => bench.server.requests.length === 1);
  const reason = new ManagerError("unavailable", "the test ends it");
  bench.origin.destroy(reason);
  await Promise.all([sent.over, waiting.over]);
  assert.deepEqual([sent.error, sent.written], [reason, true]);
  assert.deepEqual([waiting.error, waiting.written], [reason, false]);
});

test("when the server takes no more connections, requests under way still end and only those that wait fail", async () => {
  await using bench = await open({ connectionsMax: 3 });
  const held: Socket[] = [];
  bench.server.answer = (socket) => void held.push(socket);
  const served = bench.get("/served");
  await until("the request", () => held.length === 1);
  bench.server.stopListening();
  const waiting = [bench.get("/w1"), bench.get("/w2"), bench.get("/w3")];
  await Promise.all(waiting.map((recorder) => recorder.over));
  assert.deepEqual(
    waiting.map(({ error }) => error?.reason),
    ["CONNECT_FAILED", "CONNECT_FAILED", "CONNECT_FAILED"],
  );
  respond(held[0] as Socket, "served");
  await served.over;
  assert.equal(served.body, "served");
});
