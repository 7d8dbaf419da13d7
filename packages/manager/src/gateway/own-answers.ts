/**
 * The requests that the gateway answers itself, from what it knows: opening a session, introductions, lists, the log level. No
 * server is asked while a caller waits, but for a list or an introduction that is not known yet.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Watched } from "../base/watched.ts";
import { errorResponse, JsonRpcCode } from "../protocol/errors.ts";
import { clientProfile } from "../protocol/client-profile.ts";
import { emptyResult } from "../protocol/legacy.ts";
import type { ListMember } from "../protocol/methods.ts";
import type { CallMetrics, CallOutcome } from "./calls/call-metrics.ts";
import type { Call } from "./calls/call.ts";
import type { Gate } from "./door/gate.ts";
import { replyWithError } from "./calls/failure.ts";
import type { Introduction } from "./introduction/introduction.ts";
import type { ListRequest, MergedLists } from "./lists/merged-list.ts";
import type { ScopedLists } from "./lists/scoped-lists.ts";
import type { RawHeaders } from "./reply.ts";
import { logLevels } from "./calls/log-level.ts";
import { revisionHeader } from "./routing/previews.ts";
import { clientNameIn, revisionOf, seenRevision } from "./routing/revision-of.ts";
import type { RoutingTable } from "./routing/routing-table.ts";
import { seenBy } from "./routing/seen-revisions.ts";
import type { Opening, Session, Sessions } from "./sessions/session.ts";
import { viewKey } from "./view.ts";

export interface OwnAnswersOptions {
  readonly clock: Clock;
  readonly metrics: CallMetrics;
  readonly table: Watched<RoutingTable>;
  readonly sessions: Sessions;
  readonly introduction: Introduction;
  readonly lists: MergedLists;
  readonly scopedLists: ScopedLists;
  readonly gate: Pick<Gate, "refuseSession">;
}

export class OwnAnswers {
  readonly #options: OwnAnswersOptions;

  constructor(options: OwnAnswersOptions) {
    this.#options = options;
  }

  initialize(call: Call): void {
    const { introduction, sessions, gate } = this.#options;
    const refusal = gate.refuseSession();
    if (refusal !== undefined) return this.#fail(call, refusal);
    const version = introduction.negotiate(call.envelope.text("initVersion"));
    introduction.initialize(call, version).then(
      (message) => {
        // A client that went away while it waited has no use for a session.
        if (call.reply.ended) return this.#count(call, "cancelled");
        this.#attempt(call, () => {
          const { id } = sessions.open(call.principal, viewKey(call.view), version, this.#openingOf(call));
          this.#answer(call, message, ["mcp-session-id", id]);
        });
      },
      (error: unknown) => this.#fail(call, error),
    );
  }

  /** A session of one server is told of one revision here, and stays on it. */
  #openingOf(call: Call): Opening {
    const { view, envelope, bound } = call;
    const profile = clientProfile(envelope.raw("initCapabilities"));
    const clientName = clientNameIn(envelope.raw("initClientInfo"));
    const route = view.kind === "server" ? this.#options.table.current.servers.get(view.server) : undefined;
    // What a request names itself is named by each of the session's requests.
    const revision = route === undefined || bound !== undefined ? undefined : revisionOf(call, route);
    return { profile, clientName, revision };
  }

  discover(call: Call): void {
    this.#settle(call, this.#options.introduction.discover(call));
  }

  ping(call: Call): void {
    this.#answer(call, emptyResult(call.id));
  }

  setLevel(call: Call): void {
    const level = call.envelope.text("level");
    if (level === undefined || !logLevels.includes(level)) {
      return this.refuse(call, 200, JsonRpcCode.invalidParams, `params.level must be one of ${logLevels.join(", ")}`);
    }
    if (call.session !== undefined) call.session.logLevel = level;
    this.#answer(call, emptyResult(call.id));
  }

  list(call: Call, member: ListMember): void {
    const { lists, scopedLists } = this.#options;
    const request = this.#listRequest(call, member);
    if (request === undefined) return;
    if (call.session !== undefined) this.#remember(call, call.session);
    const own = scopedLists.of(call, member);
    if (own !== undefined)
      return this.#settle(
        call,
        own.then((list) => lists.listOwn(request, list)),
      );
    this.#attempt(call, () => {
      const made = lists.list(request);
      if (made instanceof Promise) void made.then(() => this.#listNow(call, member));
      else this.#answer(call, made);
    });
  }

  /** After a wait: what the caller sees may be another revision than it was before. */
  #listNow(call: Call, member: ListMember): void {
    const request = this.#listRequest(call, member);
    if (request !== undefined) this.#attempt(call, () => this.#answer(call, this.#options.lists.listNow(request)));
  }

  /** What a call asks for, as its caller sees it now; undefined when it was refused. */
  #listRequest(call: Call, member: ListMember): ListRequest | undefined {
    const { view, era, principal, id, envelope } = call;
    const { lists, table } = this.#options;
    const cursor = envelope.has("cursor") ? (envelope.text("cursor") ?? "") : undefined;
    const seen = seenBy(call, table.current);
    const after = cursor === undefined ? undefined : lists.position({ view, member, principal, seen }, cursor);
    if (cursor === undefined || after !== undefined) return { view, member, era, principal, id, after, seen };
    const message =
      "params.cursor is not one of this list, is over an hour old, or of a revision that you are not sent to now: ask for the first page again";
    this.refuse(call, 200, JsonRpcCode.invalidParams, message);
    return undefined;
  }

  /** That a session was shown lists, and of which revision, where a header of this very request had a say in that. */
  #remember(call: Call, session: Session): void {
    const { lists, table } = this.#options;
    session.hasListed = true;
    for (const route of table.current.moving) {
      const { name: server, revisions } = route;
      const isShown = call.view.kind === "aggregate" || call.view.server === server;
      if (!isShown || revisions?.next?.match.some((match) => "header" in match) !== true) continue;
      if (lists.shows({ kind: "server", server }, call.principal)) revisionOf(call, route);
    }
  }

  /** A method that this era lacks, or that is not carried yet. */
  unknownMethod(call: Call): void {
    const status = call.era === "modern" ? 404 : 200;
    this.refuse(call, status, JsonRpcCode.methodNotFound, `Method not found: ${call.envelope.method}`);
  }

  /** A request that cannot be served, by the protocol's own code. */
  refuse(call: Call, status: number, code: number, message: string, data?: unknown): void {
    call.reply.json(status, errorResponse(call.id, code, message, data));
    this.#count(call, "refused");
  }

  /**
   * What was given out once and is good no more (a `requestState`, a task): the code that the specification has for it, and `data` that
   * tells it from what never was.
   */
  refuseExpired(call: Call, message: string): void {
    const data = { code: "failed_precondition", reason: "EXPIRED", message, retryable: false };
    this.refuse(call, 200, JsonRpcCode.invalidParams, message, data);
  }

  #attempt(call: Call, answer: () => void): void {
    try {
      answer();
    } catch (error) {
      this.#fail(call, error);
    }
  }

  #settle(call: Call, answer: Promise<Buffer>): void {
    answer.then(
      (message) => this.#answer(call, message),
      (error: unknown) => this.#fail(call, error),
    );
  }

  #answer(call: Call, message: Buffer, headers: RawHeaders = []): void {
    call.reply.json(200, message, [...headers, ...this.#revisionHeader(call)]);
    this.#count(call, "result");
  }

  /** What is said of one server is said of one revision. */
  #revisionHeader(call: Call): RawHeaders {
    const { view, principal } = call;
    if (view.kind !== "server" || !principal.seesRevisions) return [];
    const route = this.#options.table.current.servers.get(view.server);
    const revision = route === undefined ? undefined : seenRevision(call, route);
    return revision === undefined ? [] : [revisionHeader, revision];
  }

  #fail(call: Call, error: unknown): void {
    replyWithError(call, ManagerError.from(error));
    this.#count(call, "unavailable");
  }

  #count(call: Call, outcome: CallOutcome): void {
    const { metrics, clock } = this.#options;
    metrics.of("", "", call.envelope.method).ended(outcome, clock.nowMs() - call.startedMs);
  }
}
