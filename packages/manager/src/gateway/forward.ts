/**
 * One call on its way to a replica and back: picks the replica, bridges the eras where they differ, keeps the deadline, hears
 * the answer, and tells the caller exactly once how it ended. Holds no state beyond its call; never retries.
 */
import { errorCodes, ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Deadline, TimerWheel } from "../base/timer-wheel.ts";
import { requestToLegacy, requestToModern, resultToLegacy, resultToModern } from "../protocol/bridge.ts";
import { scanEnvelope } from "../protocol/envelope.ts";
import { JsonRpcCode, managerErrorResponse } from "../protocol/errors.ts";
import { errorCodeOf, outcomeOf } from "../protocol/response.ts";
import type { Edit } from "../protocol/splice.ts";
import type { Exchange, ReplySink } from "../transport/connection.ts";
import type { ReadyReplica, UpstreamSet } from "../upstream/upstream-set.ts";
import { timedOut } from "./ask.ts";
import type { CallMetrics, CallOutcome } from "./call-metrics.ts";
import type { Call } from "./call.ts";
import type { RawHeaders } from "./reply.ts";
import type { ServerRoute } from "./routing-table.ts";
import { type Cancellable, logLevels } from "./session.ts";

export interface ForwardDependencies {
  readonly upstreams: UpstreamSet;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly metrics: CallMetrics;
}

/** Where a call goes: the server, its own name for what is asked, and what that changes in the request's bytes. */
export interface Destination {
  readonly route: ServerRoute;
  readonly name: string | undefined;
  readonly edits: readonly Edit[];
}

/** Cache hints for results of legacy servers, which give none. */
const bridgedHints = { ttlMs: 0, cacheScope: "private" } as const;

export class Forward implements ReplySink, Cancellable {
  readonly #dependencies: ForwardDependencies;
  readonly #call: Call;
  readonly #route: ServerRoute;
  #replica: ReadyReplica | undefined;
  #exchange: Exchange | undefined;
  #deadline: Deadline | undefined;
  #outcome: CallOutcome = "result";
  #held: Buffer[] = [];
  #began = false;
  #over = false;

  constructor(dependencies: ForwardDependencies, call: Call, route: ServerRoute) {
    this.#dependencies = dependencies;
    this.#call = call;
    this.#route = route;
  }

  start(destination: Destination): void {
    const { upstreams, wheel } = this.#dependencies;
    const replica = upstreams.pick(this.#route.name);
    if (replica === undefined) return this.#fail("unavailable", noReplica(this.#route));
    this.#replica = replica;
    this.#register();
    this.#deadline = wheel.schedule(this.#call.startedMs, this.#route.callTimeoutMs, () => this.#timeOut());
    const { envelope } = this.#call;
    this.#exchange = replica.connection.send(
      {
        bytes: envelope.bytes,
        edits: this.#bridgeEdits(replica, destination.edits),
        idStart: envelope.start("id"),
        idEnd: envelope.end("id"),
        progressTokenStart: envelope.start("progressToken"),
        progressTokenEnd: envelope.end("progressToken"),
        method: envelope.method,
        name: destination.name,
        paramHeaders: this.#call.paramHeaders,
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
    this.#call.reply.notification(message, this.#headers());
  }

  onResponse(chunk: Buffer, last: boolean): boolean {
    if (this.#over) return true;
    if (this.#bridged()) return this.#holdForBridge(chunk, last);
    return this.#pass(chunk, last);
  }

  onFailure(error: ManagerError): void {
    if (this.#over) return;
    this.#fail(error.code === "protocol_error" ? "protocol_error" : "unavailable", error);
  }

  #register(): void {
    const { session, id, reply, era } = this.#call;
    session?.calls.set(id.toString("latin1"), this);
    // A modern client cancels by closing its stream; a legacy one may have lost its connection and still want the effect.
    if (era === "modern") reply.onClientGone = () => this.cancel("the client closed the stream");
    reply.onDrain = () => this.#exchange?.resume();
  }

  #bridged(): boolean {
    return this.#replica !== undefined && this.#replica.connection.facts.era !== this.#call.era;
  }

  #bridgeEdits(replica: ReadyReplica, edits: readonly Edit[]): readonly Edit[] {
    if (replica.connection.facts.era === this.#call.era) return edits;
    const { envelope, era, session } = this.#call;
    const bridge =
      era === "modern" ? requestToLegacy(envelope) : requestToModern(envelope, { logLevel: session?.logLevel });
    return [...edits, ...bridge].sort((a, b) => a.start - b.start);
  }

  #holdForBridge(chunk: Buffer, last: boolean): boolean {
    this.#held.push(chunk);
    if (!last) return true;
    const message = this.#held.length === 1 ? chunk : Buffer.concat(this.#held);
    const { era, envelope } = this.#call;
    const bridged =
      era === "modern"
        ? resultToModern(message, envelope.method, bridgedHints)
        : resultToLegacy(message, envelope.method);
    if (bridged === undefined) {
      this.#fail("protocol_error", cannotBridge(this.#route.name));
      return true;
    }
    return this.#pass(bridged, true);
  }

  #pass(chunk: Buffer, last: boolean): boolean {
    if (!this.#began) {
      this.#began = true;
      this.#outcome = outcomeOf(chunk);
    }
    const { reply, era } = this.#call;
    if (!last) return reply.response(chunk, false, this.#headers());
    const outcome = this.#outcome;
    this.#end(outcome);
    const status = outcome === "protocol_error" && era === "modern" ? modernStatus(errorCodeOf(chunk)) : 200;
    if (status === 200) reply.response(chunk, true, this.#headers());
    else reply.json(status, chunk, this.#headers());
    return true;
  }

  #timeOut(): void {
    this.#exchange?.cancel("timed out");
    const { name, callTimeoutMs } = this.#route;
    this.#fail("timeout", timedOut(name, this.#call.envelope.method, callTimeoutMs));
  }

  #fail(outcome: CallOutcome, error: ManagerError): void {
    this.#end(outcome);
    replyWithError(this.#call, error);
  }

  #end(outcome: CallOutcome): void {
    this.#over = true;
    const { wheel, metrics, clock } = this.#dependencies;
    const { session, id, envelope, startedMs, reply } = this.#call;
    if (this.#deadline !== undefined) wheel.cancel(this.#deadline);
    reply.onClientGone = undefined;
    const key = id.toString("latin1");
    if (session?.calls.get(key) === this) session.calls.delete(key);
    metrics
      .of(this.#route.name, this.#replica?.revision ?? "", envelope.method)
      .ended(outcome, clock.nowMs() - startedMs);
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

/** Answers a call with the manager's own failure, under the HTTP status of its code. */
export function replyWithError(call: Call, error: ManagerError): void {
  const retry: RawHeaders =
    error.retryAfterMs === undefined ? [] : ["retry-after", String(Math.ceil(error.retryAfterMs / 1_000))];
  call.reply.json(errorCodes[error.code].http, managerErrorResponse(call.id, error), retry);
}

function noReplica(route: ServerRoute): ManagerError {
  const why = route.trouble === undefined ? "" : `: ${route.trouble}`;
  return new ManagerError("unavailable", `server "${route.name}" has no ready replica${why}`, {
    server: route.name,
    reason: "NO_READY_REPLICA",
    retryAfterMs: 1_000,
  });
}

function cannotBridge(server: string): ManagerError {
  return new ManagerError(
    "protocol_error",
    `server "${server}" asked for input, which cannot be passed on to a client of an older protocol revision yet`,
    { server, reason: "INPUT_REQUIRED_UNSUPPORTED" },
  );
}

/** HTTP status of a JSON-RPC error in the modern era (streamable-http, "Server Validation" and "Protocol Version Header"). */
function modernStatus(code: number | undefined): number {
  if (code === JsonRpcCode.methodNotFound) return 404;
  const validation: readonly (number | undefined)[] = [
    JsonRpcCode.headerMismatch,
    JsonRpcCode.missingClientCapability,
    JsonRpcCode.unsupportedProtocolVersion,
  ];
  return validation.includes(code) ? 400 : 200;
}
