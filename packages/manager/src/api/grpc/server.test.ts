import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { toBinary } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { ManagerError } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "./gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "./gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as Alpha } from "./gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { GetServerRequestSchema } from "./gen/mcpmanager/v1/server_messages_pb.ts";
import { type GrpcDoor, openGrpcDoor, refusalOf, take } from "./testing/grpc-door.ts";
import { callRaw, frame } from "./testing/raw-call.ts";

const manager = "mcpmanager.v1.MCPManager";

describe("health", () => {
  test("it serves while it is ready, without a credential, and says so when it does not any more", async () => {
    await using door = await openGrpcDoor();
    const client = door.clientOf(Health, "none");
    for (const service of ["", manager]) assert.equal((await client.check({ service })).status, Status.SERVING);
    assert.equal((await refusalOf(client.check({ service: "other" }))).code, "NotFound");
    const watching = client.watch({ service: "" })[Symbol.asyncIterator]();
    assert.equal((await watching.next()).value?.status, Status.SERVING);
    door.readiness.replace("it is being stopped");
    assert.equal((await watching.next()).value?.status, Status.NOT_SERVING);
    assert.equal((await client.check({})).status, Status.NOT_SERVING);
    const [unknown] = await take(client.watch({ service: "other" }, { signal: AbortSignal.timeout(5_000) }), 1);
    assert.equal(unknown?.status, Status.SERVICE_UNKNOWN);
  });
});

describe("reflection", () => {
  for (const service of [ServerReflection, Alpha]) {
    test(`${service.typeName} lists services and finds files with all that they import`, async () => {
      await using door = await openGrpcDoor();
      const asked = [
        { case: "listServices" as const, value: "*" },
        { case: "fileContainingSymbol" as const, value: `${manager}.DeployServer` },
        { case: "fileByFilename" as const, value: "google/protobuf/struct.proto" },
        { case: "fileContainingSymbol" as const, value: "nothing.Here" },
      ];
      async function* questions(): AsyncIterable<{ messageRequest: (typeof asked)[number] }> {
        for (const messageRequest of asked) yield { messageRequest };
      }
      const client = door.clientOf(service as typeof ServerReflection);
      const answers = (await take(client.serverReflectionInfo(questions()))).map((answer) => answer.messageResponse);
      const [list, files, file, missing] = answers;
      assert.ok(list?.case === "listServicesResponse" && list.value.service.some(({ name }) => name === manager));
      assert.ok(files?.case === "fileDescriptorResponse" && files.value.fileDescriptorProto.length > 10);
      assert.ok(file?.case === "fileDescriptorResponse" && file.value.fileDescriptorProto.length === 1);
      assert.ok(missing?.case === "errorResponse" && missing.value.errorCode === 5);
      const refusal = refusalOf(
        door.clientOf(service as typeof ServerReflection, "none").serverReflectionInfo(questions()),
      );
      assert.equal((await refusal).code, "Unauthenticated");
    });
  }
});

describe("what is no proper call", () => {
  test("fields that the manager does not know are refused, wherever they are", async () => {
    await using door = await openGrpcDoor();
    // Field 99, the text "x"; and the same inside the field `server`.
    const unknown = Buffer.from([0x9a, 0x06, 0x01, 0x78]);
    const name = toBinary(GetServerRequestSchema, { $typeName: "mcpmanager.v1.GetServerRequest", name: "weather" });
    const outer = await callRaw(door.url, `/${manager}/GetServer`, frame(Buffer.concat([name, unknown])));
    assert.deepEqual(
      [outer.status, outer.message],
      [
        "3",
        "GetServerRequest: 1 field is wrong: #99: given a value, expected no such field: this manager's proto files are older or others than the client's",
      ],
    );
    const inner = frame(Buffer.concat([Buffer.from([0x0a, unknown.length]), unknown]));
    assert.match((await callRaw(door.url, `/${manager}/DeployServer`, inner)).message, /: server\.#99: given a value/);
  });

  test("a message over 4 MiB is refused unread, and what is no message too", async () => {
    await using door = await openGrpcDoor();
    const long = await callRaw(door.url, `/${manager}/GetServer`, frame(Buffer.alloc(0), 4 * 1_024 * 1_024 + 1));
    assert.equal(long.status, "8");
    const garbage = await callRaw(door.url, `/${manager}/GetServer`, frame(Buffer.from([0xff, 0xff, 0xff])));
    assert.notEqual(garbage.status, "0");
    const compressed = await callRaw(door.url, `/${manager}/GetServer`, frame(Buffer.alloc(0)), {
      "grpc-encoding": "gzip",
    });
    assert.equal(compressed.status, "12");
    assert.deepEqual(door.failures, []);
  });

  test("a message that is cut in the middle is none, and a caller that leaves in the middle is no failure", async () => {
    await using door = await openGrpcDoor();
    const cut = await callRaw(door.url, `/${manager}/GetServer`, frame(Buffer.from("abc"), 10));
    assert.equal(cut.status, "3");
    const session = connect(door.url);
    const head = { ":method": "POST", ":path": `/${manager}/GetServer`, "content-type": "application/grpc" };
    const stream = session.request({ ...head, authorization: "Bearer admin" });
    stream.on("error", () => undefined);
    stream.write(frame(Buffer.from("abc"), 10));
    stream.close(8);
    await once(stream, "close");
    session.destroy();
    assert.equal((await door.client().getHealth({})).version, "1.2.3");
    assert.deepEqual(door.failures, []);
  });

  test("a method that is not there, or is not there yet, is unimplemented; what is no gRPC is told where REST is", async () => {
    await using door = await openGrpcDoor();
    assert.equal((await callRaw(door.url, "/other.Service/Method", frame(Buffer.alloc(0)))).status, "12");
    const plain = await callRaw(door.url, "/api/v1/servers", Buffer.from("{}"), { "content-type": "application/json" });
    assert.equal(plain.http, 415);
    assert.match(plain.body.toString(), /speaks gRPC/);
  });

  test("bytes that are no HTTP/2 end their connection, and nothing else", async () => {
    await using door = await openGrpcDoor();
    const socket = connectSocket(Number(new URL(door.url).port), "127.0.0.1");
    socket.on("error", () => undefined);
    socket.end("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    socket.resume();
    await once(socket, "close");
    assert.equal((await door.client().getHealth({})).version, "1.2.3");
  });
});

describe("connections", () => {
  const limits = { max: 10, enter: () => true, stalledMs: 60_000 };

  test("one for which there is no room is closed at once", async () => {
    const enter = (_: unknown, open: number): boolean => open < 1;
    await using door = await openGrpcDoor({ connections: { ...limits, enter, clock: new ManualClock() } });
    const first = connect(door.url);
    await once(first, "remoteSettings");
    const second = connect(door.url).on("error", () => undefined);
    await once(second, "close");
    first.destroy();
    await once(first, "close");
  });

  test("a client that does not answer pings is let go", async () => {
    const clock = new ManualClock();
    await using door = await openGrpcDoor({ connections: { ...limits, clock } });
    const socket = connectSocket(Number(new URL(door.url).port), "127.0.0.1");
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    await once(socket, "data");
    socket.resume();
    const closed = once(socket, "close");
    await clock.advance(20_000);
    await clock.advance(20_000);
    await closed;
  });

  test("a stream that nobody reads is ended; one on which nothing happens is not", async () => {
    const many = Array.from({ length: 1_000 }, () => ({ replica: "r", at: "now", text: "x".repeat(10_000) }));
    await using door = await openGrpcDoor({
      connections: { ...limits, clock: new ManualClock(), stalledMs: 300 },
      operations: {
        readLogs: async ({ path, signal }) => ({
          kind: "lines",
          named: false,
          lines: path["name"] === "busy" ? linesOf(many) : linesOf([], signal),
        }),
      },
    });
    const session = connect(door.url);
    const open = (name: string): ReturnType<typeof session.request> => {
      const head = { ":method": "POST", ":path": `/${manager}/ReadLogs`, authorization: "Bearer admin" };
      const stream = session.request({ ...head, "content-type": "application/grpc" });
      stream.on("error", () => undefined);
      stream.end(frame(toBinary(GetServerRequestSchema, { $typeName: "mcpmanager.v1.GetServerRequest", name })));
      return stream;
    };
    const quiet = open("quiet");
    const busy = open("busy");
    await once(busy, "response");
    await once(busy, "close");
    assert.equal(busy.rstCode, 8);
    assert.equal(quiet.closed, false);
    session.destroy();
  });
});

describe("what no client does", () => {
  const head = { ":method": "POST", ":path": `/${manager}/GetHealth`, "content-type": "application/grpc" };

  for (const credential of ["Bearer admin", "none"]) {
    test(`calls that are opened and reset by the thousand end their connection and no other (${credential})`, async () => {
      await using door = await openGrpcDoor();
      const session = connect(door.url).on("error", () => undefined);
      await once(session, "remoteSettings");
      while (!session.destroyed) {
        for (let count = 0; count < 200 && !session.closed; count += 1) {
          const stream = session.request({ ...head, authorization: credential }).on("error", () => undefined);
          stream.close(count % 2 === 0 ? 8 : 2);
        }
        await setImmediate();
      }
      assert.equal((await door.client().getHealth({})).version, "1.2.3");
      assert.deepEqual(door.failures, []);
    });
  }

  test("headers that are too long are refused, and a connection is told how many calls it may have", async () => {
    await using door = await openGrpcDoor();
    const session = connect(door.url).on("error", () => undefined);
    await once(session, "remoteSettings");
    assert.equal(session.remoteSettings.maxConcurrentStreams, 256);
    const long = session.request({ ...head, long: "x".repeat(20_000) });
    await assert.rejects(once(long, "close"), /ENHANCE_YOUR_CALM/);
    session.destroy();
    assert.equal((await door.client().getHealth({})).version, "1.2.3");
  });
});

test("while there is no room calls are refused with a time to come back; health and reflection are answered", async () => {
  const asked: unknown[] = [];
  await using door = await openGrpcDoor({
    refuseCall({ roles }, lasts) {
      asked.push([roles[0], lasts]);
      return new ManagerError("unavailable", "overloaded", { reason: "OVERLOADED", retryAfterMs: 3_000 });
    },
  });
  const client = door.client("viewer");
  for (const refused of [client.getHealth({}), client.watchEvents({}), client.listServers({})]) {
    const { code, facts, retryAfter } = await refusalOf(refused);
    assert.deepEqual([code, facts["reason"], retryAfter], ["Unavailable", "OVERLOADED", 3]);
  }
  assert.deepEqual(asked, [
    ["viewer", false],
    ["viewer", true],
    ["viewer", false],
  ]);
  assert.equal((await door.clientOf(Health, "none").check({})).status, Status.SERVING);
  const question = { messageRequest: { case: "listServices" as const, value: "*" } };
  async function* questions(): AsyncIterable<typeof question> {
    yield question;
  }
  assert.equal((await take(door.clientOf(ServerReflection).serverReflectionInfo(questions()))).length, 1);
});

describe("a stream that is not read", () => {
  const leaving = {
    "cancels its call": (_: ClientHttp2Session, stream: ClientHttp2Stream) => stream.close(8),
    "goes away with its connection": (session: ClientHttp2Session) => session.destroy(),
  };
  for (const [what, leave] of Object.entries(leaving)) {
    test(`is over when its reader ${what}`, async () => {
      const ended = Promise.withResolvers<void>();
      await using door = await openGrpcDoor({
        operations: { readLogs: async () => ({ kind: "lines", named: false, lines: endless(ended) }) },
      });
      const session = connect(door.url).on("error", () => undefined);
      const head = { ":method": "POST", ":path": `/${manager}/ReadLogs`, authorization: "Bearer admin" };
      const stream = session.request({ ...head, "content-type": "application/grpc" }).on("error", () => undefined);
      stream.end(frame(toBinary(GetServerRequestSchema, { $typeName: "mcpmanager.v1.GetServerRequest", name: "a" })));
      await once(stream, "response");
      // So that what is sent fills the window, and is waited for.
      await door.client().getHealth({});
      leave(session, stream);
      await ended.promise;
      session.destroy();
    });
  }
});

describe("closing", () => {
  test("a call in flight ends well, a stream is told to come back, and then nothing listens", async () => {
    const begun = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    await using door = await openGrpcDoor({ operations: { getHealth: slow(begun, go) } });
    const call = door.client().getHealth({});
    door.rest.lines.push({ replica: "weather-1-a", at: "2027-01-01T00:00:00Z", text: "hello" });
    const reading = door.client().readLogs({ name: await deployed(door), follow: true });
    const lines = reading[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value?.text, "hello");
    await begun.promise;
    const closed = door.server.close(new AbortController().signal);
    const refusal = await refusalOf(lines.next());
    assert.deepEqual([refusal.code, refusal.message], ["Unavailable", "the manager is being stopped: ask again"]);
    go.resolve();
    assert.equal((await call).version, "9");
    await closed;
    const late = await refusalOf(door.client().getHealth({}));
    assert.equal(late.code, "Unavailable");
  });

  test("what does not end in time is cut", async () => {
    const begun = Promise.withResolvers<void>();
    await using door = await openGrpcDoor({ operations: { getHealth: slow(begun, Promise.withResolvers<void>()) } });
    const call = door.client().getHealth({});
    const failed = call.then(
      () => undefined,
      (error: unknown) => ConnectError.from(error).code,
    );
    await begun.promise;
    const expired = new AbortController();
    const closed = door.server.close(expired.signal);
    expired.abort();
    await closed;
    assert.notEqual(await failed, undefined);
  });
});

test("a port that is taken is named, and so is what to do", async () => {
  await using door = await openGrpcDoor();
  const port = Number(new URL(door.url).port);
  await assert.rejects(openGrpcDoor({ port }), (error: ManagerError) => {
    assert.match(
      error.message,
      /^cannot listen on 127\.0\.0\.1:\d+: another program .* choose another with --grpc-port$/,
    );
    return error.code === "unavailable";
  });
});

type Operation = NonNullable<NonNullable<Parameters<typeof openGrpcDoor>[0]>["operations"]>["getHealth"];

function slow(begun: PromiseWithResolvers<void>, go: PromiseWithResolvers<void>): NonNullable<Operation> {
  return async () => {
    begun.resolve();
    await go.promise;
    return { kind: "json", status: 200, body: { status: "ok", version: "9", servers: [] } };
  };
}

async function deployed(door: GrpcDoor): Promise<string> {
  const source = { kind: "remote", url: "https://tools.example/mcp" };
  await door.client().deployServer({ server: { metadata: { name: "weather" }, spec: { source } } });
  return "weather";
}

async function* endless(
  ended: PromiseWithResolvers<void>,
): AsyncIterable<{ replica: string; at: string; text: string }> {
  try {
    for (;;) yield { replica: "r", at: "now", text: "x".repeat(10_000) };
  } finally {
    ended.resolve();
  }
}

async function* linesOf<Line>(lines: readonly Line[], signal?: AbortSignal): AsyncIterable<Line> {
  yield* lines;
  if (signal?.aborted === false) await once(signal, "abort");
}
