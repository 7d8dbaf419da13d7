import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createSecureContext } from "node:tls";
import { ManualClock, systemClock } from "../../base/clock.ts";
import { openEndpoint, status } from "../testing/endpoint.ts";
import { EgressGuard, type Resolver } from "./guard.ts";
import { Poster, type PostOutcome, type PostRequest } from "./post.ts";

const loopback: Resolver = { addresses: () => Promise.resolve(["127.0.0.1"]) };

function poster(
  allow: readonly string[],
  more: { readonly resolver?: Resolver; readonly clock?: ManualClock } = {},
): Poster {
  const { resolver = loopback, clock = systemClock } = more;
  return new Poster({ guard: new EgressGuard(allow, resolver), clock });
}

function requestTo(url: string, more: Partial<PostRequest> = {}): PostRequest {
  const signal = new AbortController().signal;
  return {
    url: new URL(url),
    headers: { "x-a": "1" },
    ownHeaders: { "webhook-signature": "s" },
    body: "{}",
    signal,
    ...more,
  };
}

function messageOf(outcome: PostOutcome): string {
  assert.notEqual(outcome.kind, "answered");
  return outcome.kind === "answered" ? "" : outcome.message;
}

/** Takes connections and does with them as it is told; never closes them. */
async function rawServer(onData: (write: (text: string) => void) => void): Promise<Server & AsyncDisposable> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => onData((text) => void socket.write(text)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(server, {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  });
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

test("what is allowed gets the body and its headers, under the name that was written", async () => {
  await using endpoint = await openEndpoint(status(202));
  const { port } = endpoint;
  const outcome = await poster([`hooks.internal:${port}`]).post(requestTo(`http://hooks.internal:${port}/x?y=1`));
  assert.deepEqual(outcome, { kind: "answered", status: 202, retryAfter: undefined });
  const [received] = endpoint.received;
  assert.equal(received?.path, "/x?y=1");
  assert.equal(received.headers["host"], `hooks.internal:${port}`);
  assert.equal(received.headers["webhook-signature"], "s");
  assert.equal(received.body, "{}");
});

test("what is not allowed is sent nothing", async () => {
  await using endpoint = await openEndpoint();
  const outcome = await poster([]).post(requestTo(`https://hooks.internal:${endpoint.port}/`));
  assert.equal(outcome.kind, "refused");
  assert.equal(endpoint.received.length, 0);
});

test("a name is resolved once: the connection goes to the address that was judged, whatever the name says next", async () => {
  await using endpoint = await openEndpoint();
  const answers = [["127.0.0.1"], ["127.0.0.2"]];
  let asked = 0;
  const resolver: Resolver = { addresses: () => Promise.resolve(answers[asked++] ?? []) };
  // Only 127.0.0.1 may be gone to. Asked for anew for the connection, the name would say 127.0.0.2.
  const flipping = poster(["127.0.0.1"], { resolver });
  const outcome = await flipping.post(requestTo(`http://flip.example:${endpoint.port}/`));
  assert.equal(outcome.kind, "answered");
  assert.equal(asked, 1);
  assert.match(messageOf(await flipping.post(requestTo(`http://flip.example:${endpoint.port}/`))), /egress\.allow/);
  assert.equal(endpoint.received.length, 1);
});

test("a redirect inside is refused: each hop is judged anew", async () => {
  await using inside = await openEndpoint();
  await using endpoint = await openEndpoint(status(307, { location: `http://127.0.0.1:${inside.port}/secret` }));
  const outcome = await poster([`127.0.0.1:${endpoint.port}`]).post(requestTo(endpoint.url));
  assert.equal(outcome.kind, "refused");
  assert.match(messageOf(outcome), /^redirect 1: /);
  assert.equal(inside.received.length, 0);
});

test("a redirect to another origin takes the body there, and the signature not", async () => {
  await using other = await openEndpoint();
  await using endpoint = await openEndpoint(status(308, { location: other.url }));
  const outcome = await poster(["127.0.0.1"]).post(requestTo(endpoint.url));
  assert.equal(outcome.kind, "answered");
  assert.equal(other.received[0]?.body, "{}");
  assert.equal(other.received[0].headers["webhook-signature"], undefined);
  assert.equal(other.received[0].headers["x-a"], "1");
});

test("a redirect within the origin keeps the signature, and after three it is enough", async () => {
  await using endpoint = await openEndpoint();
  endpoint.answer = (response, { path }) => {
    const hop = Number(path.slice(1));
    if (hop < 3) response.writeHead(302, { location: `/${hop + 1}` }).end();
    else response.writeHead(204).end();
  };
  const root = `http://127.0.0.1:${endpoint.port}`;
  assert.equal((await poster(["127.0.0.1"]).post(requestTo(`${root}/0`))).kind, "answered");
  assert.ok(endpoint.received.every(({ headers }) => headers["webhook-signature"] === "s"));
  endpoint.answer = status(302, { location: "/again" });
  assert.match(messageOf(await poster(["127.0.0.1"]).post(requestTo(`${root}/0`))), /more than 3 redirects/);
});

test("an endpoint that hangs is given up after ten seconds", async () => {
  const clock = new ManualClock();
  const asked = Promise.withResolvers<void>();
  await using endpoint = await openEndpoint(() => asked.resolve());
  const posting = poster(["127.0.0.1"], { clock }).post(requestTo(endpoint.url));
  await asked.promise;
  await clock.advance(10_000);
  assert.deepEqual(await posting, { kind: "failed", message: "no answer within 10 s" });
  assert.equal(clock.pendingCount, 0);
});

test("so is one that never reads a long body, and one whose name is never resolved", async () => {
  const clock = new ManualClock();
  const connected = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    socket.pause();
    socket.on("error", () => undefined);
    connected.resolve();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const body = "x".repeat(8 * 1024 ** 2);
  const posting = poster(["127.0.0.1"], { clock }).post(requestTo(`http://127.0.0.1:${portOf(server)}/`, { body }));
  await connected.promise;
  await clock.advance(10_000);
  assert.deepEqual(await posting, { kind: "failed", message: "no answer within 10 s" });
  server.close();
  const resolver: Resolver = { addresses: () => new Promise(() => undefined) };
  const resolving = poster([], { clock, resolver }).post(requestTo("https://slow.example/"));
  await clock.advance(10_000);
  assert.deepEqual(await resolving, { kind: "failed", message: "no answer within 10 s" });
});

test("of an endless answer no more than 64 KiB is read, and its status counts", async () => {
  let written = 0;
  const closed = Promise.withResolvers<void>();
  await using endpoint = await openEndpoint((response) => {
    response.writeHead(200);
    response.once("close", () => closed.resolve());
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536))) written += 65_536;
      written += 65_536;
      if (!response.destroyed) response.once("drain", more);
    };
    more();
  });
  const outcome = await poster(["127.0.0.1"]).post(requestTo(endpoint.url));
  assert.deepEqual(outcome, { kind: "answered", status: 200, retryAfter: undefined });
  await closed.promise;
  assert.ok(written < 10 * 1024 ** 2, `${written} bytes were taken`);
});

test("an answer whose body never ends counts by its status when the time is up", async () => {
  await using server = await rawServer((write) => write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"));
  const guard = new EgressGuard(["127.0.0.1"], loopback);
  const brief = new Poster({ guard, clock: systemClock, timeoutMs: 1_000 });
  assert.equal((await brief.post(requestTo(`http://127.0.0.1:${portOf(server)}/`))).kind, "answered");
});

test("nobody there, no HTTP and a header without end are failures in words, without the address", async () => {
  await using garbage = await rawServer((write) => write("what?\r\n\r\n"));
  await using long = await rawServer((write) => write(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(100_000)}\r\n\r\n`));
  const gone = await openEndpoint();
  await gone[Symbol.asyncDispose]();
  const post = async (url: string): Promise<string> => messageOf(await poster(["127.0.0.1"]).post(requestTo(url)));
  assert.equal(await post(gone.url), "nothing listens there");
  assert.match(await post(`http://127.0.0.1:${portOf(garbage)}/`), /^the request failed \(HPE_/);
  assert.match(await post(`http://127.0.0.1:${portOf(long)}/`), /header is too long/);
});

test("an endpoint that goes over to another protocol has answered, and not as it should", async () => {
  const head = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
  await using server = await rawServer((write) => write(head));
  const outcome = await poster(["127.0.0.1"]).post(requestTo(`http://127.0.0.1:${portOf(server)}/`));
  assert.deepEqual(outcome, { kind: "answered", status: 101, retryAfter: undefined });
});

test("given up by its caller, it rejects with the caller's reason", async () => {
  const stop = new AbortController();
  await using endpoint = await openEndpoint(() => stop.abort(new Error("enough")));
  const posting = poster(["127.0.0.1"]).post(requestTo(endpoint.url, { signal: stop.signal }));
  await assert.rejects(posting, { message: "enough" });
});

test("over https the name is asked for and its certificate judged, at the address that was", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "egress-"));
  t.after(() => rm(folder, { recursive: true }));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=hooks.internal", "-days", "2"];
  const made = spawnSync("openssl", [...words, "-keyout", key, "-out", cert], { stdio: "ignore" });
  if (made.status !== 0) return t.skip("there is no openssl to make a certificate");
  const named: string[] = [];
  const tls = { key: readFileSync(key), cert: readFileSync(cert) };
  const server = createSecureServer({
    ...tls,
    SNICallback(name, done) {
      named.push(name);
      done(null, createSecureContext(tls));
    },
  });
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server);
  const outcome = await poster([`hooks.internal:${port}`]).post(requestTo(`https://hooks.internal:${port}/`));
  assert.deepEqual(outcome, { kind: "failed", message: "its certificate is not trusted" });
  assert.deepEqual(named, ["hooks.internal"]);
  server.closeAllConnections();
  server.close();
});
