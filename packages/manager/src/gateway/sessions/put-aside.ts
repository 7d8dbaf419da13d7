/**
 * Where sessions stood that were put aside, so that one which comes back goes on at the revisions that it was on or was shown. What else
 * there was of them is gone. Bounded: beyond that the oldest are forgotten, and begin anew when they come back. Decides nothing.
 */
import type { Principal } from "../../security/principal.ts";

/** A session as far as revisions are concerned: one that is held, or one that was put aside. */
export interface Standing {
  readonly id: string;
  /** The endpoint it was opened on. */
  readonly viewKey: string;
  /** Who used it last. */
  readonly principal: Principal | undefined;
  readonly clientName: string | undefined;
  /** By server, the revision that its calls go to. */
  readonly pins: Map<string, string>;
  /** Whether its client was shown any list. */
  readonly hasListed: boolean;
  /** Whether its client listens, or will hear what was kept for it. */
  readonly hasListened: boolean;
}

const asideMax = 20_000;

export class PutAside {
  /** Oldest first. */
  readonly #standings = new Map<string, Standing>();

  /** Of one that has used and was shown nothing, there is nothing to remember. */
  keep({ id, viewKey, principal, clientName, pins, hasListed }: Standing): void {
    if (pins.size === 0 && !hasListed) return;
    // Its streams are over: whatever changes, its client does not hear of it.
    this.#standings.set(id, { id, viewKey, principal, clientName, pins, hasListed, hasListened: false });
    const [oldest] = this.#standings.keys();
    if (this.#standings.size > asideMax && oldest !== undefined) this.#standings.delete(oldest);
  }

  all(): Iterable<Standing> {
    return this.#standings.values();
  }

  /** Where it stood; it is not aside any more. */
  take(id: string): Standing | undefined {
    const standing = this.#standings.get(id);
    this.#standings.delete(id);
    return standing;
  }

  clear(): void {
    this.#standings.clear();
  }
}
