/** What is kept of a session's streams: never another stream's, always the end of one's own, within the bounds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EventLog, type EventMemory } from "./event-log.ts";
import { type EventStream, readEventId, type StreamOwner } from "./event-stream.ts";

const owner: StreamOwner = { resume: () => undefined };

class Memory implements EventMemory {
  bytes = 0;
  bytesMax = 1024 * 1024;
  now = 0;
  dropped = 0;

  nowMs(): number {
    return this.now;
  }

  onDropped(): void {
    this.dropped++;
  }
}

function openLog(memory = new Memory(), primes = false): { log: EventLog; memory: Memory } {
  return { log: new EventLog("life", primes, memory), memory };
}

/** Data of the events that would be replayed. */
function replayed(stream: EventStream, after = 0): readonly string[] {
  return stream.opening(after).map((bytes) => /^data: (.*)$/m.exec(bytes.toString())?.[1] ?? "");
}

function add(stream: EventStream, ...texts: readonly string[]): void {
  for (const text of texts) stream.add(Buffer.from(text), true);
}

test("an event's id says its life, stream and place; what is none of ours is not taken apart", () => {
  const { log } = openLog();
  log.open(owner);
  const stream = log.open(owner);
  assert.equal(stream.add(Buffer.from("{}"), true).toString(), "id: life-1-1\ndata: {}\n\n");
  assert.deepEqual(readEventId("life-1-1"), { life: "life", stream: 1, event: 1 });
  for (const text of ["", "1", "life-1", "life-1-1-1", "life-1-x", "li fe-1-1", `life-1-${"9".repeat(10)}`])
    assert.equal(readEventId(text), undefined, text);
});

test("a stream is found by ids that were given out, in this life, while it can be sent on", () => {
  const { log, memory } = openLog();
  const stream = log.open(owner);
  add(stream, "a", "b");
  const at = (event: number, life = "life"): EventStream | undefined => log.find({ life, stream: 0, event });
  assert.equal(at(2), stream);
  assert.equal(at(3), undefined);
  assert.equal(at(1, "other"), undefined);
  stream.addLast(Buffer.from("end"), false);
  memory.now = 59_000;
  assert.equal(at(1), stream);
  memory.now = 60_001;
  assert.equal(at(1), undefined);
  assert.equal(memory.bytes, 0);
  assert.equal(memory.dropped, 1, "the end was never sent");
});

test("clients that take it get an id before there is a message, and again when they come back", () => {
  const stream = openLog(new Memory(), true).log.open(owner);
  assert.equal(String(stream.opening(0)), "retry: 1000\nid: life-0-0\ndata: \n\n");
  add(stream, "a", "b");
  assert.equal(stream.opening(1).join(""), "retry: 1000\nid: life-0-1\ndata: \n\nid: life-0-2\ndata: b\n\n");
});

test("an event in pieces is kept when it is whole; while it comes, a client that is back gets the pieces so far", () => {
  const { log, memory } = openLog();
  const stream = log.open(owner);
  assert.equal(stream.begin(true).toString(), "id: life-0-1\ndata: ");
  stream.piece(Buffer.from("ab"));
  assert.equal(stream.opening(0).join(""), "id: life-0-1\ndata: ab");
  stream.piece(Buffer.from("cd"));
  stream.complete();
  assert.equal(stream.opening(0).join(""), "id: life-0-1\ndata: abcd\n\n");
  assert.equal(log.find({ life: "life", stream: 0, event: 0 }), stream);
  log.close();
  assert.equal(memory.bytes, 0);
});

test("a stream whose end is too large to be kept is lost, and so is nothing else", () => {
  const { log, memory } = openLog();
  const [whole, pieces, other] = [log.open(owner), log.open(owner), log.open(owner)];
  for (const stream of [whole, pieces, other]) add(stream, "a");
  whole.addLast(Buffer.alloc(300 * 1024, "x"), true);
  pieces.begin(true);
  for (let i = 0; i < 10; i++) pieces.piece(Buffer.alloc(32 * 1024, "x"));
  pieces.complete();
  assert.deepEqual([whole.isLost, pieces.isLost, other.isLost], [true, true, false]);
  for (const stream of [0, 1]) assert.equal(log.find({ life: "life", stream, event: 1 }), undefined);
  assert.equal(log.find({ life: "life", stream: 2, event: 1 }), other);
  log.close();
  assert.equal(memory.bytes, 0);
});

test("room is made by what has finished, then by the stream that holds most", () => {
  const { log } = openLog();
  const [done, quiet, loud] = [log.open(owner), log.open(owner), log.open(owner)];
  done.addLast(Buffer.from("done"), true);
  add(quiet, "quiet");
  for (let i = 0; i < 500; i++) add(loud, `loud ${i}`);
  assert.deepEqual(replayed(done), []);
  assert.deepEqual(replayed(quiet), ["quiet"]);
  assert.deepEqual(replayed(loud, 498), ["loud 498", "loud 499"]);
  assert.equal(replayed(loud).length, 199);
});

test("all logs together keep no more than the memory they share", () => {
  const memory = new Memory();
  memory.bytesMax = 10_000;
  const logs = Array.from({ length: 10 }, () => openLog(memory).log);
  for (const log of logs) {
    const stream = log.open(owner);
    for (let i = 0; i < 10; i++) add(stream, "x".repeat(1_000));
  }
  assert.ok(memory.bytes <= 10_000);
  for (const log of logs) log.close();
  assert.equal(memory.bytes, 0);
});

test("whatever happens, a replay is the end of its own stream, the bounds hold and everything is given back", () => {
  const step = fc.record({
    what: fc.constantFrom("open", "add", "add", "add", "pieces", "last", "finish", "forget"),
    stream: fc.nat(9),
    size: fc.oneof(fc.nat(200), fc.nat(100_000)),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const { log, memory } = openLog();
      const model: { readonly stream: EventStream; readonly sent: string[] }[] = [];
      for (const { what, stream: index, size } of steps) {
        memory.now += what === "forget" ? 61_000 : 1;
        if (what === "open" && model.length < 10) model.push({ stream: log.open(owner), sent: [] });
        const entry = model[index];
        if (entry === undefined || entry.stream.owner === undefined || entry.stream.isLost) continue;
        const text = `${index}:${entry.sent.length}:${"x".repeat(size)}`;
        if (what === "finish") entry.stream.finish();
        if (!["add", "pieces", "last"].includes(what)) continue;
        entry.sent.push(text);
        if (what === "add") entry.stream.add(Buffer.from(text), true);
        if (what === "last") entry.stream.addLast(Buffer.from(text), true);
        if (what !== "pieces") continue;
        entry.stream.begin(true);
        for (const piece of text.match(/[^]{1,5000}/g) ?? []) entry.stream.piece(Buffer.from(piece));
        entry.stream.complete();
      }
      let kept = 0;
      for (const { stream, sent } of model) {
        const all = replayed(stream);
        kept += all.length;
        const places = all.map((text) => sent.indexOf(text));
        assert.ok(places.every((place, i) => place >= 0 && (i === 0 || place > (places[i - 1] ?? 0))));
      }
      assert.ok(kept <= 200);
      assert.ok(memory.bytes <= 256 * 1024);
      log.close();
      assert.equal(memory.bytes, 0);
    }),
    { numRuns: 200 },
  );
});
