/**
 * One page of a list as the bytes that are sent, complete but for what differs from request to request: the id, and the cursor of
 * the page after it, which is sealed for its reader.
 */
import type { Era } from "../../protocol/era.ts";
import type { ListMember } from "../../protocol/methods.ts";
import { type ListResultOptions, listResult } from "../../protocol/results.ts";
import type { Sized } from "./kept-pages.ts";
import type { Position } from "./list-cursor.ts";
import type { Page } from "./list-page.ts";

export interface ReadyPage extends Sized {
  /** Where the next page begins; undefined when this is the last. */
  readonly next: Position | undefined;
  /** What it was made from; another one now means that it is out of date. */
  readonly stamp: string;
  readonly untilMs: number;
  /** What follows the id; without the two closing braces when a cursor is to come before them. */
  readonly rest: Buffer;
}

const head = Buffer.from('{"jsonrpc":"2.0","id":');
const closingBraces = 2;

/** A page's bytes. */
export function readyPage(
  era: Era,
  member: ListMember,
  { items, next }: Page,
  hints: ListResultOptions,
  { stamp, untilMs }: Pick<ReadyPage, "stamp" | "untilMs">,
): ReadyPage {
  const message = listResult(era, Buffer.alloc(0), member, items, hints);
  const rest = message.subarray(head.length, next === undefined ? message.length : message.length - closingBraces);
  return { next, stamp, untilMs, rest, bytes: rest.length };
}

/** The response to the request of this id; `cursor` for a page that has a next one. */
export function pageMessage({ rest }: ReadyPage, id: Buffer, cursor: string | undefined): Buffer {
  if (cursor === undefined) return Buffer.concat([head, id, rest]);
  return Buffer.concat([head, id, rest, Buffer.from(`,"nextCursor":"${cursor}"}}`)]);
}
