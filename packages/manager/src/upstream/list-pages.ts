/**
 * One list of one server, fetched whole: every page, from one connection, because a cursor means something only to the replica
 * that gave it. Bounded in items and bytes; what is left out is told with the list. Keeps no list that has come.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { TimerWheel } from "../base/timer-wheel.ts";
import { JsonRpcCode } from "../protocol/errors.ts";
import { type ListItem, type ScannedList, scanList } from "../protocol/list.ts";
import type { ListMember } from "../protocol/methods.ts";
import { errorCodeOf } from "../protocol/response.ts";
import type { Connection } from "../transport/connection.ts";
import { ask, type AskOptions } from "./ask.ts";
import { type Dropped, DroppedItems } from "./dropped.ts";
import { declarationProblem } from "../protocol/param-headers.ts";

/** The lists there are, with the method that fetches each, the capability it takes, and the notification that says it changed. */
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

/** What a modern client is told at most: a rollout is never waited for longer than this by anybody's cache (resources.md). */
const toldTtlMsMax = 30_000;
/** For a server of the legacy era, which says nothing: it is asked again as often as it says that something changed. */
const toldTtlMsUnsaid = 5_000;

/** For how long clients are told to keep a list, by what its server said. */
export function toldTtlMs(said: number | undefined): number {
  return Math.min(toldTtlMsMax, Math.max(0, said ?? toldTtlMsUnsaid));
}

/** The error code with which a server answered instead of giving a list; undefined of any other failure. */
export function refusalOf(error: unknown): number | undefined {
  const code = error instanceof ManagerError ? error.details["answeredCode"] : undefined;
  return typeof code === "number" ? code : undefined;
}

/** A whole list. */
export interface WholeList {
  /** In the server's order, each name or URI once. */
  readonly items: readonly ListItem[];
  /** How long the server says it may be kept: the least of its pages. Undefined for servers of the legacy era. */
  readonly ttlMs: number | undefined;
  /**
   * Who may share it, as a server of the modern era says: `private` unless every page is `public`. Undefined for the legacy era. A
   * list that a server does not have at all is `public`: nothing of it is anybody's.
   */
  readonly cacheScope: "public" | "private" | undefined;
  /** What was left out of it. */
  readonly dropped: readonly Dropped[];
}

export interface PagesOptions {
  readonly connection: Connection;
  /** For messages. */
  readonly server: string;
  readonly member: ListMember;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** Hears of each page how its request ended. */
  readonly onEnding?: AskOptions["onEnding"];
}

/** One page may take this long; nobody waits for it but the first callers, for the list deadline. */
const pageTimeoutMs = 30_000;
/** A server that pages for ever is cut off here. */
const pagesMax = 100;
/** Items kept of one list: twenty pages of the manager's own, and far more than any client shows. */
const itemsMax = 20_000;
/** Bytes kept of one list: as much as one message of a process may have, so that whatever fits one answer is whole. */
const bytesMax = 16 * 1024 * 1024;

const noList: WholeList = { items: [], ttlMs: undefined, cacheScope: "public", dropped: [] };

interface Fetch {
  readonly startedAtMs: number;
  readonly list: Promise<WholeList>;
}

/** The newest fetch that is under way of each list of a connection. */
const underWay = new WeakMap<Connection, Map<ListMember, Fetch>>();

/** All pages in order, or a rejection when one did not come or is no list. */
export function fetchPages(options: PagesOptions): Promise<WholeList> {
  const { connection, member, clock } = options;
  const lists = underWay.get(connection) ?? new Map<ListMember, Fetch>();
  underWay.set(connection, lists);
  const fetch: Fetch = { startedAtMs: clock.nowMs(), list: fetchAll(options) };
  lists.set(member, fetch);
  const forget = (): void => void (lists.get(member) === fetch && lists.delete(member));
  fetch.list.then(forget, forget);
  return fetch.list;
}

/**
 * As `fetchPages`, but shares a fetch that is under way and was begun no earlier than `notBeforeMs`: the server is asked once. How that
 * one's requests ended is told to whoever began it.
 */
export function sharePages(options: PagesOptions, notBeforeMs: number): Promise<WholeList> {
  const fetch = underWay.get(options.connection)?.get(options.member);
  return fetch !== undefined && fetch.startedAtMs >= notBeforeMs ? fetch.list : fetchPages(options);
}

async function fetchAll(options: PagesOptions): Promise<WholeList> {
  const { connection, server, member, clock, wheel, onEnding = () => undefined } = options;
  const { method, capability } = listMethods[member];
  if (connection.facts.capabilities[capability] === undefined) return noList;
  const list = new Gathering(member, connection.facts.era === "modern");
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax; page++) {
    const params = cursor === undefined ? {} : { cursor };
    const nowMs = clock.nowMs();
    const answer = await ask({ connection, server, method, params, timeoutMs: pageTimeoutMs, wheel, nowMs, onEnding });
    const scanned = scanList(answer, member);
    if (scanned === undefined) {
      if (isWithoutTemplates(member, answer)) return noList;
      throw notAList(server, method, answer);
    }
    const isFull = !list.add(scanned, answer.length);
    // The same cursor again would give the same page again.
    if (isFull || scanned.nextCursor === undefined || scanned.nextCursor === cursor) return list.whole();
    cursor = scanned.nextCursor;
  }
  list.dropped.add(`what follows its first ${pagesMax} pages`, [], 1);
  return list.whole();
}

/** What has come of a list so far. */
class Gathering {
  readonly dropped: DroppedItems = new DroppedItems();
  readonly #isTools: boolean;
  readonly #isModern: boolean;
  readonly #items = new Map<string, ListItem>();
  #bytes = 0;
  #ttlMs: number | undefined;
  #isPublic = true;

  constructor(member: ListMember, isModern: boolean) {
    this.#isTools = member === "tools";
    this.#isModern = isModern;
  }

  /** Takes a page in; false when there is no room for all of it. */
  add(page: ScannedList, answerBytes: number): boolean {
    if (page.ttlMs !== undefined) this.#ttlMs = Math.min(this.#ttlMs ?? page.ttlMs, page.ttlMs);
    if (page.cacheScope !== "public") this.#isPublic = false;
    this.dropped.add("no object with one name or URI", [], page.droppedCount);
    const before = this.#bytes;
    const taken: ListItem[] = [];
    for (const [i, item] of page.items.entries()) {
      const why = this.#whyNot(item);
      if (why !== undefined) {
        this.dropped.add(why, [item.key]);
        continue;
      }
      const limit = this.#limitPassedBy(item);
      if (limit !== undefined) {
        this.dropped.add(limit, namesOf(page.items.slice(i)));
        this.#keep(taken, answerBytes, before);
        return false;
      }
      this.#items.set(item.key, item);
      this.#bytes += item.bytes.length;
      taken.push(item);
    }
    this.#keep(taken, answerBytes, before);
    return true;
  }

  whole(): WholeList {
    return {
      items: [...this.#items.values()],
      ttlMs: this.#ttlMs,
      cacheScope: this.#isModern ? (this.#isPublic ? "public" : "private") : undefined,
      dropped: this.dropped.all,
    };
  }

  /** A client of the modern era must not see a tool whose `x-mcp-header` is wrong (2026-07-28, streamable-http). */
  #whyNot(item: ListItem): string | undefined {
    if (this.#items.has(item.key)) return "a name or URI that the list has already";
    return this.#isTools && this.#isModern ? declarationProblem(item) : undefined;
  }

  #limitPassedBy({ bytes }: ListItem): string | undefined {
    if (this.#items.size >= itemsMax) return `beyond ${itemsMax} items`;
    return this.#bytes + bytes.length > bytesMax ? `beyond ${bytesMax} bytes` : undefined;
  }

  /** Items are views on the answer: where little of it is kept, that is copied, so that the rest can go. */
  #keep(taken: readonly ListItem[], answerBytes: number, bytesBefore: number): void {
    if ((this.#bytes - bytesBefore) * 2 >= answerBytes) return;
    for (const item of taken) this.#items.set(item.key, { ...item, bytes: Buffer.from(item.bytes) });
  }
}

function namesOf(items: readonly ListItem[]): string[] {
  return items.map(({ key }) => key);
}

/** A server that has resources need not have templates; that it does not know the method is an empty list. */
function isWithoutTemplates(member: ListMember, answer: Buffer): boolean {
  return member === "resourceTemplates" && errorCodeOf(answer) === JsonRpcCode.methodNotFound;
}

function notAList(server: string, method: string, answer: Buffer): ManagerError {
  const code = errorCodeOf(answer);
  const what = code === undefined ? "with something that is no list" : `with error ${code}`;
  const message = `server "${server}" answered ${method} ${what}`;
  return new ManagerError("protocol_error", message, {
    server,
    ...(code === undefined ? {} : { details: { answeredCode: code } }),
  });
}
