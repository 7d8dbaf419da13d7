/**
 * The connections of gRPC clients: how many there may be, beside those of other doors, which of them still have somebody at the other
 * end, and which streams stand still because nobody takes what they carry. Knows nothing of what is asked over them.
 */
import type { Http2SecureServer, Http2Server, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { constants } from "node:http2";
import type { Socket } from "node:net";
import type { Clock, Timer } from "../../base/clock.ts";

export interface ConnectionsOptions {
  /** Open at a time. */
  readonly max: number;
  /** Counts a connection with those of all doors until it is closed; false when there is no room beside the `open` of this door. */
  enter(socket: Socket, open: number): boolean;
  /** How long a client may leave standing what is being sent to it, or its own request half sent, in milliseconds. */
  readonly stalledMs: number;
  readonly clock: Clock;
}

/** How often each client is asked whether it is still there; one that did not answer until the next time is not. */
const pingMs = 20_000;
/** Without a call for so long a connection is closed; clients open another by themselves when they need one. */
const idleMs = 600_000;

interface Open {
  readonly session: ServerHttp2Session;
  streams: number;
  quietSinceMs: number;
  isAsked: boolean;
}

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #sockets = new Set<Socket>();
  readonly #open = new Set<Open>();
  #beat: Timer;

  /** Watches the connections of a server from here on. */
  constructor(server: Http2Server | Http2SecureServer, options: ConnectionsOptions) {
    this.#options = options;
    server.maxConnections = options.max;
    server.on("connection", (socket: Socket) => this.#onConnection(socket));
    server.on("session", (session) => this.#onSession(session));
    this.#beat = this.#nextBeat();
  }

  /** Lets calls in flight end, and closes each connection with its last. */
  finish(): void {
    for (const { session } of this.#open) session.close();
  }

  /** Closes everything that is left, and watches no more. */
  cut(): void {
    this.#beat.cancel();
    for (const socket of this.#sockets) socket.destroy();
  }

  #onConnection(socket: Socket): void {
    if (!this.#options.enter(socket, this.#sockets.size)) return void socket.destroy();
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
  }

  #onSession(session: ServerHttp2Session): void {
    const { clock, stalledMs } = this.#options;
    const open: Open = { session, streams: 0, quietSinceMs: clock.nowMs(), isAsked: false };
    this.#open.add(open);
    session.on("close", () => this.#open.delete(open));
    session.on("stream", (stream) => {
      open.streams += 1;
      // Nothing went over it for a while: fine for one that waits for something to happen, and for nobody else.
      stream.setTimeout(stalledMs, () => closeStalled(stream));
      stream.once("close", () => {
        open.streams -= 1;
        open.quietSinceMs = clock.nowMs();
      });
    });
  }

  #nextBeat(): Timer {
    return this.#options.clock.after(pingMs, () => {
      const nowMs = this.#options.clock.nowMs();
      for (const open of this.#open) {
        if (open.isAsked) open.session.destroy();
        else if (open.streams === 0 && nowMs - open.quietSinceMs >= idleMs) open.session.close();
        else ping(open);
      }
      this.#beat = this.#nextBeat();
    });
  }
}

function ping(open: Open): void {
  open.isAsked = true;
  open.session.ping((error) => {
    if (error === null) open.isAsked = false;
  });
}

function closeStalled(stream: ServerHttp2Stream): void {
  if (stream.writableLength > 0 || !stream.readableEnded) stream.close(constants.NGHTTP2_CANCEL);
}
