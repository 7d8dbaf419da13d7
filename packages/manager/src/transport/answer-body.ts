/**
 * The JSON body of an answer while it comes: what of it may leave at once, and what has to be held. It reads nothing; that a body is
 * an answer to its request is seen by `LongAnswer` for long ones and by the call for those that are held whole.
 */
import { ManagerError } from "@mcp-manager/api";
import { longDataBytes } from "../protocol/sse.ts";
import type { OutboundRequest } from "./connection.ts";
import { LongAnswer } from "./long-answer.ts";

/** The first bytes that leave are at least so many: they have to show what kind of answer it is. */
const firstBytesMin = 4_097;

/** Passes every byte on; holds what came last, because whether it is the last is not known before the end. */
export class PassedBody {
  #held: Buffer | undefined;
  #isLeaving = false;

  /** Takes the next bytes; gives those that may leave now. */
  push(chunk: Buffer): Buffer | undefined {
    const held = this.#held;
    this.#held =
      held === undefined || this.#isLeaving || held.length >= firstBytesMin ? chunk : Buffer.concat([held, chunk]);
    if (held === undefined || this.#held !== chunk) return undefined;
    this.#isLeaving = true;
    return held;
  }

  /** The last bytes; undefined when there were none. */
  end(): Buffer | undefined {
    return this.#held;
  }
}

/** Holds the body whole; passes it on from when it is long, if it begins as a result of its request does. */
export class CollectedBody {
  readonly #bytesMax: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #mayBeLong: boolean;
  #long: LongAnswer | undefined;

  /** `bytesMax`: of what is held; without `mayBeLong` that is all. */
  constructor(bytesMax: number, mayBeLong: boolean) {
    this.#bytesMax = bytesMax;
    this.#mayBeLong = mayBeLong;
  }

  /** Takes the next bytes; gives those that may leave now. Throws a `protocol_error` when too many would have to be held. */
  push(chunk: Buffer, request: OutboundRequest, channelId: number | undefined): Buffer | undefined {
    if (this.#long !== undefined) return this.#long.push(chunk);
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > longDataBytes && this.#mayBeLong) {
      this.#mayBeLong = false;
      const leaving = this.#beginLong(request, channelId);
      if (this.#long !== undefined) return leaving;
    }
    if (this.#bytes > this.#bytesMax) {
      throw new ManagerError("protocol_error", `sent more than ${this.#bytesMax} bytes in one message`);
    }
    return undefined;
  }

  #beginLong(request: OutboundRequest, channelId: number | undefined): Buffer | undefined {
    const [head = noBytes, ...rest] = firstBytesMin <= (this.#chunks[0]?.length ?? 0) ? this.#chunks : [this.whole()];
    const long = LongAnswer.begin(head, request, channelId);
    if (long === undefined) return undefined;
    this.#long = long;
    this.#chunks = [];
    const leaving = rest.map((chunk) => long.push(chunk)).filter((part) => part !== undefined);
    return leaving.length > 1 ? Buffer.concat(leaving) : leaving[0];
  }

  /** Set when the body leaves while it comes: its `end` is the last that leaves. */
  get long(): LongAnswer | undefined {
    return this.#long;
  }

  /** All that came, when it is held. */
  whole(): Buffer {
    const only = this.#chunks.length === 1 ? this.#chunks[0] : undefined;
    return only ?? Buffer.concat(this.#chunks);
  }
}

const noBytes = Buffer.alloc(0);
