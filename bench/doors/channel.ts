/**
 * A gRPC connection of the load generators: messages in and out as bytes, so that a generator takes less time than what it measures.
 * It knows HTTP/2 and gRPC's frames, and no message.
 */
import { type ClientHttp2Session, connect } from "node:http2";

export interface Answer {
  /** gRPC's; "0" is success. */
  readonly status: string;
  /** What an error said, percent-encoded. */
  readonly message: string;
  /** The messages, each behind its five bytes of head. */
  readonly body: Buffer;
}

const headBytes = 5;

export class Channel implements Disposable {
  readonly #session: ClientHttp2Session;
  readonly #authorization: string;

  constructor(url: string, authorization: string) {
    this.#session = connect(url, { settings: { initialWindowSize: 2 ** 20 } });
    this.#session.on("error", fail);
    // As gRPC's own clients have it for long answers.
    this.#session.on("connect", () => this.#session.setLocalWindowSize(2 ** 20));
    this.#authorization = authorization;
  }

  /** `method` is its name in MCPManager. Rejects when the connection breaks; an error of gRPC's is an answer. */
  call(method: string, message: Uint8Array): Promise<Answer> {
    const stream = this.#session.request({
      ":method": "POST",
      ":path": `/mcpmanager.v1.MCPManager/${method}`,
      "content-type": "application/grpc",
      te: "trailers",
      authorization: this.#authorization,
    });
    const head = Buffer.alloc(headBytes);
    head.writeUInt32BE(message.byteLength, 1);
    stream.end(Buffer.concat([head, message]));
    const chunks: Buffer[] = [];
    let last: Readonly<Record<string, unknown>> = {};
    return new Promise((resolve, reject) => {
      stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
      stream.on("response", (headers) => (last = headers));
      stream.on("trailers", (trailers) => (last = trailers));
      stream.on("error", reject);
      stream.on("end", () => {
        const { "grpc-status": status, "grpc-message": said } = last;
        resolve({ status: String(status), message: String(said ?? ""), body: Buffer.concat(chunks) });
      });
    });
  }

  [Symbol.dispose](): void {
    this.#session.close();
  }
}

/** How many messages there are in a body. */
export function messagesIn(body: Buffer): number {
  let count = 0;
  for (let at = 0; at < body.length; at += headBytes + body.readUInt32BE(at + 1)) count += 1;
  return count;
}

function fail(error: Error): never {
  throw error;
}
