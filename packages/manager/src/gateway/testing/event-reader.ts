/** Reads an answer that is a stream of events one message at a time, while it goes on. For tests. */
import { SseParser } from "../../protocol/sse.ts";
import type { JsonRpc } from "./peer.ts";

export class EventReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #messages: JsonRpc[] = [];
  readonly #parser: SseParser;

  constructor(response: Response) {
    if (response.body === null) throw new Error("the answer has no body");
    this.#reader = response.body.getReader();
    this.#parser = new SseParser({
      eventBytesMax: 64 * 1024 * 1024,
      onEvent: ({ data }) => {
        if (data.length > 0) this.#messages.push(JSON.parse(data.toString()) as JsonRpc);
      },
    });
  }

  /** The next message; undefined when the stream has ended. */
  async next(): Promise<JsonRpc | undefined> {
    while (this.#messages.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#parser.push(Buffer.from(value));
    }
    return this.#messages.shift();
  }

  /** What a client that lost the connection now would come back with. */
  get lastEventId(): string {
    return this.#parser.lastEventId ?? "";
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}
