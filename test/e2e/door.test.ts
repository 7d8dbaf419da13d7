/** The door of a real manager: bytes that are no proper requests, clients that hold on to everything, and too few descriptors. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { configOf } from "./testing/fixtures.ts";
import { type ManagerProcess, startManager, until } from "./testing/manager.ts";
import { initialize, request, send } from "./testing/mcp.ts";
import { sendModern } from "./testing/modern.ts";

const running = new AsyncDisposableStack();
let manager: ManagerProcess;

before(async () => {
  const config = JSON.stringify({
    ...(JSON.parse(configOf({ one: { mode: "plain" } })) as object),
    gateway: { bodySize: "16KiB", timeouts: { headers: "500ms", request: "1s" } },
  });
  manager = running.use(await startManager({ config }));
  await manager.serversReady("one");
});
after(() => running.disposeAsync());

function connectTo({ url }: ManagerProcess): Socket {
  return connect(Number(new URL(url).port), "127.0.0.1").on("error", () => undefined);
}

/** Sends bytes as they are, and nothing more; resolves with everything that came until the manager closed the connection. */
function raw(bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connectTo(manager);
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    socket.on("close", () => resolve(text));
    socket.write(bytes);
  });
}

function statusesOf(text: string): readonly number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

/** What an attacker wants to be taken for a request of its own. */
const smuggled = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/** The head of a request to the endpoint with a good credential, and these headers. */
function head(...headers: readonly string[]): string {
  const { key } = manager;
  return ["POST /mcp HTTP/1.1", "Host: localhost", `Authorization: Bearer ${key}`, ...headers, "", ""].join("\r\n");
}

interface Case {
  readonly name: string;
  readonly bytes: () => string | Buffer;
  /** The statuses of all answers on the connection, in order. */
  readonly statuses: readonly number[];
}

/** Framing that two readers could understand differently: refused, the connection closed, nothing behind it read. */
const ambiguous: Readonly<Record<string, readonly string[]>> = {
  "a length and chunks": ["Content-Length: 4", "Transfer-Encoding: chunked"],
  "chunks and a length": ["Transfer-Encoding: chunked", "Content-Length: 4"],
  "two lengths": ["Content-Length: 0", "Content-Length: 60"],
  "the same length twice": ["Content-Length: 0", "Content-Length: 0"],
  "two lengths in one header": ["Content-Length: 0, 60"],
  "a length with a sign": ["Content-Length: +0"],
  "a length that is negative": ["Content-Length: -1"],
  "a length in hexadecimal": ["Content-Length: 0x0"],
  "a length that no number holds": ["Content-Length: 99999999999999999999"],
  "an unknown coding": ["Transfer-Encoding: xchunked"],
  "chunks that are not the last coding": ["Transfer-Encoding: chunked, identity"],
  "a blank before the colon": ["Transfer-Encoding : chunked", "Content-Length: 0"],
  "a header that goes on in the next line": ["Content-Length: 0", "X-Folded: a", " Transfer-Encoding: chunked"],
  "a null in a header": ["X-Null: a\0b", "Content-Length: 0"],
  "a carriage return in a header": ["X-Return: a\rTransfer-Encoding: chunked", "Content-Length: 0"],
};

const chunked = "Transfer-Encoding: chunked";
const cases: readonly Case[] = [
  ...Object.entries(ambiguous).map(([name, headers]) => ({
    name,
    bytes: () => `${head(...headers)}0\r\n\r\n${smuggled}`,
    statuses: [400],
  })),
  { name: "no host", bytes: () => `GET /health HTTP/1.1\r\n\r\n${smuggled}`, statuses: [400] },
  { name: "a chunk of no size", bytes: () => `${head(chunked)}x\r\n{}\r\n0\r\n\r\n${smuggled}`, statuses: [400] },
  {
    name: "a chunk whose size overflows",
    bytes: () => `${head(chunked)}FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n${smuggled}`,
    statuses: [400],
  },
  {
    name: "a chunk that is longer than it says",
    bytes: () => `${head(chunked)}2\r\n{}{}\r\n0\r\n\r\n${smuggled}`,
    statuses: [400],
  },
  {
    name: "chunk extensions without end",
    bytes: () => `${head(chunked)}2;${"x".repeat(20_000)}\r\n{}\r\n0\r\n\r\n${smuggled}`,
    statuses: [413],
  },
  { name: "headers over the cap", bytes: () => head(`X-Long: ${"x".repeat(20_000)}`) + smuggled, statuses: [431] },
  {
    name: "many headers over the cap",
    bytes: () => head(...Array.from({ length: 3_000 }, (_, i) => `X-${i}: y`)) + smuggled,
    statuses: [431],
  },
  {
    name: "another host in the request line is another path, not the endpoint",
    bytes: () => head("Content-Length: 2").replace("POST /mcp", "POST http://evil.example/mcp") + `{}${smuggled}`,
    statuses: [404],
  },
  // From here on the framing is good: what follows is a request of its own, and is answered as one.
  {
    name: "a body over the cap by its length",
    bytes: () => `${head("Content-Length: 20000")}${"x".repeat(20_000)}${smuggled}`,
    statuses: [413, 200],
  },
  {
    name: "a body over the cap in chunks",
    bytes: () => `${head(chunked)}4e20\r\n${"x".repeat(20_000)}\r\n0\r\n\r\n${smuggled}`,
    statuses: [413, 200],
  },
  {
    name: "a compressed body",
    bytes: () => {
      const bomb = gzipSync(Buffer.alloc(1_048_576, "["));
      const start = head("Content-Encoding: gzip", `Content-Length: ${bomb.length}`);
      return Buffer.concat([Buffer.from(start), bomb, Buffer.from(smuggled)]);
    },
    statuses: [415, 200],
  },
  {
    name: "requests one behind the other",
    bytes: () => `${head("Content-Length: 2")}{}${head("Content-Length: 1")}[${smuggled}`,
    statuses: [400, 400, 200],
  },
];

describe("L4 what is refused", () => {
  for (const { name, bytes, statuses } of cases) {
    test(name, async () => {
      assert.deepEqual(statusesOf(await raw(bytes())), statuses);
    });
  }

  test("a compressed body at the REST door", async () => {
    const body = gzipSync('{"metadata":{"name":"x"}}');
    const response = await fetch(`${manager.url}/api/v1/servers`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "content-encoding": "gzip",
        authorization: `Bearer ${manager.key}`,
      },
      body,
    });
    assert.equal(response.status, 415);
    assert.match(await response.text(), /send the body uncompressed/);
  });
});

test("L1 clients that send heads and bodies a byte at a time, or nothing, are closed, and others are served meanwhile", async () => {
  const session = await initialize(manager);
  const starts = ["", "POST /mcp HTTP/1.1\r\nHost: lo", head("Content-Length: 9999")];
  let open = 0;
  const slow = Array.from({ length: 300 }, (_, i) => {
    const socket = connectTo(manager);
    open += 1;
    socket.on("close", () => (open -= 1)).resume();
    socket.write(starts[i % starts.length] ?? "");
    return socket;
  });
  const trickle = setInterval(() => {
    for (const [i, socket] of slow.entries()) if (i % starts.length > 0 && socket.writable) socket.write("x");
  }, 100);
  let calls = 0;
  await until("all of them are closed", async () => {
    const answer = await request(manager, session, "tools/call", { name: "one__echo", arguments: { n: ++calls } });
    assert.equal(answer.status, 200);
    return open === 0;
  });
  clearInterval(trickle);
});

test("F1 with 256 descriptors a crowd is turned away, managers and known clients are served, and it recovers", async (t) => {
  if (process.platform !== "linux") return t.skip("descriptors are limited by ulimit here only");
  const launcher = ["sh", "-c", 'ulimit -n 256; exec "$0" "$@"'];
  await using small = await startManager({ config: configOf({ one: { mode: "plain" } }), launcher });
  await small.serversReady("one");
  const session = await initialize(small);
  const crowd = Array.from({ length: 400 }, () => connectTo(small).on("data", () => undefined));
  let closed = 0;
  for (const socket of crowd) socket.on("close", () => (closed += 1));
  // A head that has begun keeps a connection from being taken for one that waits for its next request.
  for (const socket of crowd) socket.write("GET /health HTTP/1.1\r\n");
  await until("most are turned away", () => Promise.resolve(closed >= 400 - 96));
  await until("a manager is served", async () => (await small.client.servers.get("one")).metadata.name === "one");
  assert.equal((await fetch(`${small.url}/ready`)).status, 200);
  assert.match(await metric(small, "mcp_manager_refused_total"), /reason="connections"\} [1-9]/);
  for (const socket of crowd) socket.destroy();
  await until("everybody is served", async () => {
    const call = await request(small, session, "tools/call", { name: "one__pid" });
    return call.status === 200 && (await sendModern(small, "server/discover")).status === 200;
  });
  assert.equal(await small.end("SIGTERM"), 0);
});

test("H1 a herd of new clients is let in bit by bit, and who has a session does not notice", async () => {
  const herdSize = 200;
  const config = JSON.stringify({
    ...(JSON.parse(configOf({ one: { mode: "plain" } })) as object),
    // Fewer than come in the slowest of times: a machine that has much to do lets them in bit by bit itself.
    gateway: { sessions: { perSecond: 50, burst: 20 } },
  });
  await using busy = await startManager({ config });
  await busy.serversReady("one");
  const session = await initialize(busy);
  let refused = 0;
  const join = async (): Promise<void> => {
    const isIn = async (): Promise<boolean> => {
      const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "herd", version: "1" } };
      const answer = await send(busy, { jsonrpc: "2.0", id: 0, method: "initialize", params });
      if (answer.status === 200) return true;
      assert.equal(answer.status, 503);
      assert.match(answer.headers.get("retry-after") ?? "", /^[1-5]$/);
      refused += 1;
      return false;
    };
    await until("a client has its session", isIn, 200);
  };
  const herd = Promise.all(Array.from({ length: herdSize }, join));
  const state = { isOver: false };
  const over = herd.then(() => (state.isOver = true));
  do {
    assert.equal((await request(busy, session, "tools/call", { name: "one__echo", arguments: {} })).status, 200);
  } while (!state.isOver);
  await over;
  assert.ok(refused > 0, "nobody had to wait");
  assert.match(await metric(busy, "mcp_manager_sessions"), new RegExp(`\\} ${herdSize + 1}$`, "m"));
});

/** The lines of a metric. */
async function metric({ url, key }: ManagerProcess, name: string): Promise<string> {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${key}` } });
  const lines = (await response.text()).split("\n");
  return lines.filter((line) => line.startsWith(`${name}{`)).join("\n");
}
