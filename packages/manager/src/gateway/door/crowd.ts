/**
 * The connections of clients through all doors: how many there are, in all and from one address. What becomes of one that is too many
 * is for its door to say.
 */
import type { Socket } from "node:net";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Gate } from "./gate.ts";

/** How many connections there may be. */
export interface ConnectionLimits {
  /** Open at a time. */
  readonly max: number;
  /** From one address at a time; this machine's own are not counted. */
  readonly perAddressMax: number;
}

export interface CrowdOptions extends ConnectionLimits {
  /** Hears of who was turned away. */
  readonly gate: Pick<Gate, "refusals">;
  readonly metrics: Metrics;
}

/** What a door with few connections keeps when others have taken all there are: enough for a few people and probes. */
const fewMax = 16;
/** Behind a proxy on this machine all clients have these addresses. */
const own: readonly string[] = ["127.0.0.1", "::1"];

export class Crowd {
  readonly #options: CrowdOptions;
  readonly #perAddress = new Map<string, number>();
  #size = 0;

  constructor(options: CrowdOptions) {
    this.#options = options;
    const gauge = options.metrics.gauge("mcp_manager_client_connections", "Open connections of clients.");
    options.metrics.onScrape(() => gauge.child().set(this.#size));
  }

  /** Connections that there may be. */
  get max(): number {
    return this.#options.max;
  }

  /** Whether there are more than there may be. */
  get isOver(): boolean {
    return this.#size > this.max;
  }

  /** Counts a connection until it is closed; false, and counted as turned away, when its address has too many. */
  enter(socket: Socket): boolean {
    const address = counted(socket.remoteAddress);
    const open = address === undefined ? 0 : (this.#perAddress.get(address) ?? 0);
    if (open >= this.#options.perAddressMax) {
      this.#options.gate.refusals.count("address");
      return false;
    }
    if (address !== undefined) this.#perAddress.set(address, open + 1);
    this.#size += 1;
    socket.once("close", () => this.#leave(address));
    return true;
  }

  /** The same for a door whose connections carry many calls each, and which has `open` of them: false also when there is no room. */
  enterFew(socket: Socket, open: number): boolean {
    if (this.#size < this.max || open < fewMax) return this.enter(socket);
    this.#options.gate.refusals.count("connections");
    return false;
  }

  #leave(address: string | undefined): void {
    this.#size -= 1;
    if (address === undefined) return;
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#perAddress.delete(address);
    else this.#perAddress.set(address, left);
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
