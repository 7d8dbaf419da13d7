/**
 * How long clients may keep a list put together from several servers' lists, and who may share it: never longer and never more
 * widely than any of those servers said. Pure. Source: specification 2026-07-28, server/utilities/caching.
 */
import type { Listing } from "./catalog.ts";

/** What a modern client is told: that a rollout is never waited for longer than this by anybody's cache (resources.md). */
const ttlMsMax = 30_000;
/** For a server of the legacy era, which says nothing: it is asked again as often as it says that something changed. */
const ttlMsUnsaid = 5_000;

/** While revisions that offer different things serve one of the servers: who is sent elsewhere is not to know the old list for long. */
export const ttlMsMovingMax = 1_000;

/** The least of what the servers said; 0 when one of them is missing. `isMoving`: what one of them offers is about to change. */
export function ttlMsOf(listings: readonly Listing[], isMoving: boolean): number {
  let ttlMs = isMoving ? ttlMsMovingMax : listings.length === 0 ? ttlMsUnsaid : ttlMsMax;
  for (const listing of listings) {
    const said = listing.kind === "missing" ? 0 : (listing.ttlMs ?? ttlMsUnsaid);
    ttlMs = Math.min(ttlMs, Math.max(0, said));
  }
  return ttlMs;
}

/** Whether every one of the servers, and at least one, said that its list may be shared by everybody. */
export function isPublic(listings: readonly Listing[]): boolean {
  return (
    listings.length > 0 && listings.every((listing) => listing.kind === "known" && listing.cacheScope === "public")
  );
}

/** Whether a server of the modern era said that its list is for one authorization context only. */
export function isPrivate(listings: readonly Listing[]): boolean {
  return listings.some((listing) => listing.kind === "known" && listing.cacheScope === "private");
}
