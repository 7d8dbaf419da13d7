/**
 * The MCP endpoint: one HTTP request in, one answer out. The order below is the pipeline; each step says what it refuses and
 * why it stands where it stands. What a call needs after it is routed is in `forward.ts`; sockets are in `listener.ts`.
 *
 *   1 principal  known before a byte of the body is read; Host and Origin were checked before    401, 403   listener
 *   2 body       read once, capped                                                               413        readBody
 *   3 envelope   scanned once; nothing behind this line parses JSON                              400        scanEnvelope
 *   4 view       a server that is not there, or not for this principal                           404        MergedLists.shows
 *   5 era        from header and `_meta`, before the method is looked at                         400        checkEra
 *   6 session    legacy only; missing is 400, unknown 404                                        400, 404   Sessions.find
 *   7 method     what this era lacks, or is not carried yet, is unknown                          -32601     #serve
 *   8 route      names to servers; the principal's rights decide what exists                     -32602     Router
 *   9 forward    replica, bridge, deadline, answer; counted and audited once, where it ends      503, 504   Forward
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { ManagerError } from "@mcp-manager/api";
import { type Envelope, scanEnvelope } from "../protocol/envelope.ts";
import { errorResponse, JsonRpcCode, managerErrorResponse } from "../protocol/errors.ts";
import { methodInfo } from "../protocol/methods.ts";
import type { Principal } from "../security/principal.ts";
import { readBody } from "./body.ts";
import { auditDenied } from "./call-audit.ts";
import type { Call } from "./call.ts";
import type { Catalog } from "./catalog.ts";
import { checkEra, saysModern } from "./era-check.ts";
import { Forward, type ForwardDependencies } from "./forward.ts";
import type { Introduction } from "./introduction.ts";
import type { MergedLists } from "./merged-list.ts";
import { OwnAnswers } from "./own-answers.ts";
import { HttpReply, type RawHeaders } from "./reply.ts";
import type { Routed, Router } from "./route.ts";
import type { Session, Sessions } from "./session.ts";
import { type View, viewKey } from "./view.ts";

export interface EndpointOptions extends ForwardDependencies {
  readonly sessions: Sessions;
  readonly introduction: Introduction;
  readonly lists: MergedLists;
  readonly catalog: Pick<Catalog, "renewed">;
  readonly router: Router;
  /** Largest request body, in bytes. Default 4 MiB. */
  readonly bodyBytesMax: number;
}

/** One HTTP request on its way to a message. */
interface Arrival {
  readonly request: IncomingMessage;
  readonly reply: HttpReply;
  readonly view: View;
  readonly principal: Principal;
  /** Monotonic time of arrival. */
  readonly startedMs: number;
}

const methodsTaken: RawHeaders = ["allow", "POST, DELETE"];

export class McpEndpoint {
  readonly #options: EndpointOptions;
  readonly #own: OwnAnswers;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#own = new OwnAnswers(options);
  }

  /** Serves one HTTP request on an MCP path. Never throws. */
  handle(request: IncomingMessage, response: ServerResponse, view: View, principal: Principal): void {
    const reply = new HttpReply(response, request.headers.accept);
    const arrival: Arrival = { request, reply, view, principal, startedMs: this.#options.clock.nowMs() };
    if (request.method === "DELETE") return this.#endSession(arrival);
    if (request.method !== "POST") return reply.empty(405, methodsTaken);
    readBody(request, response, this.#options.bodyBytesMax, {
      onBody: (bytes) => this.#receive(bytes, arrival),
      onTooLarge: (bytesMax) => {
        const message = `the request is larger than ${bytesMax} bytes`;
        reply.json(413, errorResponse(undefined, JsonRpcCode.invalidRequest, message));
      },
    });
  }

  #receive(bytes: Buffer, arrival: Arrival): void {
    const { request, reply, view, principal, startedMs } = arrival;
    const scan = scanEnvelope(bytes);
    if (!scan.ok) return reply.json(400, errorResponse(scan.id, scan.code, scan.message));
    const { envelope } = scan;
    const id = envelope.raw("id");
    if (!this.#options.lists.shows(view, principal)) return refuseView(reply, view, id);
    const era = checkEra(envelope, request.headers);
    if (typeof era !== "string") return reply.json(400, errorResponse(id, era.code, era.message, era.data));
    const isLegacy = era === "legacy";
    const session = isLegacy && envelope.method !== "initialize" ? this.#session(envelope, arrival) : undefined;
    if (session === null) return;
    if (envelope.kind !== "request" || id === undefined) return onNotification(envelope, session, reply);
    const paramHeaders = isLegacy ? noHeaders : paramHeadersOf(request);
    this.#serve({ view, principal, era, envelope, id, session, paramHeaders, reply, startedMs });
  }

  /** The session a legacy message belongs to; null when it was refused. */
  #session(envelope: Envelope, { request, reply, view, principal }: Arrival): Session | null {
    const { sessions, audit } = this.#options;
    const sessionId = sessionIdOf(request);
    const session = sessionId === undefined ? undefined : sessions.find(sessionId, principal, viewKey(view));
    if (session !== undefined) return session;
    const id = envelope.raw("id");
    if (sessionId === undefined) {
      const message = "Mcp-Session-Id is missing: send initialize first, then the id it gave with every request";
      reply.json(400, errorResponse(id, JsonRpcCode.invalidRequest, message));
      return null;
    }
    if (sessions.isForeign(sessionId, principal)) {
      auditDenied(audit, { principal, reply }, envelope.method, "sessions", "the session is another principal's");
    }
    const message = "the session is unknown or has ended: send initialize again";
    reply.json(404, errorResponse(id, JsonRpcCode.invalidRequest, message));
    return null;
  }

  #serve(call: Call): void {
    const { method } = call.envelope;
    const info = methodInfo(method);
    if (info === undefined || info.kind !== "request" || !info.eras.includes(call.era))
      return this.#own.unknownMethod(call);
    switch (method) {
      case "tools/call":
        return this.#forwardByName(call, "tools");
      case "prompts/get":
        return this.#forwardByName(call, "prompts");
      case "resources/read":
        return this.#forward(call, this.#options.router.byUri(call));
      case "initialize":
        return this.#own.initialize(call);
      case "server/discover":
        return this.#own.discover(call);
      case "ping":
        return this.#own.ping(call);
      case "logging/setLevel":
        return this.#own.setLevel(call);
      default:
        return info.listMember === undefined ? this.#own.unknownMethod(call) : this.#own.list(call, info.listMember);
    }
  }

  #forwardByName(call: Call, member: "tools" | "prompts"): void {
    const { router, catalog } = this.#options;
    const routed = router.byName(call, member);
    if (routed.kind !== "unlisted") return this.#forward(call, routed);
    void catalog.renewed(routed.server, member).then(() => this.#forward(call, router.byName(call, member)));
  }

  #forward(call: Call, routed: Routed): void {
    if (routed.kind === "destination") {
      const { destination } = routed;
      return new Forward(this.#options, call, destination).start(destination);
    }
    if (routed.kind === "unknown" && routed.denied !== undefined)
      auditDenied(this.#options.audit, call, call.envelope.method, routed.denied, "not allowed");
    this.#own.refuse(call, 200, JsonRpcCode.invalidParams, routed.message);
  }

  #endSession({ request, reply, view, principal }: Arrival): void {
    const sessionId = sessionIdOf(request);
    // The modern era has no sessions, and ignores their ids.
    if (sessionId === undefined || saysModern(request.headers)) return reply.empty(405, methodsTaken);
    const session = this.#options.sessions.find(sessionId, principal, viewKey(view));
    if (session === undefined) return reply.empty(404);
    this.#options.sessions.end(session, "the client ended the session");
    reply.empty(204);
  }
}

function onNotification(envelope: Envelope, session: Session | undefined, reply: HttpReply): void {
  reply.empty(202);
  if (envelope.method !== "notifications/cancelled" || session === undefined) return;
  const target = envelope.raw("requestId");
  if (target !== undefined) session.cancel(target, "the client cancelled the request");
}

function refuseView(reply: HttpReply, view: View, id: Buffer | undefined): void {
  const server = viewKey(view);
  const error = new ManagerError("not_found", `server "${server}" does not exist`, { server });
  reply.json(404, managerErrorResponse(id, error));
}

/** The header comes once; Node joins what comes more often, and no session has such an id. */
function sessionIdOf(request: IncomingMessage): string | undefined {
  const value = request.headers["mcp-session-id"];
  return typeof value === "string" ? value : undefined;
}

/** `Mcp-Param-*` headers in the order and spelling they came in; nearly always none. */
function paramHeadersOf({ rawHeaders: raw }: IncomingMessage): readonly string[] {
  let found: string[] | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? "";
    // Most names are told apart by their length and first letter, without a copy.
    if (name.length <= 10 || (name.charCodeAt(0) | 0x20) !== 0x6d) continue;
    if (name.slice(0, 10).toLowerCase() === "mcp-param-") (found ??= []).push(name, raw[i + 1] ?? "");
  }
  return found ?? noHeaders;
}

const noHeaders: readonly string[] = [];
