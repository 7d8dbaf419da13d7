/**
 * What becomes of sessions when routes change. Those that were shown lists, and whose clients do not listen and so cannot be told that
 * they are sent elsewhere, stay where those lists came from; so do those that were put aside. When the revision that they are on leaves
 * its server's route, or is there for its tasks alone, they end, their streams with them, and the next request of theirs is 404, so that their clients initialize again.
 * Calls in flight come to their own end. What else puts a session on a revision is in `routing/revision-of.ts`.
 * Source: reliability.md §1.2 ("Draining", D4).
 */
import type { Unsubscribe, Watched } from "../../base/watched.ts";
import { areSame, hasEndedSessions, sessionRevision } from "../routing/revision-of.ts";
import type { RoutingTable, ServerRoute } from "../routing/routing-table.ts";
import { aggregateKey, type MaySee } from "../view.ts";
import type { Standing } from "./put-aside.ts";
import type { Sessions } from "./session.ts";

/** Ends sessions with their revisions, for as long as it is subscribed. */
export function followPins(
  table: Watched<RoutingTable>,
  sessions: Pick<Sessions, "standings" | "retire">,
  maySee: MaySee,
): Unsubscribe {
  let known = table.current;
  return table.onChange((next) => {
    const moved = [...known.servers.values()].filter(
      ({ name, revisions }) => next.servers.get(name)?.revisions !== revisions,
    );
    known = next;
    if (moved.length === 0) return;
    for (const session of [...sessions.standings()]) {
      for (const route of moved) stay(session, route, next.servers.get(route.name), maySee);
      if (moved.some(({ name }) => isOver(session, name, next))) sessions.retire(session);
    }
  });
}

/** Whether a session was on a revision of this server that is there no more. A server that is not there at all holds nobody. */
function isOver({ pins }: Standing, server: string, { servers }: RoutingTable): boolean {
  const pinned = pins.get(server);
  if (pinned === undefined) return false;
  const route = servers.get(server);
  if (route === undefined) pins.delete(server);
  return route !== undefined && hasEndedSessions(route, pinned);
}

/** Puts a session on the revision whose lists it was shown, if its calls would go to one that offers something else. */
function stay(session: Standing, before: ServerRoute, after: ServerRoute | undefined, maySee: MaySee): void {
  const { name } = before;
  const { viewKey, pins, hasListed, hasListened, principal } = session;
  if (after === undefined || !hasListed || hasListened || pins.has(name)) return;
  const isThere = viewKey === aggregateKey || viewKey === name;
  if (!isThere || principal === undefined || !maySee(principal, name)) return;
  const was = sessionRevision(session, before);
  const is = sessionRevision(session, after);
  if (was === undefined || is === undefined || was === is) return;
  if (!areSame(before, was, is) && !areSame(after, was, is)) pins.set(name, was);
}

/** What `Sessions` asks of one that comes back: whether the revision that it was on still serves those who began there. */
export function servedBy(table: Watched<RoutingTable>): (server: string, revision: string) => boolean {
  return (server, revision) => {
    const route = table.current.servers.get(server);
    return route === undefined || !hasEndedSessions(route, revision);
  };
}

/** How many sessions are on this revision. */
export function sessionsOn(sessions: Pick<Sessions, "all">, server: string, revision: string): number {
  let count = 0;
  for (const { pins } of sessions.all()) if (pins.get(server) === revision) count++;
  return count;
}
