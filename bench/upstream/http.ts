/**
 * The stand-in MCP server on Streamable HTTP: a process of its own on Bun's bare TCP sockets, so that it is not what is measured.
 * It answers JSON, gives legacy clients a session and asks for it back. It reads only what the bench's contestants send: well-formed
 * requests with a Content-Length or in chunks, one at a time; anything else is answered 400 and closed, so that a change there is seen at once.
 *
 *   bun upstream/http.ts PORT legacy|modern
 */
import { answerTo } from "./answers.ts";

interface Socket {
  data: { rest: string };
  write(text: string): number;
  end(text?: string): void;
}

declare const Bun: {
  listen(options: {
    port: number;
    hostname: string;
    socket: { open(socket: Socket): void; data(socket: Socket, bytes: Buffer): void };
  }): { port: number };
};

const [port = "0", era = "legacy"] = process.argv.slice(2);
const eras = era === "modern" ? "modern" : "legacy";
const sessions = new Set<string>();
/** The usual call is answered without a parse; its parts are where this says, or the slow way is taken. */
const quick =
  /^\{"jsonrpc":"2.0","id":(\d+|"[^"\\]*"),"method":"tools\/call","params":\{"name":"echo","arguments":\{"n":"(\w+)"\}/;
const resultType = eras === "modern" ? '"resultType":"complete",' : "";
const tail = answerTo('{"id":1,"method":"tools/call","params":{"arguments":{"n":"@"}}}', "legacy")?.split("@")[1] ?? "";

function reply(status: string, body: string, extra = ""): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\n${extra}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function respond(head: string, body: string): string {
  const session = /\r\nmcp-session-id: ([^\r]*)/i.exec(head)?.[1];
  if (head.startsWith("DELETE ")) {
    sessions.delete(session ?? "");
    return "HTTP/1.1 204 No Content\r\n\r\n";
  }
  if (!head.startsWith("POST ")) return reply("405 Method Not Allowed", "", "Allow: POST, DELETE\r\n");
  if (eras === "legacy" && session === undefined && body.includes('"initialize"')) {
    const id = crypto.randomUUID();
    sessions.add(id);
    return reply("200 OK", answerTo(body, eras) ?? "", `Mcp-Session-Id: ${id}\r\n`);
  }
  if (eras === "legacy" && (session === undefined || !sessions.has(session))) {
    return reply(
      session === undefined ? "400 Bad Request" : "404 Not Found",
      '{"jsonrpc":"2.0","error":{"code":-32600,"message":"unknown session"}}',
    );
  }
  const call = quick.exec(body);
  if (call !== null && (eras === "legacy" || body.includes('"io.modelcontextprotocol/protocolVersion"'))) {
    const answer = `{"jsonrpc":"2.0","id":${call[1]},"result":{${resultType}"content":[{"type":"text","text":"n=${call[2]}${tail}`;
    // ASCII throughout: its length in characters is its length in bytes.
    return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`;
  }
  const answer = answerTo(body, eras);
  return answer === undefined ? "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n" : reply("200 OK", answer);
}

/** The body when it is all there; undefined when it is not yet, null when it never will be. */
function bodyOf(head: string, rest: string): string | undefined | null {
  if (!/\r\ntransfer-encoding: chunked/i.test(head)) {
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? "0");
    return rest.length > length ? null : rest.length < length ? undefined : rest;
  }
  let body = "";
  for (let at = 0; ;) {
    const lineEnd = rest.indexOf("\r\n", at);
    const size = lineEnd < 0 ? 0 : Number.parseInt(rest.slice(at, lineEnd), 16);
    const end = lineEnd + 2 + size;
    if (lineEnd < 0 || rest.length < end + 2) return undefined;
    if (Number.isNaN(size) || !rest.startsWith("\r\n", end)) return null;
    if (size === 0) return rest.length === end + 2 ? body : null;
    body += rest.slice(lineEnd + 2, end);
    at = end + 2;
  }
}

const server = Bun.listen({
  port: Number(port),
  hostname: "127.0.0.1",
  socket: {
    open(socket) {
      socket.data = { rest: "" };
    },
    data(socket, bytes) {
      // Latin-1 keeps one character a byte; bodies of the bench are ASCII.
      const text = socket.data.rest + bytes.toString("latin1");
      const headEnd = text.indexOf("\r\n\r\n");
      const body = headEnd < 0 ? undefined : bodyOf(text.slice(0, headEnd), text.slice(headEnd + 4));
      socket.data.rest = body === undefined ? text : "";
      if (body === null) socket.end(reply("400 Bad Request", '"the bench reads one well-formed request at a time"'));
      else if (body !== undefined) socket.write(respond(text.slice(0, headEnd), body));
    },
  },
});
process.stdout.write(`listening ${server.port}\n`);
