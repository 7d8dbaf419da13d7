/**
 * The three requests about subscriptions: read, routed under the principal's rights, and answered. What is subscribed to is kept
 * in `subscriptions.ts`.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import type { Watched } from "../../base/watched.ts";
import { errorResponse, JsonRpcCode } from "../../protocol/errors.ts";
import { emptyResult } from "../../protocol/legacy.ts";
import { isSubscribable, type ListKind, parseFilter, uriLengthMax } from "../../protocol/subscriptions.ts";
import type { ServerFacts } from "../../transport/connection.ts";
import type { UpstreamSet } from "../../upstream/upstream-set.ts";
import { type AuditSink, auditDenied } from "../calls/call-audit.ts";
import type { CallMetrics, CallOutcome } from "../calls/call-metrics.ts";
import type { Call } from "../calls/call.ts";
import { replyWithError } from "../calls/failure.ts";
import type { WakingCalls } from "../calls/waking.ts";
import { withId } from "../calls/shape.ts";
import type { Owned } from "../lists/merged-list.ts";
import { callerOf, revisionOf, seenRevision } from "../routing/revision-of.ts";
import type { Router } from "../routing/route.ts";
import type { RoutingTable, ServerRoute } from "../routing/routing-table.ts";
import type { OwnedUri, Subscriptions } from "./subscriptions.ts";
import { declares, noSubscriptions, type Refusal } from "./upstream-watch-replica.ts";

export interface SubscriptionRequestsOptions {
  readonly table: Watched<RoutingTable>;
  readonly subscriptions: Subscriptions;
  readonly router: Router;
  readonly upstreams: UpstreamSet;
  readonly waking: WakingCalls;
  readonly metrics: CallMetrics;
  readonly clock: Clock;
  readonly audit?: AuditSink;
}

/** Answers each request exactly once. */
export class SubscriptionRequests {
  readonly #options: SubscriptionRequestsOptions;

  constructor(options: SubscriptionRequestsOptions) {
    this.#options = options;
  }

  /** `resources/subscribe`: answered when the server has taken it. */
  subscribe(call: Call): void {
    const { session } = call;
    const shown = call.envelope.text("uri");
    const owner = this.#ownerOf(call);
    if (owner === undefined || shown === undefined || session === undefined) return;
    // What its processes say of its resources is each one caller's, and heard by nobody.
    const { name } = owner.route;
    if (this.#options.upstreams.keepsApart(name)) return this.#passOn(call, noSubscriptions(name));
    if (!isSubscribable(shown)) return this.#refuse(call, `params.uri is longer than ${uriLengthMax} characters`);
    const { waking, subscriptions, clock } = this.#options;
    const awake = waking.awake(owner.route.name, clock, owner.route.callTimeoutMs);
    awake
      .then(() => subscriptions.subscribe(session, { owner, shown }))
      .then(
        (refusal) => (refusal === undefined ? this.#answer(call, emptyResult(call.id)) : this.#passOn(call, refusal)),
        (error: unknown) => this.#fail(call, ManagerError.from(error)),
      );
  }

  /** `resources/unsubscribe`; of what was not subscribed to, too. */
  unsubscribe(call: Call): void {
    const owner = this.#ownerOf(call);
    if (owner === undefined || call.session === undefined) return;
    this.#options.subscriptions.unsubscribe(call.session, owner);
    this.#answer(call, emptyResult(call.id));
  }

  /** `subscriptions/listen`: acknowledged at once, with what of it will be told. */
  listen(call: Call): void {
    const { view, principal, bound, id, reply, envelope } = call;
    if (!reply.takesEvents) {
      const message = "subscriptions/listen is answered by a stream: send Accept: application/json, text/event-stream";
      reply.json(406, errorResponse(id, JsonRpcCode.invalidRequest, message));
      return this.#count(call, "refused");
    }
    const filter = parseFilter(envelope.raw("params"));
    if (typeof filter === "string") return this.#refuse(call, filter);
    const lists = filter.lists.filter((kind) => this.#has(call, kind));
    const uris = this.#honoured(call, filter.uris);
    // Whoever went away before its stream began would never be seen going.
    if (reply.ended) return this.#count(call, "cancelled");
    try {
      const revisions = this.#revisionsOf(call, uris);
      const caller = callerOf(call);
      this.#options.subscriptions.listen({ view, principal, caller, bound, id, reply, lists, revisions }, uris);
      this.#count(call, "result");
    } catch (error) {
      this.#fail(call, ManagerError.from(error));
    }
  }

  /**
   * By server, the revision that is listened at: of the endpoint's own server, and of those of the resources. The lists of the aggregate
   * are all servers', and are heard of whatever revisions come and go; so is a revision that the request itself names.
   */
  #revisionsOf(call: Call, uris: readonly OwnedUri[]): ReadonlyMap<string, string> {
    const { view, bound } = call;
    const own = view.kind === "server" ? this.#options.table.current.servers.get(view.server) : undefined;
    const revisions = new Map<string, string>();
    for (const route of [...(own === undefined ? [] : [own]), ...uris.map(({ owner }) => owner.route)]) {
      const revision = route.name === bound?.server ? undefined : revisionOf(call, route);
      if (revision !== undefined) revisions.set(route.name, revision);
    }
    return revisions;
  }

  /** Whether there can be such a list; so it is taken to be, while the server of the endpoint is away. */
  #has(call: Call, kind: ListKind): boolean {
    const { view } = call;
    const route = view.kind === "server" ? this.#options.table.current.servers.get(view.server) : undefined;
    const facts = route === undefined ? undefined : this.#factsOf(call, route);
    return facts === undefined || facts.capabilities[kind] !== undefined;
  }

  #factsOf(call: Call, route: ServerRoute): ServerFacts | undefined {
    return this.#options.upstreams.pick(route.name, seenRevision(call, route))?.connection.facts;
  }

  /** Those whose servers tell of changes, as far as is known; a resource that is written in two ways only in the first. */
  #honoured(call: Call, uris: readonly string[]): readonly OwnedUri[] {
    const { router, upstreams } = this.#options;
    const honoured = new Map<string, OwnedUri>();
    for (const shown of uris) {
      const owner = router.ownerOf(call, shown);
      if (owner === undefined || upstreams.keepsApart(owner.route.name)) continue;
      const facts = this.#factsOf(call, owner.route);
      const key = `${owner.route.name} ${owner.original}`;
      if (facts !== undefined && !declares(facts, "resources", "subscribe")) continue;
      if (!honoured.has(key)) honoured.set(key, { owner, shown });
    }
    return [...honoured.values()];
  }

  /** Whose the resource is; undefined when the call was refused. */
  #ownerOf(call: Call): Owned | undefined {
    const routed = this.#options.router.byUri(call);
    if (routed.kind === "destination") {
      const { route, name } = routed.destination;
      return { route, original: name ?? "" };
    }
    if (routed.kind === "unknown" && routed.denied !== undefined)
      auditDenied(this.#options.audit, call, call.envelope.method, routed.denied, "not allowed");
    this.#refuse(call, routed.message);
    return undefined;
  }

  /** A server's own error, under the caller's id. */
  #passOn(call: Call, refusal: Refusal): void {
    if (refusal.kind === "failure") return this.#fail(call, refusal.error);
    call.reply.json(200, withId(refusal.message, call.id));
    this.#count(call, "protocol_error");
  }

  #refuse(call: Call, message: string): void {
    call.reply.json(200, errorResponse(call.id, JsonRpcCode.invalidParams, message));
    this.#count(call, "refused");
  }

  #answer(call: Call, message: Buffer): void {
    call.reply.json(200, message);
    this.#count(call, "result");
  }

  #fail(call: Call, error: ManagerError): void {
    replyWithError(call, error);
    this.#count(call, "unavailable");
  }

  /** A stream is counted when it is acknowledged: how long clients listen says nothing of the manager. */
  #count(call: Call, outcome: CallOutcome): void {
    const { metrics, clock } = this.#options;
    metrics.of("", "", call.envelope.method).ended(outcome, clock.nowMs() - call.startedMs);
  }
}
