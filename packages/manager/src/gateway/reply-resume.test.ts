/** An answer that became a stream and lost its connection in the middle of its response: what of it can still be had. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import { OpenStreams } from "./sessions/open-streams.ts";
import { HttpReply, type ReplyListener } from "./reply.ts";
import { SessionStreams } from "./sessions/session-streams.ts";
import { EventReader } from "./testing/event-reader.ts";

/** One session's client before a door that does nothing but replies. */
class Door implements AsyncDisposable, ReplyListener {
  /** Whoever fills the reply is told. */
  gone = 0;
  drained = 0;
  readonly #open = new OpenStreams({ clock: new ManualClock(), random: seededRandom(1) });
  readonly streams: SessionStreams = new SessionStreams(this.#open, "2025-11-25");
  readonly #replies: HttpReply[] = [];
  readonly #server = createServer((request, response) => {
    if (request.method === "GET") {
      const listening = this.streams.listen(response, request.headers["last-event-id"] as string);
      if (listening !== "open") response.writeHead(400).end();
      return;
    }
    const reply = new HttpReply(response, "application/json, text/event-stream");
    reply.streams = this.streams;
    reply.listener = this;
    reply.notification(Buffer.from('{"n":1}'));
    this.#replies.push(reply);
  });

  static async open(): Promise<Door> {
    const door = new Door();
    door.#server.listen(0, "127.0.0.1");
    await once(door.#server, "listening");
    return door;
  }

  onClientGone(): void {
    this.gone++;
  }

  onDrain(): void {
    this.drained++;
  }

  /** A reply whose first message the client has. */
  async begin(): Promise<{ readonly reply: HttpReply; readonly reader: EventReader }> {
    const response = await fetch(this.#url, { method: "POST" });
    const reader = new EventReader(response);
    await reader.next();
    const reply = this.#replies.at(-1);
    assert.ok(reply !== undefined);
    return { reply, reader };
  }

  comeBack({ lastEventId }: EventReader): Promise<Response> {
    return fetch(this.#url, { headers: { "last-event-id": lastEventId } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#open[Symbol.dispose]();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  get #url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }
}

/** Resolves when a condition holds that the event loop brings about. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test("G9 a response in pieces goes on in the middle of itself", async () => {
  await using door = await Door.open();
  const { reply, reader } = await door.begin();
  reply.response(Buffer.from('{"id":1,'), false);
  await reader.cancel();
  await until(() => reply.address === undefined);
  reply.response(Buffer.from('"result":'), false);
  const back = new EventReader(await door.comeBack(reader));
  reply.response(Buffer.from('{"n":2}}'), true);
  assert.deepEqual(await back.next(), { id: 1, result: { n: 2 } });
  assert.equal(await back.next(), undefined);
  const again = new EventReader(await door.comeBack(reader));
  assert.deepEqual(await again.next(), { id: 1, result: { n: 2 } });
  assert.equal(door.gone, 0);
});

test("a response that is too large to be kept is lost with its connection, and the rest of it is not waited for", async () => {
  await using door = await Door.open();
  const { reply, reader } = await door.begin();
  reply.response(Buffer.from('{"id":1,"result":"'), false);
  await reader.cancel();
  await until(() => reply.address === undefined);
  const piece = Buffer.alloc(64 * 1024, "x");
  for (let i = 0; i < 5; i++) assert.equal(reply.response(piece, false), true);
  assert.deepEqual([door.gone, reply.ended], [1, true]);
  assert.equal((await door.comeBack(reader)).status, 400);
});

test("a large response goes on to the connection it has; what comes back for it is refused", async () => {
  await using door = await Door.open();
  const { reply, reader } = await door.begin();
  reply.response(Buffer.from('{"id":1,"result":"'), false);
  const piece = Buffer.alloc(256 * 1024, "x");
  for (let i = 0; i < 8; i++) reply.response(piece, false);
  assert.equal((await door.comeBack(reader)).status, 400);
  reply.response(Buffer.from('"}'), true);
  assert.equal((await reader.next())?.id, 1);
});

test("who waited for a reader that is gone is told to go on", async () => {
  await using door = await Door.open();
  const { reply, reader } = await door.begin();
  const piece = Buffer.alloc(64 * 1024, "x");
  reply.response(Buffer.from('{"id":1,"result":"'), false);
  while (reply.response(piece, false)) await new Promise((resolve) => setImmediate(resolve));
  await reader.cancel();
  await until(() => door.drained + door.gone > 0);
});

test("a response that breaks off is an error for who comes back for it", async () => {
  await using door = await Door.open();
  const { reply, reader } = await door.begin();
  reply.response(Buffer.from('{"id":1,'), false);
  reply.json(503, Buffer.from('{"id":1,"error":{"code":503}}'));
  await assert.rejects(reader.next());
  const back = new EventReader(await door.comeBack(reader));
  assert.equal((await back.next())?.error?.code, 503);
});

test("a call that its client cancelled leaves nothing to come back for", async () => {
  await using door = await Door.open();
  const { reply, reader } = await door.begin();
  reply.response(Buffer.from('{"id":1,'), false);
  reply.end();
  await assert.rejects(reader.next());
  assert.equal((await door.comeBack(reader)).status, 400);
});

test("a connection that is lost before the first event is a client that is gone", async () => {
  await using door = await Door.open();
  const replies: HttpReply[] = [];
  const server = createServer((_request, response) => {
    const reply = new HttpReply(response, "*/*");
    reply.streams = door.streams;
    reply.listener = door;
    replies.push(reply);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const going = new AbortController();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const gone = assert.rejects(fetch(url, { method: "POST", signal: going.signal }));
  await until(() => replies.length > 0);
  going.abort();
  await gone;
  await until(() => door.gone > 0);
  assert.equal(replies[0]?.ended, true);
  server.close();
});
