/** What the pools of one replica's connections are made with, whoever may share them. */
import type { Clock } from "../base/clock.ts";
import type { LeaseEvent, Spares } from "./leases.ts";
import type { OpenedConnection } from "./profile-shelf.ts";

export interface PoolOptions {
  /** For messages. */
  readonly server: string;
  /**
   * Opens a connection whose server is told these client capabilities; gives up when the signal is aborted. Where there are spares it
   * takes one of them, before anything else happens.
   */
  readonly open: (capabilities: Readonly<Record<string, unknown>>, signal: AbortSignal) => Promise<OpenedConnection>;
  readonly clock: Clock;
  /** Connections at most; those that are being opened or closed count, and spares too. May change at any time. */
  readonly max: () => number;
  /** One that nobody used for so long is closed. */
  readonly idleMs: number;
  /** Calls that may wait. Default 1,000. */
  readonly waitersMax?: number;
  readonly spares?: Spares | undefined;
  /** Hears of each connection that was opened or is to be closed. */
  readonly onLease?: (event: LeaseEvent) => void;
}
