/**
 * Cutting lists into pages. A list that fits one page is shown whole, each server's items in the server's own order. A longer one
 * is walked by server name and then by item name: an order that lies in the items themselves, so that a walk that goes on after
 * the lists changed gives no item twice and leaves out none that stayed. Pure but for the sorted lists it remembers.
 */
import type { ListItem } from "../../protocol/list.ts";
import { placeOf, type Position } from "./list-cursor.ts";

/** One server's part of a list. */
export interface PageSource<R> {
  readonly route: R;
  readonly items: readonly ListItem[];
}

/** When a page is full: at one more item than this, or at more bytes of items. */
export interface PageLimits {
  readonly items: number;
  readonly bytes: number;
}

/** A page as it is shown. */
export interface Page {
  readonly items: readonly Buffer[];
  /** Where the next one begins; undefined when nothing follows. */
  readonly next: Position | undefined;
}

/**
 * A page holds 1,000 items: hardly any deployment has more tools, so most clients, of which many never ask for a second page, see
 * everything; or 1 MiB, which is one short write and nothing that a proxy or a client would refuse. One item is always taken.
 */
const pageLimits: PageLimits = { items: 1_000, bytes: 1024 * 1024 };

interface Walk<R> {
  /** In the order of their names. */
  readonly sources: readonly PageSource<R>[];
  /** Undefined: from the beginning. */
  readonly after: Position | undefined;
  /** An item's bytes as this caller is to see them; undefined: not at all. */
  readonly show: (route: R, item: ListItem) => Buffer | undefined;
}

/** The page after a position. */
export function takePage<R extends { readonly name: string }>(walk: Walk<R>, limits: PageLimits = pageLimits): Page {
  if (walk.after === undefined) {
    const whole = fill(walk, limits, false);
    if (whole.next === undefined) return whole;
  }
  return fill(walk, limits, true);
}

function fill<R extends { readonly name: string }>(walk: Walk<R>, limits: PageLimits, isSorted: boolean): Page {
  const { sources, after, show } = walk;
  const shown: Buffer[] = [];
  let bytes = 0;
  let last: Position | undefined;
  for (const { route, items } of sources) {
    const server = route.name;
    if (after !== undefined && server < after.server) continue;
    const behind = after?.server === server ? after.place : undefined;
    for (const item of isSorted ? sorted(items) : items) {
      const place = isSorted ? placeOf(item.key) : "";
      if (behind !== undefined && place <= behind) continue;
      const buffer = show(route, item);
      if (buffer === undefined) continue;
      const isFull = shown.length >= limits.items || bytes + buffer.length > limits.bytes;
      if (isFull && last !== undefined) return { items: shown, next: last };
      shown.push(buffer);
      bytes += buffer.length;
      last = { server, place };
    }
  }
  return { items: shown, next: undefined };
}

const sortedLists = new WeakMap<readonly ListItem[], readonly ListItem[]>();

/** Only lists of many pages are sorted, once each. */
function sorted(items: readonly ListItem[]): readonly ListItem[] {
  let found = sortedLists.get(items);
  if (found === undefined) {
    const placed = items.map((item) => ({ item, place: placeOf(item.key) }));
    placed.sort((a, b) => (a.place < b.place ? -1 : 1));
    sortedLists.set(items, (found = placed.map(({ item }) => item)));
  }
  return found;
}
