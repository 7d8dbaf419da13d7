/**
 * Lists as callers see them: the catalog's items, filtered by what the principal may use, named for the view, put together as
 * bytes and kept until a list or the table changes. On the aggregate a server that is missing is named in the result and never
 * delays or empties the others.
 */
import type { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Watched } from "../base/watched.ts";
import type { Era } from "../protocol/era.ts";
import { type ListItem, memberOf } from "../protocol/list.ts";
import type { ListMember } from "../protocol/methods.ts";
import { listResult } from "../protocol/results.ts";
import { type Edit, splice } from "../protocol/splice.ts";
import type { Principal } from "../security/principal.ts";
import { RecentMap } from "../security/recent-map.ts";
import type { Catalog, Listing } from "./catalog.ts";
import { isCut, prefixedName, prefixedUri } from "./exposure.ts";
import { headersFor } from "./param-headers.ts";
import type { RoutingTable, ServerRoute } from "./routing-table.ts";
import { type MaySee, type View, viewKey } from "./view.ts";

export interface MergedListsOptions {
  readonly catalog: Catalog;
  readonly table: Watched<RoutingTable>;
  readonly maySee: MaySee;
  readonly clock: Clock;
  /** Principals for whom it gives the same text see the same. Default: each only its own, by name and roles. */
  readonly rightsOf?: (principal: Principal) => string;
}

/** A list that somebody wants. */
export interface ListRequest {
  readonly view: View;
  readonly member: ListMember;
  readonly era: Era;
  readonly principal: Principal;
  /** The request's id as written. */
  readonly id: Buffer;
}

/** How long a modern client may keep a list, in milliseconds; at most 30,000 by the surface's promise (resources.md). */
const listTtlMs = 5_000;
/** A list kept ready is put together anew after this, which also lets the catalog look whether its parts are old. */
const keptMs = 5_000;
/** Lists kept ready; those that nobody asks for are forgotten. */
const keptMax = 256;
const placeholderId = Buffer.from("0");
const noHeaders: readonly string[] = [];
const idAt = '{"jsonrpc":"2.0","id":'.length;

interface Kept {
  readonly stamp: string;
  readonly untilMs: number;
  readonly head: Buffer;
  readonly tail: Buffer;
}

/** A tool or prompt and the server that has it. */
export interface Owned {
  readonly route: ServerRoute;
  /** The server's own name. */
  readonly original: string;
}

/** Shapes lists for callers, and finds what stands behind a shown name. */
export class MergedLists {
  readonly #options: MergedListsOptions;
  readonly #kept = new RecentMap<string, Kept>(keptMax);
  #names: { readonly stamp: string; readonly byMember: Map<ListMember, ReadonlyMap<string, Owned>> } | undefined;

  constructor(options: MergedListsOptions) {
    this.#options = options;
  }

  /** Whether there is anything at this endpoint for this principal. */
  shows(view: View, principal: Principal): boolean {
    const { table, maySee } = this.#options;
    return view.kind === "aggregate" || (table.current.servers.has(view.server) && maySee(principal, view.server));
  }

  /**
   * The whole response message for a list request; at once when everything in it is known. Throws (or rejects with) the reason
   * when it is the list of one server and that is missing: an empty list would say that the server has nothing.
   */
  list(request: ListRequest): Buffer | Promise<Buffer> {
    const key = this.#keyOf(request);
    const stamp = this.#stamp();
    const kept = this.#kept.get(key);
    if (kept?.stamp === stamp && this.#options.clock.nowMs() < kept.untilMs) return withId(kept, request.id);
    const routes = this.#routes(request.view, request.principal);
    const listings = routes.map((route) => this.#options.catalog.listing(route.name, request.member));
    const known = listings.flatMap((listing) => (listing instanceof Promise ? [] : [listing]));
    if (known.length === listings.length) return this.#assemble(key, request, routes, known);
    const awaited = listings.map((listing) => Promise.resolve(listing));
    return Promise.all(awaited).then((all) => this.#assemble(key, request, routes, all));
  }

  /** Which tool or prompt is shown on the aggregate under a name that had to be cut. Only known lists are searched. */
  findCut(name: string, member: "tools" | "prompts"): Owned | undefined {
    const stamp = this.#stamp();
    if (this.#names?.stamp !== stamp) this.#names = { stamp, byMember: new Map() };
    const { byMember } = this.#names;
    let names = byMember.get(member);
    if (names === undefined) byMember.set(member, (names = this.#cutNames(member)));
    return names.get(name);
  }

  /** The headers that a call of this tool carries to a modern server, for a client that does not write them. */
  paramHeaders(server: string, tool: string, args: Buffer | undefined): readonly string[] {
    const wanted = this.#options.catalog.wantedHeaders(server, tool);
    return wanted === undefined || args === undefined ? noHeaders : headersFor(wanted, JSON.parse(args.toString()));
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

  #keyOf({ view, member, era, principal }: ListRequest): string {
    const { rightsOf } = this.#options;
    const rights = rightsOf === undefined ? `${principal.hash} ${principal.roles.join(",")}` : rightsOf(principal);
    return `${viewKey(view)} ${member} ${era} ${rights}`;
  }

  #stamp(): string {
    return `${this.#options.catalog.generation}.${this.#options.table.current.generation}`;
  }

  #cutNames(member: "tools" | "prompts"): ReadonlyMap<string, Owned> {
    const names = new Map<string, Owned>();
    for (const route of this.#options.table.current.servers.values()) {
      const { exposure } = route;
      for (const { key } of this.#options.catalog.known(route.name, member) ?? []) {
        const own = member === "tools" ? exposure.shownTool(key) : key;
        if (own === undefined || !isCut(exposure.prefix, own)) continue;
        names.set(prefixedName(exposure.prefix, own), { route, original: key });
      }
    }
    return names;
  }

  #routes(view: View, principal: Principal): readonly ServerRoute[] {
    const { table, maySee } = this.#options;
    const all = [...table.current.servers.values()];
    return all.filter((r) => (view.kind === "aggregate" || r.name === view.server) && maySee(principal, r.name));
  }

  #assemble(key: string, request: ListRequest, routes: readonly ServerRoute[], listings: readonly Listing[]): Buffer {
    const { view, member, era, id } = request;
    const items: Buffer[] = [];
    const missing: ManagerError[] = [];
    let ttlMs = listTtlMs;
    routes.forEach((route, i) => {
      const listing = listings[i];
      if (listing?.kind === "missing") missing.push(listing.error);
      if (listing?.kind !== "known") return;
      ttlMs = Math.min(ttlMs, Math.max(0, listing.ttlMs ?? ttlMs));
      for (const item of listing.items) {
        const shown = this.#shown(request, route, item);
        if (shown !== undefined) items.push(shown);
      }
    });
    const [first] = missing;
    if (first !== undefined && view.kind === "server") throw first;
    const message = listResult(era, placeholderId, member, items, {
      ttlMs: first === undefined ? ttlMs : 0,
      cacheScope: "private",
      ...(first === undefined ? {} : { meta: unavailable(missing) }),
    });
    const untilMs = this.#options.clock.nowMs() + keptMs;
    const kept = { stamp: this.#stamp(), untilMs, head: message.subarray(0, idAt), tail: message.subarray(idAt + 1) };
    if (first === undefined) this.#kept.set(key, kept);
    return withId(kept, id);
  }

  #shown(
    { view, member, principal }: ListRequest,
    { name, exposure }: ServerRoute,
    item: ListItem,
  ): Buffer | undefined {
    const edits: Edit[] = [];
    let shown = item.key;
    if (member === "tools") {
      const tool = this.#options.maySee(principal, name, item.key) ? exposure.shownTool(item.key) : undefined;
      if (tool === undefined) return undefined;
      shown = tool;
      edits.push(...descriptionEdit(item, exposure.toolDescription(item.key)));
    }
    if (view.kind === "aggregate") {
      const isNamed = member === "tools" || member === "prompts";
      shown = isNamed ? prefixedName(exposure.prefix, shown) : prefixedUri(exposure.prefix, shown);
    }
    if (shown !== item.key) {
      edits.push({ start: item.keyStart, end: item.keyEnd, bytes: Buffer.from(JSON.stringify(shown)) });
    }
    edits.sort((a, b) => a.start - b.start);
    return splice(item.bytes, edits);
  }
}

/** Puts the operator's description in place of the server's own, or in front where it gave none. */
function descriptionEdit(item: ListItem, description: string | undefined): readonly Edit[] {
  if (description === undefined) return [];
  const text = JSON.stringify(description);
  const at = memberOf(item.bytes, "description");
  if (at !== undefined) return [{ ...at, bytes: Buffer.from(text) }];
  return [{ start: 1, end: 1, bytes: Buffer.from(`"description":${text},`) }];
}

function withId({ head, tail }: Kept, id: Buffer): Buffer {
  return Buffer.concat([head, id, tail]);
}

function unavailable(missing: readonly ManagerError[]): Record<string, unknown> {
  return {
    "mcp-manager/unavailable": missing.map(({ server, code, message }) => ({ server, code, message })),
  };
}
