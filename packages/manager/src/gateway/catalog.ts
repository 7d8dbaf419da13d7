/**
 * What each server offers: its lists of tools, prompts, resources and templates as the bytes it sent, fetched page by page when
 * a replica becomes ready, when the server says that a list changed, and when a list is old. A list that is known stays known
 * while its server is away. Shapes nothing for callers; see `merged-list.ts`.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { TimerWheel } from "../base/timer-wheel.ts";
import { type ListItem, type ListMember, scanList } from "../protocol/list.ts";
import { errorCodeOf } from "../protocol/response.ts";
import type { UpstreamSet } from "../upstream/upstream-set.ts";
import { ask } from "./ask.ts";

/** The lists there are, with the method that fetches each and the notification that says it changed. */
export const listMethods: Readonly<Record<ListMember, { method: string; capability: string; changed: string }>> = {
  tools: { method: "tools/list", capability: "tools", changed: "notifications/tools/list_changed" },
  prompts: { method: "prompts/list", capability: "prompts", changed: "notifications/prompts/list_changed" },
  resources: { method: "resources/list", capability: "resources", changed: "notifications/resources/list_changed" },
  resourceTemplates: {
    method: "resources/templates/list",
    capability: "resources",
    changed: "notifications/resources/list_changed",
  },
};

export const listMembers: readonly ListMember[] = ["tools", "prompts", "resources", "resourceTemplates"];

/** What is known of one list: its items, or why there are none. */
export type Listing =
  | { readonly kind: "known"; readonly items: readonly ListItem[] }
  | { readonly kind: "missing"; readonly error: ManagerError };

export interface CatalogOptions {
  readonly upstreams: UpstreamSet;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** How long a caller waits for a list that is not known yet. Default 2,000 ms (resources.md). */
  readonly listDeadlineMs: number;
  /** Says why a server cannot be reached now; undefined when nothing is known against it. */
  readonly troubleOf: (server: string) => string | undefined;
}

/** A list older than this is fetched again, in the background, when somebody asks for it. */
const listAgeMaxMs = 30_000;
/** One page of an upstream list may take this long; nobody waits for it but the first callers, for the list deadline. */
const pageTimeoutMs = 30_000;
/** A server that pages for ever is cut off here. */
const pagesMax = 100;
/** Items kept of one list. */
const itemsMax = 20_000;

interface Entry {
  items: readonly ListItem[] | undefined;
  fetchedAtMs: number;
  error: ManagerError | undefined;
  /** Callers wait for a missing list until then; later ones do not, until it has come. */
  waitUntilMs: number | undefined;
  fetching: Promise<void> | undefined;
  stale: boolean;
}

export class Catalog implements Disposable {
  /** Grows whenever any list changed; merged lists made before are out of date. */
  generation = 0;
  readonly #options: CatalogOptions;
  readonly #entries = new Map<string, Map<ListMember, Entry>>();
  readonly #waiters = new Set<() => void>();
  readonly #unsubscribe: () => void;

  constructor(options: CatalogOptions) {
    this.#options = options;
    this.#unsubscribe = options.upstreams.onChange((change) => {
      if (change.kind === "attached") this.#refreshAll(change.server, () => true);
      if (change.kind === "notified") {
        this.#refreshAll(change.server, (member) => listMethods[member].changed === change.method);
      }
    });
  }

  /** What is known now, or a promise for it that settles within the list deadline. */
  listing(server: string, member: ListMember): Listing | Promise<Listing> {
    const entry = this.#entry(server, member);
    const nowMs = this.#options.clock.nowMs();
    if (entry.items !== undefined) {
      if (nowMs - entry.fetchedAtMs > listAgeMaxMs) this.#fetch(server, member, entry);
      return { kind: "known", items: entry.items };
    }
    this.#fetch(server, member, entry);
    entry.waitUntilMs ??= nowMs + this.#options.listDeadlineMs;
    const hopeless = entry.fetching === undefined && this.#options.troubleOf(server)?.includes("failed") === true;
    if (hopeless || nowMs >= entry.waitUntilMs) return this.#missing(server, entry);
    return this.#wait(server, entry, entry.waitUntilMs - nowMs);
  }

  /** The items known now, without waiting or fetching. */
  known(server: string, member: ListMember): readonly ListItem[] | undefined {
    return this.#entries.get(server)?.get(member)?.items;
  }

  /** Forgets servers that are no longer registered. */
  retain(servers: ReadonlyMap<string, unknown>): void {
    for (const server of this.#entries.keys()) {
      if (!servers.has(server)) this.#entries.delete(server);
    }
    this.generation++;
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
    this.#wake();
  }

  #entry(server: string, member: ListMember): Entry {
    let lists = this.#entries.get(server);
    if (lists === undefined) this.#entries.set(server, (lists = new Map()));
    let entry = lists.get(member);
    if (entry === undefined) {
      entry = {
        items: undefined,
        fetchedAtMs: 0,
        error: undefined,
        waitUntilMs: undefined,
        fetching: undefined,
        stale: false,
      };
      lists.set(member, entry);
    }
    return entry;
  }

  #refreshAll(server: string, concerned: (member: ListMember) => boolean): void {
    for (const member of listMembers.filter(concerned)) {
      const entry = this.#entry(server, member);
      if (entry.fetching !== undefined) entry.stale = true;
      else this.#fetch(server, member, entry);
    }
  }

  #fetch(server: string, member: ListMember, entry: Entry): void {
    if (entry.fetching !== undefined || this.#options.upstreams.pick(server) === undefined) return;
    entry.stale = false;
    entry.fetching = this.#fetchPages(server, member)
      .then(
        (items) => this.#store(entry, items),
        (error: unknown) => {
          entry.error = ManagerError.from(error);
        },
      )
      .then(() => {
        entry.fetching = undefined;
        this.#wake();
        if (entry.stale) this.#fetch(server, member, entry);
      });
  }

  #store(entry: Entry, items: readonly ListItem[]): void {
    if (entry.items === undefined || !sameItems(entry.items, items)) {
      entry.items = items;
      this.generation++;
    }
    entry.error = undefined;
    entry.waitUntilMs = undefined;
    entry.fetchedAtMs = this.#options.clock.nowMs();
  }

  async #fetchPages(server: string, member: ListMember): Promise<readonly ListItem[]> {
    const items: ListItem[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < pagesMax && items.length < itemsMax; page++) {
      const replica = this.#options.upstreams.pick(server);
      if (replica === undefined)
        throw new ManagerError("unavailable", `server "${server}" has no ready replica`, { server });
      const { method, capability } = listMethods[member];
      if (replica.connection.facts.capabilities[capability] === undefined) return [];
      const answer = await ask({
        connection: replica.connection,
        server,
        method,
        params: cursor === undefined ? {} : { cursor },
        timeoutMs: pageTimeoutMs,
        wheel: this.#options.wheel,
        nowMs: this.#options.clock.nowMs(),
      });
      const list = scanList(answer, member);
      if (list === undefined) {
        // A server that has resources need not have templates; that it does not know the method is an empty list.
        if (member === "resourceTemplates" && errorCodeOf(answer) === -32601) return [];
        throw new ManagerError("protocol_error", `server "${server}" gave no valid answer to ${method}`, { server });
      }
      items.push(...list.items);
      cursor = list.nextCursor;
      if (cursor === undefined) break;
    }
    return items.slice(0, itemsMax);
  }

  #missing(server: string, entry: Entry): Listing {
    const why = entry.error?.message ?? this.#options.troubleOf(server) ?? "it has not answered yet";
    return {
      kind: "missing",
      error: entry.error ?? new ManagerError("unavailable", `server "${server}": ${why}`, { server }),
    };
  }

  async #wait(server: string, entry: Entry, waitMs: number): Promise<Listing> {
    const { wheel, clock } = this.#options;
    const untilMs = clock.nowMs() + waitMs;
    while (entry.items === undefined && clock.nowMs() < untilMs) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          wheel.cancel(deadline);
          this.#waiters.delete(wake);
          resolve();
        };
        const deadline = wheel.schedule(clock.nowMs(), untilMs - clock.nowMs(), wake);
        this.#waiters.add(wake);
      });
      if (entry.fetching === undefined && entry.error !== undefined) break;
    }
    return entry.items === undefined ? this.#missing(server, entry) : { kind: "known", items: entry.items };
  }

  #wake(): void {
    for (const wake of [...this.#waiters]) wake();
  }
}

function sameItems(a: readonly ListItem[], b: readonly ListItem[]): boolean {
  return a.length === b.length && a.every((item, i) => b[i] !== undefined && item.bytes.equals(b[i].bytes));
}
