/**
 * Which revision speaks for a server that has no route, while its replicas run two: the newest one, so that what is listed does not depend
 * on which replica happened to be asked. Pure.
 */
import type { ReadyReplica } from "../../upstream/upstream-set.ts";

/** The newest revision that an open replica runs; undefined when none is open. */
export function newestRevision(replicas: readonly ReadyReplica[]): string | undefined {
  let newest: string | undefined;
  for (const { connection, revision } of replicas) {
    if (connection.closeReason !== undefined || revision === newest) continue;
    if (newest === undefined || numberOf(revision) > numberOf(newest)) newest = revision;
  }
  return newest;
}

/** The number in a revision's name: 7 of `weather-7`. */
function numberOf(revision: string): number {
  return Number(revision.slice(revision.lastIndexOf("-") + 1)) || 0;
}
