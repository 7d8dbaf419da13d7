/** What goes wrong with an HTTP answer, by the name that `fault` is told. Each ends with its connection, if not before. */
import { gzipSync } from "node:zlib";
import { bombResult } from "./bombs.mjs";

const events = { "content-type": "text/event-stream" };
const json = { "content-type": "application/json" };
const resultOf = (id, text) =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"content":[{"type":"text","text":"${text}"}]}}`;

/** Writes every `ms` until the connection is gone. */
function drip(response, ms, next) {
  const timer = setInterval(() => response.write(next()), ms);
  response.on("close", () => clearInterval(timer));
}

export const httpFaults = {
  /** Headers of a stream, and nothing more. */
  stall: (response) => response.writeHead(200, events).flushHeaders(),
  "stall-json": (response) => response.writeHead(200, { ...json, "content-length": 1_000 }).write('{"jsonrpc":'),
  drip(response, { ms = 1_000 }, id) {
    const text = resultOf(id, "slow".repeat(1_000));
    let at = 0;
    response.writeHead(200, json);
    drip(response, ms, () => text[at++ % text.length]);
  },
  "drip-event"(response, { ms = 1_000 }, id) {
    const text = `data: ${resultOf(id, "slow".repeat(1_000))}\n\n`;
    let at = 0;
    response.writeHead(200, events);
    drip(response, ms, () => text[at++ % text.length]);
  },
  comments(response, { ms = 10 }) {
    response.writeHead(200, events);
    drip(response, ms, () => ": still here\n\n");
  },
  "cut-event"(response, _args, id) {
    response.writeHead(200, events).write(`data: ${resultOf(id, "cut").slice(0, 30)}`, () => response.destroy());
  },
  "cut-json"(response, _args, id) {
    response.writeHead(200, { ...json, "content-length": 1_000 });
    response.write(resultOf(id, "cut"), () => response.destroy());
  },
  async "long-event"(response, { bytes }) {
    response.writeHead(200, events).write('data: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":"');
    await pour(response, bytes);
    if (!response.destroyed) response.end('"}}\n\n');
  },
  /** So many bytes in events of 64 KiB each, and no response. */
  async events(response, { bytes }) {
    response.writeHead(200, events);
    for (let left = bytes; left > 0 && !response.destroyed; left -= 65_536) {
      response.write('data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"');
      await pour(response, 65_536);
      response.write('"}}\n\n');
    }
    response.end();
  },
  async long(response, { bytes }, id) {
    const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"content":[{"type":"text","text":"`;
    response.writeHead(200, json).write(head);
    await pour(response, bytes);
    if (!response.destroyed) response.end('"}]}}');
  },
  "wrong-type": (response) => response.writeHead(200, { "content-type": "text/plain" }).end("hello"),
  html: (response) => response.writeHead(200, { "content-type": "text/html" }).end("<h1>Sign in</h1>"),
  "html-as-json": (response) => response.writeHead(200, json).end("<h1>Sign in</h1>"),
  /** 64 MiB in 64 KiB. */
  gzip(response) {
    const packed = gzipSync(Buffer.alloc(67_108_864, 0x20));
    response.writeHead(200, { ...json, "content-encoding": "gzip", "content-length": packed.length }).end(packed);
  },
  reset: (response) => response.socket.resetAndDestroy(),
  "wrong-id": (response) => response.writeHead(200, json).end(resultOf("somebody else's", "not yours")),
  bomb: (response, { kind }, id, isModern) =>
    response
      .writeHead(200, json)
      .end(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${bombResult(kind, isModern)}}`),
  status: (response, { status, retryAfter }) =>
    response.writeHead(status, retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }).end(),
};

async function pour(response, bytes) {
  const part = Buffer.alloc(1_048_576, 0x61);
  for (let left = bytes; left > 0 && !response.destroyed; left -= part.length) {
    if (!response.write(part.subarray(0, Math.min(left, part.length)))) await moved(response);
  }
}

/** Resolves when more is taken, or nothing ever will be. */
function moved(response) {
  return new Promise((resolve) => {
    const go = () => {
      response.off("drain", go).off("close", go);
      resolve();
    };
    response.on("drain", go).on("close", go);
  });
}
