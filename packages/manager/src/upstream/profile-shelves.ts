/** The shelves of a lease pool by profile: each is there while it holds, opens or is waited for something. */
import type { ClientProfile } from "../protocol/client-profile.ts";
import { type PooledConnection, ProfileShelf } from "./profile-shelf.ts";

/** A profile that was used within this time is likely to be again. */
const recentMs = 600_000;

export class ProfileShelves implements Iterable<ProfileShelf> {
  readonly #byKey = new Map<string, ProfileShelf>();

  /** Free connections that were never lent. */
  get unused(): number {
    let unused = 0;
    for (const { idle } of this) unused += idle.filter(({ uses }) => uses === 0).length;
    return unused;
  }

  get(key: string): ProfileShelf | undefined {
    return this.#byKey.get(key);
  }

  /** The one of this profile, from now on if need be. */
  of(profile: ClientProfile): ProfileShelf {
    let shelf = this.#byKey.get(profile.key);
    if (shelf === undefined) this.#byKey.set(profile.key, (shelf = new ProfileShelf(profile)));
    return shelf;
  }

  dropIfUnused(shelf: ProfileShelf): void {
    const { key } = shelf.profile;
    // One that was dropped before may have a successor.
    if (shelf.isBare && shelf.waiting === 0 && this.#byKey.get(key) === shelf) this.#byKey.delete(key);
  }

  /** The free connection that was used longest ago, among the shelves that are meant. */
  longestIdle(isMeant: (shelf: ProfileShelf) => boolean): PooledConnection | undefined {
    let longest: PooledConnection | undefined;
    for (const shelf of this) {
      const [pooled] = shelf.idle;
      if (pooled === undefined || !isMeant(shelf)) continue;
      if (longest === undefined || pooled.idleSinceMs < longest.idleSinceMs) longest = pooled;
    }
    return longest;
  }

  /** When the profile stops being one of the `count` that were used last, and lately; undefined when it is none, or was dropped. */
  recentUntil(shelf: ProfileShelf, count: number, nowMs: number): number | undefined {
    const untilMs = shelf.usedMs + recentMs;
    if (nowMs >= untilMs || count === 0 || this.#byKey.get(shelf.profile.key) !== shelf) return undefined;
    let later = 0;
    for (const other of this) if (other.usedMs > shelf.usedMs) later++;
    return later < count ? untilMs : undefined;
  }

  [Symbol.iterator](): Iterator<ProfileShelf> {
    return this.#byKey.values();
  }
}
