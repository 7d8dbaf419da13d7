/**
 * What each server offers: its lists of tools, prompts, resources and templates as the bytes it sent, fetched when a replica
 * becomes ready, when the server says that a list changed, and when a list is old. A list that is known stays known while its
 * server is away. While replicas of two revisions are there, it is the newest revision's. Each server is asked with the one
 * credential that the manager has for it, so there is one list for all callers; of one that keeps its callers apart it is nobody's (see
 * `scoped-lists.ts`). Shapes nothing for them; see `merged-list.ts`.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import type { Deadline, TimerWheel } from "../../base/timer-wheel.ts";
import type { Unsubscribe } from "../../base/watched.ts";
import type { ListItem } from "../../protocol/list.ts";
import type { ListMember } from "../../protocol/methods.ts";
import type { Guard } from "../../resilience/guard.ts";
import type { ReadyReplica, UpstreamSet } from "../../upstream/upstream-set.ts";
import type { Dropped } from "./dropped.ts";
import type { AskOptions } from "../calls/ask.ts";
import { noReadyReplica } from "../calls/failure.ts";
import { fetchPages, listMethods, type WholeList } from "./list-pages.ts";
import type { Listed } from "./list-drift.ts";
import { isNewestHeldOff, newestReplica } from "./newest-replica.ts";
import { type ParamHeader, toolsWithHeaders } from "../routing/param-headers.ts";
import type { Trouble } from "../routing/routing-table.ts";

const listMembers: readonly ListMember[] = ["tools", "prompts", "resources", "resourceTemplates"];

/** What is known of one list: its items, or why there are none. */
export type Listing =
  | ({ readonly kind: "known" } & WholeList)
  | { readonly kind: "missing"; readonly error: ManagerError };

export interface CatalogOptions {
  readonly upstreams: UpstreamSet;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** How long a caller waits for a list that is not known yet. Default 2,000 ms (resources.md). */
  readonly listDeadlineMs: number;
  /** What is known against a server: its route's `trouble`. */
  readonly troubleOf: (server: string) => Trouble | undefined;
  /** Hears how each request for a list ended: it says something of the replica, as a call does. */
  readonly attempted?: ((server: string, ...how: Parameters<Guard["attempted"]>) => void) | undefined;
  /** Whether a replica is left alone, as its server asked for: then no list is fetched from it because an older one is old. */
  readonly isHeldOff?: ((server: string, replica: string) => boolean) | undefined;
  /** Hears what is left out of a server's list (a tool that clients must not be shown, what is too much), once until it changes. */
  readonly onDropped?: ((server: string, member: ListMember, dropped: Dropped) => void) | undefined;
  /** Hears of a list that came when it is not what was known, or of another revision. */
  readonly onListed?: ((listed: Listed) => void) | undefined;
}

/** An old list is fetched again, in the background, when somebody asks for it. Old is what the server says, within these. */
const ageMaxMs = 30_000;
const ageMinMs = 1_000;
/** A server that just failed to give a list is not asked for it again before this, however many callers want it. */
const retryPauseMs = 1_000;
/** A server that says all the time that a list changed is asked for it so often, however often it says so. */
const changePauseMs = 1_000;

interface Entry {
  list: WholeList | undefined;
  /** The items of the list by name. */
  byKey: ReadonlyMap<string, ListItem> | undefined;
  /** What was left out of the list and has been told. */
  told: string;
  /** The revision that was asked last. */
  askedRevision: string | undefined;
  /** The revision that gave the list. */
  revision: string | undefined;
  fetchedAtMs: number;
  freshUntilMs: number;
  error: ManagerError | undefined;
  retryAtMs: number;
  /** Callers wait for a missing list until then; later ones do not, until it has come or a replica has. */
  waitUntilMs: number | undefined;
  /** The fetch whose answer counts; one of an earlier replica is no longer heard. */
  fetching: object | undefined;
  /** A replica beside others that is to be asked when a list is known, with which its own is compared. */
  newcomer: ReadyReplica | undefined;
  /** The list changed while it was being fetched. */
  stale: boolean;
  /** When it was asked last because its server said that it changed, and when it is to be asked again for that. */
  heededAtMs: number;
  due: Deadline | undefined;
  /** Clients are to hear that it changed, once the fetch has ended. */
  isNews: boolean;
}

/** The lists of all servers. */
export class Catalog implements Disposable {
  /** Grows whenever any list changed; merged lists made before are out of date. */
  generation = 0;
  readonly #options: CatalogOptions;
  readonly #entries = new Map<string, Map<ListMember, Entry>>();
  readonly #waiters = new Set<() => void>();
  readonly #listeners = new Set<(server: string) => void>();
  readonly #newsListeners = new Set<(server: string, member: ListMember) => void>();
  readonly #unsubscribe: () => void;
  #disposed = false;

  constructor(options: CatalogOptions) {
    this.#options = options;
    this.#unsubscribe = options.upstreams.onChange((change) => {
      if (change.kind === "attached") this.#onAttached(change.server);
      if (change.kind === "detached") this.#onDetached(change.server);
      if (change.kind === "notified") this.#onChanged(change.server, change.method);
    });
  }

  /** What is known now, or a promise for it that settles within the list deadline. */
  listing(server: string, member: ListMember): Listing | Promise<Listing> {
    const { clock, upstreams, isHeldOff } = this.#options;
    const entry = this.#entry(server, member);
    const nowMs = clock.nowMs();
    const isDue = entry.fetching === undefined && nowMs >= Math.max(entry.freshUntilMs, entry.retryAtMs);
    if (isDue && !isNewestHeldOff(upstreams, server, isHeldOff)) this.#fetch(server, member, entry);
    if (entry.list !== undefined || this.#isHopeless(server, entry)) return this.present(server, member);
    entry.waitUntilMs ??= nowMs + this.#options.listDeadlineMs;
    if (nowMs >= entry.waitUntilMs) return this.present(server, member);
    return this.#wait(server, member, entry, entry.waitUntilMs);
  }

  /** What is known now, without waiting or fetching. */
  present(server: string, member: ListMember): Listing {
    const entry = this.#entry(server, member);
    if (entry.list !== undefined) return { kind: "known", ...entry.list };
    return { kind: "missing", error: this.#reason(server, member, entry) };
  }

  /**
   * Why a server cannot be called now, though what it offers may be known; undefined when it can, or when a call would start it. Tools
   * are never taken from clients because their server is away.
   */
  away(server: string): ManagerError | undefined {
    const { upstreams, troubleOf } = this.#options;
    if (upstreams.pick(server) !== undefined) return undefined;
    const trouble = troubleOf(server);
    return trouble?.state === "idle" ? undefined : noReadyReplica({ name: server, trouble });
  }

  /** The items known now, without waiting or fetching. */
  known(server: string, member: ListMember): readonly ListItem[] | undefined {
    return this.#entries.get(server)?.get(member)?.list?.items;
  }

  /** The headers that a server's tool wants of its arguments; nearly always none. Without waiting or fetching. */
  wantedHeaders(server: string, tool: string, _revision?: string): readonly ParamHeader[] | undefined {
    const tools = this.known(server, "tools");
    return tools === undefined ? undefined : toolsWithHeaders(tools).get(tool);
  }

  /** Whether the list as it is known has an item of this name; undefined when the list is not known. */
  has(server: string, member: ListMember, key: string, _revision?: string): boolean | undefined {
    return this.#entries.get(server)?.get(member)?.byKey?.has(key);
  }

  /**
   * Resolves when the list is as new as it can be had within the list deadline: for a name that it lacks. A list that was
   * asked for a moment ago is not asked for again.
   */
  async renewed(server: string, member: ListMember, _revision?: string): Promise<void> {
    const { clock, listDeadlineMs, upstreams, isHeldOff } = this.#options;
    const entry = this.#entry(server, member);
    const nowMs = clock.nowMs();
    if (entry.fetching === undefined && nowMs < entry.fetchedAtMs + retryPauseMs) return;
    if (entry.fetching === undefined && isNewestHeldOff(upstreams, server, isHeldOff)) return;
    if (entry.fetching === undefined) this.#fetch(server, member, entry);
    await this.#until(() => entry.fetching === undefined, nowMs + listDeadlineMs);
  }

  /** Calls `listener` with the server whenever one of its lists has become known or has changed. */
  onChange(listener: (server: string) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Calls `listener` when clients should hear that a list changed, and finds it as new as can be had: when the fetch has ended that
   * a server's notification caused, and when any fetch found something else than was known before.
   */
  onListChanged(listener: (server: string, member: ListMember) => void): Unsubscribe {
    this.#newsListeners.add(listener);
    return () => void this.#newsListeners.delete(listener);
  }

  /** Forgets servers that are no longer registered. */
  retain(servers: ReadonlyMap<string, unknown>): void {
    for (const [server, lists] of this.#entries) {
      if (servers.has(server)) continue;
      for (const { due } of lists.values()) if (due !== undefined) this.#options.wheel.cancel(due);
      this.#entries.delete(server);
      this.generation++;
    }
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#unsubscribe();
    this.#wake();
  }

  #entry(server: string, member: ListMember): Entry {
    let lists = this.#entries.get(server);
    if (lists === undefined) this.#entries.set(server, (lists = new Map()));
    let entry = lists.get(member);
    if (entry === undefined) lists.set(member, (entry = newEntry()));
    return entry;
  }

  /** A replica that just came is asked at once, whatever an earlier one still owes or has failed to do. */
  #onAttached(server: string): void {
    const replicas = this.#options.upstreams.replicas(server);
    // What is shown says who is away.
    if (replicas.length === 1) this.generation++;
    for (const member of listMembers) {
      const entry = this.#entry(server, member);
      entry.error = undefined;
      entry.waitUntilMs = undefined;
      entry.newcomer = replicas.length > 1 ? replicas.at(-1) : undefined;
      this.#fetch(server, member, entry);
    }
  }

  /** The last replica of a revision has gone: what the others offer counts again. */
  #onDetached(server: string): void {
    const replica = newestReplica(this.#options.upstreams, server);
    if (replica === undefined) return void this.generation++;
    for (const member of listMembers) {
      const entry = this.#entry(server, member);
      if (entry.askedRevision !== replica.revision) this.#fetch(server, member, entry);
    }
  }

  #onChanged(server: string, method: string): void {
    for (const member of listMembers) {
      if (listMethods[member].changed !== method) continue;
      const entry = this.#entry(server, member);
      entry.isNews = true;
      this.#heed(server, member, entry);
    }
  }

  /** Fetches what is said to have changed: now, after the fetch under way, or when the last time is long enough ago. */
  #heed(server: string, member: ListMember, entry: Entry): void {
    const { clock, wheel } = this.#options;
    if (entry.fetching !== undefined) return void (entry.stale = true);
    const nowMs = clock.nowMs();
    const waitMs = entry.heededAtMs + changePauseMs - nowMs;
    if (waitMs > 0) {
      entry.due ??= wheel.schedule(nowMs, waitMs, () => {
        entry.due = undefined;
        this.#heed(server, member, entry);
      });
      return;
    }
    entry.heededAtMs = nowMs;
    this.#fetch(server, member, entry);
  }

  #fetch(server: string, member: ListMember, entry: Entry): void {
    const { upstreams, clock, wheel } = this.#options;
    const newest = newestReplica(upstreams, server);
    if (newest === undefined || this.#disposed) return;
    const newcomer = this.#takeNewcomer(entry, newest.revision);
    const replica = newcomer ?? newest;
    const isNewcomer = newcomer !== undefined;
    entry.askedRevision = replica.revision;
    const fetching = {};
    entry.fetching = fetching;
    entry.stale = false;
    const settle = (apply: () => void): void => {
      if (entry.fetching !== fetching) return;
      entry.fetching = undefined;
      apply();
      this.#wake();
      if (entry.stale) return this.#heed(server, member, entry);
      if (entry.list !== undefined && entry.newcomer !== undefined) this.#fetch(server, member, entry);
      if (!entry.isNews) return;
      entry.isNews = false;
      for (const listener of [...this.#newsListeners]) listener(server, member);
    };
    const onEnding: AskOptions["onEnding"] = (ending, retryAfterMs) =>
      this.#options.attempted?.(server, replica.name, undefined, ending, retryAfterMs);
    fetchPages({ connection: replica.connection, server, member, clock, wheel, onEnding }).then(
      (list) => settle(() => this.#store(entry, list, { replica, member, isNewcomer })),
      (error: unknown) =>
        settle(() => {
          entry.error = ManagerError.from(error);
          entry.retryAtMs = clock.nowMs() + retryPauseMs;
        }),
    );
  }

  /** Who is to be asked rather than the one with the least to do: the newcomer, once, when there is something to compare with. */
  #takeNewcomer(entry: Entry, revision: string): ReadyReplica | undefined {
    const { newcomer } = entry;
    if (newcomer === undefined || entry.list === undefined || entry.fetching !== undefined) return undefined;
    entry.newcomer = undefined;
    const isComparable = newcomer.revision === revision && entry.revision === revision;
    return isComparable && newcomer.connection.closeReason === undefined ? newcomer : undefined;
  }

  #store(entry: Entry, list: WholeList, from: Omit<Listed, "items">): void {
    const { member, replica } = from;
    const { server, revision } = replica;
    const ageMs = Math.min(ageMaxMs, Math.max(ageMinMs, list.ttlMs ?? ageMaxMs));
    entry.fetchedAtMs = this.#options.clock.nowMs();
    entry.freshUntilMs = entry.fetchedAtMs + ageMs;
    entry.error = undefined;
    entry.waitUntilMs = undefined;
    this.#tellDropped(server, member, entry, list.dropped);
    const known = entry.list;
    const isOther = known === undefined || !hasSameItems(entry.byKey, list);
    if (isOther || revision !== entry.revision) this.#options.onListed?.({ ...from, items: list.items });
    entry.revision = revision;
    if (isOther) {
      entry.list = list;
      entry.byKey = new Map(list.items.map((item) => [item.key, item]));
      this.generation++;
      // That there is nothing tells clients nothing.
      if (known !== undefined || list.items.length > 0) entry.isNews = true;
      for (const listener of [...this.#listeners]) listener(server);
    } else if (known.ttlMs !== list.ttlMs || known.cacheScope !== list.cacheScope) {
      entry.list = { ...list, items: known.items };
      this.generation++;
    }
  }

  #tellDropped(server: string, member: ListMember, entry: Entry, dropped: readonly Dropped[]): void {
    const text = dropped.length === 0 ? "" : JSON.stringify(dropped);
    if (text === entry.told) return;
    entry.told = text;
    for (const each of dropped) this.#options.onDropped?.(server, member, each);
  }

  /** Whether waiting would change nothing: the list was asked for and refused, or nobody is there and nobody is coming. */
  #isHopeless(server: string, entry: Entry): boolean {
    if (entry.fetching !== undefined) return false;
    if (entry.error !== undefined) return true;
    const state = this.#options.troubleOf(server)?.state;
    return state === "failed" || state === "draining";
  }

  #reason(server: string, member: ListMember, entry: Entry): ManagerError {
    const { upstreams, troubleOf } = this.#options;
    if (upstreams.pick(server) === undefined) return noReadyReplica({ name: server, trouble: troubleOf(server) });
    if (entry.error !== undefined) return entry.error;
    const message = `server "${server}" has not answered ${listMethods[member].method} yet`;
    return new ManagerError("unavailable", message, { server, reason: "LIST_PENDING", retryAfterMs: 1_000 });
  }

  async #wait(server: string, member: ListMember, entry: Entry, untilMs: number): Promise<Listing> {
    await this.#until(() => entry.list !== undefined || this.#isHopeless(server, entry), untilMs);
    return this.present(server, member);
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

function newEntry(): Entry {
  return {
    list: undefined,
    byKey: undefined,
    told: "",
    askedRevision: undefined,
    revision: undefined,
    fetchedAtMs: 0,
    freshUntilMs: 0,
    error: undefined,
    retryAtMs: 0,
    waitUntilMs: undefined,
    fetching: undefined,
    newcomer: undefined,
    stale: false,
    heededAtMs: Number.NEGATIVE_INFINITY,
    due: undefined,
    isNews: false,
  };
}

/** A server that gives the same items in another order has changed nothing: the order stays what it was. */
function hasSameItems(known: ReadonlyMap<string, ListItem> | undefined, { items }: WholeList): boolean {
  return known?.size === items.length && items.every(({ key, bytes }) => known.get(key)?.bytes.equals(bytes) === true);
}
