/**
 * How long clients may keep a list put together from several servers' lists, and who may share it: never longer and never more
 * widely than any of those servers said. Pure. Source: specification 2026-07-28, server/utilities/caching.
 */
import { toldTtlMs } from "../../upstream/list-pages.ts";
import type { Listing } from "./catalog.ts";

/** While revisions that offer different things serve one of the servers: who is sent elsewhere is not to know the old list for long. */
export const ttlMsMovingMax = 1_000;

/** The least of what the servers said; 0 when one of them is missing. `isMoving`: what one of them offers is about to change. */
export function ttlMsOf(listings: readonly Listing[], isMoving: boolean): number {
  const told = listings.map((listing) => (listing.kind === "missing" ? 0 : toldTtlMs(listing.ttlMs)));
  if (told.length === 0) told.push(toldTtlMs(undefined));
  return Math.min(...told, isMoving ? ttlMsMovingMax : Infinity);
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
