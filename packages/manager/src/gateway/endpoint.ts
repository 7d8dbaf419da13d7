/**
 * The MCP endpoint: one HTTP request in, one answer out. The order below is the pipeline; each step says what it refuses and
 * why it stands where it stands. What a call needs after it is routed is in `forward.ts`; sockets are in `listener.ts`.
 *
 *   1 principal     known before a byte of the body is read (the listener has checked Host and Origin before)
 *   2 body          read once, capped
 *   3 envelope      scanned once; nothing behind this line parses JSON
 *   4 era           from header and `_meta`, before the method is looked at
 *   5 session       legacy only; its absence is 400, an unknown one 404
 *   6 method        what this era lacks, or the gateway does not carry yet, is refused as unknown
 *   7 route         names to servers; the principal's rights decide what exists
 *   8 forward       replica, bridge, deadline, answer; counted once, where it ends
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import { type Envelope, scanEnvelope } from "../protocol/envelope.ts";
import { legacyVersions, modernVersions } from "../protocol/era.ts";
import { errorResponse, JsonRpcCode, managerErrorResponse } from "../protocol/errors.ts";
import { checkHeaders } from "../protocol/headers.ts";
import { emptyResult } from "../protocol/legacy.ts";
import type { ListMember } from "../protocol/list.ts";
import { methodInfo } from "../protocol/methods.ts";
import type { Principal } from "../security/principal.ts";
import { readBody } from "./body.ts";
import type { Call } from "./call.ts";
import { Forward, type ForwardDependencies, replyWithError } from "./forward.ts";
import type { Introduction } from "./introduction.ts";
import type { MergedLists, View } from "./merged-list.ts";
import { HttpReply } from "./reply.ts";
import type { Routed, Router } from "./route.ts";
import { logLevels, type Session, type Sessions } from "./session.ts";

export interface EndpointOptions extends ForwardDependencies {
  readonly clock: Clock;
  readonly sessions: Sessions;
  readonly introduction: Introduction;
  readonly lists: MergedLists;
  readonly router: Router;
  /** Largest request body, in bytes. Default 4 MiB. */
  readonly bodyBytesMax: number;
}

const listedBy: Readonly<Record<string, ListMember>> = {
  "tools/list": "tools",
  "prompts/list": "prompts",
  "resources/list": "resources",
  "resources/templates/list": "resourceTemplates",
};

/** Revisions from here on describe themselves in every request. */
const firstModernVersion = "2026-07-28";

export class McpEndpoint {
  readonly #options: EndpointOptions;

  constructor(options: EndpointOptions) {
    this.#options = options;
  }

  /** Serves one HTTP request on an MCP path. Never throws. */
  handle(request: IncomingMessage, response: ServerResponse, view: View, principal: Principal): void {
    const startedMs = this.#options.clock.nowMs();
    const reply = new HttpReply(response, request.headers.accept);
    if (request.method === "DELETE") return this.#endSession(request, reply, view, principal);
    if (request.method !== "POST") return reply.empty(405, ["allow", "POST, DELETE"]);
    readBody(request, this.#options.bodyBytesMax, {
      onBody: (bytes) => this.#receive(bytes, request, reply, view, principal, startedMs),
      onTooLarge: (bytesMax) => {
        const message = `the request is larger than ${bytesMax} bytes`;
        reply.json(413, errorResponse(undefined, JsonRpcCode.invalidRequest, message), ["connection", "close"]);
      },
    });
  }

  #receive(
    bytes: Buffer,
    request: IncomingMessage,
    reply: HttpReply,
    view: View,
    principal: Principal,
    startedMs: number,
  ): void {
    const scan = scanEnvelope(bytes);
    if (!scan.ok) return reply.json(400, errorResponse(scan.id, scan.code, scan.message));
    const { envelope } = scan;
    const version = headerOf(request, "mcp-protocol-version");
    const id = envelope.raw("id");
    const modern = envelope.has("protocolVersion") || (version !== undefined && version >= firstModernVersion);
    const refusal = modern
      ? refuseModern(envelope, request)
      : version !== undefined && !legacyVersions.includes(version)
        ? refused(
            400,
            JsonRpcCode.unsupportedProtocolVersion,
            `unsupported protocol version ${version}`,
            supported(version),
          )
        : undefined;
    if (refusal !== undefined)
      return reply.json(refusal.status, errorResponse(id, refusal.code, refusal.message, refusal.data));
    const session = modern ? undefined : this.#session(envelope, request, reply, view, principal);
    if (session === null) return;
    if (envelope.kind !== "request" || id === undefined) return this.#onNotification(envelope, session, reply);
    const paramHeaders = modern ? paramHeadersOf(request) : [];
    this.#serve({
      view,
      principal,
      era: modern ? "modern" : "legacy",
      envelope,
      id,
      session,
      paramHeaders,
      reply,
      startedMs,
    });
  }

  /** The session a legacy message belongs to; undefined for `initialize`; null when it was refused. */
  #session(
    envelope: Envelope,
    request: IncomingMessage,
    reply: HttpReply,
    view: View,
    principal: Principal,
  ): Session | undefined | null {
    if (envelope.method === "initialize") return undefined;
    const sessionId = headerOf(request, "mcp-session-id");
    const session =
      sessionId === undefined ? undefined : this.#options.sessions.find(sessionId, principal, viewKey(view));
    if (session !== undefined) return session;
    const status = sessionId === undefined ? 400 : 404;
    const message =
      sessionId === undefined
        ? "Mcp-Session-Id is missing: send initialize first, then the id it gave with every request"
        : "the session is unknown or has ended: send initialize again";
    reply.json(status, errorResponse(envelope.raw("id"), JsonRpcCode.invalidRequest, message));
    return null;
  }

  #onNotification(envelope: Envelope, session: Session | undefined, reply: HttpReply): void {
    reply.empty(202);
    if (envelope.method !== "notifications/cancelled" || session === undefined) return;
    const target = envelope.raw("requestId")?.toString("latin1");
    if (target !== undefined) session.calls.get(target)?.cancel("the client cancelled the request");
  }

  #serve(call: Call): void {
    const { method } = call.envelope;
    const info = methodInfo(method);
    if (info === undefined || info.kind !== "request" || !info.eras.includes(call.era))
      return this.#unknownMethod(call);
    switch (method) {
      case "tools/call":
        return this.#forward(call, this.#options.router.byName(call, "tools"));
      case "prompts/get":
        return this.#forward(call, this.#options.router.byName(call, "prompts"));
      case "resources/read":
        return this.#forward(call, this.#options.router.byUri(call));
      case "initialize":
        return this.#settle(call, this.#initialize(call));
      case "server/discover":
        return this.#settle(call, this.#options.introduction.discover(call.view, call.principal, call.id));
      case "ping":
        return this.#answer(call, emptyResult(call.id));
      case "logging/setLevel":
        return this.#setLevel(call);
      default: {
        const member = listedBy[method];
        return member === undefined ? this.#unknownMethod(call) : this.#list(call, member);
      }
    }
  }

  #forward(call: Call, routed: Routed): void {
    if (routed.kind === "unknown") return this.#refuse(call, 200, JsonRpcCode.invalidParams, routed.message);
    new Forward(this.#options, call, routed.destination.route).start(routed.destination);
  }

  #list(call: Call, member: ListMember): void {
    // Everything is on the first page, so there is no cursor that anybody could have been given.
    if (call.envelope.has("cursor"))
      return this.#refuse(call, 200, JsonRpcCode.invalidParams, "params.cursor is unknown");
    const made = this.#options.lists.list(call.view, member, call.era, call.principal, call.id);
    if (made instanceof Promise) this.#settle(call, made);
    else this.#answer(call, made);
  }

  async #initialize(call: Call): Promise<Buffer> {
    const { introduction, sessions } = this.#options;
    const version = introduction.negotiate(call.envelope.text("initVersion"));
    const answer = await introduction.initialize(call.view, call.principal, call.id, version);
    const session = sessions.open(call.principal, viewKey(call.view), version);
    call.reply.json(200, answer, ["mcp-session-id", session.id]);
    return answer;
  }

  #setLevel(call: Call): void {
    const level = call.envelope.text("level");
    if (level === undefined || !logLevels.includes(level)) {
      return this.#refuse(call, 200, JsonRpcCode.invalidParams, `params.level must be one of ${logLevels.join(", ")}`);
    }
    if (call.session !== undefined) call.session.logLevel = level;
    this.#answer(call, emptyResult(call.id));
  }

  #endSession(request: IncomingMessage, reply: HttpReply, view: View, principal: Principal): void {
    const sessionId = headerOf(request, "mcp-session-id");
    if (sessionId === undefined) return reply.empty(405, ["allow", "POST, DELETE"]);
    const session = this.#options.sessions.find(sessionId, principal, viewKey(view));
    if (session === undefined) return reply.empty(404);
    this.#options.sessions.end(session, "the client ended the session");
    reply.empty(204);
  }

  #unknownMethod(call: Call): void {
    const { method } = call.envelope;
    this.#refuse(call, call.era === "modern" ? 404 : 200, JsonRpcCode.methodNotFound, `Method not found: ${method}`);
  }

  #refuse(call: Call, status: number, code: number, message: string): void {
    call.reply.json(status, errorResponse(call.id, code, message));
    this.#count(call, "refused");
  }

  #answer(call: Call, message: Buffer): void {
    call.reply.json(200, message);
    this.#count(call, "result");
  }

  #settle(call: Call, answer: Promise<Buffer>): void {
    answer.then(
      (message) => this.#answer(call, message),
      (error: unknown) => {
        replyWithError(call, ManagerError.from(error));
        this.#count(call, "unavailable");
      },
    );
  }

  #count(call: Call, outcome: "result" | "refused" | "unavailable"): void {
    const known = methodInfo(call.envelope.method) === undefined ? "other" : call.envelope.method;
    this.#options.metrics.of("", "", known).ended(outcome, this.#options.clock.nowMs() - call.startedMs);
  }
}

/** A header that comes once; Node joins or drops the rest. */
function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : undefined;
}

interface Refusal {
  readonly status: number;
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

function refused(status: number, code: number, message: string, data?: unknown): Refusal {
  return { status, code, message, data };
}

/** What a modern request must carry, in the order of the specification's own checks. */
function refuseModern(envelope: Envelope, request: IncomingMessage): Refusal | undefined {
  if (envelope.kind !== "request") return envelope.kind === "response" ? unaskedAnswer : undefined;
  const version = envelope.text("protocolVersion");
  if (version === undefined || !envelope.has("clientCapabilities")) {
    const missing = version === undefined ? "protocolVersion" : "clientCapabilities";
    return refused(400, JsonRpcCode.invalidParams, `params._meta["io.modelcontextprotocol/${missing}"] is missing`);
  }
  const mismatch = checkHeaders(request.headers, envelope);
  if (mismatch !== undefined) return refused(400, mismatch.code, mismatch.message);
  if (!modernVersions.includes(version)) {
    return refused(
      400,
      JsonRpcCode.unsupportedProtocolVersion,
      `unsupported protocol version ${version}`,
      supported(version),
    );
  }
  return undefined;
}

const unaskedAnswer: Refusal = {
  status: 400,
  code: JsonRpcCode.invalidRequest,
  message: "a client of this protocol revision sends no responses",
};

function supported(requested: string): { supported: readonly string[]; requested: string } {
  return { supported: [...modernVersions, ...legacyVersions], requested };
}

function viewKey(view: View): string {
  return view.kind === "aggregate" ? "*" : view.server;
}

/** `Mcp-Param-*` headers in the order and spelling they came in; nearly always none. */
function paramHeadersOf(request: IncomingMessage): readonly string[] {
  const raw = request.rawHeaders;
  let found: string[] | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? "";
    if (name.length > 10 && name.slice(0, 10).toLowerCase() === "mcp-param-")
      (found ??= []).push(name, raw[i + 1] ?? "");
  }
  return found ?? noHeaders;
}

const noHeaders: readonly string[] = [];

/** A failure before there is a call to answer: the listener's own (no credential, unknown server). */
export function refuseRequest(
  reply: HttpReply,
  status: number,
  error: ManagerError,
  extra: readonly string[] = [],
): void {
  reply.json(status, managerErrorResponse(undefined, error), extra);
}
