/**
 * The fake server over Streamable HTTP, of either era. It says where it listens on its first line of stdout, and ends with its stdin.
 * `POST /set` tells it what `set` would, and `POST /lose-sessions` makes it forget those of legacy clients.
 */
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import process from "node:process";
import { httpFaults } from "./http-faults.mjs";

export function serveHttp(server) {
  const sessions = new Set();
  const http = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on(
      "end",
      () => void new HttpWire(server, sessions, request, response).take(Buffer.concat(chunks).toString()),
    );
  });
  http.keepAliveTimeout = 60_000;
  http.listen(server.options.port ?? 0, "127.0.0.1", () =>
    process.stdout.write(`http://127.0.0.1:${http.address().port}/mcp\n`),
  );
  process.stdin.on("end", () => process.exit(0));
  process.stdin.resume();
}

class HttpWire {
  #server;
  #sessions;
  #request;
  #response;
  #isStream = false;

  constructor(server, sessions, request, response) {
    this.#server = server;
    this.#sessions = sessions;
    this.#request = request;
    this.#response = response;
  }

  async take(text) {
    const { url, method, headers } = this.#request;
    if (url === "/set") return this.#end(200, Object.assign(this.#server.state, JSON.parse(text)));
    if (url === "/lose-sessions") return this.#end(200, this.#sessions.clear());
    if (method !== "POST") return this.#end(method === "DELETE" ? 200 : 405);
    const message = JSON.parse(text);
    if (this.#isRefused(message)) return;
    const session = headers["mcp-session-id"];
    const isOpening = message.method === "initialize" || message.method === "server/discover";
    if (!this.#server.isModern && !isOpening && !this.#sessions.has(session)) return this.#end(404);
    if (message.id === undefined) return this.#notified(message);
    this.#response.on("close", () => {
      if (!this.#response.writableFinished)
        this.#server.note({ method: "closed", call: message.params?.arguments?.call });
    });
    const answer = await this.#server.answer(message, this);
    if (answer !== undefined) this.#answer(message, answer);
  }

  /** The state may hold a status for every request, or for calls. */
  #isRefused({ method, params }) {
    const { status, retryAfter, callsOnly = true } = this.#server.state;
    // Over JSON what is no more is null.
    if (status === undefined || status === null || (callsOnly && method !== "tools/call")) return false;
    this.#server.note({ method, refused: status, call: params?.arguments?.call });
    this.#end(status, undefined, retryAfter === undefined ? {} : { "retry-after": String(retryAfter) });
    return true;
  }

  #notified({ method, params }) {
    if (method === "notifications/cancelled") this.#server.note({ method, request: params?.requestId });
    this.#end(202);
  }

  #answer({ id, method }, answer) {
    const text = JSON.stringify({ jsonrpc: "2.0", id, ...answer });
    if (this.#isStream) return this.#response.end(`data: ${text}\n\n`);
    const isUnknown = this.#server.isModern && answer.error?.code === -32601;
    const head = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
    if (method === "initialize" && answer.result !== undefined) {
      const session = randomUUID();
      this.#sessions.add(session);
      head["mcp-session-id"] = session;
    }
    this.#response.writeHead(isUnknown ? 404 : 200, head).end(text);
  }

  #end(status, body, headers = {}) {
    this.#response.writeHead(status, { "content-type": "application/json", ...headers });
    this.#response.end(body === undefined ? "" : JSON.stringify(body));
  }

  /** What belongs to the request goes before its answer, in events; there is no stream beside it. */
  notify(message) {
    if (!this.#isStream) this.#response.writeHead(200, { "content-type": "text/event-stream" });
    this.#isStream = true;
    this.#response.write(`data: ${JSON.stringify(message)}\n\n`);
  }

  /** Never answered over HTTP: the answer would come in a request of its own, which nothing here waits for. */
  ask(method, params) {
    this.notify({ jsonrpc: "2.0", id: "q1", method, params });
    return new Promise(() => {});
  }

  async fault(name, args, id) {
    const fault = httpFaults[name];
    if (fault === undefined) throw new Error(`no fault ${name}`);
    await fault(this.#response, args, id, this.#server.isModern);
    return true;
  }
}
