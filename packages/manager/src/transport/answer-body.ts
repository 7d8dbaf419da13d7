/**
 * The JSON body of an answer while it comes: held whole, or passed on while it comes from when it is long. It reads nothing; that a
 * body is an answer to its request is seen by `LongAnswer` for long ones and by the call for those that are held.
 */
import { ManagerError } from "@mcp-manager/api";
import { longDataBytes } from "../protocol/sse.ts";
import type { OutboundRequest } from "./connection.ts";
import { LongAnswer } from "./long-answer.ts";

/** The first bytes that leave are at least so many: they have to show what kind of answer it is. */
const firstBytesMin = 4_097;

/** One body. It is passed on only if it begins as a result of its request does. */
export class AnswerBody {
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
