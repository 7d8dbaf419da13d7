/**
 * gRPC of a real manager, asked by a client that is written here by hand: HTTP/2 of Node, frames and protobuf bytes put together in the
 * test, so that nothing that the manager is built with stands on both sides.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type ClientHttp2Session } from "node:http2";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { callRaw, frame } from "../../packages/manager/src/api/grpc/testing/raw-call.ts";
import { configOf, sourceOf } from "./testing/fixtures.ts";
import { type ManagerProcess, startManager } from "./testing/manager.ts";

const service = "/mcpmanager.v1.MCPManager";

/** A field that holds a text, bytes or a message. */
function field(number: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes]);
}

function flag(number: number): Buffer {
  return Buffer.from([number << 3, 1]);
}

function varint(value: number): Buffer {
  return value < 0x80
    ? Buffer.from([value])
    : Buffer.concat([Buffer.from([(value & 0x7f) | 0x80]), varint(value >>> 7)]);
}

/** The messages in a body of frames. */
function messagesIn(body: Buffer): readonly Buffer[] {
  if (body.length === 0) return [];
  const end = 5 + body.readUInt32BE(1);
  return [body.subarray(5, end), ...messagesIn(body.subarray(end))];
}

/** Where gRPC listens, as an address that Node connects to. */
function addressOf({ output }: ManagerProcess): string {
  const [, address = ""] = /ready on \S+ and grpc:\/\/(\S+)/.exec(output) ?? [];
  return `http://${address}`;
}

describe("a foreign client of gRPC", () => {
  const running = new AsyncDisposableStack();
  let manager: ManagerProcess;
  before(async () => {
    manager = running.use(await startManager({ config: configOf({ one: { mode: "plain" } }) }));
    await manager.serversReady("one");
  });
  after(() => running.disposeAsync());

  const ask = (method: string, message: Buffer, key: string = manager.key): ReturnType<typeof callRaw> =>
    callRaw(addressOf(manager), method, frame(message), { authorization: `Bearer ${key}` });

  test("asks for health without a credential, and for nothing else", async () => {
    const health = await ask("/grpc.health.v1.Health/Check", field(1, "mcpmanager.v1.MCPManager"), "none");
    assert.deepEqual([health.status, health.body], ["0", frame(flag(1))]);
    const refused = await ask(`${service}/GetServer`, field(1, "one"), "none");
    assert.equal(refused.status, "16");
    assert.doesNotMatch(refused.message, /none/);
  });

  test("deploys a server that REST then has, reads it in a stream, and calls its tool", async () => {
    const { command, args } = sourceOf("plain") as { readonly command: string; readonly args: readonly string[] };
    const source = Buffer.concat([field(1, "process"), field(2, command), ...args.map((text) => field(3, text))]);
    const server = Buffer.concat([field(2, field(1, "two")), field(3, field(1, source))]);
    const deployed = await ask(`${service}/DeployServer`, field(1, server));
    assert.deepEqual([deployed.status, deployed.message], ["0", ""]);
    await manager.serversReady("two");
    assert.equal((await manager.client.servers.get("two")).metadata.name, "two");
    const listed = await ask(`${service}/ListServers`, Buffer.alloc(0));
    assert.equal(messagesIn(listed.body).length, 2);
    const call = Buffer.concat([field(1, "two"), field(2, "echo"), field(4, '{"message":"hello"}'), flag(5)]);
    const [result] = messagesIn((await ask(`${service}/ExecuteTool`, call)).body);
    assert.match(result?.toString() ?? "", /"echo":\{"message":"hello"\}/);
  });

  test("that opens a stream hears when the manager stops, and the manager ends", async () => {
    await using own = await startManager({ config: configOf({ one: { mode: "plain" } }) });
    await own.serversReady("one");
    const session = connect(addressOf(own));
    const stream = openLogs(session, own.key);
    const trailers = once(stream, "trailers");
    const gone = once(session, "close");
    await once(stream, "data");
    const ended = own.end("SIGTERM");
    const [said] = (await trailers) as [Readonly<Record<string, string>>];
    assert.equal(said["grpc-status"], "14");
    await gone;
    assert.equal(await ended, 0);
  });
});

test("a port that was asked for and is taken stops the start, and off is off", async () => {
  await using quiet = await startManager({ args: ["--grpc-port", "off"] });
  assert.match(quiet.output, /ready on http:\/\/127\.0\.0\.1:\d+\n/);
  await using taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as { readonly port: number };
  await assert.rejects(startManager({ args: ["--grpc-port", String(port)] }), /choose another with --grpc-port/);
});

function openLogs(session: ClientHttp2Session, key: string): ReturnType<ClientHttp2Session["request"]> {
  const head = { ":method": "POST", ":path": `${service}/ReadLogs`, "content-type": "application/grpc" };
  const stream = session.request({ ...head, authorization: `Bearer ${key}` });
  stream.end(frame(Buffer.concat([field(1, "one"), flag(3)])));
  return stream;
}
