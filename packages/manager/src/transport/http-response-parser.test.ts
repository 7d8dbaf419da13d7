/** Reading HTTP/1.1 responses: the same however the bytes are cut, and nothing that two readers could read differently. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { HttpHeaders } from "./http-head.ts";
import { HttpResponseParser } from "./http-response-parser.ts";

/** What a response says, or why it is refused. */
interface Reading {
  readonly status: number | undefined;
  readonly body: string;
  readonly done: boolean;
  readonly keepAlive: boolean;
  /** Bytes that belonged to the response. */
  readonly taken: number;
  readonly refused: boolean;
}

interface ReadOptions {
  readonly noBody?: boolean;
  readonly headerBytesMax?: number;
  /** Where the bytes are cut. */
  readonly cuts?: readonly number[];
  readonly onHead?: (headers: HttpHeaders) => void;
}

/** Reads the bytes and then the end of the connection. */
function read(text: string | Buffer, options: ReadOptions = {}): Reading {
  const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : text;
  let status: number | undefined;
  const body: Buffer[] = [];
  const sink = {
    onHead(value: number, headers: HttpHeaders) {
      assert.equal(status, undefined, "one head");
      status = value;
      options.onHead?.(headers);
    },
    onBody(chunk: Buffer, start: number, end: number) {
      assert.ok(status !== undefined && end > start && end <= chunk.length, "a piece of the body, after the head");
      body.push(Buffer.from(chunk.subarray(start, end)));
    },
  };
  const parser = new HttpResponseParser(sink, options.headerBytesMax ?? 1_000);
  parser.expect(options.noBody ?? false);
  let taken = 0;
  let refused = false;
  try {
    const cuts = (options.cuts ?? []).map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b);
    let from = 0;
    for (const to of [...cuts, bytes.length]) {
      // The buffer is one that is used again, as a socket's is.
      const piece = Buffer.concat([bytes.subarray(from, to), Buffer.from("garbage behind the length")]);
      const count = parser.push(piece, to - from);
      piece.fill("#");
      taken += count;
      if (count < to - from) break;
      from = to;
    }
    if (!parser.done) parser.finish();
  } catch {
    refused = true;
  }
  const text8 = Buffer.concat(body).toString("latin1");
  return { status, body: text8, done: parser.done, keepAlive: parser.keepAlive, taken, refused };
}

const ok = "HTTP/1.1 200 OK\r\n";

test("a body with a length ends where it says, and the connection is kept", () => {
  const { body, keepAlive, taken } = read(`${ok}Content-Length: 5\r\n\r\nhelloHTTP/1.1`);
  assert.deepEqual([body, keepAlive, taken], ["hello", true, ok.length + 26]);
});

test("chunks are put together, with extensions and trailers read over", () => {
  const text = `${ok}Transfer-Encoding: Chunked\r\n\r\n5;a="b"\r\nhello\r\n00C \r\n, big  world\r\n0\r\nX-Sum: 1\r\n\r\nrest`;
  const { body, keepAlive, taken } = read(text);
  assert.deepEqual([body, keepAlive, taken], ["hello, big  world", true, text.length - 4]);
});

test("without a length the body ends with the connection, which is not kept", () => {
  const { body, done, keepAlive } = read(`${ok}Content-Type: text/plain\r\n\r\nhello`);
  assert.deepEqual([body, done, keepAlive], ["hello", true, false]);
});

test("interim responses are read over", () => {
  const text = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${ok}Content-Length: 1\r\n\r\nx`;
  const { status, body } = read(text);
  assert.deepEqual([status, body], [200, "x"]);
});

test("204, 304 and the answer to HEAD have no body, whatever their fields say", () => {
  for (const head of ["HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"]) {
    assert.deepEqual([read(`${head}next`).taken, read(head).keepAlive], [head.length, true], head);
  }
  for (const field of ["Content-Length: 9", "Transfer-Encoding: chunked"]) {
    const head = `${ok}${field}\r\n\r\n`;
    assert.equal(read(`${head}next`, { noBody: true }).taken, head.length);
  }
});

test("the connection is kept only when HTTP/1.1 and nobody asks for its end", () => {
  const length = "Content-Length: 0\r\n\r\n";
  assert.equal(read(`HTTP/1.0 200 OK\r\n${length}`).keepAlive, false);
  assert.equal(read(`${ok}Connection: Close\r\n${length}`).keepAlive, false);
  assert.equal(read(`${ok}Connection: x, close\r\n${length}`).keepAlive, false);
  assert.equal(read(`${ok}Connection: closed\r\n${length}`).keepAlive, true);
});

test("fields are found by name in any case, joined when they repeat, without the space around them", () => {
  let headers: HttpHeaders | undefined;
  const onHead = (found: HttpHeaders): void => {
    headers = found;
  };
  read(`${ok}Content-Type: \t text/plain; a=\xe9 \t\r\nx-A:1\r\nX-a:  2\r\nEmpty:\r\nContent-Length: 0\r\n\r\n`, {
    onHead,
  });
  assert.equal(headers?.get("content-type"), "text/plain; a=\xe9");
  assert.equal(headers?.get("x-a"), "1, 2");
  assert.equal(headers?.get("empty"), "");
  assert.equal(headers?.get("content-typ"), undefined);
});

test("a status line without a reason is taken", () => {
  assert.equal(read("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n").status, 200);
});

const refusedHeads: Readonly<Record<string, string>> = {
  "two lengths that differ": "Content-Length: 5\r\nContent-Length: 6",
  "two lengths that agree": "Content-Length: 5\r\nContent-Length: 5",
  "a list as length": "Content-Length: 5, 5",
  "a signed length": "Content-Length: +5",
  "a negative length": "Content-Length: -1",
  "a hexadecimal length": "Content-Length: 0x5",
  "an empty length": "Content-Length:",
  "a length with a space inside": "Content-Length: 1 0",
  "an endless length": `Content-Length: ${"9".repeat(16)}`,
  "a length beside chunks": "Content-Length: 5\r\nTransfer-Encoding: chunked",
  "chunks beside a length": "Transfer-Encoding: chunked\r\nContent-Length: 5",
  "another coding": "Transfer-Encoding: gzip",
  "chunked before another coding": "Transfer-Encoding: chunked, gzip",
  "chunked twice": "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
  "a misspelt coding": "Transfer-Encoding: xchunked",
  "a space before the colon": "Content-Length : 5",
  "a folded line": "X: 1\r\n Content-Length: 5",
  "a line that begins with a space": " Content-Length: 5",
  "a line without a name": ": 5",
  "a line without a colon": "Content-Length",
  "a bare line feed": "X: 1\nContent-Length: 5",
  "a bare carriage return": "X: 1\rContent-Length: 5",
  "a NUL in a value": "X: a\0b",
  "a control character in a value": "X: a\x01b",
  "a delete in a value": "X: a\x7fb",
  "a control character in a name": "X\x01: a",
};
for (const [what, fields] of Object.entries(refusedHeads)) {
  test(`refused: ${what}`, () => {
    const { refused, status, body } = read(`${ok}${fields}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`);
    assert.deepEqual([refused, status, body], [true, undefined, ""]);
  });
}

const refusedLines = [
  "HTTP/2.0 200 OK",
  "HTTP/1.2 200 OK",
  "http/1.1 200 OK",
  "HTTP/1.1  200 OK",
  "HTTP/1.1 20 OK",
  "HTTP/1.1 2000 OK",
  "HTTP/1.1 099 OK",
  "HTTP/1.1 200\tOK",
  "HTTP/1.1 101 Switching Protocols",
  "ICY 200 OK",
  "",
  "\x16\x03\x01",
];
test("refused: what is no status line of HTTP/1.1", () => {
  for (const line of refusedLines) assert.equal(read(`${line}\r\nContent-Length: 0\r\n\r\n`).refused, true, line);
});

const refusedChunks: Readonly<Record<string, string>> = {
  "no size": "\r\nhello\r\n0\r\n\r\n",
  "a size that is no number": "g\r\nhello\r\n0\r\n\r\n",
  "a signed size": "+5\r\nhello\r\n0\r\n\r\n",
  "a prefixed size": "0x5\r\nhello\r\n0\r\n\r\n",
  "a space before the size": " 5\r\nhello\r\n0\r\n\r\n",
  "a bare line feed after the size": "5\nhello\r\n0\r\n\r\n",
  "a size that overflows": "fffffffffffff\r\nhello",
  "data longer than its size": "4\r\nhello\r\n0\r\n\r\n",
  "data shorter than its size": "6\r\nhello\r\n0\r\n\r\n",
  "a bare line feed after the data": "5\r\nhello\n0\r\n\r\n",
  "a bare line feed in an extension": "5;a\nb\r\nhello\r\n0\r\n\r\n",
  "an endless extension": `5;${"a".repeat(300)}\r\nhello\r\n0\r\n\r\n`,
  "endless trailers": `5\r\nhello\r\n0\r\n${"X: 1\r\n".repeat(400)}\r\n`,
  "a bare line feed in the trailers": "5\r\nhello\r\n0\r\nX: 1\nY: 2\r\n\r\n",
  "the end before the last chunk": "5\r\nhello\r\n",
  "the end before the trailers' end": "5\r\nhello\r\n0\r\n",
};
for (const [what, chunks] of Object.entries(refusedChunks)) {
  test(`refused in chunks: ${what}`, () => {
    assert.equal(read(`${ok}Transfer-Encoding: chunked\r\n\r\n${chunks}`).refused, true);
  });
}

test("a head longer than allowed is refused, however it comes, and one of just the length is taken", () => {
  const head = (length: number): string => `${ok}X: ${"x".repeat(length - ok.length - 7)}\r\n\r\n`;
  for (const cuts of [[], [10], [99, 100], Array.from({ length: 120 }, (_, i) => i)]) {
    assert.equal(head(100).length, 100);
    assert.equal(read(head(100), { headerBytesMax: 100, cuts }).refused, false);
    assert.equal(read(head(101), { headerBytesMax: 100, cuts }).refused, true);
  }
});

test("a response that was cut short by the end of the connection is refused", () => {
  for (const text of ["", "HTTP", ok, `${ok}Content-Length: 5\r\n\r\nhell`])
    assert.equal(read(text).refused, true, text);
});

test("a parser reads one response after the other on one connection", () => {
  let bodies = "";
  const sink = {
    onHead: () => {},
    onBody: (b: Buffer, s: number, e: number) => void (bodies += b.toString("latin1", s, e)),
  };
  const parser = new HttpResponseParser(sink, 1_000);
  for (const text of [
    `${ok}Content-Length: 1\r\n\r\na`,
    `${ok}Transfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n`,
  ]) {
    parser.expect(false);
    const bytes = Buffer.from(text);
    assert.equal(parser.push(bytes, bytes.length), bytes.length);
    assert.ok(parser.done && parser.keepAlive);
  }
  assert.equal(bodies, "ab");
});

/** Responses, whole and broken. */
const field = fc.constantFrom(
  "Content-Type: text/event-stream",
  "X-Empty:",
  "Connection: close",
  "Set-Cookie: a=b; c",
  "Content-Length: 7",
  "Transfer-Encoding: chunked",
  "Bad Name: 1",
);
const bodyPart = fc.constantFrom(
  "",
  "7 bytes",
  "5\r\nhello\r\n",
  "3;x=y\r\na\r\n\r\n",
  "0\r\n\r\n",
  "0\r\nT: 1\r\n\r\n",
  "zz",
);
const response = fc
  .tuple(
    fc.constantFrom("", "HTTP/1.1 100 Continue\r\nA: b\r\n\r\n"),
    fc.constantFrom("HTTP/1.1 200 OK", "HTTP/1.0 200 OK", "HTTP/1.1 204 x", "HTTP/1.1 500 Oh no", "HTTP/1.1 2x0"),
    fc.array(field, { maxLength: 4 }),
    fc.array(bodyPart, { maxLength: 4 }),
    fc.constantFrom("\r\n", "\r\n", "\r\n", "\n"),
  )
  .map(([interim, line, fields, parts, eol]) => `${interim}${[line, ...fields, "", ""].join(eol)}${parts.join("")}`);

test("any cut of the bytes gives the same result", () => {
  const cuts = fc.array(fc.nat(400), { maxLength: 12 });
  fc.assert(
    fc.property(response, cuts, fc.boolean(), (text, places, noBody) => {
      const whole = read(text, { noBody });
      const cut = read(text, { noBody, cuts: places });
      // Of what is refused, only that it is: how much of it was read before is no promise.
      if (whole.refused) assert.equal(cut.refused, true);
      else assert.deepEqual(cut, whole);
    }),
    { numRuns: 5_000 },
  );
});

test("arbitrary bytes never do harm", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(200)), (bytes, cuts) => {
      read(Buffer.from(bytes), { cuts });
      read(Buffer.concat([Buffer.from(`${ok}Transfer-Encoding: chunked\r\n\r\n`), bytes]), { cuts });
    }),
  );
});
