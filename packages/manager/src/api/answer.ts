/** How answers and errors look over HTTP: JSON, problem documents, lines of a log. Decides nothing about their content. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { ManagerError, eventStreamType, problemType, toProblem } from "@mcp-manager/api";
import type { Clock, Timer } from "../base/clock.ts";
import type { LogLine } from "./ports.ts";

/** Silence on an event stream after which a comment is sent, so that nobody between takes it for dead. */
const keepAliveMs = 15_000;

const always = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

/** Answers with JSON; `revision` becomes the ETag, `deployment` a header of its own. */
export function sendJson(
  response: ServerResponse,
  reply: { readonly status: number; readonly body: unknown; readonly revision?: string; readonly deployment?: string },
): void {
  const { status, body, revision, deployment } = reply;
  const headers = { ...etag(revision), ...(deployment === undefined ? {} : { "mcp-manager-deployment": deployment }) };
  sendBytes(response, status, Buffer.from(`${JSON.stringify(body)}\n`), "application/json", headers);
}

/** Answers with bytes as they are. */
export function sendBytes(
  response: ServerResponse,
  status: number,
  bytes: Buffer,
  type: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...always, "content-type": type, "content-length": bytes.length, ...headers });
  response.end(bytes);
}

export interface ErrorOptions {
  /** The status, when it is not the code's own. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers with a problem document. Once an answer has begun, the connection is cut instead: it must not look complete. */
export function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  error: ManagerError,
  options: ErrorOptions = {},
): void {
  if (response.headersSent) return void response.destroy();
  const instance = (request.url ?? "/").split("?", 1)[0] ?? "/";
  const problem = toProblem(error, { instance, ...(options.status === undefined ? {} : { status: options.status }) });
  const headers = {
    ...(problem.status === 401 ? { "www-authenticate": 'Bearer realm="mcp-manager"' } : {}),
    ...(error.retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(error.retryAfterMs / 1000)) }),
    ...(request.complete ? {} : { connection: "close" }),
    ...options.headers,
  };
  sendBytes(response, problem.status, Buffer.from(`${JSON.stringify(problem)}\n`), problemType, headers);
}

/** The ETag header of a revision, if there is one. */
export function etag(revision: string | undefined): Readonly<Record<string, string>> {
  return revision === undefined ? {} : { etag: `"${revision}"` };
}

/** Begins an answer that goes on. Events are kept alive, until the function that it answers with is called. */
export function beginStream(response: ServerResponse, type: string, clock: Clock): () => void {
  response.writeHead(200, { ...always, "content-type": type });
  response.flushHeaders();
  return type === eventStreamType ? keepAlive(response, clock) : () => undefined;
}

export interface LinesOptions {
  readonly lines: AsyncIterable<LogLine>;
  /** Whether each line of plain text begins with its replica's name. */
  readonly named: boolean;
  readonly clock: Clock;
}

/** Answers with lines as they come, at the reader's pace: as events when it accepts those, else as plain text. */
export async function sendLines(
  request: IncomingMessage,
  response: ServerResponse,
  options: LinesOptions,
): Promise<void> {
  const isEvents = (request.headers.accept ?? "").includes(eventStreamType);
  const type = isEvents ? eventStreamType : "text/plain; charset=utf-8";
  const stopKeepAlive = beginStream(response, type, options.clock);
  try {
    for await (const line of options.lines) {
      if (response.destroyed) return;
      const chunk = isEvents ? eventOf(line) : `${options.named ? `${line.replica} | ` : ""}${line.text}\n`;
      if (!response.write(chunk)) await drained(response);
    }
    response.end();
  } finally {
    stopKeepAlive();
  }
}

/** Resolves when the reader took what waits for it, or has gone; nothing is left listening then. */
export function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    if (response.destroyed || !response.writableNeedDrain) resolve();
    else response.on("drain", done).on("close", done);
  });
}

function eventOf({ replica, at, text }: LogLine): string {
  return `event: log\ndata: ${JSON.stringify({ replica, at, text })}\n\n`;
}

function keepAlive(response: ServerResponse, clock: Clock): () => void {
  let timer: Timer;
  const beat = (): void => {
    if (!response.writableNeedDrain) response.write(":\n\n");
    timer = clock.after(keepAliveMs, beat);
  };
  timer = clock.after(keepAliveMs, beat);
  return () => timer.cancel();
}
