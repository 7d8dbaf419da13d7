/**
 * Calls that wait for a replica of a server which has none because nobody called: they ask for one to be started, and go on when it is
 * there, or when there will be none. Bounded by their servers' places, which they hold, and in time by their own deadlines. Starts
 * nothing itself.
 */
import type { Clock } from "../../base/clock.ts";
import { type Placed, SwapList } from "../../base/swap-list.ts";
import type { Unsubscribe, Watched } from "../../base/watched.ts";
import type { UpstreamSet } from "../../upstream/upstream-set.ts";
import type { RoutingTable } from "../routing/routing-table.ts";

/** Who starts what is idle. */
export interface Wake {
  /** Whether it has no replica because nobody called, or one is being started for a call. False once that has failed. */
  isIdle(server: string): boolean;
  /** Asks for one. Asked again while it starts, does nothing. */
  wake(server: string): void;
}

/** A call that waits. */
export interface WakingCall extends Placed {
  readonly server: string;
  /** Something changed: it looks for a replica, and waits again or not. It waits no more meanwhile. */
  look(): void;
}

export interface WakingOptions {
  readonly upstreams: UpstreamSet;
  readonly table: Watched<RoutingTable>;
  readonly wake: Wake;
}

export class WakingCalls implements Disposable {
  readonly #options: WakingOptions;
  readonly #waiting = new Map<string, SwapList<WakingCall>>();
  readonly #unsubscribe: readonly Unsubscribe[];

  constructor(options: WakingOptions) {
    this.#options = options;
    this.#unsubscribe = [
      options.upstreams.onChange(({ kind, server }) => {
        if (kind === "attached") this.#look(server);
      }),
      // A start that failed shows in the server's state.
      options.table.onChange(() => {
        for (const server of [...this.#waiting.keys()]) this.#look(server);
      }),
    ];
  }

  /** Has a replica started and the call wait for it; false when its server is not idle, so that none will come for it. */
  wait(call: WakingCall): boolean {
    const { wake } = this.#options;
    const { server } = call;
    if (!wake.isIdle(server)) return false;
    let calls = this.#waiting.get(server);
    if (calls === undefined) this.#waiting.set(server, (calls = new SwapList()));
    calls.add(call);
    wake.wake(server);
    return true;
  }

  /**
   * For who is no such call: resolves when its server has a replica, at once when none would come, and when its time is up.
   */
  async awake(server: string, clock: Clock, leftMs: number): Promise<void> {
    const dueMs = clock.nowMs() + leftMs;
    while (this.#options.upstreams.pick(server) === undefined) {
      const waiting = new AwaitedReplica(server);
      const restMs = dueMs - clock.nowMs();
      if (restMs <= 0 || !this.wait(waiting)) return;
      const expiry = clock.after(restMs, () => waiting.look());
      await waiting.looked;
      expiry.cancel();
      this.leave(waiting);
    }
  }

  /** Waits no more. */
  leave(call: WakingCall): void {
    if (call.place < 0) return;
    const calls = this.#waiting.get(call.server);
    calls?.remove(call);
    if (calls?.size === 0) this.#waiting.delete(call.server);
  }

  [Symbol.dispose](): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #look(server: string): void {
    const calls = [...(this.#waiting.get(server) ?? [])];
    for (const call of calls) {
      // The one before may have ended it.
      if (call.place < 0) continue;
      this.leave(call);
      call.look();
    }
  }
}

class AwaitedReplica implements WakingCall {
  place = -1;
  readonly server: string;
  readonly looked: Promise<void>;
  look: () => void = () => undefined;

  constructor(server: string) {
    this.server = server;
    this.looked = new Promise((resolve) => (this.look = resolve));
  }
}
