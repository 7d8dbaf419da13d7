import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import fc from "fast-check";
import { InvariantError } from "../base/invariant.ts";
import { sseComment, type SseEvent, sseEvent, SseParser } from "./sse.ts";
import { assertSplitsMakeNoDifference, cutPlaces, streamBytes } from "./testing/sse-reference.ts";

function eventsOf(stream: string | Buffer, eventBytesMax = 1_000): SseEvent[] {
  const events: SseEvent[] = [];
  const parser = new SseParser({ eventBytesMax, onEvent: (event) => events.push(event) });
  parser.push(Buffer.from(stream));
  return events;
}

function dataOf(stream: string | Buffer, eventBytesMax?: number): string[] {
  return eventsOf(stream, eventBytesMax).map((event) => event.data.toString());
}

test("wherever a stream is cut, its events are those of the standard", () => {
  fc.assert(fc.property(streamBytes, cutPlaces, assertSplitsMakeNoDifference), { numRuns: 500 });
});

test("a stream that comes byte by byte gives the same events", () => {
  const property = fc.property(streamBytes, (stream) => assertSplitsMakeNoDifference(stream, [...stream.keys()]));
  fc.assert(property, { numRuns: 100 });
});

test("fields are read as the standard says", () => {
  assert.deepEqual(dataOf("data: a\ndata:b\ndata\ndata:  c\n\n"), ["a\nb\n\n c"]);
  assert.deepEqual(dataOf("\ufeffdata: a\r\rdata: b\r\n\r\ndata: c\n\n"), ["a", "b", "c"]);
  assert.deepEqual(dataOf(": comment\n\nevent: x\n\ndatas: a\n\n"), []);
  const [first, second] = eventsOf("event: message\nid: 1\ndata:\n\ndata: x\n\n");
  assert.deepEqual(first, { data: Buffer.alloc(0), id: "1", event: "message" });
  assert.deepEqual(second, { data: Buffer.from("x"), id: "1", event: undefined });
  assert.equal(eventsOf("id: 1\nid\ndata: x\n\n")[0]?.id, undefined);
  assert.equal(eventsOf("id: 1\nid: a\0b\ndata: x\n\n")[0]?.id, "1");
});

test("a reconnect resumes after the last event that came whole, never after one that was cut", () => {
  const parser = new SseParser({ eventBytesMax: 100, onEvent: () => {} });
  parser.push(Buffer.from("id: 1\n"));
  assert.equal(parser.lastEventId, undefined);
  parser.push(Buffer.from("\nid: 2\ndata: half"));
  assert.equal(parser.lastEventId, "1");
  parser.push(Buffer.from("\n\n"));
  assert.equal(parser.lastEventId, "2");
});

test("comments and pauses are told; what is no whole number of milliseconds is not a pause", () => {
  const told: (number | string)[] = [];
  const parser = new SseParser({
    eventBytesMax: 100,
    onEvent: () => told.push("event"),
    onRetry: (retryMs) => told.push(retryMs),
    onComment: () => told.push("comment"),
  });
  parser.push(Buffer.from("retry: 500\n:\nretry: 1.5\nretry:\nretry: -1\nretry: 99999999999999999999\n: x\n\n"));
  assert.deepEqual(told, [500, "comment", "comment"]);
});

test("an event of one line in one chunk is a view on the chunk", () => {
  const chunk = Buffer.from("data: abc\n\n");
  const events: SseEvent[] = [];
  new SseParser({ eventBytesMax: 100, onEvent: (event) => events.push(event) }).push(chunk);
  assert.equal(events[0]?.data.buffer, chunk.buffer);
});

test("an event may be as long as allowed and no longer, however it is cut", () => {
  for (const [stream, isAllowed] of [
    [`data: ${"x".repeat(100)}\n\n`, true],
    [`data: ${"x".repeat(101)}\n\n`, false],
    [`data: ${"x".repeat(50)}\ndata: ${"x".repeat(49)}\n\n`, true],
    [`data: ${"x".repeat(50)}\ndata: ${"x".repeat(50)}\n\n`, false],
    [`\ufeffdata: ${"x".repeat(100)}\n\n`, true],
    [`: ${"x".repeat(200)}\n\n`, false],
    [`id: ${"x".repeat(200)}\n\n`, false],
    ["data\n".repeat(101), true],
    ["data\n".repeat(102), false],
  ] as const) {
    for (const size of [1, 7, 10_000]) {
      const parser = new SseParser({ eventBytesMax: 100, onEvent: () => {} });
      const push = (): void => {
        const bytes = Buffer.from(stream);
        for (let at = 0; at < bytes.length; at += size) parser.push(bytes.subarray(at, at + size));
      };
      if (isAllowed) push();
      else assert.throws(push, (error) => error instanceof ManagerError && error.reason === "EVENT_TOO_LARGE");
    }
  }
});

test("after an event that is too long, and after the end, nothing more is taken", () => {
  const events: SseEvent[] = [];
  const parser = new SseParser({ eventBytesMax: 10, onEvent: (event) => events.push(event) });
  assert.throws(() => parser.push(Buffer.from(`data: ${"x".repeat(50)}\n\ndata: a\n\n`)), /longer than 10 bytes/);
  parser.push(Buffer.from("data: b\n\n"));
  assert.equal(events.length, 0);
  const ended = new SseParser({
    eventBytesMax: 10,
    onEvent: (event) => {
      events.push(event);
      ended.end();
    },
  });
  ended.push(Buffer.from("data: a\n\ndata: b\n\n"));
  ended.push(Buffer.from("data: c\n\n"));
  assert.equal(events.length, 1);
});

test("an event of very many lines is put together as one of few", () => {
  const lines = Array.from({ length: 5_000 }, (_, i) => `${i % 7 === 0 ? "" : i}`);
  assert.deepEqual(dataOf(`${lines.map((line) => `data: ${line}\n`).join("")}\n`, 100_000), [lines.join("\n")]);
});

test("a million line ends of one kind in a chunk are read in one pass", () => {
  assert.deepEqual(dataOf(`${"\r".repeat(1_000_000)}data: x\r\r`), ["x"]);
  assert.deepEqual(dataOf(`${"\n".repeat(1_000_000)}data: x\n\n`), ["x"]);
});

test("an event that is written reads back, its line ends as LF", () => {
  const property = fc.property(
    fc.uint8Array({ maxLength: 60 }),
    fc.array(fc.constantFrom("\n", "\r", "\r\n", " ", "{"), { maxLength: 8 }),
    fc.option(fc.stringMatching(/^[^\r\n\0]{1,10}$/), { nil: undefined }),
    (bytes, ends, id) => {
      const data = Buffer.concat([Buffer.from(bytes), Buffer.from(ends.join(""))]);
      const [event, ...more] = eventsOf(Buffer.concat([sseComment, sseEvent(data, id)]));
      assert.equal(more.length, 0);
      assert.equal(event?.id, id);
      assert.equal(event?.data.toString("latin1"), data.toString("latin1").replaceAll(/\r\n|\r/g, "\n"));
    },
  );
  fc.assert(property, { numRuns: 300 });
});

test("an id that would end its line is a mistake of ours", () => {
  for (const id of ["a\nb", "\r", "\0"]) assert.throws(() => sseEvent(Buffer.from("x"), id), InvariantError);
  assert.equal(sseEvent(Buffer.from("{}"), "7").toString(), "id: 7\ndata: {}\n\n");
});

/** Feeds a stream in chunks; long events are taken in parts unless `declines`. Parts are joined; `…` stands for an end that never came. */
function readLong(text: string, size: number, declines = false): string[] {
  const events: string[] = [];
  let parts: string | undefined;
  const parser = new SseParser({
    eventBytesMax: 1_000_000,
    onEvent: ({ data, event }) => void events.push(`whole ${event ?? ""} ${data.toString()}`),
    onLongEvent(head) {
      if (declines) return undefined;
      parts = head.toString();
      return {
        onPart: (part) => (parts += part.toString()),
        onWhole() {
          events.push(`parts ${parts}`);
          parts = undefined;
        },
      };
    },
  });
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) parser.push(bytes.subarray(at, at + size));
  parser.end();
  return parts === undefined ? events : [...events, `${parts.slice(0, 3)}…`];
}

test("a long event may be taken in parts, however the stream is cut; short ones and other types come whole", () => {
  const long = "x".repeat(300_000);
  for (const size of [1_000, 65_536, 70_001, 2_000_000]) {
    for (const end of ["\n", "\r\n", "\r"]) {
      const lines = [
        `data: ${long}`,
        "",
        "data: short",
        "",
        `event: ping`,
        `data: ${long}`,
        "",
        `data: ${long}`,
        "data: y",
        "id: 7",
        "",
        "",
      ];
      // A line that comes with its end in one chunk is never held.
      const isWhole = size > 1_000_000;
      const seen = readLong(lines.join(end), size);
      assert.deepEqual(seen, [
        isWhole ? `whole  ${long}` : `parts ${long}`,
        "whole  short",
        `whole ping ${long}`,
        isWhole ? `whole  ${long}\ny` : `parts ${long}\ny`,
      ]);
      assert.deepEqual(readLong(lines.join(end), size, true), [
        `whole  ${long}`,
        "whole  short",
        `whole ping ${long}`,
        `whole  ${long}\ny`,
      ]);
    }
  }
});

test("a long event that the stream's end cuts off has no end, and only a first data line is offered", () => {
  const long = "x".repeat(100_000);
  assert.deepEqual(readLong(`data: ${long}`, 10_000), ["xxx…"]);
  assert.deepEqual(readLong(`data: ${long}\n`, 10_000), ["xxx…"]);
  assert.deepEqual(readLong(`data: a\ndata: ${long}\n\n`, 10_000), [`whole  a\n${long}`]);
  assert.deepEqual(readLong(`id: ${long}\ndata: a\n\n`, 10_000), ["whole  a"]);
});

test("an event id that no header could bring back is none", () => {
  const ids: (string | undefined)[] = [];
  const parser = new SseParser({ eventBytesMax: 100_000, onEvent: ({ id }) => ids.push(id) });
  parser.push(Buffer.from(`id: a\ndata: 1\n\nid: ${"x".repeat(5_000)}\ndata: 2\n\n`));
  assert.deepEqual([ids, parser.lastEventId], [["a", undefined], undefined]);
});
