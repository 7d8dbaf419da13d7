/**
 * The MCP endpoint: one HTTP request in, one answer out. The order below is the pipeline; each step says what it refuses and
 * why it stands where it stands. What a call needs after it is routed is in `forward.ts`; sockets are in `listener.ts`.
 *
 *   1 principal  known before a byte of the body is read; Host and Origin were checked before    401, 403   listener
 *   2 body       read once, capped, as it is                                                     413, 415   readBody
 *   3 envelope   scanned once; nothing behind this line parses JSON                              400        scanEnvelope
 *   4 view       a server or revision that is not there, or not for this principal               404        enter
 *   5 era        from header and `_meta`, before the method is looked at                         400        checkEra
 *   6 session    legacy only; missing is 400, unknown 404                                        400, 404   Sessions.find
 *   7 method     what this era lacks, or is not carried yet, is unknown; an extension's is       -32601     #serve
 *                its server's, on that server's own endpoint
 *   8 route      names to servers; the principal's rights decide what exists                     -32602     Router
 *   9 passage    the server's rate, breaker and places, then a replica with little to do         429, 503   Passage
 *  10 forward    bridge, deadline, answer; counted and audited once, where it ends               503, 504   Forward
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Envelope, scanEnvelope } from "../protocol/envelope.ts";
import type { Era } from "../protocol/era.ts";
import { errorResponse, JsonRpcCode } from "../protocol/errors.ts";
import { mayBeExtension, type MethodInfo, methodInfo } from "../protocol/methods.ts";
import { isOfTasks, isTaskMethod } from "../protocol/tasks.ts";
import type { Principal } from "../security/principal.ts";
import { type Arrival, enter, findSession, sessionIdOf } from "./arrival.ts";
import { receiveBatch, type ScanRefusal } from "./batch.ts";
import { discardBody, isEncoded, readBody } from "./body.ts";
import { auditDenied } from "./calls/call-audit.ts";
import type { Call } from "./calls/call.ts";
import type { Gate } from "./door/gate.ts";
import type { PrincipalLoad } from "./door/principal-load.ts";
import { isRetry, Retries, retryTo, stateExpired, stateNotGiven } from "./asking/retries.ts";
import type { Catalog } from "./lists/catalog.ts";
import { checkEra, saysModern } from "./era-check.ts";
import { Forward, type ForwardDependencies } from "./calls/forward.ts";
import type { Introduction } from "./introduction/introduction.ts";
import { answerGet, methodsTaken } from "./sessions/listening.ts";
import type { MergedLists } from "./lists/merged-list.ts";
import type { ScopedLists } from "./lists/scoped-lists.ts";
import { OwnAnswers } from "./own-answers.ts";
import { HttpReply, type Reply } from "./reply.ts";
import type { Previews } from "./routing/previews.ts";
import type { Routed, Router } from "./routing/route.ts";
import type { Session, Sessions } from "./sessions/session.ts";
import { SubscriptionRequests } from "./subscriptions/subscription-requests.ts";
import type { Subscriptions } from "./subscriptions/subscriptions.ts";
import type { Destination } from "./calls/upstream-leg.ts";
import type { Tasks } from "./tasks/tasks.ts";
import { type Bound, type View, viewKey } from "./view.ts";

export interface EndpointOptions extends ForwardDependencies {
  readonly sessions: Sessions;
  readonly introduction: Introduction;
  readonly lists: MergedLists;
  readonly scopedLists: ScopedLists;
  readonly catalog: Pick<Catalog, "renewed">;
  readonly router: Router;
  readonly previews: Previews;
  readonly tasks: Tasks;
  readonly subscriptions: Subscriptions;
  /** Says whether a session may be opened now. */
  readonly gate: Pick<Gate, "refuseSession">;
  /** Largest request body, in bytes. Default 4 MiB. */
  readonly bodyBytesMax: number;
}

export class McpEndpoint {
  readonly #options: EndpointOptions;
  readonly #own: OwnAnswers;
  readonly #subscriptions: SubscriptionRequests;
  readonly #retries: Retries;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#own = new OwnAnswers(options);
    this.#subscriptions = new SubscriptionRequests(options);
    this.#retries = new Retries(options);
  }

  /** Serves one HTTP request on an MCP path; it counts in `load` while it is open. Never throws. */
  handle(
    request: IncomingMessage,
    response: ServerResponse,
    view: View,
    principal: Principal,
    load?: PrincipalLoad,
  ): void {
    const reply = new HttpReply(response, request.headers.accept, load);
    const arrival: Arrival = { request, reply, view, principal, startedMs: this.#options.clock.nowMs() };
    if (request.method === "DELETE") return this.#endSession(arrival);
    if (request.method === "GET") return answerGet(this.#options, arrival, response);
    if (request.method !== "POST") return reply.empty(405, methodsTaken);
    if (isEncoded(request)) return refuseEncoded(request, response, reply);
    readBody(request, response, this.#options.bodyBytesMax, {
      onBody: (bytes) => this.#receive(bytes, arrival),
      onTooLarge: (bytesMax) => {
        const message = `the request is larger than ${bytesMax} bytes`;
        reply.json(413, errorResponse(undefined, JsonRpcCode.invalidRequest, message));
      },
    });
  }

  #receive(bytes: Buffer, arrival: Arrival): void {
    const { request, reply } = arrival;
    const scan = scanEnvelope(bytes);
    if (!scan.ok) return this.#receiveOther(bytes, scan, arrival);
    const { envelope } = scan;
    const id = envelope.raw("id");
    const bound = enter(this.#options, arrival, id);
    if (bound === null) return;
    const era = checkEra(envelope, request.headers);
    if (typeof era !== "string") return reply.json(400, errorResponse(id, era.code, era.message, era.data));
    const isOpening = era === "modern" || envelope.method === "initialize";
    const session = isOpening ? undefined : findSession(this.#options, arrival, id, envelope.method);
    if (session === null) return;
    if (session !== undefined) reply.streams = session.streams;
    this.#dispatch(envelope, era, session, bound, arrival);
  }

  #dispatch(
    envelope: Envelope,
    era: Era,
    session: Session | undefined,
    bound: Bound | undefined,
    arrival: Arrival<Reply>,
  ): void {
    const { request, reply, view, principal, startedMs } = arrival;
    const id = envelope.raw("id");
    if (envelope.kind === "response") return onAnswer(envelope, session, reply);
    if (envelope.kind !== "request" || id === undefined) return onNotification(envelope, session, reply);
    const paramHeaders = era === "legacy" ? noHeaders : paramHeadersOf(request);
    const { headers } = request;
    this.#serve({ view, principal, era, envelope, id, session, bound, headers, paramHeaders, reply, startedMs });
  }

  /** What is no message: a batch, where the session's revision has them, or nothing that is taken. */
  #receiveOther(bytes: Buffer, refusal: ScanRefusal, arrival: Arrival): void {
    const batch = receiveBatch(this.#options, arrival, bytes, refusal);
    if (batch === undefined) return;
    for (const { envelope, reply } of batch.messages)
      this.#dispatch(envelope, "legacy", batch.session, batch.bound, { ...arrival, reply });
  }

  #serve(call: Call): void {
    const { method } = call.envelope;
    const info = methodInfo(method);
    if (info === undefined) return isOfTasks(method) ? this.#forwardTask(call) : this.#forwardExtension(call);
    if (info.kind !== "request" || !info.eras.includes(call.era)) return this.#own.unknownMethod(call);
    if (!isRetry(call)) return this.#route(call, info);
    const retry = this.#retries.opened(call);
    if (retry.state === "expired") return this.#own.refuseExpired(retry, stateExpired);
    this.#route(retry, info);
  }

  #route(call: Call, info: MethodInfo): void {
    switch (info.method) {
      case "tools/call":
        return this.#forwardByName(call, "tools");
      case "prompts/get":
        return this.#forwardByName(call, "prompts");
      case "resources/read":
        return this.#forward(call, this.#options.router.byUri(call));
      case "completion/complete":
        return this.#forwardByRef(call);
      case "initialize":
        return this.#own.initialize(call);
      case "server/discover":
        return this.#own.discover(call);
      case "ping":
        return this.#own.ping(call);
      case "logging/setLevel":
        return this.#own.setLevel(call);
      case "resources/subscribe":
        return this.#subscriptions.subscribe(call);
      case "resources/unsubscribe":
        return this.#subscriptions.unsubscribe(call);
      case "subscriptions/listen":
        return this.#subscriptions.listen(call);
      default:
        return info.listMember === undefined ? this.#own.unknownMethod(call) : this.#own.list(call, info.listMember);
    }
  }

  #forwardByName(call: Call, member: "tools" | "prompts"): void {
    const { router, catalog } = this.#options;
    const routed = router.byName(call, member);
    if (routed.kind !== "unlisted") return this.#forward(call, routed);
    void catalog
      .renewed(routed.server, member, routed.revision)
      .then(() => this.#forward(call, router.byName(call, member)));
  }

  #forwardByRef(call: Call): void {
    const { router, catalog } = this.#options;
    const routed = router.byRef(call);
    if (routed.kind !== "unlisted") return this.#forward(call, routed);
    void catalog.renewed(routed.server, "prompts", routed.revision).then(() => this.#forward(call, router.byRef(call)));
  }

  /** About one task, which its id alone says where to find; and what only tasks have is nobody's other extension. */
  #forwardTask(call: Call): void {
    const { envelope, era } = call;
    const { tasks, introduction } = this.#options;
    const isCarried = isTaskMethod(envelope.method, era) && (envelope.has("taskId") || introduction.hasTasks(call));
    if (!isCarried) return this.#own.unknownMethod(call);
    const routed = tasks.route(call);
    if (routed.kind === "expired") return this.#own.refuseExpired(call, "the task has expired");
    this.#forward(call, routed);
  }

  /** What no revision has may be a method of an extension. Whether its client negotiated that is for the server to say. */
  #forwardExtension(call: Call): void {
    const { router, introduction } = this.#options;
    const { era, envelope } = call;
    const isCarried = era === "modern" && mayBeExtension(envelope.method) && introduction.hasExtensions(call);
    if (!isCarried) return this.#own.unknownMethod(call);
    const routed = router.byView(call);
    if (routed.kind !== "unknown") return this.#forward(call, routed);
    this.#auditDenied(call, routed.denied);
    this.#own.unknownMethod(call);
  }

  #forward(call: Call, routed: Routed): void {
    if (routed.kind === "destination") {
      const { destination } = routed;
      return isRetry(call) ? this.#goOn(call, destination) : new Forward(this.#options, call, destination).start();
    }
    if (routed.kind === "mismatch") return this.#own.refuse(call, 400, routed.code, routed.message);
    if (routed.kind === "unknown") this.#auditDenied(call, routed.denied);
    this.#own.refuse(call, 200, JsonRpcCode.invalidParams, routed.message);
  }

  #auditDenied(call: Call, target: string | undefined): void {
    if (target !== undefined) auditDenied(this.#options.audit, call, call.envelope.method, target, "not allowed");
  }

  /** A modern client brings what it was asked for: to the revision that asked, or to the call that waits here. */
  #goOn(call: Call, destination: Destination): void {
    const { state } = call;
    if (typeof state === "object" && state.server === destination.route.name) {
      if (state.kind === "upstream")
        return new Forward(this.#options, call, retryTo(destination, state, call.envelope)).start();
      const parked = this.#options.parked.take(state.name, call.principal.hash);
      if (parked !== undefined) return parked.resume(call);
      return this.#own.refuseExpired(call, stateExpired);
    }
    const { audit, states } = this.#options;
    if (states.isForeign(call)) {
      const target = `servers/${destination.route.name}`;
      auditDenied(audit, call, call.envelope.method, target, "the requestState is another principal's");
    }
    this.#own.refuse(call, 200, JsonRpcCode.invalidParams, stateNotGiven);
  }

  /** Ends the streams on which clients listen: they would keep a closing listener waiting. */
  endStreams(): void {
    this.#options.sessions.endStreams();
    this.#options.subscriptions.endStreams();
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

function refuseEncoded(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  discardBody(request, response);
  const message = "the body is compressed: send it as it is, without Content-Encoding";
  reply.json(415, errorResponse(undefined, JsonRpcCode.invalidRequest, message), ["accept-encoding", "identity"]);
}

/** Late answers cross the withdrawal of their question; what was never asked is refused. */
function onAnswer(response: Envelope, session: Session | undefined, reply: Reply): void {
  if (session !== undefined && session.questions.answer(response) !== "unknown") return reply.empty(202);
  const message = "the response answers nothing that was asked in this session";
  reply.json(400, errorResponse(undefined, JsonRpcCode.invalidRequest, message));
}

function onNotification(envelope: Envelope, session: Session | undefined, reply: Reply): void {
  reply.empty(202);
  if (envelope.method === "notifications/progress") session?.questions.progress(envelope);
  if (envelope.method !== "notifications/cancelled" || session === undefined) return;
  const target = envelope.raw("requestId");
  if (target !== undefined) session.cancel(target, "the client cancelled the request");
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
