/** A server of either era over HTTP whose every call has an answer of many megabytes, written as fast as it is taken off the wire. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";

/** How the answers come. */
export type AnswerForm = "JSON" | "events";

export interface LongAnswerServer extends AsyncDisposable {
  readonly url: string;
  /** How much of its answers was wanted so far, in bytes. */
  readonly wanted: number;
}

const serverInfo = { name: "long", version: "1" };
const capabilities = { tools: {} };

interface Call {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: {
    readonly arguments?: { readonly bytes?: number; readonly noteBytes?: number; readonly letter?: string };
  };
}

/**
 * Starts one. The answer of its tool `long` is the letter z, or `letter`, as many times as the argument `bytes` says; on a stream a log message of
 * `noteBytes` comes before it.
 */
export async function startLongAnswerServer(era: "legacy" | "modern", form: AnswerForm): Promise<LongAnswerServer> {
  let wanted = 0;
  /** The answer in pieces, each made when it is wanted. */
  function* answerTo(id: unknown, bytes: number, noteBytes: number, letter: string): Generator<string> {
    const piece = letter.repeat(65_536);
    const complete = era === "modern" ? '"resultType":"complete",' : "";
    if (noteBytes > 0) {
      yield 'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"';
      for (let left = noteBytes; left > 0; left -= piece.length) yield piece.slice(0, left);
      yield '"}}\n\n';
    }
    yield form === "events" ? "data: " : "";
    yield `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{${complete}"content":[{"type":"text","text":"`;
    for (let left = bytes; left > 0; left -= piece.length) {
      wanted += Math.min(left, piece.length);
      yield piece.slice(0, left);
    }
    yield `"}]}}${form === "events" ? "\n\n" : ""}`;
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const { id, method, params } = (body === "" ? {} : JSON.parse(body)) as Call;
    if (id === undefined) return void response.writeHead(request.method === "POST" ? 202 : 405).end();
    if (method === "tools/call") {
      response.writeHead(200, { "content-type": form === "events" ? "text/event-stream" : "application/json" });
      const { bytes = 0, noteBytes = 0, letter = "z" } = params?.arguments ?? {};
      return pipeline(answerTo(id, bytes, noteBytes, letter), response);
    }
    const result = shortResult(era, method);
    const error = { code: -32601, message: "Method not found" };
    response.writeHead(result === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify({ jsonrpc: "2.0", id, ...(result === undefined ? { error } : { result }) }));
  };
  const server = createServer((request, response) => {
    // A client that leaves in the middle has had enough.
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    get wanted() {
      return wanted;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function shortResult(era: "legacy" | "modern", method: string | undefined): object | undefined {
  const isModern = era === "modern";
  const hints = isModern ? { resultType: "complete", ttlMs: 60_000, cacheScope: "public" } : {};
  if (method === "tools/list") return { tools: [{ name: "long", inputSchema: { type: "object" } }], ...hints };
  if (method === "initialize" && !isModern) return { protocolVersion: "2025-11-25", capabilities, serverInfo };
  if (method !== "server/discover" || !isModern) return undefined;
  const _meta = { "io.modelcontextprotocol/serverInfo": serverInfo };
  return { supportedVersions: ["2026-07-28"], capabilities, _meta, ...hints };
}
