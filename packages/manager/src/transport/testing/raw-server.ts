/** A bare TCP server for tests of HTTP connections: hears requests by their first line, answers by hand. No part of the program. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

/** Its behaviour is set by the test. */
export class RawServer {
  readonly sockets: Socket[] = [];
  /** `<number of the connection> <path>`, in order of arrival. */
  readonly requests: string[] = [];
  /** Answers a request; set by the test. */
  answer: (socket: Socket, path: string) => void = (socket) => respond(socket, "ok");
  readonly #server: Server = createServer((socket) => this.#accept(socket));

  async listen(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open at the server. */
  get open(): number {
    return this.sockets.filter((socket) => !socket.destroyed).length;
  }

  /** Refuses connections from now on, and keeps those it has. */
  stopListening(): void {
    this.#server.close();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(socket: Socket): void {
    const number = this.sockets.push(socket);
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        const path = text.split(" ", 2)[1] ?? "";
        const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
        if (text.length < end + 4 + length) return;
        text = text.slice(end + 4 + length);
        this.requests.push(`${number} ${path}`);
        this.answer(socket, path);
      }
    });
  }
}

/** Writes a whole response. */
export function respond(socket: Socket, body: string, fields = ""): void {
  socket.write(`HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`);
}
