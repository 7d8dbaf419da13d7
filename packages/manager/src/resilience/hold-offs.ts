/**
 * Replicas that are left alone because their server said so (HTTP 429, or any refusal with `Retry-After`), and until when. That is the
 * server's word and no judgement of ours: nothing has failed, no breaker moves, nobody is called to see. There are no timers: a term
 * ends when somebody asks after it. Rules: reliability.md 2.3, and U8 of its fault table.
 */

/** However long a server asks for: a wrong header must not take it away for a day. Envoy's cap for back-offs by header. */
const holdOffMsMax = 300_000;

/** A server that says so again and again, as many with a quota do, is news once. */
const newsAfterMs = 60_000;

const never = Number.NEGATIVE_INFINITY;

export class HoldOffs {
  /** Of each replica until when it is left alone; in the past when it is not. */
  #untilMs = new Map<string, number>();
  /** When the last term ends; no term runs when it is `never`. */
  #overMs = never;

  /** Who the replicas are now. What is known of others is forgotten. */
  setReplicas(names: readonly string[]): void {
    const before = this.#untilMs;
    this.#untilMs = new Map(names.map((name) => [name, before.get(name) ?? never]));
    this.#overMs = this.#untilMs.size === 0 ? never : Math.max(...this.#untilMs.values());
  }

  /**
   * Leaves a replica alone for so long from now on, or until an earlier word of its server's ends, if that is later. Answers with the
   * milliseconds when that should be told, undefined when it is no news, or no replica.
   */
  begin(replica: string, forMs: number, nowMs: number): number | undefined {
    const before = this.#untilMs.get(replica);
    const termMs = Math.min(forMs, holdOffMsMax);
    if (before === undefined || !(termMs > 0)) return undefined;
    const untilMs = Math.max(before, nowMs + termMs);
    this.#untilMs.set(replica, untilMs);
    this.#overMs = Math.max(this.#overMs, untilMs);
    return nowMs - before >= newsAfterMs ? termMs : undefined;
  }

  /** Whether no replica is held off, as far as is known; then nobody need ask. */
  get isQuiet(): boolean {
    return this.#overMs === never;
  }

  /** Milliseconds that are left of a replica's term; 0: it may be called. */
  leftMs(replica: string, nowMs: number): number {
    if (nowMs >= this.#overMs) this.#overMs = never;
    return this.isQuiet ? 0 : Math.max(0, (this.#untilMs.get(replica) ?? never) - nowMs);
  }

  /** Milliseconds until the first of these may be called; 0: one may now, or there is none. By default of all. */
  leastLeftMs(nowMs: number, replicas: Iterable<string> = this.#untilMs.keys()): number {
    let least = Infinity;
    for (const replica of replicas) least = Math.min(least, this.leftMs(replica, nowMs));
    return least === Infinity ? 0 : least;
  }

  /** Who is held off. */
  held(nowMs: number): readonly string[] {
    return [...this.#untilMs.keys()].filter((replica) => this.leftMs(replica, nowMs) > 0);
  }
}
