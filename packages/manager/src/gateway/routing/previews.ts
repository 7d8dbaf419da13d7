/**
 * Revisions that a request names itself: in the path of a preview (`/servers/{name}@{revision}/mcp`) or in the header
 * `Mcp-Manager-Revision`, for tests and comparisons. Any with a ready replica, or a place in its server's route, can be named, by whoever
 * may see revisions. To others there is none. Sends nobody anywhere.
 */
import type { Watched } from "../../base/watched.ts";
import type { HeaderRecord } from "../../protocol/headers.ts";
import type { Principal } from "../../security/principal.ts";
import type { UpstreamSet } from "../../upstream/upstream-set.ts";
import type { Bound, MaySee, View } from "../view.ts";
import { hasLeft } from "./revision-of.ts";
import type { RoutingTable } from "./routing-table.ts";

/** The header as Node gives it; answers carry it too. */
export const revisionHeader = "mcp-manager-revision";

export interface PreviewsOptions {
  readonly table: Watched<RoutingTable>;
  readonly upstreams: UpstreamSet;
  readonly maySee: MaySee;
}

export class Previews {
  readonly #options: PreviewsOptions;

  constructor(options: PreviewsOptions) {
    this.#options = options;
  }

  /** The revision that a request names: undefined when it names none, null when there is none such for this principal. */
  of(view: View, headers: HeaderRecord, principal: Principal): Bound | null | undefined {
    const named = headers[revisionHeader];
    const inPath = view.kind === "server" ? view.revision : undefined;
    if (named === undefined && inPath === undefined) return undefined;
    const revision = named ?? inPath;
    if (typeof revision !== "string" || (inPath !== undefined && inPath !== revision)) return null;
    const server = serverOf(revision);
    const isItsOwn = view.kind === "aggregate" || view.server === server;
    return isItsOwn && this.#isThere(server, revision, principal) ? { server, revision } : null;
  }

  #isThere(server: string, revision: string, principal: Principal): boolean {
    const { table, upstreams, maySee } = this.#options;
    if (!principal.seesRevisions || !maySee(principal, server)) return false;
    return canBeNamed({ server, revision }, table.current, upstreams);
  }
}

/** Whether a revision has a ready replica, or a place in its server's route. */
export function canBeNamed({ server, revision }: Bound, { servers }: RoutingTable, upstreams: UpstreamSet): boolean {
  const route = servers.get(server);
  if (route === undefined) return false;
  const isRouted = route.revisions !== undefined && !hasLeft(route, revision);
  return isRouted || upstreams.replicas(server).some((replica) => replica.revision === revision);
}

/** Revisions are called by their server and a number. */
function serverOf(revision: string): string {
  return revision.slice(0, Math.max(0, revision.lastIndexOf("-")));
}
