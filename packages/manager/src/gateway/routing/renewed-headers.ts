/**
 * The second try for a modern server that refused the headers which repeat a call's arguments: its list is fetched anew, and the
 * headers are written by what it says now. Source: specification 2026-07-28, basic/transports/streamable-http.
 */
import type { Catalog } from "../lists/catalog.ts";
import { refreshedHeaders } from "./param-check.ts";
import type { LegDependencies } from "../calls/upstream-leg.ts";

/** What an `UpstreamLeg` asks for; never rejects: a list that cannot be had anew says what it said. */
export function renewedHeaders(catalog: Pick<Catalog, "renewed" | "wantedHeaders">): LegDependencies["renewedHeaders"] {
  return async (server, tool, args, own, revision) => {
    await catalog.renewed(server, "tools", revision);
    return refreshedHeaders(catalog.wantedHeaders(server, tool, revision), args, own);
  };
}
