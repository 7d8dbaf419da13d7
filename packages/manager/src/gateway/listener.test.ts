/** The door: who is let in, what is refused unread, and how it closes. */
import assert from "node:assert/strict";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { TestGateway } from "./testing/gateway.ts";
import { Peer } from "./testing/peer.ts";

interface Raw {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** Whether the client was told to send its body. */
  readonly continued: boolean;
}

/** A request that `fetch` would not send. */
function send(url: string, headers: Readonly<Record<string, string>>, body = "{}", method = "POST"): Promise<Raw> {
  return new Promise((resolve, reject) => {
    let continued = false;
    const client = httpRequest(url, { method, headers });
    client.on("continue", () => {
      continued = true;
      client.end(body);
    });
    client.on("error", reject);
    client.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, continued });
        client.destroy();
      });
    });
    if (headers["expect"] === undefined) client.end(body);
    else client.flushHeaders();
  });
}

test("without a good credential an MCP endpoint answers 401 with a challenge, unread, and it is audited", async () => {
  await using gateway = await TestGateway.open();
  for (const headers of [{}, { authorization: "Bearer nobody" }]) {
    const { status, headers: got, text } = await send(`${gateway.url}/mcp`, headers, "x".repeat(2_000_000));
    assert.equal(status, 401);
    assert.equal(got["www-authenticate"], 'Bearer realm="mcp-manager"');
    const { error } = JSON.parse(text) as { error: { code: number; data: { code: string } } };
    assert.deepEqual([error.code, error.data.code], [401, "unauthenticated"]);
  }
  assert.deepEqual(
    gateway.audited.map(({ action, target, outcome, reason }) => ({ action, target, outcome, reason })),
    ["missing", "unknown"].map((reason) => ({ action: "http POST", target: "/mcp", outcome: "denied", reason })),
  );
});

test("a host name or an origin that is not ours is 403, in the words of the door it came to", async () => {
  await using gateway = await TestGateway.open();
  const good = { authorization: "Bearer ada" };
  const rebound = await send(`${gateway.url}/mcp`, { ...good, host: "evil.example" });
  assert.equal(rebound.status, 403);
  assert.match(rebound.text, /"code":403/);
  const page = await send(`${gateway.url}/mcp`, { ...good, origin: "https://evil.example" });
  assert.equal(page.status, 403);
  const rest = await send(`${gateway.url}/api/v1/servers`, { ...good, host: "evil.example" });
  assert.deepEqual([rest.status, rest.headers["content-type"]], [403, "application/problem+json"]);
  assert.equal(gateway.audited.length, 3);
});

test("other paths go on with their principal, or with why there is none", async () => {
  await using gateway = await TestGateway.open();
  const get = async (headers: Record<string, string>): Promise<unknown> =>
    JSON.parse((await send(`${gateway.url}/health`, headers, "", "GET")).text) as unknown;
  assert.deepEqual(await get({}), { path: "/health" });
  assert.deepEqual(await get({ authorization: "Bearer ada" }), { path: "/health", who: "ada" });
  assert.deepEqual(await get({ authorization: "Bearer x" }), { path: "/health", refusal: "send Bearer <key>" });
});

test("a query after the path changes nothing; other paths below it are no endpoints", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("weather");
  for (const path of ["/mcp?x=1", "/servers/weather/mcp?x=1"]) {
    assert.equal((await new Peer(gateway.url, { path }).modern("server/discover")).status, 200);
  }
  for (const path of ["/mcp/", "/servers/weather", "/servers/a/b/mcp", "/servers/Weather/mcp"]) {
    const { text } = await send(gateway.url + path, { authorization: "Bearer ada" });
    assert.equal((JSON.parse(text) as { path?: string }).path, path);
  }
});

test("a client that asks before it sends is told to go on, or refused before it did", async () => {
  await using gateway = await TestGateway.open({ bodyBytesMax: 1_000 });
  const body = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}';
  const good = { authorization: "Bearer ada", expect: "100-continue" };
  const taken = await send(`${gateway.url}/mcp`, { ...good, "content-length": String(body.length) }, body);
  assert.deepEqual([taken.status, taken.continued], [200, true]);
  const large = await send(`${gateway.url}/mcp`, { ...good, "content-length": "5000" });
  assert.deepEqual([large.status, large.continued, large.headers.connection], [413, false, "close"]);
  const unknown = await send(`${gateway.url}/mcp`, { expect: "100-continue", "content-length": "2" });
  assert.deepEqual([unknown.status, unknown.continued, unknown.headers.connection], [401, false, "close"]);
});

test("a client that goes away in the middle of its body leaves nothing behind", async () => {
  await using gateway = await TestGateway.open();
  const port = Number(new URL(gateway.url).port);
  await new Promise<void>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ada\r\nContent-Length: 100\r\n\r\n{",
      );
      socket.end(() => socket.destroy());
    });
    socket.on("close", () => resolve());
  });
  assert.equal((await new Peer(gateway.url).modern("server/discover")).status, 200);
});

test("pipelined and smuggled requests are each answered for what they are", async () => {
  await using gateway = await TestGateway.open();
  const port = Number(new URL(gateway.url).port);
  const head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ada\r\n";
  const raw = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let got = "";
      const socket = connect(port, "127.0.0.1", () => socket.end(text));
      socket.setEncoding("utf8").on("data", (chunk: string) => (got += chunk));
      socket.on("close", () => resolve(got));
    });
  const twice = await raw(`${head}Content-Length: 1\r\n\r\n{${head}Content-Length: 1\r\n\r\n{`);
  assert.equal(twice.match(/HTTP\/1\.1 400/g)?.length, 2);
  const both = await raw(`${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`);
  assert.match(both, /^HTTP\/1\.1 400/);
});

test("a port that is taken is named, with what to do", async () => {
  await using gateway = await TestGateway.open();
  await assert.rejects(gateway.listenAgain(), /cannot listen on 127\.0\.0\.1:\d+: another program listens there/);
});

test("closing takes no new connections and waits for the calls in flight, however their connections are kept", async () => {
  const gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const peer = new Peer(gateway.url);
  await peer.initialize();
  const answer = peer.legacy("tools/call", { name: "weather__slow" });
  const call = await weather.call("tools/call");
  const closed = gateway.close(new AbortController().signal);
  await assert.rejects(
    new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1", () => resolve(undefined));
      socket.on("error", reject);
    }),
  );
  call.result({ done: true });
  assert.deepEqual((await answer).body?.result, { done: true });
  await closed;
  await gateway[Symbol.asyncDispose]();
});

test("closing in a hurry cuts what is still open", async () => {
  const gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const answer = assert.rejects(new Peer(gateway.url).modern("tools/call", { name: "weather__slow" }));
  const call = await weather.call("tools/call");
  const hurry = new AbortController();
  const closed = gateway.close(hurry.signal);
  hurry.abort();
  await Promise.all([closed, answer]);
  await weather.until(() => call.cancelled !== undefined);
  await gateway[Symbol.asyncDispose]();
});
