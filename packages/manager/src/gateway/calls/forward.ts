/**
 * One call on its way to a replica and back: picks the replica, bridges the eras where they differ, keeps the deadline, hears
 * the answer, and tells the caller exactly once how it ended. Holds no state beyond its call; never retries.
 */
import type { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Deadline, TimerWheel } from "../base/timer-wheel.ts";
import { requestToLegacy, requestToModern, resultToLegacy, resultToModern } from "../protocol/bridge.ts";
import { scanEnvelope } from "../protocol/envelope.ts";
import { JsonRpcCode, recognisedModernError } from "../protocol/errors.ts";
import { errorCodeOf, outcomeOf } from "../protocol/response.ts";
import type { Edit } from "../protocol/splice.ts";
import type { Exchange, ReplySink } from "../transport/connection.ts";
import type { ReadyReplica, UpstreamSet } from "../upstream/upstream-set.ts";
import { auditCall, type AuditSink } from "./call-audit.ts";
import type { CallMetrics, CallOutcome } from "./call-metrics.ts";
import type { Call } from "./call.ts";
import { cannotBridge, missingCapability, noReadyReplica, otherHop, replyWithError, timedOut } from "./failure.ts";
import type { RawHeaders, ReplyListener } from "./reply.ts";
import type { ServerRoute } from "./routing-table.ts";
import { logLevels, type SessionCall } from "./session.ts";

export interface ForwardDependencies {
  readonly upstreams: UpstreamSet;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly metrics: CallMetrics;
  /** Hears of tool calls, and of what was refused; absent: nobody does. */
  readonly audit?: AuditSink;
}

/** Where a call goes: the server, its own name for what is asked, and what that changes in the request's bytes. */
export interface Destination {
  readonly route: ServerRoute;
  readonly name: string | undefined;
  readonly edits: readonly Edit[];
  /** `Mcp-Param-*` headers that a client of the legacy era cannot write; undefined: the call's own. */
  readonly paramHeaders: readonly string[] | undefined;
}

/** Cache hints for results of legacy servers, which give none. */
const bridgedHints = { ttlMs: 0, cacheScope: "private" } as const;

/** A caller that takes events gets a comment this often while it waits, so that nothing on the way takes the call for dead. */
const keepAliveMs = 15_000;

/** One call from its route to its end. */
export class Forward implements ReplySink, ReplyListener, SessionCall {
  readonly #dependencies: ForwardDependencies;
  readonly #call: Call;
  readonly #route: ServerRoute;
  readonly #name: string | undefined;
  /** Among its session's calls. */
  place = -1;
  #replica: ReadyReplica | undefined;
  #exchange: Exchange | undefined;
  #sentMs: number | undefined;
  #deadline: Deadline | undefined;
  /** Known from the response's first chunk on. */
  #outcome: CallOutcome | undefined;
  /** Chunks of a response that has to be seen whole before any of it goes out. */
  #held: Buffer[] | undefined;
  #over = false;

  constructor(dependencies: ForwardDependencies, call: Call, { route, name }: Destination) {
    this.#dependencies = dependencies;
    this.#call = call;
    this.#route = route;
    this.#name = name;
  }

  get callId(): Buffer {
    return this.#call.id;
  }

  start({ edits, paramHeaders }: Destination): void {
    const { upstreams, clock } = this.#dependencies;
    const replica = upstreams.pick(this.#route.name);
    if (replica === undefined) return this.#fail("unavailable", noReadyReplica(this.#route));
    this.#replica = replica;
    this.#register();
    this.#sentMs = clock.nowMs();
    this.#arm(this.#sentMs);
    const { envelope } = this.#call;
    this.#exchange = replica.connection.send(
      {
        bytes: envelope.bytes,
        edits: this.#bridgeEdits(edits),
        idStart: envelope.start("id"),
        idEnd: envelope.end("id"),
        progressTokenStart: envelope.start("progressToken"),
        progressTokenEnd: envelope.end("progressToken"),
        method: envelope.method,
        name: this.#name,
        paramHeaders: paramHeaders ?? this.#call.paramHeaders,
      },
      this,
    );
  }

  /** The client's own cancellation, or the end of its session. */
  cancel(reason: string): void {
    if (this.#over) return;
    this.#exchange?.cancel(reason);
    this.#end("cancelled");
    this.#call.reply.end();
  }

  onNotification(message: Buffer, method: string): void {
    if (this.#over || (method === "notifications/message" && !this.#wantsLog(message))) return;
    if (!this.#call.reply.notification(message, this.#headers())) this.cancel("the client reads too slowly");
  }

  onResponse(chunk: Buffer, last: boolean): boolean {
    if (this.#over) return true;
    if (this.#outcome === undefined) {
      this.#outcome = outcomeOf(chunk);
      if (this.#bridged || this.#outcome === "protocol_error") this.#held = [];
    }
    if (this.#held === undefined) return this.#pass(chunk, last, this.#outcome);
    this.#held.push(chunk);
    if (last) this.#passWhole(this.#held.length === 1 ? chunk : Buffer.concat(this.#held));
    return true;
  }

  onFailure(error: ManagerError): void {
    if (this.#over) return;
    this.#fail(error.code === "protocol_error" ? "protocol_error" : "unavailable", error);
  }

  #register(): void {
    const { session, reply } = this.#call;
    session?.calls.add(this);
    reply.listener = this;
  }

  /**
   * A modern client cancels by closing its stream. A legacy one may have lost its connection and still want the effect: what is left
   * of the answer is read and dropped.
   */
  onClientGone(): void {
    if (this.#over) return;
    if (this.#call.era === "modern") this.cancel("the client closed the stream");
    else this.#exchange?.resume();
  }

  onDrain(): void {
    this.#exchange?.resume();
  }

  /** One deadline at a time: the call's own, or before it the next sign of life. */
  #arm(nowMs: number): void {
    const { startedMs } = this.#call;
    const leftMs = startedMs + this.#route.callTimeoutMs - nowMs;
    this.#deadline = this.#dependencies.wheel.schedule(nowMs, Math.min(leftMs, keepAliveMs), () => this.#tick());
  }

  #tick(): void {
    const nowMs = this.#dependencies.clock.nowMs();
    const { startedMs, reply, envelope } = this.#call;
    const { name, callTimeoutMs } = this.#route;
    if (nowMs < startedMs + callTimeoutMs) {
      reply.keepAlive(this.#headers());
      return this.#arm(nowMs);
    }
    this.#exchange?.cancel("timed out");
    this.#fail("timeout", timedOut(name, envelope.method, callTimeoutMs));
  }

  get #bridged(): boolean {
    return this.#replica !== undefined && this.#replica.connection.facts.era !== this.#call.era;
  }

  #bridgeEdits(edits: readonly Edit[]): readonly Edit[] {
    if (!this.#bridged) return edits;
    const { envelope, era, session } = this.#call;
    const bridge =
      era === "modern" ? requestToLegacy(envelope) : requestToModern(envelope, { logLevel: session?.logLevel });
    return [...edits, ...bridge].sort((a, b) => a.start - b.start);
  }

  /** A response that is an error, or comes from the other era. */
  #passWhole(message: Buffer): void {
    const { era, envelope } = this.#call;
    const code = this.#outcome === "protocol_error" ? errorCodeOf(message) : undefined;
    const isBetweenLegacy = era === "legacy" && !this.#bridged;
    if (code !== undefined && recognisedModernError(code) && !isBetweenLegacy) return this.#passOtherHop(code, message);
    if (!this.#bridged) return this.#finish(message, era === "modern" ? modernStatus(code) : 200);
    const { method } = envelope;
    const bridged = era === "modern" ? resultToModern(message, method, bridgedHints) : resultToLegacy(message, method);
    if (bridged === undefined) return this.#fail("protocol_error", cannotBridge(this.#route.name));
    this.#finish(bridged, era === "modern" ? modernStatus(code) : 200);
  }

  /** What a server says of the hop to it is not the client's business, but for a capability that the client itself lacks. */
  #passOtherHop(code: number, message: Buffer): void {
    const { era, id } = this.#call;
    const { name } = this.#route;
    if (code === JsonRpcCode.missingClientCapability && era === "modern" && !this.#bridged) {
      return this.#finish(missingCapability(id, name, message), 400);
    }
    this.#fail("protocol_error", otherHop(name, code));
  }

  #pass(chunk: Buffer, last: boolean, outcome: CallOutcome): boolean {
    if (last) this.#end(outcome);
    return this.#call.reply.response(chunk, last, this.#headers());
  }

  #finish(message: Buffer, status: number): void {
    this.#end(this.#outcome ?? "result");
    this.#call.reply.json(status, message, this.#headers());
  }

  #fail(outcome: CallOutcome, error: ManagerError): void {
    this.#end(outcome);
    replyWithError(this.#call, error);
  }

  #end(outcome: CallOutcome): void {
    this.#over = true;
    const { wheel, metrics, clock, audit } = this.#dependencies;
    const { session, envelope, startedMs } = this.#call;
    if (this.#deadline !== undefined) wheel.cancel(this.#deadline);
    session?.calls.remove(this);
    const { name } = this.#route;
    const nowMs = clock.nowMs();
    const upstreamMs = this.#sentMs === undefined ? undefined : nowMs - this.#sentMs;
    metrics.of(name, this.#replica?.revision ?? "", envelope.method).ended(outcome, nowMs - startedMs, upstreamMs);
    auditCall(audit, this.#call, name, this.#name, outcome);
  }

  #headers(): RawHeaders {
    return this.#replica === undefined ? [] : ["mcp-manager-revision", this.#replica.revision];
  }

  /** Legacy: from the session's level up. Modern: only when the request asked for a level (2026-07-28, logging). */
  #wantsLog(message: Buffer): boolean {
    const { era, session, envelope } = this.#call;
    const least = era === "modern" ? envelope.text("logLevel") : session?.logLevel;
    if (least === undefined) return era === "legacy";
    const scan = scanEnvelope(message);
    const level = scan.ok ? scan.envelope.text("level") : undefined;
    return level !== undefined && logLevels.indexOf(level) >= logLevels.indexOf(least);
  }
}

/** HTTP status of a JSON-RPC error in the modern era (streamable-http, "Server Validation"). */
function modernStatus(code: number | undefined): number {
  return code === JsonRpcCode.methodNotFound ? 404 : 200;
}
