/**
 * The stand-in MCP server on Streamable HTTP: a process of its own on Bun's bare TCP sockets, so that it is not what is measured.
 * It reads only what the bench's contestants send: well-formed requests with a Content-Length or in chunks, one at a time; anything
 * else is answered 400 and closed, so that a change there is seen at once. What it answers is in `respond.ts`.
 *
 *   bun upstream/http.ts PORT legacy|modern|both
 */
import { jsonReply, Responder } from "./respond.ts";

interface Socket {
  /** What has come of a request, and what has not gone yet of an answer. */
  data: { rest: string; unsent: Buffer };
  write(bytes: string | Buffer): number;
  end(text?: string): void;
}

declare const Bun: {
  listen(options: {
    port: number;
    hostname: string;
    socket: { open(socket: Socket): void; data(socket: Socket, bytes: Buffer): void; drain(socket: Socket): void };
  }): { port: number };
};

const [port = "0", era = "legacy"] = process.argv.slice(2);
const responder = new Responder(era === "modern" || era === "both" ? era : "legacy");
const nothing = Buffer.alloc(0);

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

/** Writes what the socket takes now, and the rest when it takes more. */
function send(socket: Socket, answer: string | Buffer): void {
  const written = Math.max(0, socket.write(answer));
  if (written === answer.length) return;
  const bytes = typeof answer === "string" ? Buffer.from(answer, "latin1") : answer;
  socket.data.unsent = bytes.subarray(written);
}

const server = Bun.listen({
  port: Number(port),
  hostname: "127.0.0.1",
  socket: {
    open(socket) {
      socket.data = { rest: "", unsent: nothing };
    },
    data(socket, bytes) {
      // Latin-1 keeps one character a byte; bodies of the bench are ASCII.
      const text = socket.data.rest + bytes.toString("latin1");
      const headEnd = text.indexOf("\r\n\r\n");
      const body = headEnd < 0 ? undefined : bodyOf(text.slice(0, headEnd), text.slice(headEnd + 4));
      socket.data.rest = body === undefined ? text : "";
      if (body === null)
        socket.end(jsonReply("400 Bad Request", '"the bench reads one well-formed request at a time"'));
      else if (body !== undefined) send(socket, responder.respond(text.slice(0, headEnd), body));
    },
    drain(socket) {
      const { unsent } = socket.data;
      socket.data.unsent = nothing;
      if (unsent.length > 0) send(socket, unsent);
    },
  },
});
process.stdout.write(`listening ${server.port}\n`);
