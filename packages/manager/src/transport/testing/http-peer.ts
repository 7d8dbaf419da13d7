/**
 * The stand-in server over Streamable HTTP: a real `node:http` server. How it answers (JSON, events, a broken stream, a status) is
 * said by its options or by a call's tool name. No part of the program.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { failure, Peer, type PeerCall, result, type Wire } from "./peer.ts";

export interface HttpPeerOptions {
  readonly era: "legacy" | "modern";
  /** How calls are answered; the stand-in streams when it has to. Default `json`. */
  readonly answers?: "json" | "events";
  /** Legacy: gives session ids, and answers 404 to those it does not know. */
  readonly sessions?: boolean;
  /** Answers every GET; default: 405, as servers do that have no stream of their own. */
  onGet?(request: IncomingMessage, response: ServerResponse): void;
  /** Answers every request that it takes first; true when it did. */
  intercept?(request: IncomingMessage, body: string, response: ServerResponse): boolean;
}

export class HttpPeer implements AsyncDisposable {
  /** What it has seen, in order. */
  readonly journal: string[] = [];
  /** Heads of the requests, `METHOD name: value…` with the headers of the protocol. */
  readonly heads: IncomingMessage[] = [];
  /** The same of those that ask for a stream. */
  readonly gets: IncomingMessage[] = [];
  readonly peer: Peer;
  readonly #options: HttpPeerOptions;
  readonly #server: Server;
  readonly #sessions = new Set<string>();
  #sessionCount = 0;

  constructor(options: HttpPeerOptions) {
    this.#options = options;
    this.peer = new Peer({
      era: options.era,
      journal: (line) => void this.journal.push(line),
      special: (call) => this.#special(call),
    });
    this.#server = createServer((request, response) => this.#onRequest(request, response));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Whether the session of a request is known. */
  knows(request: IncomingMessage): boolean {
    return this.#sessions.has(String(request.headers["mcp-session-id"]));
  }

  /** As after a restart: every session is unknown. */
  forgetSessions(): void {
    this.#sessions.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === "GET") return this.#onGet(request, response);
    this.heads.push(request);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => this.#onBody(request, Buffer.concat(chunks).toString(), response));
  }

  #onBody(request: IncomingMessage, body: string, response: ServerResponse): void {
    if (!this.#options.intercept?.(request, body, response)) this.serve(request, body, response);
  }

  #onGet(request: IncomingMessage, response: ServerResponse): void {
    this.gets.push(request);
    if (this.#options.onGet === undefined) response.writeHead(405).end();
    else this.#options.onGet(request, response);
  }

  /** Answers a request; for those that were intercepted, later. */
  serve(request: IncomingMessage, body: string, response: ServerResponse): void {
    const session = request.headers["mcp-session-id"];
    if (request.method === "DELETE") {
      this.journal.push(`deleted ${String(session)}`);
      return void response.writeHead(204).end();
    }
    const isOpening = body.includes('"method":"initialize"');
    if (this.#options.sessions && !isOpening && !this.knows(request)) {
      return void response.writeHead(404).end("no such session");
    }
    const isCall = body.startsWith('{"jsonrpc":"2.0","id":') && body.includes('"method":');
    if (isOpening && this.#options.sessions) response.setHeader("mcp-session-id", this.#newSession());
    const wire = new HttpWire(response, this.#options.answers ?? "json");
    if (isCall) response.on("close", () => this.#onClose(wire, response));
    this.peer.receive(body, wire);
    if (!isCall) response.writeHead(202).end();
  }

  #newSession(): string {
    const session = `session-${++this.#sessionCount}`;
    this.#sessions.add(session);
    return session;
  }

  /** A closed stream is a cancellation in the modern era only. */
  #onClose(wire: HttpWire, response: ServerResponse): void {
    if (this.#options.era === "modern" && !response.writableFinished) this.peer.streamClosed(wire);
  }

  #special(call: PeerCall): boolean {
    const act = faults[call.name];
    act?.((call.wire as HttpWire).response, call);
    return act !== undefined;
  }
}

const json = { "content-type": "application/json" };
/** The head of a stream. */
export const events = { "content-type": "text/event-stream" };

const faults: Readonly<Record<string, (response: ServerResponse, call: PeerCall) => void>> = {
  /** `arguments.status`, with `arguments.headers` and `arguments.body`. */
  status(response, { args }) {
    response.writeHead(Number(args["status"]), (args["headers"] ?? {}) as Record<string, string>);
    response.end(args["body"]);
  },
  /** A JSON-RPC error under HTTP 400. */
  "error-400": (response, { id }) => void response.writeHead(400, json).end(failure(id, -32602, "bad")),
  html: (response) => void response.writeHead(200, { "content-type": "text/html" }).end("<p>hello"),
  empty: (response) => void response.writeHead(200, json).end(),
  accepted: (response) => void response.writeHead(202).end(),
  "not-json-rpc": (response) => void response.writeHead(200, json).end('{"hello":1}'),
  "other-id": (response) => void response.writeHead(200, json).end(result("424242", "{}")),
  "other-id-event": (response) => void response.writeHead(200, events).end(`data: ${result("424242", "{}")}\n\n`),
  /** The stream ends before the response. */
  "ends-early": (response) => void response.writeHead(200, events).end(": nothing\n\n"),
  /** Writes `arguments.text`, then ends the stream, or breaks it when `arguments.cut` says so. */
  polled(response, { args }) {
    response.writeHead(200, events);
    response.write(String(args["text"]), () => (args["cut"] === true ? response.destroy() : response.end()));
  },
  /** A long result that goes on for ever. */
  "long-open": (response, { id }) =>
    void response.writeHead(200, events).write(`data: ${result(id, `"${"x".repeat(200_000)}`)}`),
  /** Progress of another request than its own. */
  "other-progress"(response, { id, token }) {
    const progress = (name: string): string =>
      `data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${name},"progress":1}}\n\n`;
    response.writeHead(200, events);
    response.end(`${progress('"other"')}${progress(token ?? '""')}data: ${result(id, "{}")}\n\n`);
  },
  /** The connection breaks in the middle of an event. */
  "cut-event"(response) {
    response.writeHead(200, events);
    response.write('data: {"jsonrpc":"2.0","id":1,"res', () => response.destroy());
  },
  "cut-json"(response) {
    response.writeHead(200, { ...json, "content-length": "1000" });
    response.write('{"jsonrpc":"2.0",', () => response.destroy());
  },
  "noise-event": (response) => void response.writeHead(200, events).end("data: hello\n\n"),
  /** Long, and beginning in a way that does not show what it is. */
  "odd-event": (response, { id, args }) =>
    void response.writeHead(200, events).end(`data:  ${result(id, `"${"x".repeat(Number(args["bytes"]))}"`)}\n\n`),
  "odd-json": (response, { id, args }) =>
    void response.writeHead(200, json).end(` ${result(id, `"${"x".repeat(Number(args["bytes"]))}"`)}`),
  /** A long result of `bytes` as `type`, its id before or after it, `more` behind it; an event's last line is short. */
  long(response, { id, args }) {
    const { type, isLast, more = "", ownId = id } = args as Record<string, string>;
    const value = `"result":{"text":"${"x".repeat(Number(args["bytes"]))}"}${more}`;
    const message = isLast ? `{${value},"jsonrpc":"2.0","id":${ownId}}` : `{"jsonrpc":"2.0","id":${ownId},${value}}`;
    response.writeHead(200, type === "json" ? json : events);
    response.end(type === "json" ? message : `id: 1\ndata: ${message.slice(0, -1)}\ndata: }\n\n`);
  },
  /** The stream breaks in the middle of a long event. */
  "cut-long"(response, { id }) {
    response.writeHead(200, events);
    response.write(`id: 1\ndata:\n\ndata: ${result(id, `"${"x".repeat(300_000)}`)}`, () => response.destroy());
  },
  /** An empty first event and a retry hint, as servers of 2025-11-25 send, before the answer; the stream is left open. */
  "left-open"(response, { id }) {
    response.writeHead(200, events);
    response.write(`id: 1\nretry: 10\ndata:\n\ndata: ${result(id, '{"open":true}')}\n\n`);
  },
};

/** The answer to one POST: JSON when the response comes first, else events. */
class HttpWire implements Wire {
  readonly streams = true;
  readonly response: ServerResponse;
  readonly #answers: "json" | "events";

  constructor(response: ServerResponse, answers: "json" | "events") {
    this.response = response;
    this.#answers = answers;
  }

  send(message: string): void {
    const isResponse = /^\{"(?:result|jsonrpc":"2\.0","id":.*?,"(?:result|error))"/s.test(message);
    const { response } = this;
    if (isResponse && this.#answers === "json" && !response.headersSent) {
      response.writeHead(200, json).end(message);
      return;
    }
    if (!response.headersSent) response.writeHead(200, events);
    response.write(`data: ${message}\n\n`);
    if (isResponse) response.end();
  }
}
