/**
 * The connections of clients: how many there may be, in all and from one address, and a reserve beyond that for those who can do
 * something about it. It never looks at a request: the listener asks whether one came on a connection of the reserve.
 *
 *   fewer than `max`          ordinary
 *   more, or short of much    of the reserve: answered once, at once, and closed
 *   more than the reserve     closed unheard
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Clock, Timer } from "../../base/clock.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Gate } from "./gate.ts";

/** How many connections there may be. */
export interface ConnectionLimits {
  /** Open at a time. */
  readonly max: number;
  /** From one address at a time; this machine's own are not counted. */
  readonly perAddressMax: number;
}

export interface ConnectionsOptions extends ConnectionLimits {
  readonly gate: Gate;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** So many find the door open when it is full: enough for a few people and probes, nothing among the descriptors. */
const reserveMax = 16;
/** Who holds a place of the reserve says within this time what for. */
const reservedMs = 2_000;
/** Idle connections are closed to make room, at most this often. */
const makeRoomMs = 100;
/** Behind a proxy on this machine all clients have these addresses. */
const own: readonly string[] = ["127.0.0.1", "::1"];

export class Connections {
  readonly #server: Server;
  readonly #options: ConnectionsOptions;
  readonly #perAddress = new Map<string, number>();
  readonly #open = new Set<Socket>();
  readonly #reserved = new Map<Socket, Timer>();
  #madeRoomMs = -Infinity;

  /** Watches the connections of a server from here on. */
  constructor(server: Server, options: ConnectionsOptions) {
    this.#server = server;
    this.#options = options;
    server.maxConnections = options.max + reserveMax;
    server.on("connection", (socket: Socket) => this.#onConnection(socket));
    server.on("drop", () => options.gate.refusals.count("connections"));
    const gauge = options.metrics.gauge("mcp_manager_client_connections", "Open connections of clients.");
    options.metrics.onScrape(() => gauge.child().set(this.#open.size));
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
    return this.#open.size > this.#options.max || this.#options.gate.stage.current >= 2;
  }

  #onConnection(socket: Socket): void {
    const { gate, clock } = this.#options;
    const address = counted(socket.remoteAddress);
    if (address !== undefined && !this.#enter(address)) {
      gate.refusals.count("address");
      return void socket.destroy();
    }
    this.#open.add(socket);
    socket.on("close", () => this.#onClose(socket, address));
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

  #onClose(socket: Socket, address: string | undefined): void {
    this.#open.delete(socket);
    this.#reserved.get(socket)?.cancel();
    this.#reserved.delete(socket);
    if (address === undefined) return;
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#perAddress.delete(address);
    else this.#perAddress.set(address, left);
  }

  #enter(address: string): boolean {
    const open = this.#perAddress.get(address) ?? 0;
    if (open >= this.#options.perAddressMax) return false;
    this.#perAddress.set(address, open + 1);
    return true;
  }

  /** Who is kept for a next request that may never come goes first. */
  #makeRoom(): void {
    const nowMs = this.#options.clock.nowMs();
    if (nowMs - this.#madeRoomMs < makeRoomMs) return;
    this.#madeRoomMs = nowMs;
    this.closeIdle();
  }
}

/** Under which name an address is counted; undefined: not at all. Who has one IPv6 address has the other 2^64 of its network. */
export function counted(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  if (own.includes(plain)) return undefined;
  if (!plain.includes(":")) return plain;
  const [head = "", tail] = plain.split("::");
  const groups = head === "" ? [] : head.split(":");
  const gap = tail === undefined ? 0 : 8 - groups.length - (tail === "" ? 0 : tail.split(":").length);
  return [...groups, ...Array.from({ length: gap }, () => "0"), ...(tail ?? "").split(":")].slice(0, 4).join(":");
}
