/**
 * Reads a request's body once, as bytes, up to a cap. Knows nothing of what is in it. A body that is not wanted is still taken
 * off the wire and thrown away, for as long as the listener's request time-out allows: closing at once would reset the
 * connection, and the client would never see why it was refused.
 */
import type { IncomingMessage, ServerResponse } from "node:http";

export interface BodyHandler {
  onBody(bytes: Buffer): void;
  /** The body was larger than allowed; the rest is thrown away. */
  onTooLarge(bytesMax: number): void;
}

/** Calls exactly one of the handler's methods, or none when the client goes away before the end. */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  bytesMax: number,
  handler: BodyHandler,
): void {
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) {
    discardBody(request, response);
    return handler.onTooLarge(bytesMax);
  }
  // Only now is the client told that its body is wanted.
  if (request.headers.expect !== undefined) response.writeContinue();
  let first: Buffer | undefined;
  let rest: Buffer[] | undefined;
  let length = 0;
  request.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length > bytesMax) {
      request.removeAllListeners("data");
      request.removeAllListeners("end");
      request.resume();
      handler.onTooLarge(bytesMax);
    } else if (first === undefined) {
      first = chunk;
    } else {
      (rest ??= [first]).push(chunk);
    }
  });
  request.on("end", () => handler.onBody(rest === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(rest)));
}

/** Whether a body is compressed: none is taken that grows when it is read, nor any that one reader would take for another thing. */
export function isEncoded({ headers }: IncomingMessage): boolean {
  const encoding = headers["content-encoding"];
  return encoding !== undefined && encoding.toLowerCase() !== "identity";
}

/** For a request that is refused unread. Call it before the answer is written. */
export function discardBody(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  // Who asked whether to send its body may now leave it out: what comes next on this connection could not be told from it.
  if (request.headers.expect !== undefined) response.shouldKeepAlive = false;
}
