/**
 * What the stand-in HTTP server answers to one request: sessions, the form of the body, and the usual calls without a parse. Every
 * path is a server: `/mcp…` has one small tool; `/large` has one with a large result beside it; `/sse` has these two as well but
 * answers with a stream of one event, as servers made with the official SDKs do; `/long…` has twenty tools. All of it is ASCII, so
 * that a length in characters is one in bytes.
 */
import { answerTo, type Eras, type Listed } from "./answers.ts";

type Tool = "echo" | "large";

/** The usual calls: their parts are where this says, or the slow way is taken. */
const usualCall =
  /^\{"jsonrpc":"2.0","id":(\d+|"[^"\\]*"),"method":"tools\/call","params":\{"name":"(echo|large)","arguments":\{"n":"(\w+)"\}/;
const eventStart = "event: message\ndata: ";
const eventEnd = "\n\n";
const lastChunk = "\r\n0\r\n\r\n";
const echoTail = tailOf("echo");
const largeTail = tailOf("large");
const largeTailBytes = Buffer.from(largeTail);
/** What follows is in one piece with it, so that it is not copied twice. */
const largeEventTailBytes = Buffer.from(`${largeTail}${eventEnd}${lastChunk}`);

/** What stands behind the caller's n. */
function tailOf(name: Tool): string {
  const call = { id: 1, method: "tools/call", params: { name, arguments: { n: "@" } } };
  return answerTo(JSON.stringify(call), "legacy")?.split("@")[1] ?? "";
}

export function jsonReply(status: string, body: string, extra = ""): string {
  return `${jsonHead(status, body.length, extra)}${body}`;
}

function jsonHead(status: string, length: number, extra = ""): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\n${extra}Content-Length: ${length}\r\n\r\n`;
}

/** A stream whose one event is one chunk, as Node's servers write it. */
function streamHead(answerLength: number): string {
  const size = eventStart.length + answerLength + eventEnd.length;
  return `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n${size.toString(16)}\r\n${eventStart}`;
}

function listedAt(head: string): Listed {
  if (head.startsWith("POST /mcp")) return "echo";
  return head.startsWith("POST /long") ? "long" : "large";
}

export class Responder {
  readonly #eras: Eras;
  readonly #sessions = new Set<string>();

  constructor(eras: Eras) {
    this.#eras = eras;
  }

  /** The whole response, its head included. */
  respond(head: string, body: string): string | Buffer {
    const eras = this.#eras;
    const session = /\r\nmcp-session-id: ([^\r]*)/i.exec(head)?.[1];
    if (head.startsWith("DELETE ")) {
      this.#sessions.delete(session ?? "");
      return "HTTP/1.1 204 No Content\r\n\r\n";
    }
    if (!head.startsWith("POST ")) return jsonReply("405 Method Not Allowed", "", "Allow: POST, DELETE\r\n");
    const isModern = eras !== "legacy" && body.includes('"io.modelcontextprotocol/protocolVersion"');
    if (eras !== "modern" && !isModern) {
      if (session === undefined && body.includes('"initialize"')) return this.#initialize(body);
      if (session === undefined || !this.#sessions.has(session)) return unknownSession(session);
    }
    const isStream = head.startsWith("POST /sse");
    const call = eras === "modern" && !isModern ? null : usualCall.exec(body);
    if (call !== null) return usualAnswer(call, isModern, isStream);
    const answer = answerTo(body, eras, listedAt(head));
    if (answer === undefined) return "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
    return isStream ? `${streamHead(answer.length)}${answer}${eventEnd}${lastChunk}` : jsonReply("200 OK", answer);
  }

  #initialize(body: string): string {
    const id = crypto.randomUUID();
    this.#sessions.add(id);
    return jsonReply("200 OK", answerTo(body, this.#eras) ?? "", `Mcp-Session-Id: ${id}\r\n`);
  }
}

function unknownSession(session: string | undefined): string {
  const status = session === undefined ? "400 Bad Request" : "404 Not Found";
  return jsonReply(status, '{"jsonrpc":"2.0","error":{"code":-32600,"message":"unknown session"}}');
}

function usualAnswer([, id, tool, n]: RegExpExecArray, isModern: boolean, isStream: boolean): string | Buffer {
  const resultType = isModern ? '"resultType":"complete",' : "";
  const start = `{"jsonrpc":"2.0","id":${id},"result":{${resultType}"content":[{"type":"text","text":"n=${n}`;
  const tail = tool === "large" ? largeTail : echoTail;
  const length = start.length + tail.length;
  const head = `${isStream ? streamHead(length) : jsonHead("200 OK", length)}${start}`;
  if (tool === "large") return Buffer.concat([Buffer.from(head), isStream ? largeEventTailBytes : largeTailBytes]);
  return isStream ? `${head}${tail}${eventEnd}${lastChunk}` : `${head}${tail}`;
}
