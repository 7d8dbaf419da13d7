/** What principals have of a pool's places, and who has more than its share: it can be asked to give way. Pure. */
import type { PooledConnection } from "./profile-shelf.ts";

/** Connections that each principal has now. */
export function placesByPrincipal(connections: Iterable<PooledConnection>): Map<string, number> {
  const places = new Map<string, number>();
  for (const { state, lastPrincipal } of connections) {
    if (state !== "lent" || lastPrincipal === undefined) continue;
    places.set(lastPrincipal, (places.get(lastPrincipal) ?? 0) + 1);
  }
  return places;
}

/** The connection whose call has waited longest for its client, of those with more than `share` places but for `besides`. */
export function longestWaiting(
  connections: Iterable<PooledConnection>,
  share: number,
  besides: string | undefined,
): PooledConnection | undefined {
  const all = [...connections];
  const places = placesByPrincipal(all);
  let longest: PooledConnection | undefined;
  for (const pooled of all) {
    const { waitingForClient, lastPrincipal = "" } = pooled;
    if (waitingForClient === undefined || lastPrincipal === besides) continue;
    if ((places.get(lastPrincipal) ?? 0) <= share) continue;
    if (waitingForClient.sinceMs < (longest?.waitingForClient?.sinceMs ?? Infinity)) longest = pooled;
  }
  return longest;
}
