/**
 * Which replica speaks for its server: while a server's replicas run two revisions (a rolling update), the newest revision that is
 * attached, so that what is listed does not depend on which replica happened to be asked. Calls are balanced elsewhere.
 */
import type { ReadyReplica, UpstreamSet } from "../../upstream/upstream-set.ts";

/** The replica of the newest revision with the fewest calls in flight, the oldest of equals; undefined when none is open. */
export function newestReplica(upstreams: UpstreamSet, server: string): ReadyReplica | undefined {
  let best: ReadyReplica | undefined;
  for (const replica of upstreams.replicas(server)) {
    if (replica.connection.closeReason !== undefined) continue;
    const newer = best === undefined ? 1 : numberOf(replica) - numberOf(best);
    if (newer < 0 || (newer === 0 && replica.connection.inFlight >= (best?.connection.inFlight ?? 0))) continue;
    best = replica;
  }
  return best;
}

/** Whether that replica is left alone now, as its server asked for: then nothing is asked of it that can wait. */
export function isNewestHeldOff(
  upstreams: UpstreamSet,
  server: string,
  isHeldOff: ((server: string, replica: string) => boolean) | undefined,
): boolean {
  const replica = isHeldOff === undefined ? undefined : newestReplica(upstreams, server);
  return replica !== undefined && isHeldOff?.(server, replica.name) === true;
}

/** The number in a revision's name: 7 of `weather-7`. */
function numberOf({ revision }: ReadyReplica): number {
  return Number(revision.slice(revision.lastIndexOf("-") + 1)) || 0;
}
