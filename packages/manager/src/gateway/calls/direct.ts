/**
 * Tools without a client: what the management API needs of the data plane. The same routes, rights and connections as an MCP
 * client's call, with a promise at the end instead of a stream.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import type { TimerWheel } from "../../base/timer-wheel.ts";
import type { Watched } from "../../base/watched.ts";
import { noProfile } from "../../protocol/client-profile.ts";
import { errorCodeOf, outcomeOf, resultRange } from "../../protocol/response.ts";
import type { Principal } from "../../security/principal.ts";
import type { UpstreamSet } from "../../upstream/upstream-set.ts";
import type { Ending } from "../../resilience/ending.ts";
import type { Guard, GuardedCall, Permit } from "../../resilience/guard.ts";
import { ask } from "./ask.ts";
import { endingOfFailure, endingOfResponse } from "./call-ending.ts";
import { scopeOf } from "./call-lease.ts";
import { onCallersConnection } from "./callers-connection.ts";
import type { CallMetrics } from "./call-metrics.ts";
import type { Catalog } from "../lists/catalog.ts";
import { noReadyReplica } from "./failure.ts";
import type { GuardsOf } from "./passage.ts";
import { headersFor } from "../routing/param-headers.ts";
import type { MayCall } from "../routing/route.ts";
import type { RoutingTable, ServerRoute } from "../routing/routing-table.ts";
import type { MaySee } from "../view.ts";
import type { WakingCalls } from "./waking.ts";

export interface DirectOptions {
  readonly table: Watched<RoutingTable>;
  readonly upstreams: UpstreamSet;
  readonly guards: GuardsOf;
  readonly waking: WakingCalls;
  readonly catalog: Catalog;
  readonly metrics: CallMetrics;
  readonly mayCall: MayCall;
  readonly maySee: MaySee;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
}

export class DirectTools {
  readonly #options: DirectOptions;

  constructor(options: DirectOptions) {
    this.#options = options;
  }

  /** The tools of a server as JSON objects, under the names it shows on its own endpoint; waits for the list deadline at most. */
  async list(server: string, principal: Principal): Promise<readonly unknown[]> {
    const route = this.#route(server);
    const listing = await this.#options.catalog.listing(server, "tools");
    if (listing.kind === "missing") throw listing.error;
    return listing.items.flatMap((item) => {
      const shown = route.exposure.shownTool(item.key);
      if (shown === undefined || !this.#options.maySee(principal, server, item.key)) return [];
      const tool = JSON.parse(item.bytes.toString()) as Record<string, unknown>;
      const description = route.exposure.toolDescription(item.key);
      return [{ ...tool, name: shown, ...(description === undefined ? {} : { description }) }];
    });
  }

  /** Number of tools known of a server; undefined before its list has come. */
  count(server: string): number | undefined {
    return this.#options.catalog.known(server, "tools")?.length;
  }

  /** Calls a tool and resolves with the bytes of its result as the server wrote them. */
  async call(
    server: string,
    tool: string,
    args: Readonly<Record<string, unknown>>,
    principal: Principal,
  ): Promise<Buffer> {
    const { table, upstreams, guards, waking, clock, wheel, metrics, mayCall } = this.#options;
    const startedMs = clock.nowMs();
    const route = this.#route(server);
    const name = route.exposure.originalTool(tool);
    if (name === undefined || !mayCall(principal, server, name)) throw unknownTool(server, tool);
    const guard = guards.of(server);
    const call = new WaitingTool(principal.hash, name, startedMs + route.callTimeoutMs);
    const permit = guard === undefined ? undefined : await call.enter(guard);
    await waking.awake(server, clock, call.dueMs - clock.nowMs());
    const caller = { principal, session: undefined, profile: noProfile };
    const scope = scopeOf(caller, route.sharing);
    const home = scope === undefined ? undefined : upstreams.home(server, scope);
    const replica = home ?? upstreams.pick(server, undefined, guard);
    if (replica === undefined) {
      permit?.end("withdrawn", 0);
      throw noReadyReplica(table.current.servers.get(server) ?? route);
    }
    const end = (ending: Ending, tookMs: number): void => {
      guard?.attempted(replica.name, name, ending);
      permit?.end(ending, tookMs);
    };
    const count = metrics.of(server, replica.revision, "tools/call");
    const sentMs = clock.nowMs();
    const timeoutMs = route.callTimeoutMs;
    const params = { name, arguments: args };
    const paramHeaders = headersFor(this.#options.catalog.wantedHeaders(server, name) ?? [], args);
    const request = { server, method: "tools/call", params, name, paramHeaders, timeoutMs, wheel };
    const asked = onCallersConnection(replica, caller, timeoutMs, (connection) =>
      ask({ ...request, connection, nowMs: clock.nowMs() }),
    );
    const answer = await asked.catch((error: unknown) => {
      const nowMs = clock.nowMs();
      const isLate = error instanceof ManagerError && error.code === "deadline_exceeded";
      count.ended(isLate ? "timeout" : "unavailable", nowMs - startedMs, nowMs - sentMs);
      end(isLate ? "timeout" : endingOfFailure(ManagerError.from(error), true), nowMs - sentMs);
      throw error;
    });
    const nowMs = clock.nowMs();
    const outcome = outcomeOf(answer);
    count.ended(outcome, nowMs - startedMs, nowMs - sentMs);
    end(endingOfResponse(outcome, answer), nowMs - sentMs);
    return resultOf(answer, server, tool);
  }

  #route(server: string): ServerRoute {
    const route = this.#options.table.current.servers.get(server);
    if (route !== undefined) return route;
    throw new ManagerError("not_found", `server "${server}" does not exist`, { server });
  }
}

/** A call by REST on its way past its server's guard. */
class WaitingTool implements GuardedCall {
  readonly principal: string;
  readonly tool: string;
  readonly dueMs: number;
  readonly #placed = Promise.withResolvers<Permit>();

  constructor(principal: string, tool: string, dueMs: number) {
    this.principal = principal;
    this.tool = tool;
    this.dueMs = dueMs;
  }

  /** Rejects when the guard refuses it. */
  enter(guard: Guard): Promise<Permit> {
    const entered = guard.enter(this);
    if (entered instanceof ManagerError) return Promise.reject(entered);
    return entered === undefined ? this.#placed.promise : Promise.resolve(entered);
  }

  onAdmitted(permit: Permit): void {
    this.#placed.resolve(permit);
  }

  onRefused(error: ManagerError): void {
    this.#placed.reject(error);
  }
}

function resultOf(answer: Buffer, server: string, tool: string): Buffer {
  const range = resultRange(answer);
  if (range !== undefined) return answer.subarray(range.start, range.end);
  const code = errorCodeOf(answer);
  const { error } = JSON.parse(answer.toString()) as { error?: { message?: string } };
  const said = error?.message ?? "no message";
  if (code === -32602) {
    throw new ManagerError("invalid_argument", `server "${server}" refused the call of tool "${tool}": ${said}`, {
      server,
    });
  }
  throw new ManagerError(
    "protocol_error",
    `server "${server}" answered the call of tool "${tool}" with error ${code}: ${said}`,
    {
      server,
    },
  );
}

function unknownTool(server: string, tool: string): ManagerError {
  return new ManagerError("not_found", `server "${server}" has no tool "${tool}"`, { server });
}
