/**
 * Event streams: a plain decoder of the rules in WHATWG HTML ("Server-sent events", 9.2.6) for a whole stream held as text, and
 * arbitrary streams to compare with it. Nothing outside of tests uses it.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { SseParser } from "../sse.ts";

interface Decoded {
  readonly events: readonly { readonly data: string; readonly id: string; readonly event: string }[];
  readonly retries: readonly number[];
  readonly lastEventId: string;
}

function decode(stream: Buffer): Decoded {
  const text = stream.toString("utf8").replace(/^\ufeff/, "");
  const lines = text.split(/\r\n|\r|\n/).slice(0, -1);
  const events: { data: string; id: string; event: string }[] = [];
  const retries: number[] = [];
  let [data, event, idBuffer, lastEventId] = ["", "", "", ""];
  for (const line of lines) {
    if (line === "") {
      lastEventId = idBuffer;
      if (data !== "") events.push({ data: data.slice(0, -1), id: lastEventId, event });
      [data, event] = ["", ""];
      continue;
    }
    const [, field = "", rest] = /^([^:]*)(?::\u0020?(.*))?$/s.exec(line) ?? [];
    const value = rest ?? "";
    if (field === "data") data += `${value}\n`;
    if (field === "event") event = value;
    if (field === "id" && !value.includes("\0")) idBuffer = value;
    if (field === "retry" && /^[0-9]+$/.test(value)) retries.push(Number(value));
  }
  return { events, retries, lastEventId };
}

function parse(chunks: readonly Buffer[]): Decoded {
  const events: { data: string; id: string; event: string }[] = [];
  const retries: number[] = [];
  const parser = new SseParser({
    eventBytesMax: 1_000_000,
    onEvent: ({ data, id, event }) => events.push({ data: data.toString(), id: id ?? "", event: event ?? "" }),
    onRetry: (retryMs) => retries.push(retryMs),
  });
  for (const chunk of chunks) parser.push(chunk);
  parser.end();
  return { events, retries, lastEventId: parser.lastEventId ?? "" };
}

/** Fails unless the parser gives of a stream, cut at these places, what the plain decoder gives of the whole. */
export function assertSplitsMakeNoDifference(stream: Buffer, cuts: readonly number[]): void {
  const places = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
  const chunks = places.slice(1).map((end, i) => stream.subarray(places[i], end));
  assert.deepEqual(parse(chunks), decode(stream));
}

const lineText: fc.Arbitrary<string> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom("data", "data", "data", "id", "event", "retry", "", "dat", "datax", "Data", "idx"),
      fc.constantFrom(":", ": ", ":  ", ""),
      fc.oneof(
        fc.string({ unit: "binary", maxLength: 12 }).map((text) => text.replaceAll(/[\r\n]/g, "")),
        fc.constantFrom('{"a":1}', "0", "1500", "007", "-1", "1.5", "a\0b", "\ufeff", "é𝄞", ""),
      ),
    )
    .map((parts) => parts.join("")),
  fc.constant(""),
);

const lineEnd = fc.constantFrom("\n", "\n", "\r", "\r\n");

/** A stream of lines, with or without a byte order mark; the last line may have no end. */
export const streamBytes: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.constantFrom("", "", "\ufeff", "\ufeff\ufeff"),
    fc.array(
      fc.tuple(lineText, lineEnd).map((parts) => parts.join("")),
      { maxLength: 24 },
    ),
    fc.constantFrom("", "data: cut", "id: cut"),
  )
  .map(([mark, lines, end]) => Buffer.from(`${mark}${lines.join("")}${end}`));

/** Where a stream is cut; more than it has places wrap around. */
export const cutPlaces: fc.Arbitrary<number[]> = fc.array(fc.nat({ max: 2000 }), { maxLength: 30 });
