/**
 * What each server offers: its lists of tools, prompts, resources and templates, of every revision that has replicas or a place in the
 * server's route, so that a caller's lists come from the revision that its calls go to. A list that is known stays known while its
 * server is away. Each server is asked with the one credential that the manager has for it, so there is one list for all callers of a
 * revision; of one that keeps its callers apart it is nobody's (see `scoped-lists.ts`). Shapes nothing for them; see `merged-list.ts`.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Unsubscribe } from "../../base/watched.ts";
import type { ListItem } from "../../protocol/list.ts";
import type { ListMember } from "../../protocol/methods.ts";
import { noReadyReplica } from "../calls/failure.ts";
import { type ParamHeader, toolsWithHeaders } from "../../protocol/param-headers.ts";
import type { ServerRoute, Trouble } from "../routing/routing-table.ts";
import { hasSameItems, type KeptList, type ListKeeper, type ListSource } from "./kept-list.ts";
import { listMethods, type WholeList } from "../../upstream/list-pages.ts";
import { listMembers, ServerLists } from "./server-lists.ts";

/** What is known of one list: its items, or why there are none. */
export type Listing =
  | ({ readonly kind: "known" } & WholeList)
  | { readonly kind: "missing"; readonly error: ManagerError };

export interface CatalogOptions extends ListSource {
  /** How long a caller waits for a list that is not known yet. Default 2,000 ms (resources.md). */
  readonly listDeadlineMs: number;
  /** What is known against a server: its route's `trouble`. */
  readonly troubleOf: (server: string) => Trouble | undefined;
}

/** Servers as they are routed. */
type Routes = ReadonlyMap<string, Pick<ServerRoute, "revisions">>;

/**
 * The lists of all servers. Where a method takes a `revision`, it is that one's list; without, the one that stands for the server (see
 * `server-lists.ts`).
 */
export class Catalog implements Disposable {
  /** Grows whenever any list changed; merged lists made before are out of date. */
  generation = 0;
  readonly #options: CatalogOptions;
  readonly #keeper: ListKeeper;
  readonly #servers = new Map<string, ServerLists>();
  readonly #waiters = new Set<() => void>();
  readonly #listeners = new Set<(server: string) => void>();
  readonly #newsListeners = new Set<(server: string, member: ListMember, revision: string) => void>();
  readonly #unsubscribe: () => void;
  #routes: Routes = new Map();
  #disposed = false;

  constructor(options: CatalogOptions) {
    this.#options = options;
    this.#keeper = {
      onOther: (list, before) => this.#onOther(list, before),
      onOtherHints: () => void this.generation++,
      onEnded: () => this.#wake(),
      onNews: (list) => this.#tellNews(list),
    };
    this.#unsubscribe = options.upstreams.onChange((change) => {
      if (change.kind === "attached") this.#onAttached(change.server);
      if (change.kind === "detached") this.#onDetached(change.server);
      if (change.kind === "notified") this.#onChanged(change.server, change.method, change.revision);
    });
  }

  /** What is known now, or a promise for it that settles within the list deadline. */
  listing(server: string, member: ListMember, revision?: string): Listing | Promise<Listing> {
    const lists = this.#lists(server);
    const wanted = lists.wanted(member, revision);
    wanted.look();
    const isKnown = lists.of(member, revision).whole !== undefined;
    if (isKnown || this.#isHopeless(wanted)) return this.present(server, member, revision);
    const untilMs = wanted.waitUntil(this.#options.listDeadlineMs);
    if (this.#options.clock.nowMs() >= untilMs) return this.present(server, member, revision);
    return this.#wait(server, member, revision, untilMs);
  }

  /** What is known now, without waiting or fetching. */
  present(server: string, member: ListMember, revision?: string): Listing {
    const lists = this.#lists(server);
    const { whole } = lists.of(member, revision);
    if (whole !== undefined) return { kind: "known", ...whole };
    return { kind: "missing", error: this.#reason(lists.wanted(member, revision)) };
  }

  /**
   * Why a server, or a revision of it, cannot be called now, though what it offers may be known; undefined when it can, or when a call
   * would start it. Tools are never taken from clients because their server is away.
   */
  away(server: string, revision?: string): ManagerError | undefined {
    const { upstreams, troubleOf } = this.#options;
    if (upstreams.pick(server, revision) !== undefined) return undefined;
    const trouble = troubleOf(server);
    return trouble?.state === "idle" ? undefined : noReadyReplica({ name: server, trouble });
  }

  /** The items known now, without waiting or fetching. */
  known(server: string, member: ListMember, revision?: string): readonly ListItem[] | undefined {
    return this.#servers.get(server)?.find(member, revision)?.whole?.items;
  }

  /** The headers that a server's tool wants of its arguments; nearly always none. Without waiting or fetching. */
  wantedHeaders(server: string, tool: string, revision?: string): readonly ParamHeader[] | undefined {
    const tools = this.known(server, "tools", revision);
    return tools === undefined ? undefined : toolsWithHeaders(tools).get(tool);
  }

  /** Whether the list as it is known has an item of this name; undefined when the list is not known. */
  has(server: string, member: ListMember, key: string, revision?: string): boolean | undefined {
    return this.#servers.get(server)?.find(member, revision)?.byKey?.has(key);
  }

  /** Whether two revisions of a server list something else, in whatever order; undefined while one of the lists is not known. */
  differ(server: string, member: ListMember, one: string, other: string): boolean | undefined {
    const lists = this.#servers.get(server);
    const whole = lists?.find(member, one)?.whole;
    const byKey = lists?.find(member, other)?.byKey;
    return whole === undefined || byKey === undefined ? undefined : !hasSameItems(byKey, whole);
  }

  /**
   * Resolves when the list is as new as it can be had within the list deadline: for a name that it lacks. A list that was
   * asked for a moment ago is not asked for again.
   */
  async renewed(server: string, member: ListMember, revision?: string): Promise<void> {
    const { clock, listDeadlineMs } = this.#options;
    const list = this.#lists(server).wanted(member, revision);
    list.renew();
    await this.#until(() => !list.isFetching, clock.nowMs() + listDeadlineMs);
  }

  /** Has all lists of a server fetched anew, unless they just were: what it said of them may not have been heard. */
  renewAll(server: string): void {
    const lists = this.#lists(server);
    for (const revision of lists.revisions) for (const member of listMembers) lists.of(member, revision).renew();
  }

  /** Calls `listener` with the server whenever one of its lists has become known or has changed, or another stands for it. */
  onChange(listener: (server: string) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Calls `listener` when clients of a revision should hear that a list changed, and find it as new as can be had: when the fetch has
   * ended that a server's notification caused, when any fetch found something else than was known before, and when another revision has
   * come to stand for a server without a route.
   */
  onListChanged(listener: (server: string, member: ListMember, revision: string) => void): Unsubscribe {
    this.#newsListeners.add(listener);
    return () => void this.#newsListeners.delete(listener);
  }

  /** Forgets servers that are no longer registered, and revisions that left; where there is a route, it is followed. */
  follow(routes: Routes): void {
    this.#routes = routes;
    for (const [server, lists] of this.#servers) {
      const route = routes.get(server);
      if (route === undefined) {
        lists[Symbol.dispose]();
        this.#servers.delete(server);
        this.generation++;
      } else if (route.revisions !== lists.route) {
        this.generation++;
        // Who is sent elsewhere is told by whoever knows the callers.
        if (lists.follow(route.revisions).length > 0) this.#tellChange(server);
      }
    }
    this.#wake();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#unsubscribe();
    for (const lists of this.#servers.values()) lists[Symbol.dispose]();
    this.#wake();
  }

  #lists(server: string): ServerLists {
    let lists = this.#servers.get(server);
    if (lists === undefined) {
      const { revisions } = this.#routes.get(server) ?? {};
      this.#servers.set(server, (lists = new ServerLists(server, revisions, this.#options, this.#keeper)));
    }
    return lists;
  }

  #onAttached(server: string): void {
    const replicas = this.#options.upstreams.replicas(server);
    const replica = replicas.at(-1);
    if (replica === undefined || this.#disposed) return;
    const { revision } = replica;
    const isFirst = replicas.every((each) => each === replica || each.revision !== revision);
    // What is shown says who is away.
    if (isFirst) this.generation++;
    const lists = this.#lists(server);
    this.#reseat(lists);
    for (const member of listMembers) lists.of(member, revision).arrived(isFirst ? undefined : replica);
  }

  /** With the last replica of a revision its lists may be nobody's any more, and what another one offers counts again. */
  #onDetached(server: string): void {
    this.generation++;
    const lists = this.#servers.get(server);
    if (lists === undefined) return;
    this.#reseat(lists);
    lists.tidy();
  }

  #onChanged(server: string, method: string, revision: string | undefined): void {
    const lists = this.#lists(server);
    for (const each of revision === undefined ? lists.revisions : [revision]) {
      for (const member of listMembers) {
        if (listMethods[member].changed === method) lists.of(member, each).changed();
      }
    }
  }

  /** Another list stands for a server than did: that is news, if it offers something else. */
  #reseat(lists: ServerLists): void {
    for (const list of lists.reseat()) {
      this.generation++;
      this.#tellChange(list.server);
      this.#tellNews(list);
    }
  }

  #onOther(list: KeptList, before: WholeList | undefined): boolean {
    const lists = this.#lists(list.server);
    const shown = lists.find(list.member, undefined);
    const others = lists.reseat();
    this.generation++;
    this.#tellChange(list.server);
    // That there is nothing tells clients nothing.
    const isNews = before !== undefined || (list.whole?.items.length ?? 0) > 0;
    for (const other of others) if (other !== list) this.#tellNews(other);
    if (lists.route !== undefined) return isNews;
    if (lists.find(list.member, undefined) !== list) return false;
    // It took the place of what was shown: news is what differs from that.
    return shown === list || shown?.whole === undefined ? isNews : others.includes(list);
  }

  #tellChange(server: string): void {
    for (const listener of [...this.#listeners]) listener(server);
  }

  #tellNews({ server, member, revision }: KeptList): void {
    if (revision !== undefined) for (const listener of [...this.#newsListeners]) listener(server, member, revision);
  }

  /** Whether waiting would change nothing: the list was asked for and refused, or nobody is there and nobody is coming. */
  #isHopeless(list: KeptList): boolean {
    if (list.isFetching) return false;
    if (list.error !== undefined) return true;
    const state = this.#options.troubleOf(list.server)?.state;
    return state === "failed" || state === "draining";
  }

  #reason({ server, revision, member, error }: KeptList): ManagerError {
    const { upstreams, troubleOf } = this.#options;
    if (upstreams.pick(server, revision) === undefined) {
      return noReadyReplica({ name: server, trouble: troubleOf(server) });
    }
    if (error !== undefined) return error;
    const message = `server "${server}" has not answered ${listMethods[member].method} yet`;
    return new ManagerError("unavailable", message, { server, reason: "LIST_PENDING", retryAfterMs: 1_000 });
  }

  async #wait(server: string, member: ListMember, revision: string | undefined, untilMs: number): Promise<Listing> {
    const isOver = (): boolean => {
      const lists = this.#lists(server);
      return lists.of(member, revision).whole !== undefined || this.#isHopeless(lists.wanted(member, revision));
    };
    await this.#until(isOver, untilMs);
    return this.present(server, member, revision);
  }

  /** Looks whenever a fetch has ended; resolves when it `isSo`, or when the time is up. */
  async #until(isSo: () => boolean, untilMs: number): Promise<void> {
    const { wheel, clock } = this.#options;
    while (!isSo() && !this.#disposed && clock.nowMs() < untilMs) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          wheel.cancel(deadline);
          this.#waiters.delete(wake);
          resolve();
        };
        const nowMs = clock.nowMs();
        const deadline = wheel.schedule(nowMs, untilMs - nowMs, wake);
        this.#waiters.add(wake);
      });
    }
  }

  #wake(): void {
    for (const wake of [...this.#waiters]) wake();
  }
}
