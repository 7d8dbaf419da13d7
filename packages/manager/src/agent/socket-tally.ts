/** The sockets of all connections of one run over HTTP, those that have ended among what was counted. */
import type { HttpOrigin, SocketCounts } from "../transport/http-origin.ts";

const none: SocketCounts = { open: 0, idle: 0, opened: 0, reused: 0, recycled: 0 };

export class SocketTally {
  readonly #origins = new Set<HttpOrigin>();
  #ended: SocketCounts = none;

  get counts(): SocketCounts {
    return [...this.#origins].reduce((sum, { counts }) => plus(sum, counts), this.#ended);
  }

  add(origin: HttpOrigin): void {
    this.#origins.add(origin);
  }

  /** It opens no more. */
  remove(origin: HttpOrigin): void {
    if (this.#origins.delete(origin)) this.#ended = plus(this.#ended, { ...origin.counts, open: 0, idle: 0 });
  }
}

function plus(a: SocketCounts, b: SocketCounts): SocketCounts {
  return {
    open: a.open + b.open,
    idle: a.idle + b.idle,
    opened: a.opened + b.opened,
    reused: a.reused + b.reused,
    recycled: a.recycled + b.recycled,
  };
}
