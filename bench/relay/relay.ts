/**
 * The smallest true relay of MCP over Streamable HTTP: what a call cannot do without – listener, credential, Host and Origin,
 * session, envelope scan, name and id spliced, upstream, answer – and nothing that a product needs beside. It shows what the
 * manager's shape costs at the least, so that what grows around it can be told apart. Not safe to run outside the bench.
 *
 *   node --conditions=mcp-manager-source relay/relay.ts UPSTREAM_URL legacy|modern KEY [net|undici]
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Pool } from "undici";
import { systemClock } from "../../packages/manager/src/base/clock.ts";
import { scanEnvelope } from "../../packages/manager/src/protocol/envelope.ts";
import { locateResponse } from "../../packages/manager/src/protocol/response.ts";
import { HttpOrigin } from "../../packages/manager/src/transport/http-origin.ts";

const [upstreamUrl = "", era = "legacy", key = "", via = "net"] = process.argv.slice(2);
const upstream = new URL(upstreamUrl);
const prefix = Buffer.from("one__");
const authorizations = new Map([[`Bearer ${key}`, "bench"]]);
const sessions = new Map<string, { readonly principal: string; upstreamSession: string }>();
const hosts = new Set<string>();

const origin = new HttpOrigin({
  host: upstream.hostname,
  port: Number(upstream.port),
  connectionsMax: 64,
  clock: systemClock,
  idleTimeoutMs: 30_000,
  headerBytesMax: 16_384,
  connectTimeoutMs: 5_000,
});
const pool = new Pool(upstream.origin, { connections: 64, pipelining: 1 });
const baseHead = `POST ${upstream.pathname} HTTP/1.1\r\nHost: ${upstream.host}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n`;
const baseHeaders = ["content-type", "application/json", "accept", "application/json, text/event-stream"];
let upstreamHead = "";
let upstreamHeaders: string[] = [];
let nextId = 1;

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, ["content-length", "0"]);
  response.end();
}

function answer(response: ServerResponse, body: Buffer): void {
  response.writeHead(200, ["content-type", "application/json", "content-length", String(body.length)]);
  // A text leaves in one write together with the head; a Buffer does not.
  response.end(body.toString("latin1"), "latin1");
}

/** `bytes` with [start, end) replaced; two replacements at most happen on the way out, one on the way back. */
function replaced(bytes: Buffer, start: number, end: number, text: string): Buffer {
  const out = Buffer.allocUnsafe(bytes.length - (end - start) + text.length);
  bytes.copy(out, 0, 0, start);
  out.write(text, start, "latin1");
  bytes.copy(out, start + text.length, end);
  return out;
}

function withoutPrefix(bytes: Buffer, start: number): Buffer {
  const out = Buffer.allocUnsafe(bytes.length - prefix.length);
  bytes.copy(out, 0, 0, start + 1);
  bytes.copy(out, start + 1, start + 1 + prefix.length);
  return out;
}

function post(body: Buffer, extra: string, done: (status: number, body: Buffer) => void): void {
  if (via === "undici") return postByUndici(body, done);
  let status = 0;
  let first: Buffer | undefined;
  let rest: Buffer[] | undefined;
  origin.request(`${upstreamHead}${extra}Content-Length: ${body.length}\r\n\r\n`, body, {
    onHead(code) {
      status = code;
    },
    onData(chunk) {
      if (first === undefined) first = chunk;
      else (rest ??= [first]).push(chunk);
      return true;
    },
    onEnd: () => done(status, rest === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(rest)),
    onError: () => done(502, Buffer.alloc(0)),
  });
}

function postByUndici(body: Buffer, done: (status: number, body: Buffer) => void): void {
  let status = 0;
  const chunks: Buffer[] = [];
  pool.dispatch(
    { path: upstream.pathname, method: "POST", headers: upstreamHeaders, body },
    {
      onRequestStart() {},
      onResponseStart(_controller, code) {
        status = code;
      },
      onResponseData(_controller, chunk) {
        chunks.push(chunk);
      },
      onResponseEnd: () => done(status, chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)),
      onResponseError: () => done(502, Buffer.alloc(0)),
    },
  );
}

function onBody(request: IncomingMessage, response: ServerResponse, principal: string, body: Buffer): void {
  const scan = scanEnvelope(body);
  if (!scan.ok) return refuse(response, 400);
  const envelope = scan.envelope;
  if (envelope.method === "initialize") {
    const id = crypto.randomUUID();
    sessions.set(id, { principal, upstreamSession: "" });
    const text = `{"jsonrpc":"2.0","id":${envelope.raw("id")?.toString()},"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"relay","version":"1"}}}`;
    response.writeHead(200, ["content-type", "application/json", "mcp-session-id", id]);
    response.end(text);
    return;
  }
  if (envelope.kind !== "request") return refuse(response, 202);
  if (era === "legacy") {
    const session = sessions.get(String(request.headers["mcp-session-id"]));
    if (session === undefined || session.principal !== principal) return refuse(response, 404);
  } else if (request.headers["mcp-method"] !== envelope.method) {
    return refuse(response, 400);
  }
  const nameAt = envelope.start("name");
  if (nameAt < 0) return refuse(response, 400);
  const name = envelope.text("name") ?? "";
  const idStart = envelope.start("id");
  const idEnd = envelope.end("id");
  if (era === "modern") {
    post(
      withoutPrefix(body, nameAt),
      `Mcp-Method: tools/call\r\nMcp-Name: ${name.slice(prefix.length)}\r\n`,
      (status, bytes) => (status === 200 ? answer(response, bytes) : refuse(response, 502)),
    );
    return;
  }
  const id = body.toString("latin1", idStart, idEnd);
  // The name stands after the id in what the bench sends; a product sorts its edits.
  const out = replaced(withoutPrefix(body, nameAt), idStart, idEnd, String(nextId++));
  post(out, "", (status, bytes) => {
    const at = status === 200 ? locateResponse(bytes) : undefined;
    if (at === undefined) return refuse(response, 502);
    answer(response, replaced(bytes, at.idStart, at.idEnd, id));
  });
}

const server = createServer({ keepAliveTimeout: 75_000, noDelay: true }, (request, response) => {
  const headers = request.headers;
  if (!hosts.has(headers.host ?? "") || headers.origin !== undefined) return refuse(response, 403);
  const principal = authorizations.get(headers.authorization ?? "");
  if (principal === undefined) return refuse(response, 401);
  let first: Buffer | undefined;
  let rest: Buffer[] | undefined;
  request.on("data", (chunk: Buffer) => {
    if (first === undefined) first = chunk;
    else (rest ??= [first]).push(chunk);
  });
  request.on("end", () =>
    onBody(request, response, principal, rest === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(rest)),
  );
});

async function start(): Promise<void> {
  if (era === "legacy") {
    const opened = await fetch(upstreamUrl, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"relay","version":"1"}}}',
    });
    const session = opened.headers.get("mcp-session-id") ?? "";
    upstreamHead = `${baseHead}MCP-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: ${session}\r\n`;
    upstreamHeaders = [...baseHeaders, "mcp-protocol-version", "2025-11-25", "mcp-session-id", session];
  } else {
    upstreamHead = `${baseHead}MCP-Protocol-Version: 2026-07-28\r\n`;
    upstreamHeaders = [
      ...baseHeaders,
      "mcp-protocol-version",
      "2026-07-28",
      "mcp-method",
      "tools/call",
      "mcp-name",
      "echo",
    ];
  }
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    hosts.add(`127.0.0.1:${port}`);
    process.stdout.write(`listening ${port}\n`);
  });
}

process.on("SIGTERM", () => process.exit(0));
await start();
