/**
 * Tools as the pages of apps call them: a page knows only its own server, so it asks for a tool by the name that it has there, and
 * the host passes that on as it is (MCP Apps 2026-01-26). Knows which servers have an app and a tool of that name; who may call
 * it is the router's question.
 */
import type { Watched } from "../../base/watched.ts";
import { linksInTool } from "../../protocol/links.ts";
import type { Catalog } from "../lists/catalog.ts";
import { MadeOnce } from "../lists/made-once.ts";
import type { Owned } from "../lists/merged-list.ts";
import type { RoutingTable } from "./routing-table.ts";
import type { SeenRevisions } from "./seen-revisions.ts";

const nobody: readonly Owned[] = [];

export class AppTools {
  readonly #catalog: Pick<Catalog, "known" | "generation">;
  readonly #table: Watched<RoutingTable>;
  readonly #made = new MadeOnce<ReadonlyMap<string, readonly Owned[]>>();

  constructor(catalog: Pick<Catalog, "known" | "generation">, table: Watched<RoutingTable>) {
    this.#catalog = catalog;
    this.#table = table;
  }

  /**
   * The servers with an app that show a tool under this name, without their prefix, to who sees these revisions; only known lists are
   * searched.
   */
  owners(name: string, seen: SeenRevisions): readonly Owned[] {
    const stamp = `${this.#catalog.generation}.${this.#table.current.generation}`;
    return this.#made.get(stamp, seen.signature, () => this.#byName(seen)).get(name) ?? nobody;
  }

  #byName(seen: SeenRevisions): ReadonlyMap<string, readonly Owned[]> {
    const byName = new Map<string, Owned[]>();
    for (const route of this.#table.current.servers.values()) {
      const tools = this.#catalog.known(route.name, "tools", seen.of(route)) ?? [];
      if (!tools.some(({ bytes }) => linksInTool(bytes).length > 0)) continue;
      for (const { key: original } of tools) {
        const shown = route.exposure.shownTool(original);
        if (shown !== undefined) byName.set(shown, [...(byName.get(shown) ?? []), { route, original }]);
      }
    }
    return byName;
  }
}
