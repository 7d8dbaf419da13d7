/**
 * One channel, many callers: what a request is called on the channel, and how the caller's own id and progress token come back.
 * Both are replaced as bytes, so their type and spelling survive. Used wherever a pipe or a session is shared; it remembers
 * nothing, and what it is given has been scanned before.
 */
import { stringAt } from "../protocol/json.ts";
import { type Edit, splice } from "../protocol/splice.ts";
import type { OutboundRequest } from "./connection.ts";

/** The caller's bytes with its edits and, with a `channelId`, that number as id and as progress token, in one splice. */
export function outboundBytes(request: OutboundRequest, channelId: number | undefined): Buffer {
  if (channelId === undefined) return splice(request.bytes, request.edits);
  const name = Buffer.from(String(channelId), "latin1");
  const id: Edit = { start: request.idStart, end: request.idEnd, bytes: name };
  if (request.edits.length === 0 && request.progressTokenStart < 0) return splice(request.bytes, [id]);
  const edits: Edit[] = [...request.edits, id];
  if (request.progressTokenStart >= 0) {
    edits.push({ start: request.progressTokenStart, end: request.progressTokenEnd, bytes: name });
  }
  return splice(
    request.bytes,
    edits.sort((a, b) => a.start - b.start),
  );
}

/** The number that stands at [start, end) when it is written as the channel writes ids; -1 for everything else. */
export function channelIdAt(bytes: Buffer, start: number, end: number): number {
  const length = end - start;
  // 15 digits stay below 2^53.
  if (start < 0 || length < 1 || length > 15 || bytes[start] === 0x30) return -1;
  let id = 0;
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    id = id * 10 + digit;
  }
  return id;
}

/** Whether the id at [start, end) is the request's: its number on the channel or, without one, the caller's own in any spelling. */
export function isOwnId(
  message: Buffer,
  start: number,
  end: number,
  request: OutboundRequest,
  channelId: number | undefined,
): boolean {
  if (channelId !== undefined) return channelIdAt(message, start, end) === channelId;
  return isSameName(message, start, end, request.bytes, request.idStart, request.idEnd);
}

/** The same of a progress token; false when the request gave none. */
export function isOwnToken(
  message: Buffer,
  start: number,
  end: number,
  request: OutboundRequest,
  channelId: number | undefined,
): boolean {
  const { bytes, progressTokenStart, progressTokenEnd } = request;
  if (start < 0 || progressTokenStart < 0) return false;
  if (channelId !== undefined) return channelIdAt(message, start, end) === channelId;
  return isSameName(message, start, end, bytes, progressTokenStart, progressTokenEnd);
}

/** Whether two ids or tokens are the same in whatever spelling; numbers are in one. */
function isSameName(a: Buffer, aStart: number, aEnd: number, b: Buffer, bStart: number, bEnd: number): boolean {
  if (a.compare(b, bStart, bEnd, aStart, aEnd) === 0) return true;
  const own = stringAt(b, bStart, bEnd);
  return own !== undefined && own === stringAt(a, aStart, aEnd);
}

/** A response with the caller's id in the place of the channel's, which stands at [start, end). */
export function withCallersId(message: Buffer, start: number, end: number, request: OutboundRequest): Buffer {
  const id = request.bytes.subarray(request.idStart, request.idEnd);
  return splice(message, [{ start, end, bytes: id }]);
}

/** A progress notification with the caller's token in the place of the channel's, which stands at [start, end). */
export function withCallersToken(message: Buffer, start: number, end: number, request: OutboundRequest): Buffer {
  const token = request.bytes.subarray(request.progressTokenStart, request.progressTokenEnd);
  return splice(message, [{ start, end, bytes: token }]);
}

/** Free bytes on either side of a message that was put together for `withCallersIdInPlace`. */
export const messageRoom = 64;

/** The id of a message that is worth it stands this near to one of its ends. */
const nearEndBytes = 1_024;

/**
 * The same as `withCallersId` without a copy of a long message: the shorter side moves. `message` is a view with `messageRoom`
 * bytes of its own before and after it; it is changed, and what is answered is a view on the same memory.
 */
export function withCallersIdInPlace(message: Buffer, start: number, end: number, request: OutboundRequest): Buffer {
  const growth = request.idEnd - request.idStart - (end - start);
  const after = message.length - end;
  if (growth > messageRoom || Math.min(start, after) > nearEndBytes) {
    return withCallersId(message, start, end, request);
  }
  const before = message.byteOffset - messageRoom;
  const whole = Buffer.from(message.buffer, before, message.length + 2 * messageRoom);
  const headMoves = start <= after;
  const from = headMoves ? messageRoom - growth : messageRoom;
  if (headMoves) whole.copyWithin(from, messageRoom, messageRoom + start);
  else whole.copyWithin(messageRoom + end + growth, messageRoom + end, messageRoom + message.length);
  request.bytes.copy(whole, from + start, request.idStart, request.idEnd);
  return whole.subarray(from, from + message.length + growth);
}
