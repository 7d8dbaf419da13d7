/**
 * One gRPC call by hand, on Node's HTTP/2 alone: what a client of another make, or none at all, sends. Nothing of the library that the
 * door is built with takes part.
 */
import { once } from "node:events";
import { connect, type IncomingHttpHeaders } from "node:http2";

/** What came back. */
export interface RawAnswer {
  /** HTTP's status. */
  readonly http: number;
  /** `grpc-status`, wherever it stood. */
  readonly status: string;
  /** `grpc-message`, decoded. */
  readonly message: string;
  /** Everything between headers and trailers. */
  readonly body: Buffer;
}

/** A message with its head of five bytes; `length` lies about it. */
export function frame(message: Uint8Array, length: number = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

/** Sends `body` to a path and reads the answer to its end, with the credential of an admin unless the headers say otherwise. */
export async function callRaw(
  url: string,
  path: string,
  body: Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> {
  const session = connect(url);
  try {
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      authorization: "Bearer admin",
      ...headers,
    });
    stream.end(body);
    const trailers = once(stream, "trailers").then(([found]) => found as IncomingHttpHeaders);
    trailers.catch(() => undefined);
    const [head] = (await once(stream, "response")) as [IncomingHttpHeaders];
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const said = head["grpc-status"] === undefined && Number(head[":status"]) === 200 ? await trailers : head;
    return {
      http: Number(head[":status"]),
      status: String(said["grpc-status"]),
      message: decodeURIComponent(String(said["grpc-message"] ?? "")),
      body: Buffer.concat(chunks),
    };
  } finally {
    session.destroy();
  }
}
