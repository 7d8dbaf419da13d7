/** Messages into a pipe: together, in order, bounded, and handed back when they cannot be written. */
import assert from "node:assert/strict";
import { finished, Writable } from "node:stream";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { ManagerError } from "@mcp-manager/api";
import { ManualClock } from "../base/clock.ts";
import { type Outgoing, PipeWriter } from "./pipe-writer.ts";

interface Bench {
  readonly writer: PipeWriter;
  readonly clock: ManualClock;
  /** What was written, write by write. */
  readonly writes: string[];
  readonly stalls: ManagerError[];
  /** Lets the pipe take what it was given. */
  drain(): void;
}

function open(isSlow = false): Bench {
  const writes: string[] = [];
  const stalls: ManagerError[] = [];
  const taken: (() => void)[] = [];
  const stdin = new Writable({
    highWaterMark: 100,
    write(chunk: Buffer, _encoding, done) {
      writes.push(chunk.toString());
      if (isSlow) taken.push(done);
      else done();
    },
  });
  const clock = new ManualClock();
  const writer = new PipeWriter({
    stdin,
    server: "weather",
    clock,
    unwrittenBytesMax: 1_000,
    writeTimeoutMs: 5_000,
    onStalled: (error) => stalls.push(error),
  });
  return { writer, clock, writes, stalls, drain: () => taken.shift()?.() };
}

interface Item extends Outgoing {
  refused: ManagerError | undefined;
  wasUnwritten: boolean;
}

function item(text: string, outlastsStall = false): Item {
  return {
    size: text.length,
    outlastsStall,
    refused: undefined,
    wasUnwritten: false,
    take: () => Buffer.from(text),
    unwritten() {
      this.wasUnwritten = true;
    },
    refuse(error) {
      this.refused = error;
    },
  };
}

test("what waits at the end of a turn leaves in one write, in order", async () => {
  const { writer, writes } = open();
  for (const text of ["a", "b", "c"]) writer.write(item(text));
  assert.deepEqual(writes, []);
  await setImmediate();
  assert.deepEqual(writes, ["a\nb\nc\n"]);
});

test("what is no longer wanted is left out", async () => {
  const { writer, writes } = open();
  writer.write(item("a"));
  writer.write({ ...item("b"), take: () => undefined });
  await setImmediate();
  assert.deepEqual(writes, ["a\n"]);
});

test("while the pipe is full everything waits, then leaves together", async () => {
  const { writer, writes, clock, drain } = open(true);
  writer.write(item("x".repeat(200)));
  await setImmediate();
  for (const text of ["a", "b"]) writer.write(item(text));
  await setImmediate();
  assert.deepEqual([writes.length, clock.pendingCount], [1, 1]);
  drain();
  await setImmediate();
  assert.deepEqual([writes.slice(1), clock.pendingCount], [["a\nb\n"], 0]);
});

test("a pipe that stays full refuses requests, keeps what outlasts, and recovers", async () => {
  const { writer, writes, stalls, clock, drain } = open(true);
  writer.write(item("x".repeat(200)));
  await setImmediate();
  const [request, notice] = [item("request"), item("notice", true)];
  writer.write(request);
  writer.write(notice);
  await clock.advance(5_000);
  assert.deepEqual([request.refused, notice.refused], [stalls[0], undefined]);
  assert.match(stalls[0]?.message ?? "", /server "weather" has not read its stdin for 5000 ms/);
  const [later, laterNotice] = [item("later"), item("later notice", true)];
  writer.write(later);
  writer.write(laterNotice);
  await setImmediate();
  assert.equal(later.refused, stalls[0]);
  drain();
  writer.write(item("after"));
  await setImmediate();
  drain();
  await setImmediate();
  assert.equal(writes.slice(1).join(""), "notice\nlater notice\nafter\n");
  assert.equal(stalls.length, 1);
});

test("more than may wait is refused at once; a single long message is taken", async () => {
  const { writer, writes } = open();
  const long = item("y".repeat(5_000));
  writer.write(long);
  const second = item("b");
  writer.write(second);
  await setImmediate();
  assert.equal(long.refused, undefined);
  assert.deepEqual([second.refused?.code, second.refused?.reason], ["resource_exhausted", "STDIN_QUEUE_FULL"]);
  assert.equal(writes[0]?.length, 5_001);
});

test("after close nothing is written, and no timer is left", async () => {
  const { writer, writes, clock } = open(true);
  writer.write(item("x".repeat(200)));
  await setImmediate();
  writer.write(item("a"));
  writer.close();
  await setImmediate();
  assert.deepEqual([writes.length, clock.pendingCount], [1, 0]);
});

type Done = (error: Error) => void;

const broken: readonly {
  what: string;
  write: (done: Done) => void;
  before?: (stdin: Writable) => void;
  taken: boolean;
}[] = [
  { what: "a pipe that fails at once", write: (done) => done(new Error("write EPIPE")), taken: false },
  { what: "a pipe that was destroyed", write: () => {}, before: (stdin) => stdin.destroy(), taken: false },
  { what: "a pipe that has ended", write: () => {}, before: (stdin) => stdin.end(), taken: false },
  {
    what: "a pipe that fails later",
    write: (done) => void setImmediate().then(() => done(new Error("write EPIPE"))),
    taken: true,
  },
];
for (const { what, write, before, taken } of broken) {
  test(`${what} ${taken ? "may have taken a part" : "has taken nothing"} of a write`, async () => {
    const stdin = new Writable({ write: (_chunk, _encoding, done: Done) => write(done) });
    stdin.on("error", () => {});
    const options = { stdin, server: "weather", clock: new ManualClock(), unwrittenBytesMax: 1_000 };
    const writer = new PipeWriter({ ...options, writeTimeoutMs: 5_000, onStalled: () => {} });
    const items = [item("a"), item("b")];
    for (const each of items) writer.write(each);
    before?.(stdin);
    await new Promise((resolve) => finished(stdin, resolve));
    await setImmediate();
    assert.deepEqual(
      items.map(({ wasUnwritten }) => !wasUnwritten),
      [taken, taken],
    );
  });
}
