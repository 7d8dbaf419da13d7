/**
 * GET on an MCP path: the stream on which a legacy client listens, or one that it lost and comes back for. The modern era has
 * neither, and a client without a session none that is its own.
 * Source: specification 2025-11-25, basic/transports ("Listening for Messages from the Server").
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { errorResponse, JsonRpcCode } from "../../protocol/errors.ts";
import { type Arrival, enter, findSession, type SessionSource, sessionIdOf, type ViewSource } from "../arrival.ts";
import { discardBody } from "../body.ts";
import { eraOfHeader } from "../era-check.ts";
import type { RawHeaders } from "../reply.ts";
import type { Listening } from "./session-streams.ts";

/** What is needed to serve it. */
export interface GetOptions extends SessionSource, ViewSource {}

/** The HTTP methods of an MCP path, for those that are refused. */
export const methodsTaken: RawHeaders = ["allow", "GET, POST, DELETE"];

const refusals: Readonly<Record<Exclude<Listening, "open">, { readonly status: number; readonly message: string }>> = {
  taken: { status: 409, message: "the session's stream is open on another connection: close that one first" },
  // 404 would say that the session has ended.
  unknown: { status: 400, message: "no stream can be resumed from this Last-Event-ID: send the request again" },
  closing: { status: 503, message: "the manager is stopping: come back when it is there again" },
};

/** Answers a GET. The response is the stream, or says why there is none. */
export function answerGet(options: GetOptions, arrival: Arrival, response: ServerResponse): void {
  const { request, reply } = arrival;
  discardBody(request, response);
  const refuse = (status: number, code: number, message: string, data?: unknown): void =>
    reply.json(status, errorResponse(undefined, code, message, data));
  const era = eraOfHeader(request.headers);
  if (sessionIdOf(request) === undefined || era === "modern") return reply.empty(405, methodsTaken);
  if (request.headers.accept?.includes("text/event-stream") !== true)
    return refuse(406, JsonRpcCode.invalidRequest, "GET opens a stream: Accept must list text/event-stream");
  if (enter(options, arrival, undefined) === null) return;
  if (era !== "legacy") return refuse(400, era.code, era.message, era.data);
  const session = findSession(options, arrival, undefined, "GET");
  if (session === null) return;
  const listening = session.streams.listen(response, lastEventIdOf(request));
  if (listening === "open") return;
  const { status, message } = refusals[listening];
  const extra = status === 503 ? ["retry-after", "5"] : [];
  reply.json(status, errorResponse(undefined, JsonRpcCode.invalidRequest, message), extra);
}

/** A browser that has seen no id sends an empty one. */
function lastEventIdOf(request: IncomingMessage): string | undefined {
  const value = request.headers["last-event-id"];
  return typeof value === "string" && value !== "" ? value : undefined;
}
