/**
 * Lists as callers see them: the catalog's items, of the revisions that the caller's calls go to, filtered by what the principal may
 * use, named for the view, cut into pages, put together as bytes and kept until a list or the table changes. A server that is away
 * keeps what it showed last and is named in the result; on the aggregate it never delays or empties the others. What a server calls
 * private is kept for each principal by itself.
 */
import type { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import type { Watched } from "../../base/watched.ts";
import type { Era } from "../../protocol/era.ts";
import { type ListItem, memberOf } from "../../protocol/list.ts";
import type { ListMember } from "../../protocol/methods.ts";
import { type Edit, splice } from "../../protocol/splice.ts";
import type { Principal } from "../../security/principal.ts";
import type { Sealer } from "../../security/seal.ts";
import type { Catalog, Listing } from "./catalog.ts";
import { collisionsOf, ownCollisions } from "./collisions.ts";
import { isCut, prefixedName, prefixedUri } from "../routing/exposure.ts";
import { KeptPages } from "./kept-pages.ts";
import { ListCursors, type Position } from "./list-cursor.ts";
import { isPrivate, isPublic, ttlMsOf } from "./list-hints.ts";
import type { WholeList } from "../../upstream/list-pages.ts";
import { type PageSource, takePage } from "./list-page.ts";
import { MadeOnce } from "./made-once.ts";
import { pageMessage, type ReadyPage, readyPage } from "./ready-page.ts";
import { toolLinkEdits } from "../routing/rewrite.ts";
import type { RoutingTable, ServerRoute } from "../routing/routing-table.ts";
import type { SeenRevisions } from "../routing/seen-revisions.ts";
import { type MaySee, type View, viewKey } from "../view.ts";

export interface MergedListsOptions {
  readonly catalog: Catalog;
  readonly table: Watched<RoutingTable>;
  readonly maySee: MaySee;
  readonly clock: Clock;
  /** Seals the cursors. */
  readonly sealer: Sealer;
  /** Principals for whom it gives the same text see the same. Default: each only its own, by name and roles. */
  readonly rightsOf?: (principal: Principal) => string;
  /** Whether every principal sees all of every server, so that no list depends on who asks. Default: no. */
  readonly seenByAll?: () => boolean;
}

/** A list that somebody wants. */
export interface ListRequest {
  readonly view: View;
  readonly member: ListMember;
  readonly era: Era;
  readonly principal: Principal;
  /** The request's id as written. */
  readonly id: Buffer;
  /** Where the page begins, as a cursor said. Undefined: the first. */
  readonly after: Position | undefined;
  /** The revisions that its caller sees. */
  readonly seen: SeenRevisions;
}

/** A page kept ready is put together anew after this, which also lets the catalog look whether its parts are old. */
const keptMs = 5_000;
/** One that misses a server is kept only so long that a server which hangs does not make every request cost an assembly. */
const keptPartialMs = 1_000;
/** Pages kept ready; those that nobody asks for are forgotten. */
const keptMax = 256;
/** Their bytes together: as many lists of 50 servers with 20 tools each (250 KB) as the number above allows. */
const keptBytesMax = 64 * 1024 * 1024;

/** A tool or prompt and the server that has it. */
export interface Owned {
  readonly route: ServerRoute;
  /** The server's own name. */
  readonly original: string;
}

/** Shapes lists for callers, and finds what stands behind a shown name. */
export class MergedLists {
  readonly #options: MergedListsOptions;
  readonly #kept = new KeptPages<ReadyPage>(keptMax, keptBytesMax);
  /** Waits for servers whose lists are not known yet: one for all that want the same page. As many as there are requests, at most. */
  readonly #waiting = new Map<string, Promise<void>>();
  readonly #cursors: ListCursors;
  readonly #cutNames = new MadeOnce<ReadonlyMap<string, Owned>>();

  constructor(options: MergedListsOptions) {
    this.#options = options;
    this.#cursors = new ListCursors(options.sealer, options.clock);
  }

  /** Whether there is anything at this endpoint for this principal. */
  shows(view: View, principal: Principal): boolean {
    const { table, maySee } = this.#options;
    return view.kind === "aggregate" || (table.current.servers.has(view.server) && maySee(principal, view.server));
  }

  /**
   * Where the page begins that a cursor asks for; undefined when it was not given to this principal, for this list, within the
   * last hour, or in the middle of what another revision lists than the one that it sees now. Asks nobody.
   */
  position(list: Omit<ListRequest, "after" | "era" | "id">, cursor: string): Position | undefined {
    const position = this.#cursors.open(list, cursor);
    const route = position === undefined ? undefined : this.#options.table.current.servers.get(position.server);
    const revision = route === undefined ? undefined : list.seen.of(route);
    const isOthers = revision !== undefined && position?.revision !== undefined && position.revision !== revision;
    return isOthers ? undefined : position;
  }

  /**
   * The whole response message for a list request, or, while something in it is not known yet, a promise that settles when it is, or when
   * the time for that is up: then it is to be had by `listNow`. Throws as that does.
   */
  list(request: ListRequest): Buffer | Promise<void> {
    const key = this.#keyOf(request);
    const page = this.#ready(key, request.principal);
    if (page !== undefined) return this.#messageOf(page, request);
    const waiting = this.#waiting.get(key) ?? this.#wait(key, request);
    return waiting ?? this.#messageOf(this.#assemble(key, request), request);
  }

  /**
   * The same of what is known now. Throws the reason when it is the list of one server and that is missing: an empty list would say that
   * the server has nothing.
   */
  listNow(request: ListRequest): Buffer {
    const key = this.#keyOf(request);
    // Of all who waited, the first puts it together.
    return this.#messageOf(this.#ready(key, request.principal) ?? this.#assemble(key, request), request);
  }

  /** The same of one server's list that is this caller's alone: it is put together anew each time, and kept nowhere. */
  listOwn(request: ListRequest, list: WholeList): Buffer {
    const routes = this.#routes(request.view, request.principal);
    return this.#messageOf(this.#page(request, routes, [{ kind: "known", ...list }], false), request);
  }

  /**
   * Which tool or prompt is shown on the aggregate, to who sees these revisions, under a name that had to be cut. Only known lists are
   * searched.
   */
  findCut(name: string, member: "tools" | "prompts", seen: SeenRevisions): Owned | undefined {
    const key = `${member} ${seen.signature}`;
    return this.#cutNames.get(this.#stamp(), key, () => this.#findCutNames(member, seen)).get(name);
  }

  /** The servers whose known lists hold this very URI or template; where there are none, those with a template that begins like it. */
  ownersOf(uri: string, principal: Principal, seen: SeenRevisions): readonly ServerRoute[] {
    const { catalog } = this.#options;
    const routes = this.#routes({ kind: "aggregate" }, principal);
    const templatesOf = (route: ServerRoute): readonly ListItem[] =>
      catalog.known(route.name, "resourceTemplates", seen.of(route)) ?? [];
    const exact = routes.filter((route) =>
      [...(catalog.known(route.name, "resources", seen.of(route)) ?? []), ...templatesOf(route)].some(
        ({ key }) => key === uri,
      ),
    );
    if (exact.length > 0) return exact;
    return routes.filter((route) =>
      templatesOf(route).some(({ key }) => {
        const literal = key.split("{", 1)[0] ?? "";
        return literal !== "" && uri.startsWith(literal);
      }),
    );
  }

  #keyOf({ view, member, era, principal, after, seen }: ListRequest): string {
    const { rightsOf } = this.#options;
    const rights = rightsOf === undefined ? `${principal.hash} ${principal.roles.join(",")}` : rightsOf(principal);
    const all = `${viewKey(view)} ${member} ${era} ${rights}`;
    const list = seen.signature === "" ? all : `${all}\n@${seen.signature}`;
    return after === undefined ? list : `${list}\n${after.server}\n${after.place}`;
  }

  #ready(key: string, principal: Principal): ReadyPage | undefined {
    return this.#fresh(key) ?? this.#fresh(ownKey(key, principal));
  }

  #fresh(key: string): ReadyPage | undefined {
    const page = this.#kept.get(key);
    return page?.stamp === this.#stamp() && this.#options.clock.nowMs() < page.untilMs ? page : undefined;
  }

  #messageOf(page: ReadyPage, request: ListRequest): Buffer {
    const cursor =
      page.next === undefined ? undefined : this.#cursors.seal(request, this.#positionOf(request, page.next));
    return pageMessage(page, request.id, cursor);
  }

  #positionOf({ seen }: ListRequest, position: Position): Position {
    const route = this.#options.table.current.servers.get(position.server);
    return route === undefined ? position : { ...position, revision: seen.of(route) };
  }

  /** Has the catalog look after every list of the page; undefined when there is none to wait for. */
  #wait(key: string, { view, principal, member, seen }: ListRequest): Promise<void> | undefined {
    const routes = this.#routes(view, principal);
    const listings = routes.map((route) => this.#options.catalog.listing(route.name, member, seen.of(route)));
    const pending = listings.filter((listing) => listing instanceof Promise);
    if (pending.length === 0) return undefined;
    const waiting = Promise.all(pending).then(() => void this.#waiting.delete(key));
    this.#waiting.set(key, waiting);
    return waiting;
  }

  #stamp(): string {
    return `${this.#options.catalog.generation}.${this.#options.table.current.generation}`;
  }

  #findCutNames(member: "tools" | "prompts", seen: SeenRevisions): ReadonlyMap<string, Owned> {
    const names = new Map<string, Owned>();
    for (const route of this.#options.table.current.servers.values()) {
      const { exposure } = route;
      for (const { key } of this.#options.catalog.known(route.name, member, seen.of(route)) ?? []) {
        const own = member === "tools" ? exposure.shownTool(key) : key;
        if (own === undefined || !isCut(exposure.prefix, own)) continue;
        const shown = prefixedName(exposure.prefix, own);
        if (!names.has(shown)) names.set(shown, { route, original: key });
      }
    }
    return names;
  }

  #routes(view: View, principal: Principal): readonly ServerRoute[] {
    const { table, maySee } = this.#options;
    const all = [...table.current.servers.values()];
    return all.filter((r) => (view.kind === "aggregate" || r.name === view.server) && maySee(principal, r.name));
  }

  /** The page as it is now; it is kept. */
  #assemble(key: string, request: ListRequest): ReadyPage {
    const { catalog } = this.#options;
    const { view, member, principal, seen } = request;
    const routes = this.#routes(view, principal);
    const listings = routes.map((route) => catalog.present(route.name, member, seen.of(route)));
    const ready = this.#page(request, routes, listings, isPublic(listings));
    this.#kept.set(isPrivate(listings) ? ownKey(key, principal) : key, ready);
    return ready;
  }

  /** `isForAll`: no server's list is one caller's alone. */
  #page(
    request: ListRequest,
    routes: readonly ServerRoute[],
    listings: readonly Listing[],
    isForAll: boolean,
  ): ReadyPage {
    const { catalog, clock, seenByAll } = this.#options;
    const { view, member, era, after, seen } = request;
    const [first] = listings;
    if (view.kind === "server" && first?.kind === "missing") throw first.error;
    const missing = routes.flatMap((route, i) => {
      const listing = listings[i];
      return (listing?.kind === "missing" ? listing.error : catalog.away(route.name, seen.of(route))) ?? [];
    });
    const sources = routes.flatMap((route, i) => {
      const listing = listings[i];
      return listing?.kind === "known" ? [{ route, items: listing.items }] : [];
    });
    const page = takePage({ sources, after, show: (route: ServerRoute, item) => this.#shown(request, route, item) });
    // The cursors of a longer list are its reader's own, so none of its pages can be everybody's.
    const isWhole = after === undefined && page.next === undefined;
    const isSame = seen.signature === "" && !routes.some(({ revisions }) => revisions?.next?.differs === true);
    const isShared = isWhole && isForAll && isSame && seenByAll?.() === true;
    const isMoving = routes.some((route) => differs(catalog, member, route));
    const hints = {
      ttlMs: ttlMsOf(listings, isMoving),
      cacheScope: isShared ? "public" : "private",
      meta: { ...unavailable(missing), ...(after === undefined ? this.#collisions(request, sources) : {}) },
    } as const;
    const untilMs = clock.nowMs() + (missing.length === 0 ? keptMs : keptPartialMs);
    return readyPage(era, member, page, hints, { stamp: this.#stamp(), untilMs });
  }

  #shown(
    { view, member, principal, seen }: ListRequest,
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
      if (view.kind === "aggregate") edits.push(...toolLinkEdits(item.bytes, exposure.prefix));
    }
    if (view.kind === "aggregate") {
      const prefixed = this.#prefixed({ member, seen }, exposure.prefix, shown, item.key);
      if (prefixed === undefined) return undefined;
      shown = prefixed;
    }
    if (shown !== item.key) {
      edits.push({ start: item.keyStart, end: item.keyEnd, bytes: Buffer.from(JSON.stringify(shown)) });
    }
    edits.sort((a, b) => a.start - b.start);
    return splice(item.bytes, edits);
  }

  /** A name or URI on the aggregate; undefined for a name that, cut, is already another's. */
  #prefixed(
    { member, seen }: Pick<ListRequest, "member" | "seen">,
    prefix: string,
    own: string,
    original: string,
  ): string | undefined {
    if (member !== "tools" && member !== "prompts") return prefixedUri(prefix, own);
    const name = prefixedName(prefix, own);
    const owner = isCut(prefix, own) ? this.findCut(name, member, seen) : undefined;
    return owner === undefined || owner.original === original ? name : undefined;
  }

  /** What `_meta` says of names that were lost, as far as the principal sees what lost them. */
  #collisions(
    { view, member, principal }: ListRequest,
    sources: readonly PageSource<ServerRoute>[],
  ): Readonly<Record<string, unknown>> {
    const { maySee } = this.#options;
    const seen = sources.map(({ route, items }) => {
      const keys = items.map((item) => item.key);
      return { route, keys: member === "tools" ? keys.filter((key) => maySee(principal, route.name, key)) : keys };
    });
    const found =
      view.kind === "aggregate" ? collisionsOf(member, seen) : seen.flatMap((list) => ownCollisions(member, list));
    return found.length === 0 ? {} : { "mcp-manager/collisions": found };
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

/** Whether revisions that list something else serve a server at once, so that what is told of it may soon not hold. */
function differs(catalog: Catalog, member: ListMember, { name, revisions }: ServerRoute): boolean {
  if (revisions === undefined) return false;
  const { stable, next, draining } = revisions;
  return next?.differs === true || draining.some((each) => catalog.differ(name, member, each, stable) === true);
}

/** The key of a page that is kept for one principal alone. */
function ownKey(key: string, principal: Principal): string {
  return `${principal.hash}\n${key}`;
}

function unavailable(missing: readonly ManagerError[]): Record<string, unknown> {
  if (missing.length === 0) return {};
  return {
    "mcp-manager/unavailable": missing.map(({ server, code, message }) => ({ server, code, message })),
  };
}
