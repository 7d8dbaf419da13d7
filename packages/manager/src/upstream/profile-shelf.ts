/**
 * The connections of a lease pool whose servers were told the same of their client: which of them are free, and which of those a
 * principal may have. Opens, lends and closes nothing.
 */
import type { ClientProfile } from "../protocol/client-profile.ts";
import type { Connection } from "../transport/connection.ts";
import type { Lendable } from "./held-lease.ts";
import type { WaitingForClient } from "./leases.ts";

/** What opening gives. */
export interface OpenedConnection {
  readonly connection: Connection;
  /** Lets requests in flight end for at most `graceMs`; resolves when nothing of it is left. */
  close(graceMs: number): Promise<void>;
}

/** A connection of the pool, and what decides who may have it next. */
export class PooledConnection implements Lendable {
  readonly opened: OpenedConnection;
  readonly shelf: ProfileShelf;
  /** Resolves when it is never lent again. */
  readonly retired: Promise<void>;
  state: "idle" | "lent" | "retired" = "idle";
  /** Who had it last; undefined before the first. */
  lastPrincipal: string | undefined;
  readonly openedMs: number;
  idleSinceMs: number;
  /** How often it was lent. */
  uses = 0;
  logLevel: string | undefined;
  waitingForClient: WaitingForClient | undefined;
  #resolveRetired: () => void = () => undefined;

  constructor(opened: OpenedConnection, shelf: ProfileShelf, nowMs: number) {
    this.opened = opened;
    this.shelf = shelf;
    this.openedMs = nowMs;
    this.idleSinceMs = nowMs;
    opened.connection.onRenewed = () => {
      this.logLevel = undefined;
    };
    this.retired = new Promise((resolve) => {
      this.#resolveRetired = resolve;
    });
  }

  get connection(): Connection {
    return this.opened.connection;
  }

  retire(): void {
    this.state = "retired";
    this.#resolveRetired();
  }
}

/** How long a connection rests before another principal may have it: a log line may come after the answer that it belongs to. */
export const quietMs = 250;

export class ProfileShelf {
  readonly profile: ClientProfile;
  /** Free connections, the longest idle first. */
  readonly idle: PooledConnection[] = [];
  /** Connections that are being opened. */
  opening = 0;
  /** Connections that somebody has. */
  lent = 0;
  /** Calls that wait for one. */
  waiting = 0;
  /** When one was lent last. */
  usedMs: number = -Infinity;

  constructor(profile: ClientProfile) {
    this.profile = profile;
  }

  /** Nothing is here that could serve a call, now or later. */
  get isBare(): boolean {
    return this.idle.length + this.opening + this.lent === 0;
  }

  /**
   * Takes out a free connection that this principal may have now: the one it had last, else the longest idle that is quiet or new.
   * `kept` is somebody else's.
   */
  take(principal: string, nowMs: number, kept?: PooledConnection): PooledConnection | undefined {
    let fit = -1;
    for (let at = this.idle.length - 1; at >= 0; at--) {
      const pooled = this.idle[at];
      if (pooled === undefined || pooled === kept || pooled.opened.connection.closeReason !== undefined) continue;
      const { lastPrincipal, idleSinceMs } = pooled;
      if (lastPrincipal === principal) {
        fit = at;
        break;
      }
      if (lastPrincipal === undefined || nowMs - idleSinceMs >= quietMs) fit = at;
    }
    return fit < 0 ? undefined : this.idle.splice(fit, 1)[0];
  }

  /** Takes this one out, if it is among the free. */
  remove(pooled: PooledConnection): void {
    const at = this.idle.indexOf(pooled);
    if (at >= 0) this.idle.splice(at, 1);
  }
}
