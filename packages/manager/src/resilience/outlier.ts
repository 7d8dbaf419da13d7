/**
 * One bad replica among its peers: who fails far more than the others gets no calls for a while. It judges replicas, never the server
 * (that is the breaker's part), and never puts so many aside that the rest could not carry the load: at most half, always all but one.
 * Rules: reliability.md 2.2 and 2.4. There are no timers: terms and sweeps happen when somebody asks.
 */
import type { Random } from "../base/random.ts";
import type { Mark } from "./ending.ts";
import { inSeconds } from "./in-words.ts";
import { RollingWindow } from "./rolling-window.ts";

export interface OutlierOptions {
  readonly random: Random;
  /** A replica was put aside for so long. Must not throw. */
  readonly onEjected: (replica: string, reason: string, forMs: number) => void;
  /** It takes calls again. Must not throw. */
  readonly onReturned: (replica: string, nowMs: number) => void;
}

const consecutiveMax = 5;
const windowMs = 30_000;
const failureRatio = 0.85;
const callsMin = 20;
const sweepMs = 10_000;
const baseMs = 30_000;
const termMaxMs = 300_000;
const jitterMs = 5_000;
const shareMax = 0.5;
/** After so long in office the next ejection is a first one again. */
const forgetAfterMs = 600_000;

interface Peer {
  readonly name: string;
  readonly window: RollingWindow;
  /** Failures since the last success. */
  consecutive: number;
  /** Which tool timed out last and when, and until when it counts as several that do. */
  timedOutTool: string | undefined;
  timedOutMs: number;
  severalUntilMs: number;
  ejections: number;
  /** While it is aside; 0 otherwise. */
  asideUntilMs: number;
  returnedMs: number;
}

export class OutlierDetector {
  readonly #random: Random;
  readonly #onEjected: OutlierOptions["onEjected"];
  readonly #onReturned: OutlierOptions["onReturned"];
  #peers = new Map<string, Peer>();
  #asideCount = 0;
  #nextSweepMs = Number.NEGATIVE_INFINITY;

  constructor({ random, onEjected, onReturned }: OutlierOptions) {
    this.#random = random;
    this.#onEjected = onEjected;
    this.#onReturned = onReturned;
  }

  /** Who the peers are now. Those that are gone are forgotten; when too many of the rest are aside, the longest there come back. */
  setReplicas(names: readonly string[], nowMs: number): void {
    const before = this.#peers;
    this.#peers = new Map(names.map((name) => [name, before.get(name) ?? newPeer(name, nowMs)]));
    const aside = this.#aside();
    this.#asideCount = aside.length;
    const surplus = aside.length - this.#asideMax();
    for (const peer of aside.toSorted((a, b) => a.asideUntilMs - b.asideUntilMs).slice(0, Math.max(0, surplus)))
      this.#return(peer, nowMs);
  }

  /** Counts how an attempt on a replica ended. `tool` is what it called; undefined for anything but a tool. */
  attempted(replica: string, tool: string | undefined, mark: Mark, nowMs: number): void {
    const peer = this.#peers.get(replica);
    if (peer !== undefined) this.#count(peer, tool, mark, nowMs);
    if (nowMs >= this.#nextSweepMs) this.#sweep(nowMs);
  }

  isEjected(replica: string, nowMs: number): boolean {
    if (this.#asideCount === 0) return false;
    const peer = this.#peers.get(replica);
    if (peer === undefined || peer.asideUntilMs === 0) return false;
    if (nowMs >= peer.asideUntilMs) this.#return(peer, nowMs);
    return peer.asideUntilMs > 0;
  }

  /** Whether anybody is aside, as far as is known; when not, nobody need ask. */
  get isQuiet(): boolean {
    return this.#asideCount === 0;
  }

  /** Until when it is aside; undefined when it is not. */
  ejectedUntilMs(replica: string, nowMs: number): number | undefined {
    return this.isEjected(replica, nowMs) ? this.#peers.get(replica)?.asideUntilMs : undefined;
  }

  /** Who is aside. */
  ejected(nowMs: number): readonly string[] {
    if (this.#asideCount === 0) return [];
    return [...this.#peers.keys()].filter((name) => this.isEjected(name, nowMs));
  }

  #count(peer: Peer, tool: string | undefined, mark: Mark, nowMs: number): void {
    // What was sent before it was put aside says nothing new.
    if (mark === "none" || this.isEjected(peer.name, nowMs)) return;
    const isTimeout = mark === "tool-timeout";
    if (isTimeout && !severalTimeOut(peer, tool ?? "", nowMs)) return;
    const isFailure = isTimeout || mark === "failure";
    peer.window.add(nowMs, isFailure, false);
    peer.consecutive = isFailure ? peer.consecutive + 1 : 0;
    if (peer.consecutive >= consecutiveMax) this.#eject(peer, `${peer.consecutive} calls in a row failed on it`, nowMs);
  }

  /** Who failed nearly always, when there was no room to put it aside at once; and whose term is over. */
  #sweep(nowMs: number): void {
    this.#nextSweepMs = nowMs + sweepMs;
    for (const peer of this.#peers.values()) {
      if (this.isEjected(peer.name, nowMs)) continue;
      const [calls, failures] = [peer.window.calls(nowMs), peer.window.failures(nowMs)];
      if (calls < callsMin || failures < failureRatio * calls) continue;
      this.#eject(peer, `${failures} of ${calls} calls failed on it within ${inSeconds(windowMs)}`, nowMs);
    }
  }

  #eject(peer: Peer, reason: string, nowMs: number): void {
    // Terms that are over make room.
    if (this.ejected(nowMs).length >= this.#asideMax()) return;
    if (nowMs - peer.returnedMs >= forgetAfterMs) peer.ejections = 0;
    peer.ejections++;
    const termMs = Math.min(termMaxMs, baseMs * peer.ejections + jitterMs * this.#random.next());
    peer.asideUntilMs = nowMs + termMs;
    this.#asideCount++;
    this.#onEjected(peer.name, reason, termMs);
  }

  #return(peer: Peer, nowMs: number): void {
    peer.returnedMs = Math.min(peer.asideUntilMs, nowMs);
    peer.asideUntilMs = 0;
    peer.consecutive = 0;
    peer.severalUntilMs = 0;
    peer.timedOutTool = undefined;
    peer.window.clear();
    this.#asideCount--;
    this.#onReturned(peer.name, nowMs);
  }

  #aside(): readonly Peer[] {
    return [...this.#peers.values()].filter(({ asideUntilMs }) => asideUntilMs > 0);
  }

  #asideMax(): number {
    const { size } = this.#peers;
    return Math.max(0, Math.min(Math.floor(size * shareMax), size - 1));
  }
}

/** Whether at least two tools timed out on it lately, this one among them: one alone says more of the tool. */
function severalTimeOut(peer: Peer, tool: string, nowMs: number): boolean {
  const isOther = peer.timedOutTool !== undefined && peer.timedOutTool !== tool;
  if (isOther && nowMs - peer.timedOutMs < windowMs) peer.severalUntilMs = nowMs + windowMs;
  peer.timedOutTool = tool;
  peer.timedOutMs = nowMs;
  return nowMs < peer.severalUntilMs;
}

function newPeer(name: string, nowMs: number): Peer {
  return {
    name,
    window: new RollingWindow(windowMs, nowMs),
    consecutive: 0,
    timedOutTool: undefined,
    timedOutMs: 0,
    severalUntilMs: 0,
    ejections: 0,
    asideUntilMs: 0,
    returnedMs: nowMs,
  };
}
