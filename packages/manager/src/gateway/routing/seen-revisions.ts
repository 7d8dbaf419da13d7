/**
 * Which revision of each server a caller sees: the one that its calls go to, so that what it is shown is what it can use. Looking puts
 * nobody on a revision; that is for a session's first call to do (`revision-of.ts`). Nearly always it is the stable one of every server,
 * and then nothing is made for it. Pure.
 */
import type { Call } from "../calls/call.ts";
import { type RoutedCall, seenRevision } from "./revision-of.ts";
import type { RoutingTable, ServerRoute } from "./routing-table.ts";

export interface SeenRevisions {
  /** The same for callers who see the same revisions; "" for those who see every server's stable one. Depends on the table. */
  readonly signature: string;
  /** The revision of this server; undefined: of any replica. */
  of(route: ServerRoute): string | undefined;
}

/** What nearly everybody sees. */
export const stableRevisions: SeenRevisions = { signature: "", of: ({ revisions }) => revisions?.stable };

/** What the caller sees at the endpoint that it calls. */
export function seenBy(call: RoutedCall & Pick<Call, "view">, { servers, moving }: RoutingTable): SeenRevisions {
  const { view, bound, session } = call;
  if (view.kind === "server") return othersOf(call, [servers.get(view.server)]);
  const pins = session?.pins;
  if (moving.length === 0 && bound === undefined && (pins === undefined || pins.size === 0)) return stableRevisions;
  const routes = new Set<ServerRoute | undefined>(moving);
  if (bound !== undefined) routes.add(servers.get(bound.server));
  for (const server of pins?.keys() ?? []) routes.add(servers.get(server));
  return othersOf(call, routes);
}

/** Of these servers perhaps another revision than the stable one, of all others that. */
function othersOf(call: RoutedCall, routes: Iterable<ServerRoute | undefined>): SeenRevisions {
  let others: Map<string, string> | undefined;
  for (const route of routes) {
    if (route === undefined) continue;
    const revision = seenRevision(call, route);
    if (revision !== undefined && revision !== route.revisions?.stable) {
      (others ??= new Map<string, string>()).set(route.name, revision);
    }
  }
  return others === undefined ? stableRevisions : new OtherRevisions(others);
}

class OtherRevisions implements SeenRevisions {
  readonly signature: string;
  readonly #byServer: ReadonlyMap<string, string>;

  constructor(byServer: ReadonlyMap<string, string>) {
    this.#byServer = byServer;
    this.signature = [...byServer.values()].sort((a, b) => (a < b ? -1 : 1)).join(" ");
  }

  of({ name, revisions }: ServerRoute): string | undefined {
    return this.#byServer.get(name) ?? revisions?.stable;
  }
}
