/**
 * One HTTP request on its way to a message, and the questions that come before what is in it: is there such an endpoint for this
 * principal, and which session does the request belong to. What is refused is answered here.
 */
import type { IncomingMessage } from "node:http";
import { ManagerError } from "@mcp-manager/api";
import { errorResponse, JsonRpcCode, managerErrorResponse } from "../protocol/errors.ts";
import type { Principal } from "../security/principal.ts";
import type { MergedLists } from "./lists/merged-list.ts";
import { auditDenied, type AuditSink } from "./calls/call-audit.ts";
import type { HttpReply, Reply } from "./reply.ts";
import { type Previews, revisionHeader } from "./routing/previews.ts";
import type { Session, Sessions } from "./sessions/session.ts";
import { type Bound, type View, viewKey } from "./view.ts";

/** A request, who sends it and where to. */
export interface Arrival<AnyReply extends Reply = HttpReply> {
  readonly request: IncomingMessage;
  readonly reply: AnyReply;
  readonly view: View;
  readonly principal: Principal;
  /** Monotonic time of arrival. */
  readonly startedMs: number;
}

/** What is needed to find a session. */
export interface SessionSource {
  readonly sessions: Sessions;
  readonly audit?: AuditSink;
}

/** The session a legacy request belongs to; null when it was refused. `id` is the message's, `action` what the audit calls it. */
export function findSession(
  { sessions, audit }: SessionSource,
  { request, reply, view, principal }: Arrival,
  id: Buffer | undefined,
  action: string,
): Session | null {
  const sessionId = sessionIdOf(request);
  const session = sessionId === undefined ? undefined : sessions.find(sessionId, principal, viewKey(view));
  if (session !== undefined) return session;
  if (sessionId === undefined) {
    const message = "Mcp-Session-Id is missing: send initialize first, then the id it gave with every request";
    reply.json(400, errorResponse(id, JsonRpcCode.invalidRequest, message));
    return null;
  }
  if (sessions.isForeign(sessionId, principal)) {
    auditDenied(audit, { principal, reply }, action, "sessions", "the session is another principal's");
  }
  const message = "the session is unknown or has ended: send initialize again";
  reply.json(404, errorResponse(id, JsonRpcCode.invalidRequest, message));
  return null;
}

/** What is needed to say whether there is such an endpoint. */
export interface ViewSource {
  readonly lists: Pick<MergedLists, "shows">;
  readonly previews: Previews;
}

/**
 * The revision that the request names; null when it was refused, because the endpoint or the revision is not there, or not for this
 * principal. `id` is the message's.
 */
export function enter(
  { lists, previews }: ViewSource,
  { request, reply, view, principal }: Arrival<Reply>,
  id: Buffer | undefined,
): Bound | null | undefined {
  const isShown = lists.shows(view, principal);
  const bound = isShown ? previews.of(view, request.headers, principal) : null;
  if (bound !== null) return bound;
  const isInPath = !isShown || (view.kind === "server" && view.revision !== undefined);
  const named = String(request.headers[revisionHeader]).slice(0, namedMax);
  const what = isInPath ? `server "${viewKey(view)}"` : `revision "${named}"`;
  const error = new ManagerError("not_found", `${what} does not exist`, { server: isInPath ? viewKey(view) : named });
  reply.json(404, managerErrorResponse(id, error));
  return null;
}

/** So much of a header is shown back. */
const namedMax = 64;

/** The header comes once; Node joins what comes more often, and no session has such an id. */
export function sessionIdOf(request: IncomingMessage): string | undefined {
  const value = request.headers["mcp-session-id"];
  return typeof value === "string" ? value : undefined;
}
