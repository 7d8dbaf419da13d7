/** Reads a request's body once, as bytes, up to a cap. Knows nothing of what is in it. */
import type { IncomingMessage } from "node:http";

export interface BodyHandler {
  onBody(bytes: Buffer): void;
  /** The body was larger than allowed; the rest is not read. */
  onTooLarge(bytesMax: number): void;
}

/** Calls exactly one of the handler's methods, or none when the client goes away before the end. */
export function readBody(request: IncomingMessage, bytesMax: number, handler: BodyHandler): void {
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) return handler.onTooLarge(bytesMax);
  let first: Buffer | undefined;
  let rest: Buffer[] | undefined;
  let length = 0;
  request.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length > bytesMax) {
      request.removeAllListeners("data");
      request.removeAllListeners("end");
      request.pause();
      handler.onTooLarge(bytesMax);
    } else if (first === undefined) {
      first = chunk;
    } else {
      (rest ??= [first]).push(chunk);
    }
  });
  request.on("end", () => handler.onBody(rest === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(rest)));
}
