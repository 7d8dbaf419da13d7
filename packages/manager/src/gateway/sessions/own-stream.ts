/**
 * The stream that a session's client listens on (GET): carries what belongs to no call. While nobody listens, messages wait in the
 * session's log; each is sent once, on one connection.
 * Source: specification 2025-11-25, basic/transports ("Listening for Messages from the Server").
 */
import type { ServerResponse } from "node:http";
import { sseComment } from "../../protocol/sse.ts";
import type { EventLog } from "./event-log.ts";
import type { EventStream, StreamOwner } from "./event-stream.ts";
import type { OpenStream, OpenStreams } from "./open-streams.ts";
import { eventHeaders, waitingBytesMax } from "../reply.ts";

export class OwnStream implements StreamOwner, OpenStream {
  place = -1;
  round = 0;
  readonly #open: OpenStreams;
  readonly #stream: EventStream;
  #response: ServerResponse | undefined;

  constructor(log: EventLog, open: OpenStreams) {
    this.#open = open;
    this.#stream = log.open(this);
  }

  get isOpen(): boolean {
    return this.#response !== undefined;
  }

  push(message: Buffer): void {
    const response = this.#response;
    const bytes = this.#stream.add(message, response !== undefined);
    if (response === undefined) return;
    response.write(bytes);
    // Nothing can hold these messages back.
    if (response.writableLength > waitingBytesMax) this.#letGo()?.destroy();
  }

  /** Takes the connection of a client that listens anew: it gets what no connection was given yet. */
  listen(response: ServerResponse): void {
    this.resume(response, this.#stream.sentEvent);
  }

  /** A client that comes back has lost its former connection, whether that shows here yet or not. */
  resume(response: ServerResponse, after: number): void {
    this.#letGo()?.destroy();
    this.#response = response;
    this.#open.add(this);
    response.on("close", () => {
      if (this.#response === response) this.#letGo();
    });
    response.writeHead(200, [...eventHeaders]);
    for (const bytes of this.#stream.opening(after)) response.write(bytes);
    response.flushHeaders();
  }

  keepAlive(): void {
    if (this.#response?.writableLength === 0) this.#response.write(sseComment);
  }

  hangUp(): void {
    this.#letGo()?.end();
  }

  #letGo(): ServerResponse | undefined {
    const response = this.#response;
    this.#response = undefined;
    this.#open.remove(this);
    return response;
  }
}
