/**
 * The connections of the listener's clients: when there is no room for one, and a reserve for those who can do something about it. How
 * many there are is counted with those of other doors (`crowd.ts`). It never looks at a request: the listener asks whether one came on a
 * connection of the reserve.
 *
 *   fewer than `max`          ordinary
 *   more, or short of much    of the reserve: answered once, at once, and closed
 *   more than the reserve     closed unheard
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Clock, Timer } from "../../base/clock.ts";
import type { Crowd } from "./crowd.ts";
import type { Gate } from "./gate.ts";

export interface ConnectionsOptions {
  readonly crowd: Crowd;
  readonly gate: Gate;
  readonly clock: Clock;
}

/** So many find the door open when it is full: enough for a few people and probes, nothing among the descriptors. */
const reserveMax = 16;
/** Who holds a place of the reserve says within this time what for. */
const reservedMs = 2_000;
/** Idle connections are closed to make room, at most this often. */
const makeRoomMs = 100;

export class Connections {
  readonly #server: Server;
  readonly #options: ConnectionsOptions;
  readonly #open = new Set<Socket>();
  readonly #reserved = new Map<Socket, Timer>();
  #madeRoomMs = -Infinity;

  /** Watches the connections of a server from here on. */
  constructor(server: Server, options: ConnectionsOptions) {
    this.#server = server;
    this.#options = options;
    server.maxConnections = options.crowd.max + reserveMax;
    server.on("connection", (socket: Socket) => this.#onConnection(socket));
    server.on("drop", () => options.gate.refusals.count("connections"));
  }

  /** Whether any connection is of the reserve: only then is it worth asking which. */
  get hasReserved(): boolean {
    return this.#reserved.size > 0;
  }

  /** Whether a request came on one. It has had its say: from here on it takes the time that it needs. */
  isReserved(socket: Socket): boolean {
    const timer = this.#reserved.get(socket);
    if (timer === undefined) return false;
    timer.cancel();
    if (this.#isFull) return true;
    this.#reserved.delete(socket);
    return false;
  }

  /**
   * Whether a connection has had its answer and waits for a next request: Node gives it another time for that. One that has not
   * sent anything yet is none, though `Server.closeIdleConnections` takes it for one.
   */
  isIdle(socket: Socket): boolean {
    return socket.timeout !== this.#server.timeout;
  }

  /** Closes those. */
  closeIdle(): void {
    for (const socket of this.#open) if (this.isIdle(socket)) socket.destroy();
  }

  get #isFull(): boolean {
    return this.#options.crowd.isOver || this.#options.gate.stage.current >= 2;
  }

  #onConnection(socket: Socket): void {
    const { crowd, gate, clock } = this.#options;
    if (!crowd.enter(socket)) return void socket.destroy();
    this.#open.add(socket);
    socket.on("close", () => this.#onClose(socket));
    if (!this.#isFull) return;
    this.#makeRoom();
    if (this.#reserved.size < reserveMax) {
      this.#reserved.set(
        socket,
        clock.after(reservedMs, () => socket.destroy()),
      );
    } else {
      gate.refusals.count("connections");
      socket.destroy();
    }
  }

  #onClose(socket: Socket): void {
    this.#open.delete(socket);
    this.#reserved.get(socket)?.cancel();
    this.#reserved.delete(socket);
  }

  /** Who is kept for a next request that may never come goes first. */
  #makeRoom(): void {
    const nowMs = this.#options.clock.nowMs();
    if (nowMs - this.#madeRoomMs < makeRoomMs) return;
    this.#madeRoomMs = nowMs;
    this.closeIdle();
  }
}
