/**
 * Results that the gateway itself gives, in either era, as bytes. What a server answered never goes through here.
 */
import type { Era } from "./era.ts";
import type { ListMember } from "./methods.ts";

const head = Buffer.from('{"jsonrpc":"2.0","id":');
const beforeResult = Buffer.from(',"result":');
const tail = Buffer.from("}");

/** A response with `result` (one JSON value as bytes, or something to write as JSON); `id` is the request's id as written. */
export function resultResponse(id: Buffer, result: Buffer | Readonly<Record<string, unknown>>): Buffer {
  const body = Buffer.isBuffer(result) ? result : Buffer.from(JSON.stringify(result));
  return Buffer.concat([head, id, beforeResult, body, tail]);
}

export interface ListResultOptions {
  readonly nextCursor?: string;
  /** How long the list may be kept, in milliseconds. Modern era only, default 0. */
  readonly ttlMs?: number;
  /** Who may share it. Modern era only, default `private`. */
  readonly cacheScope?: "public" | "private";
  /** The result's `_meta`; left out when it is empty. */
  readonly meta?: Readonly<Record<string, unknown>>;
}

const comma = Buffer.from(",");
const arrayEnd = Buffer.from("]");

/** The response to a list request, its items as they are given, each one JSON object. */
export function listResult(
  era: Era,
  id: Buffer,
  member: ListMember,
  items: readonly Buffer[],
  options: ListResultOptions = {},
): Buffer {
  const parts: Buffer[] = [Buffer.from(`{${era === "modern" ? '"resultType":"complete",' : ""}"${member}":[`)];
  items.forEach((item, i) => (i === 0 ? parts.push(item) : parts.push(comma, item)));
  parts.push(arrayEnd, Buffer.from(listTail(era, options)));
  return resultResponse(id, Buffer.concat(parts));
}

function listTail(era: Era, options: ListResultOptions): string {
  const { nextCursor, ttlMs = 0, cacheScope = "private", meta = {} } = options;
  const members = {
    ...(nextCursor === undefined ? {} : { nextCursor }),
    ...(era === "modern" ? { ttlMs, cacheScope } : {}),
    ...(Object.keys(meta).length === 0 ? {} : { _meta: meta }),
  };
  const text = JSON.stringify(members);
  return text === "{}" ? text.slice(1) : `,${text.slice(1)}`;
}
