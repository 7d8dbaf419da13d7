/**
 * Looks after the limits that the kernel does not hold here: again and again it measures each tree that has such limits, and says so
 * when one is exceeded. So a leak of memory or a fork bomb ends within seconds instead of at once. It ends nothing itself.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Unsubscribe } from "../base/watched.ts";
import type { TreeNames } from "./process-tree.ts";
import type { TreeMeter } from "./tree-meter.ts";
import { nextTurn } from "./tree-meter.ts";

/** What a tree has too much of. */
export type Excess = "memory" | "processes";

/** A tree with the limits that are to be looked after; undefined where the kernel does. */
export interface WatchedTree {
  readonly tree: TreeNames;
  readonly memoryBytesMax: number | undefined;
  readonly processesMax: number | undefined;
  /** Called once. */
  exceeded(what: Excess): void;
}

/** From the end of one look to the next, in milliseconds. */
export const watchIntervalMs = 2_000;
/** Of those in a PID namespace the first two are ours. */
const ownInside = 2;

/** The watch of all trees of a runtime. Looks while there are any. */
export class LimitWatch {
  readonly #clock: Clock;
  readonly #meter: TreeMeter;
  readonly #trees = new Set<WatchedTree>();
  #timer: Timer | undefined;
  #isLooking = false;

  constructor(clock: Clock, meter: TreeMeter) {
    this.#clock = clock;
    this.#meter = meter;
  }

  /** Watches a tree until its limits are exceeded or the answer is called. */
  add(tree: WatchedTree): Unsubscribe {
    if (tree.memoryBytesMax === undefined && tree.processesMax === undefined) return () => undefined;
    this.#trees.add(tree);
    this.#wait();
    return () => this.#remove(tree);
  }

  #remove(tree: WatchedTree): void {
    this.#trees.delete(tree);
    if (this.#trees.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #wait(): void {
    if (this.#isLooking || this.#trees.size === 0) return;
    this.#timer ??= this.#clock.after(watchIntervalMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    this.#timer = undefined;
    this.#isLooking = true;
    const watched = [...this.#trees];
    const members = await this.#meter.members(watched.map(({ tree }) => tree));
    for (const tree of watched) {
      await nextTurn();
      const excess = this.#excessOf(tree, members.get(tree.tree) ?? []);
      // It may have ended while others were looked at.
      if (excess === undefined || !this.#trees.delete(tree)) continue;
      tree.exceeded(excess);
    }
    this.#isLooking = false;
    this.#wait();
  }

  #excessOf({ tree, processesMax, memoryBytesMax }: WatchedTree, pids: readonly number[]): Excess | undefined {
    const processes = pids.length - (tree.isInside ? ownInside : 0);
    if (processesMax !== undefined && processes > processesMax) return "processes";
    if (memoryBytesMax === undefined || this.#meter.estimate(pids) <= memoryBytesMax) return undefined;
    return this.#meter.exact(pids) > memoryBytesMax ? "memory" : undefined;
  }
}
