/**
 * One call of a tool without a client, on its way past its server's guard to a replica and back, as a promise: the same place, the same
 * second attempt and the same counts as an MCP client's call.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Deadline, TimerWheel } from "../../base/timer-wheel.ts";
import { noProfile } from "../../protocol/client-profile.ts";
import { outcomeOf } from "../../protocol/response.ts";
import type { Ending } from "../../resilience/ending.ts";
import type { Principal } from "../../security/principal.ts";
import type { ReadyReplica } from "../../upstream/upstream-set.ts";
import { servesSeveral } from "../routing/revision-of.ts";
import type { ServerRoute } from "../routing/routing-table.ts";
import { ask } from "../../upstream/ask.ts";
import { endingOfFailure, failureFor, takenBack, timedOut } from "../../upstream/call-ending.ts";
import type { CallMetrics, CallOutcome } from "./call-metrics.ts";
import { onCallersConnection } from "./callers-connection.ts";
import { Passage, type PassageDependencies, type PassageHost } from "./passage.ts";
import type { CallMeasures } from "./revision-measures.ts";

export interface DirectCallDependencies extends PassageDependencies {
  readonly wheel: TimerWheel;
  readonly metrics: CallMetrics;
  readonly measures: Pick<CallMeasures, "ended">;
}

/** What is called, by whom. */
export interface ToolCall {
  readonly route: ServerRoute;
  /** The server's own name of the tool. */
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** `Mcp-Param-*` headers, name and value in turn. */
  readonly paramHeaders: readonly string[];
  readonly principal: Principal;
  /** The revision that it goes to; undefined: any. */
  readonly revision: string | undefined;
  /** Its abort takes the call back. Default: nothing does. */
  readonly signal?: AbortSignal;
}

const method = "tools/call";

export class DirectCall implements PassageHost {
  readonly method: string = method;
  readonly destination: ToolCall;
  readonly call: PassageHost["call"];
  readonly #dependencies: DirectCallDependencies;
  readonly #passage: Passage;
  readonly #startedMs: number;
  readonly #answered = Promise.withResolvers<Buffer>();
  /** Runs while it waits for a place or a replica; then the request has its own. */
  #waiting: Deadline | undefined;
  /** Once it was sent, the request hears of it itself. */
  readonly #onGone = (): void => {
    const { name } = this.destination.route;
    if (this.#waiting !== undefined) this.#fail("cancelled", takenBack(name, method), "cancelled");
  };
  #replica: ReadyReplica | undefined;

  constructor(dependencies: DirectCallDependencies, tool: ToolCall) {
    this.#dependencies = dependencies;
    this.destination = tool;
    this.call = { principal: tool.principal, session: undefined };
    this.#startedMs = dependencies.clock.nowMs();
    this.#passage = new Passage(dependencies, this);
  }

  get principalHash(): string {
    return this.destination.principal.hash;
  }

  get dueMs(): number {
    return this.#startedMs + this.destination.route.callTimeoutMs;
  }

  /** Resolves with the whole response, an error response included; once. */
  run(): Promise<Buffer> {
    this.#wait();
    this.destination.signal?.addEventListener("abort", this.#onGone);
    this.#passage.start(this.#startedMs);
    return this.#answered.promise;
  }

  onReplica(replica: ReadyReplica): void {
    this.#stopWaiting();
    this.#replica = replica;
    let ending: Ending | undefined;
    const asked = this.#ask(replica, (how) => {
      ending = how;
    });
    asked.then(
      (answer) => {
        this.#end(outcomeOf(answer), ending ?? "answered", answer.length);
        this.#answered.resolve(answer);
      },
      // Without an ending it was not asked: there was no connection for it.
      (error: unknown) => this.#onFailure(ManagerError.from(error), ending),
    );
  }

  onNoPassage(outcome: CallOutcome, error: ManagerError): void {
    this.#fail(outcome, error, "withdrawn");
  }

  #ask(replica: ReadyReplica, onEnding: (ending: Ending) => void): Promise<Buffer> {
    const { clock, wheel } = this.#dependencies;
    const { route, name, args, paramHeaders, principal, signal } = this.destination;
    const caller = { principal, session: undefined, profile: noProfile };
    const params = { name, arguments: args };
    const request = {
      server: route.name,
      method,
      params,
      name,
      paramHeaders,
      wheel,
      onEnding,
      ...(signal === undefined ? {} : { signal }),
    };
    const leftMs = Math.max(0, this.dueMs - clock.nowMs());
    return onCallersConnection(replica, caller, leftMs, (connection) => {
      const nowMs = clock.nowMs();
      this.#passage.sentAt(nowMs);
      return ask({ ...request, connection, timeoutMs: Math.max(0, this.dueMs - nowMs), nowMs });
    });
  }

  #onFailure(error: ManagerError, said: Ending | undefined): void {
    const ending = said ?? endingOfFailure(error, false);
    const outcome = ending === "timeout" || ending === "cancelled" ? ending : "unavailable";
    const giveUp = (): void => this.#fail(outcome, error, ending);
    if (this.#passage.failed(ending, true, giveUp, error.retryAfterMs)) this.#wait();
    else this.#fail(outcome, error, ending);
  }

  #fail(outcome: CallOutcome, error: ManagerError, ending: Ending): void {
    this.#end(outcome, ending);
    this.#answered.reject(failureFor(error, ending, method));
  }

  #end(outcome: CallOutcome, ending: Ending, bytes = 0): void {
    const { clock, metrics } = this.#dependencies;
    const nowMs = clock.nowMs();
    const { sentMs } = this.#passage;
    this.#stopWaiting();
    this.destination.signal?.removeEventListener("abort", this.#onGone);
    this.#passage.end(ending, nowMs);
    const upstreamMs = sentMs === undefined ? undefined : nowMs - sentMs;
    const { name } = this.destination.route;
    metrics.of(name, this.#replica?.revision ?? "", method).ended(outcome, nowMs - this.#startedMs, upstreamMs);
    if (servesSeveral(this.destination.route)) this.#measure(outcome, ending, nowMs, bytes);
  }

  #measure(outcome: CallOutcome, ending: Ending, nowMs: number, bytes: number): void {
    const { route, name: tool, revision: wanted } = this.destination;
    this.#dependencies.measures.ended({
      server: route.name,
      revision: this.#replica?.revision,
      wanted,
      isShut: this.#passage.isShut,
      outcome,
      ending,
      tool,
      principal: this.principalHash,
      tookMs: this.#passage.tookMs(nowMs),
      bytes,
    });
  }

  #wait(): void {
    const { clock, wheel } = this.#dependencies;
    const nowMs = clock.nowMs();
    const { name, callTimeoutMs } = this.destination.route;
    this.#waiting = wheel.schedule(nowMs, this.dueMs - nowMs, () =>
      this.#fail("timeout", timedOut(name, method, callTimeoutMs), "withdrawn"),
    );
  }

  #stopWaiting(): void {
    if (this.#waiting !== undefined) this.#dependencies.wheel.cancel(this.#waiting);
    this.#waiting = undefined;
  }
}
