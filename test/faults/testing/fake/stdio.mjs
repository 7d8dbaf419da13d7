/** The fake server on stdin and stdout: framing, what goes wrong on pipes, and the ways not to start. */
import { closeSync } from "node:fs";
import process from "node:process";
import { bombResult } from "./bombs.mjs";

/** Instead of a start, by the option `start`. */
const starts = {
  exit() {
    process.stderr.write("cannot open the map\nno licence found\n");
    process.exit(3);
  },
  "exit-zero": () => process.exit(0),
  /** Says nothing, and does not read. */
  silent() {
    setInterval(() => {}, 60_000);
  },
  /** Ends when it is asked who it is. */
  "exit-at-open"() {
    process.stdin.once("data", () => {
      process.stderr.write("no licence found\n");
      process.exit(4);
    });
  },
};

export function serveStdio(server) {
  const { options } = server;
  // What it was given to keep to itself, where a careless server prints it.
  if (process.env.SERVICE_TOKEN !== undefined) process.stderr.write(`using token ${process.env.SERVICE_TOKEN}\n`);
  if (options.start !== undefined) return starts[options.start]();
  if (options.stubborn) {
    process.on("SIGTERM", () => {});
    setInterval(() => {}, 60_000);
  } else process.stdin.on("end", () => process.exit(0));
  new StdioWire(server).listen();
}

class StdioWire {
  #server;
  #asked = new Map();
  #inFlight = new Map();
  #lastQuestion = 0;

  constructor(server) {
    this.#server = server;
  }

  listen() {
    let rest = "";
    process.stdin.setEncoding("utf8");
    process.stdin.on("data", (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop();
      for (const line of lines) void this.#receive(JSON.parse(line));
    });
  }

  async #receive(message) {
    const { id, method, params } = message;
    if (method === undefined) return this.#asked.get(id)?.(message);
    if (method === "notifications/cancelled") {
      const call = this.#inFlight.get(params.requestId);
      return call === undefined ? undefined : this.#server.note({ method, call });
    }
    if (id === undefined) return;
    this.#inFlight.set(id, params?.arguments?.call);
    const answer = await this.#server.answer(message, this);
    if (answer === undefined) return;
    this.#inFlight.delete(id);
    this.#write(JSON.stringify({ jsonrpc: "2.0", id, ...answer }));
  }

  notify(message) {
    this.#write(JSON.stringify(message));
  }

  ask(method, params) {
    const id = `q${++this.#lastQuestion}`;
    this.#write(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    return new Promise((resolve) => this.#asked.set(id, resolve));
  }

  #write(text) {
    process.stdout.write(`${text}\n`);
  }

  /** Whether the fault is the whole answer. */
  async fault(name, args, id) {
    switch (name) {
      case "noise":
        return this.#noise(args);
      case "bomb":
        this.#write(`{"jsonrpc":"2.0","id":${id},"result":${bombResult(args.kind, this.#server.isModern)}}`);
        return true;
      case "frame":
        return this.#frame(
          args.bytes,
          `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"`,
          '"}]}}\n',
        );
      case "endless":
        return this.#frame(args.bytes, "", "");
      case "half-close":
        closeSync(1);
        setInterval(() => {}, 60_000);
        return true;
      case "close-input":
        // Node keeps the first three descriptors when their streams are destroyed.
        process.stdin.destroy();
        closeSync(0);
        this.#server.note({ method: "fault/close-input" });
        setInterval(() => {}, 60_000);
        return true;
      case "ids":
        return this.#ids(id);
      default:
        throw new Error(`no fault ${name}`);
    }
  }

  /** Lines that are no messages, of every kind. The last is a message again, under CRLF. */
  #noise({ lines = 6 }) {
    const kinds = ["plain text", "\u001B[32mcolour\u001B[0m", "{not json", "a\u0000b", "\uFEFFmarked", '"a string"'];
    for (let at = 0; at < lines; at += 1) this.#write(kinds[at % kinds.length]);
    process.stdout.write(Buffer.from([0xff, 0xfe, 0x80, 0xc3, 0x28, 0x0a, 0x00, 0x01, 0x02, 0x0a]));
    process.stdout.write(
      '\r\n{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}\r\n',
    );
    return false;
  }

  /** So many bytes of one line, no faster than they are taken. */
  async #frame(bytes, head, tail) {
    process.stdout.write(head);
    const part = Buffer.alloc(1_048_576, 0x61);
    for (let left = bytes; left > 0; left -= part.length) {
      const isTaken = process.stdout.write(part.subarray(0, Math.min(left, part.length)));
      if (!isTaken) await new Promise((resolve) => process.stdout.once("drain", resolve));
    }
    process.stdout.write(tail);
    return true;
  }

  /** An answer to nobody, one to something else, one of the wrong kind, then the right one, and another of the same id. */
  #ids(id) {
    const answer = (of, text) => `{"jsonrpc":"2.0","id":${of},"result":{"content":[{"type":"text","text":"${text}"}]}}`;
    this.#write(answer("987654321", "of nobody"));
    this.#write(answer(`"${id}"`, "as text"));
    this.#write('{"jsonrpc":"2.0","id":null,"result":{}}');
    this.#write('{"jsonrpc":"2.0","id":[],"result":{}}');
    this.#write(answer(id, "first"));
    this.#write(answer(id, "second"));
    this.#write(`{"jsonrpc":"2.0","id":${id},"error":{"code":-32603,"message":"third"}}`);
    return true;
  }
}
