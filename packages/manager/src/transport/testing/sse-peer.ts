/**
 * The stand-in server over HTTP+SSE (2024-11-05): a real `node:http` server with one stream a session. How the stream breaks is said
 * by a call's tool name, how it begins and how messages are acknowledged by its options. No part of the program.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Peer, type PeerCall, result, type Wire } from "./peer.ts";

export interface SsePeerOptions {
  /** Begins a stream in another way than by its address for messages, `address`. */
  begin?(response: ServerResponse, address: string): void;
  /** Takes a message in another way than by 202 after it was seen; `take` is when it is seen. True when it did. */
  intercept?(body: string, response: ServerResponse, take: () => void): boolean;
}

/** Begins a stream as the specification says. */
export function beginStream(response: ServerResponse, address: string): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(`event: endpoint\ndata: ${address}\n\n`);
}

export class SsePeer implements AsyncDisposable {
  /** What it has seen, in order. */
  readonly journal: string[] = [];
  /** Heads of the requests, in order. */
  readonly heads: IncomingMessage[] = [];
  readonly peer: Peer;
  /** Those open. */
  readonly streams: Map<string, ServerResponse> = new Map();
  readonly #options: SsePeerOptions;
  readonly #server: Server;
  #sessionCount = 0;

  constructor(options: SsePeerOptions) {
    this.#options = options;
    this.peer = new Peer({
      era: "legacy",
      journal: (line) => void this.journal.push(line),
      special(call) {
        const act = faults[call.name];
        act?.((call.wire as SseWire).stream, call);
        return act !== undefined;
      },
    });
    this.#server = createServer((request, response) => this.#onRequest(request, response));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends every stream in order. */
  endStreams(): void {
    for (const stream of this.streams.values()) stream.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    this.heads.push(request);
    if (request.method === "GET") return this.#onStream(response);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => this.#onMessage(request, Buffer.concat(chunks).toString(), response));
  }

  #onStream(response: ServerResponse): void {
    const session = String(++this.#sessionCount);
    this.streams.set(session, response);
    response.on("close", () => {
      this.streams.delete(session);
      this.journal.push(`stream ${session} closed`);
    });
    (this.#options.begin ?? beginStream)(response, `/messages?session=${session}`);
  }

  #onMessage(request: IncomingMessage, body: string, response: ServerResponse): void {
    const stream = this.streams.get(request.url?.split("=")[1] ?? "");
    const take = (): void => {
      if (stream !== undefined) this.peer.receive(body, new SseWire(stream));
    };
    if (this.#options.intercept?.(body, response, take)) return;
    take();
    response.writeHead(stream === undefined ? 404 : 202).end("Accepted");
  }
}

const faults: Readonly<Record<string, (stream: ServerResponse, call: PeerCall) => void>> = {
  /** The connection breaks in the middle of an event. */
  cut: (stream) => void stream.write('data: {"jsonrpc":"2.0","id":1,"res', () => stream.destroy()),
  /** It breaks in the middle of a long result. */
  "cut-long": (stream, { id }) =>
    void stream.write(`data: ${result(id, `"${"x".repeat(300_000)}`)}`, () => stream.destroy()),
  /** A long result with a second id at its end. */
  "two-ids": (stream, { id }) => void stream.write(`data: ${result(id, `"${"x".repeat(300_000)}","id":7`)}\n\n`),
  /** Everything that is no message, around the answer. */
  comments(stream, { id }) {
    stream.write(": keep-alive\n\nevent: ping\ndata: 2026\n\nretry: 10\n\nid: 7\ndata: ");
    stream.write(`${result(id, "{}")}\r\n\r\n: keep-alive\n\n`);
  },
  /** Events that are no JSON-RPC, before the answer. */
  noise: (stream, { id }) => void stream.write(`data: hello\n\ndata: []\n\ndata: ${result(id, "{}")}\n\n`),
  /** Answers of all kinds that are not asked for, then the right one, twice. */
  stranger(stream, { id }) {
    for (const other of ["999999", '"1"', "0"]) stream.write(`data: ${result(other, "{}")}\n\n`);
    stream.write(`data: ${result(id, "{}")}\n\ndata: ${result(id, '"again"')}\n\n`);
  },
  /** Another address for messages. */
  moved: (stream, { id }) => void stream.write(`event: endpoint\ndata: /elsewhere\n\ndata: ${result(id, "{}")}\n\n`),
};

/** The stream of one session. */
class SseWire implements Wire {
  readonly streams = true;
  readonly stream: ServerResponse;

  constructor(stream: ServerResponse) {
    this.stream = stream;
  }

  send(message: string): void {
    this.stream.write(`event: message\ndata: ${message}\n\n`);
  }
}
