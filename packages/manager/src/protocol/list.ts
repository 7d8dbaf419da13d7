/**
 * List results of servers as items: each element's bytes as written, with its name or URI and where that stands. Items are kept
 * as bytes, so that whatever a server says of a tool reaches the client unchanged. What is shown of them is decided elsewhere.
 */
import { elementsAt, memberAt, stringAt } from "./json.ts";
import type { ListMember } from "./methods.ts";
import { responseMembers } from "./response.ts";

export interface ListItem {
  /** The element as written; a view on the response. */
  readonly bytes: Buffer;
  /** The decoded name (tools, prompts), URI or URI template. */
  readonly key: string;
  /** Where the key's value stands in `bytes`, quotes included. */
  readonly keyStart: number;
  readonly keyEnd: number;
}

export interface ScannedList {
  readonly items: ListItem[];
  /** How many elements were left out: no object, or without exactly one string for their key. */
  readonly droppedCount: number;
  readonly nextCursor: string | undefined;
  /** Modern results only, as the server gave it. */
  readonly ttlMs?: number;
  readonly cacheScope?: "public" | "private";
}

const keyNames: Readonly<Record<ListMember, string>> = {
  tools: "name",
  prompts: "name",
  resources: "uri",
  resourceTemplates: "uriTemplate",
};

/** The items of a list response; undefined when it is no well-formed result with an array `member`. */
export function scanList(response: Buffer, member: ListMember): ScannedList | undefined {
  const members = responseMembers(response);
  const ends = members === undefined ? undefined : elementsAt(response, members.start(member));
  if (members === undefined || ends === undefined) return undefined;
  const items: ListItem[] = [];
  for (let i = 0; i < ends.length; i += 2) {
    const item = itemOf(response.subarray(ends[i], ends[i + 1]), keyNames[member]);
    if (item !== undefined) items.push(item);
  }
  const ttlMs = members.number("ttlMs");
  const cacheScope = members.text("cacheScope");
  return {
    items,
    droppedCount: ends.length / 2 - items.length,
    nextCursor: members.text("nextCursor"),
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(cacheScope === "public" || cacheScope === "private" ? { cacheScope } : {}),
  };
}

function itemOf(bytes: Buffer, keyName: string): ListItem | undefined {
  const range = memberOf(bytes, keyName);
  const key = range === undefined ? undefined : stringAt(bytes, range.start, range.end);
  return range === undefined || key === undefined
    ? undefined
    : { bytes, key, keyStart: range.start, keyEnd: range.end };
}

/**
 * Where the value of the direct member `name` stands in `bytes`, one JSON object; undefined when there is none, when it comes
 * twice in any spelling, or when the bytes are no object.
 */
export function memberOf(bytes: Buffer, name: string): { start: number; end: number } | undefined {
  const found = memberAt(bytes, 0, name);
  return found === undefined ? undefined : { start: found.start, end: found.end };
}
