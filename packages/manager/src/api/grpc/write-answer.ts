/**
 * Writes an answer at the pace of who reads it. Whoever has gone, or was ended, is not waited for: what makes the messages then ends
 * too, wherever it stands. Reads nothing of them.
 */
import type { Http2ServerResponse } from "node:http2";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";

/** Resolves when everything was written, or the reader has gone. Rejects as the answer does. */
export async function writeAnswer(
  { status, header, body, trailer }: UniversalServerResponse,
  response: Http2ServerResponse,
): Promise<void> {
  for await (const chunk of body ?? []) {
    if (response.stream.destroyed) return;
    // Not before the first message: until then whoever answers may add to it.
    if (!response.headersSent) response.writeHead(status, Object.fromEntries(header ?? []));
    if (!response.write(chunk)) await drained(response);
  }
  if (response.stream.destroyed) return;
  if (!response.headersSent) response.writeHead(status, Object.fromEntries(header ?? []));
  response.addTrailers(Object.fromEntries(trailer ?? []));
  response.end();
}

/** Resolves when the reader took what waits for it, or has gone; nothing is left listening then. */
function drained(response: Http2ServerResponse): Promise<void> {
  const { stream } = response;
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("drain", done).off("close", done);
      resolve();
    };
    if (stream.destroyed || !stream.writableNeedDrain) resolve();
    else stream.on("drain", done).on("close", done);
  });
}
