/**
 * Changing bytes without touching the rest: a few ranges of a message are replaced, everything between them is copied as it
 * stands. It knows nothing of JSON; whoever makes the edits answers for what the whole then says.
 */
import { invariant } from "../base/invariant.ts";

/** `bytes` instead of what stands in [start, end); start = end inserts. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly bytes: Buffer;
}

/**
 * A new buffer with the edits applied, in one allocation; `bytes` itself when there are none. Edits are sorted by start and do
 * not overlap; two insertions at one place keep their order.
 */
export function splice(bytes: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return bytes;
  let length = bytes.length;
  let from = 0;
  for (const edit of edits) {
    invariant(edit.start >= from && edit.end >= edit.start, "edits are sorted and do not overlap");
    length += edit.bytes.length - (edit.end - edit.start);
    from = edit.end;
  }
  invariant(from <= bytes.length, "edits lie inside the message");
  const spliced = Buffer.allocUnsafe(length);
  let at = 0;
  from = 0;
  for (const edit of edits) {
    at = put(bytes, from, edit.start, spliced, at);
    at = put(edit.bytes, 0, edit.bytes.length, spliced, at);
    from = edit.end;
  }
  put(bytes, from, bytes.length, spliced, at);
  return spliced;
}

/** Below this many bytes a loop is cheaper than the call into the native copy. */
const loopBytesMax = 24;

/** Copies source[start, end) to target at `at`; answers the position after it. */
function put(source: Buffer, start: number, end: number, target: Buffer, at: number): number {
  const length = end - start;
  if (length > loopBytesMax) source.copy(target, at, start, end);
  else for (let i = 0; i < length; i++) target[at + i] = source[start + i] as number;
  return at + length;
}
