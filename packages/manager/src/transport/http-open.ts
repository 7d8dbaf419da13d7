/**
 * Opens a connection to a server on Streamable HTTP: finds out its era by the rules of a dual-era client, then takes the modern
 * server as it is or initializes a legacy session. 5xx, 401, 403 and silence say nothing about the era and fail the opening.
 * Source: specification 2026-07-28, basic/versioning and basic/transports/streamable-http ("Backward Compatibility").
 */
import { ManagerError } from "@mcp-manager/api";
import type { Random } from "../base/random.ts";
import type { Era } from "../protocol/era.ts";
import { modernVersionSpoken } from "../protocol/era.ts";
import { JsonRpcCode } from "../protocol/errors.ts";
import { initializedNotification, initializeRequest, parseInitializeResult } from "../protocol/legacy.ts";
import { discoverRequest } from "../protocol/modern.ts";
import { errorCodeOf } from "../protocol/response.ts";
import type { Connection, ConnectionEvents, ServerFacts } from "./connection.ts";
import { judgeDiscover } from "./discover.ts";
import type { HttpTarget } from "./http-call.ts";
import type { LegacySession } from "./http-session.ts";
import { post, type PostAnswer, postNotification } from "./http-post.ts";
import { httpFailure, retryAfterMs } from "./http-status.ts";
import { StreamableHttpConnection } from "./streamable-http.ts";

export interface OpenHttpOptions {
  readonly target: HttpTarget;
  readonly events: ConnectionEvents;
  /** For the pauses before a stream is taken up again. */
  readonly random: Random;
  /** The most the opening may take, in milliseconds, the probe and `initialize` each. */
  readonly openTimeoutMs: number;
  /** A verdict found earlier; the probe is left out for `legacy`. */
  readonly eraKnown?: Era;
  /** Legacy: what the server is told that its client can be asked. Default: nothing. */
  readonly clientCapabilities?: Readonly<Record<string, unknown>>;
}

/** Opens a connection, or rejects with a ManagerError that names the server and the stage. */
export async function openHttp(options: OpenHttpOptions): Promise<Connection> {
  const { target, events, random } = options;
  const modern = options.eraKnown === "legacy" ? undefined : await probe(options);
  if (modern !== undefined)
    return new StreamableHttpConnection({ target, events, random, facts: modern, legacy: undefined });
  const { facts, session } = await initialize(options);
  const connection = new StreamableHttpConnection({
    target,
    events,
    random,
    facts,
    legacy: { session, renew: () => renewed(options) },
  });
  // A server that asks on the standing stream, before it is there, asks nobody.
  await connection.listening;
  return connection;
}

/** A session in the place of one that was forgotten. Each message has a POST of its own, and no request must overtake the last of the opening. */
async function renewed(options: OpenHttpOptions): Promise<LegacySession> {
  const { session } = await initialize(options);
  await session.ready;
  return session;
}

/** Asks `server/discover`: facts of a modern server, or undefined for a legacy one. */
async function probe(options: OpenHttpOptions): Promise<ServerFacts | undefined> {
  const { server } = options.target;
  const head = `${requestHead(options.target)}MCP-Protocol-Version: ${modernVersionSpoken}\r\nMcp-Method: server/discover\r\n`;
  // A server that refuses the version and offers the very same one is asked again, once.
  for (let attempt = 0; ; attempt++) {
    const answer = await exchange(options, "server/discover", head, discoverRequest(1));
    const { status, message } = answer;
    if (status === 401 || status === 403 || status === 429 || status >= 500) {
      throw httpFailure(server, status, retryAfterMs(answer.headers));
    }
    const verdict = judgeDiscover(message);
    switch (verdict.kind) {
      case "modern":
        // A result under an error status is no result.
        return status < 300 ? verdict.facts : undefined;
      case "legacy":
        return undefined;
      case "again":
        if (attempt === 0) break;
        throw refused(server, JsonRpcCode.unsupportedProtocolVersion);
      case "refused":
        throw refused(server, verdict.code);
    }
  }
}

function refused(server: string, code: number): ManagerError {
  return new ManagerError("protocol_error", `server "${server}" refused server/discover with error ${code}`, {
    server,
  });
}

async function initialize(options: OpenHttpOptions): Promise<{ facts: ServerFacts; session: LegacySession }> {
  const server = options.target.server;
  const answer = await exchange(
    options,
    "initialize",
    requestHead(options.target),
    initializeRequest(1, options.clientCapabilities),
  );
  const facts = parseInitializeResult(answer.message);
  if (facts === undefined) {
    const code = errorCodeOf(answer.message);
    if (code !== undefined) {
      throw new ManagerError("protocol_error", `server "${server}" refused initialize with error ${code}`, { server });
    }
    if (answer.status > 299) {
      throw httpFailure(server, answer.status, retryAfterMs(answer.headers));
    }
    throw new ManagerError("protocol_error", `server "${server}" gave no valid answer to initialize`, { server });
  }
  const sessionId = answer.headers.get("mcp-session-id");
  const session = sessionId === undefined ? "" : `Mcp-Session-Id: ${sessionId}\r\n`;
  const head = `${requestHead(options.target)}MCP-Protocol-Version: ${facts.protocolVersion}\r\n${session}`;
  const ready = new Promise<void>((resolve) => {
    postNotification(options.target.origin, head, initializedNotification(), resolve);
  });
  return { facts, session: { id: sessionId, protocolVersion: facts.protocolVersion, ready } };
}

/** One request of the opening and its answer, whatever its status; what kept it from coming is told with server and stage. */
async function exchange(options: OpenHttpOptions, stage: string, head: string, body: Buffer): Promise<PostAnswer> {
  const { origin, server, messageBytesMax } = options.target;
  try {
    return await post({ origin, head, body, timeoutMs: options.openTimeoutMs, bytesMax: messageBytesMax });
  } catch (error) {
    const { code, message, reason } = ManagerError.from(error);
    throw new ManagerError(code, `server "${server}" did not open at ${stage}: ${message}`, {
      server,
      reason,
      details: { stage },
      cause: error,
    });
  }
}

function requestHead(target: HttpTarget): string {
  return `POST ${target.path} HTTP/1.1\r\n${target.headerLines}Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n`;
}
