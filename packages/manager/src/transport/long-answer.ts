/**
 * A long result that is passed on while it comes, with its caller's id: where the id stands before the result it is replaced in the
 * first bytes, where it stands after it in the last ones, which are therefore held back. Watched on the way, so that of a message with
 * a second id the end never leaves. Memory: one chunk.
 */
import { ManagerError } from "@mcp-manager/api";
import { slabBytes, slabs } from "../base/slabs.ts";
import { IdWatch, noOwnId } from "../protocol/id-watch.ts";
import { type IdRange, lastId, longResultId } from "../protocol/long-response.ts";
import type { OutboundRequest } from "./connection.ts";
import { isOwnId, withCallersId } from "./remap.ts";

/** So much is held back besides an id: what stands around it at the end. */
const endBytes = 256;
/** Chunks that are shorter than what is held back are joined up to this. */
const joinedBytesMax = 16_384;

export class LongAnswer {
  readonly #request: OutboundRequest;
  readonly #channelId: number | undefined;
  readonly #watch: IdWatch;
  /** The id comes after the result. */
  readonly #isLast: boolean;
  readonly #heldBytesMin: number;
  #held: Buffer;
  /** Of the message as it came. */
  #bytes: number;

  private constructor(request: OutboundRequest, channelId: number | undefined, head: Buffer, id: IdRange | "after") {
    this.#request = request;
    this.#channelId = channelId;
    this.#isLast = id === "after";
    this.#heldBytesMin = endBytes + request.idEnd - request.idStart;
    this.#bytes = head.length;
    const from = id === "after" ? 0 : id.idEnd;
    this.#watch = new IdWatch(from);
    this.#watch.push(head.subarray(from));
    const isOthers = id !== "after" && channelId !== undefined;
    this.#held = isOthers ? headWithCallersId(head, id, request) : head;
  }

  /** Undefined when a message that begins like this has to be held whole. `channelId`: undefined when it carries the caller's own id. */
  static begin(head: Buffer, request: OutboundRequest, channelId: number | undefined): LongAnswer | undefined {
    const id = longResultId(head);
    if (id === undefined) return undefined;
    if (id !== "after" && !isOwnId(head, id.idStart, id.idEnd, request, channelId)) return undefined;
    return new LongAnswer(request, channelId, head, id);
  }

  /** Takes the next bytes; gives those that may leave now. */
  push(chunk: Buffer): Buffer | undefined {
    this.#watch.push(chunk);
    this.#bytes += chunk.length;
    const held = this.#held;
    if (chunk.length >= this.#heldBytesMin) {
      this.#held = chunk;
      return held;
    }
    const joined = Buffer.concat([held, chunk]);
    const leaving = joined.length > joinedBytesMax ? joined.length - this.#heldBytesMin : 0;
    this.#held = joined.subarray(leaving);
    return leaving > 0 ? joined.subarray(0, leaving) : undefined;
  }

  /** The message is whole: its last bytes, or undefined when they must not leave, because its id is not the caller's or not the only one. */
  end(): Buffer | undefined {
    const own = this.#watch.end();
    if (!this.#isLast) return own === noOwnId && endsObject(this.#held) ? this.#held : undefined;
    const at = own < 0 ? -1 : own - (this.#bytes - this.#held.length);
    const id = at < 0 ? undefined : lastId(this.#held, at);
    if (id === undefined || !isOwnId(this.#held, id.idStart, id.idEnd, this.#request, this.#channelId))
      return undefined;
    return this.#channelId === undefined ? this.#held : withCallersId(this.#held, id.idStart, id.idEnd, this.#request);
  }
}

/** The first piece with the caller's id, on memory that is used again, as that of `head` is from here on. */
function headWithCallersId(head: Buffer, { idStart, idEnd }: IdRange, request: OutboundRequest): Buffer {
  const own = request.bytes.subarray(request.idStart, request.idEnd);
  const length = head.length + own.length - (idEnd - idStart);
  if (length > slabBytes) return withCallersId(head, idStart, idEnd, request);
  const slab = slabs.take();
  head.copy(slab, 0, 0, idStart);
  own.copy(slab, idStart);
  head.copy(slab, idStart + own.length, idEnd);
  slabs.giveBack(head);
  return slabs.lend(slab, 0, length);
}

/** A long message that cannot be the answer to its request; what left of it is no JSON without its end. */
export function notItsAnswer(server: string): ManagerError {
  const message = `server "${server}" answered with a message whose id is not that of the request, or not the only one`;
  return new ManagerError("protocol_error", message, { server });
}

function endsObject(bytes: Buffer): boolean {
  let last = bytes.length - 1;
  while (last >= 0 && (bytes[last] as number) <= 0x20) last--;
  return bytes[last] === 0x7d;
}
