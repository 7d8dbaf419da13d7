/**
 * Lists as callers see them: the catalog's items, filtered by what the principal may use, named for the view, put together as
 * bytes and kept until a list or the table changes. On the aggregate a server that is missing is named in the result and never
 * delays or empties the others.
 */
import type { ManagerError } from "@mcp-manager/api";
import type { Watched } from "../base/watched.ts";
import type { Era } from "../protocol/era.ts";
import { type ListItem, type ListMember, memberOf } from "../protocol/list.ts";
import { listResult } from "../protocol/results.ts";
import { type Edit, splice } from "../protocol/splice.ts";
import type { Principal } from "../security/principal.ts";
import type { Catalog, Listing } from "./catalog.ts";
import { prefixedName, prefixedUri } from "./exposure.ts";
import type { RoutingTable, ServerRoute } from "./routing-table.ts";

/** Which servers an endpoint shows: all, prefixed, or one under its own names. */
export type View = { readonly kind: "aggregate" } | { readonly kind: "server"; readonly server: string };

/** May this principal see this server and tool? `tool` is the server's own name. */
export type MaySee = (principal: Principal, server: string, tool?: string) => boolean;

export interface MergedListsOptions {
  readonly catalog: Catalog;
  readonly table: Watched<RoutingTable>;
  readonly maySee: MaySee;
}

/** How long a modern client may keep a list, in milliseconds; at most 30,000 by the surface's promise. */
const listTtlMs = 5_000;
/** Lists kept ready; beyond it all are dropped and made again as asked for. */
const keptMax = 64;
const placeholderId = Buffer.from("0");

interface Kept {
  readonly stamp: string;
  readonly head: Buffer;
  readonly tail: Buffer;
}

interface Missing {
  readonly server: string;
  readonly error: ManagerError;
}

export class MergedLists {
  readonly #options: MergedListsOptions;
  readonly #kept = new Map<string, Kept>();

  constructor(options: MergedListsOptions) {
    this.#options = options;
  }

  /** The whole response message for a list request; at once when everything in it is known. */
  list(view: View, member: ListMember, era: Era, principal: Principal, id: Buffer): Buffer | Promise<Buffer> {
    const key = `${view.kind === "aggregate" ? "*" : view.server} ${member} ${era} ${principal.roles.join(",")}`;
    const stamp = this.#stamp();
    const kept = this.#kept.get(key);
    if (kept?.stamp === stamp) return Buffer.concat([kept.head, id, kept.tail]);
    const routes = this.#routes(view, principal);
    const listings = routes.map((route) => this.#options.catalog.listing(route.name, member));
    const known = listings.flatMap((listing) => (listing instanceof Promise ? [] : [listing]));
    if (known.length === listings.length) {
      return this.#assemble(key, view, member, era, principal, id, routes, known);
    }
    return Promise.all(listings.map((listing) => Promise.resolve(listing))).then((all) =>
      this.#assemble(key, view, member, era, principal, id, routes, all),
    );
  }

  /** Which tool of which server is shown on the aggregate under a name that had to be cut. Only known lists are searched. */
  findCut(name: string, member: "tools" | "prompts"): { route: ServerRoute; original: string } | undefined {
    for (const route of this.#options.table.current.servers.values()) {
      for (const item of this.#options.catalog.known(route.name, member) ?? []) {
        const shown = member === "tools" ? route.exposure.shownTool(item.key) : item.key;
        if (shown !== undefined && prefixedName(route.exposure.prefix, shown) === name)
          return { route, original: item.key };
      }
    }
    return undefined;
  }

  /** The one server whose known lists hold this very URI, or whose template begins like it; undefined when none or several do. */
  ownerOf(uri: string, principal: Principal): ServerRoute | undefined {
    const { catalog } = this.#options;
    const routes = this.#routes({ kind: "aggregate" }, principal);
    const exact = routes.filter((r) => catalog.known(r.name, "resources")?.some((item) => item.key === uri));
    if (exact.length > 0) return exact.length === 1 ? exact[0] : undefined;
    const byTemplate = routes.filter((r) =>
      catalog.known(r.name, "resourceTemplates")?.some((item) => {
        const literal = item.key.split("{", 1)[0] ?? "";
        return literal !== "" && uri.startsWith(literal);
      }),
    );
    return byTemplate.length === 1 ? byTemplate[0] : undefined;
  }

  #stamp(): string {
    return `${this.#options.catalog.generation}.${this.#options.table.current.generation}`;
  }

  #routes(view: View, principal: Principal): readonly ServerRoute[] {
    const { table, maySee } = this.#options;
    const all = [...table.current.servers.values()];
    return all.filter((r) => (view.kind === "aggregate" || r.name === view.server) && maySee(principal, r.name));
  }

  #assemble(
    key: string,
    view: View,
    member: ListMember,
    era: Era,
    principal: Principal,
    id: Buffer,
    routes: readonly ServerRoute[],
    listings: readonly Listing[],
  ): Buffer {
    const items: Buffer[] = [];
    const missing: Missing[] = [];
    routes.forEach((route, i) => {
      const listing = listings[i];
      if (listing?.kind === "known") {
        for (const item of listing.items) {
          const shown = this.#shown(view, member, route, item, principal);
          if (shown !== undefined) items.push(shown);
        }
      } else if (listing !== undefined) {
        missing.push({ server: route.name, error: listing.error });
      }
    });
    const message = listResult(era, placeholderId, member, items, {
      ttlMs: missing.length > 0 ? 0 : listTtlMs,
      cacheScope: "private",
      ...(missing.length > 0 ? { meta: unavailable(missing) } : {}),
    });
    const at = '{"jsonrpc":"2.0","id":'.length;
    const kept = { stamp: this.#stamp(), head: message.subarray(0, at), tail: message.subarray(at + 1) };
    if (missing.length === 0) {
      if (this.#kept.size >= keptMax) this.#kept.clear();
      this.#kept.set(key, kept);
    }
    return Buffer.concat([kept.head, id, kept.tail]);
  }

  #shown(view: View, member: ListMember, route: ServerRoute, item: ListItem, principal: Principal): Buffer | undefined {
    const edits: Edit[] = [];
    let name = item.key;
    if (member === "tools") {
      if (!this.#options.maySee(principal, route.name, item.key)) return undefined;
      const shown = route.exposure.shownTool(item.key);
      if (shown === undefined) return undefined;
      name = shown;
      const description = route.exposure.toolDescription(item.key);
      const at = description === undefined ? undefined : memberOf(item.bytes, "description");
      if (at !== undefined) edits.push({ ...at, bytes: Buffer.from(JSON.stringify(description)) });
    }
    if (view.kind === "aggregate") {
      const named = member === "tools" || member === "prompts";
      name = named ? prefixedName(route.exposure.prefix, name) : prefixedUri(route.exposure.prefix, name);
    }
    if (name !== item.key) {
      edits.push({ start: item.keyStart, end: item.keyEnd, bytes: Buffer.from(JSON.stringify(name)) });
    }
    return edits.length === 0
      ? item.bytes
      : splice(
          item.bytes,
          edits.sort((a, b) => a.start - b.start),
        );
  }
}

function unavailable(missing: readonly Missing[]): Record<string, unknown> {
  return {
    "mcp-manager/unavailable": missing.map(({ server, error }) => ({
      server,
      code: error.code,
      message: error.message,
    })),
  };
}
