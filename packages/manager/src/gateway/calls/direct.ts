/**
 * Tools without a client: what the management API needs of the data plane. The same routes, rights and connections as an MCP
 * client's call, with a promise at the end instead of a stream.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import type { TimerWheel } from "../../base/timer-wheel.ts";
import type { Watched } from "../../base/watched.ts";
import { errorCodeOf, outcomeOf, resultRange } from "../../protocol/response.ts";
import type { Principal } from "../../security/principal.ts";
import type { UpstreamSet } from "../../upstream/upstream-set.ts";
import { ask } from "./ask.ts";
import type { CallMetrics } from "./call-metrics.ts";
import type { Catalog } from "../lists/catalog.ts";
import { noReadyReplica } from "./failure.ts";
import { headersFor } from "../routing/param-headers.ts";
import type { MayCall } from "../routing/route.ts";
import type { RoutingTable, ServerRoute } from "../routing/routing-table.ts";
import type { MaySee } from "../view.ts";

export interface DirectOptions {
  readonly table: Watched<RoutingTable>;
  readonly upstreams: UpstreamSet;
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
    const { upstreams, clock, wheel, metrics, mayCall } = this.#options;
    const startedMs = clock.nowMs();
    const route = this.#route(server);
    const name = route.exposure.originalTool(tool);
    if (name === undefined || !mayCall(principal, server, name)) throw unknownTool(server, tool);
    const replica = upstreams.pick(server);
    if (replica === undefined) throw noReadyReplica(route);
    const count = metrics.of(server, replica.revision, "tools/call");
    const sentMs = clock.nowMs();
    const timeoutMs = route.callTimeoutMs;
    const params = { name, arguments: args };
    const paramHeaders = headersFor(this.#options.catalog.wantedHeaders(server, name) ?? [], args);
    const request = { connection: replica.connection, server, method: "tools/call", params, name, paramHeaders };
    const answer = await ask({ ...request, timeoutMs, wheel, nowMs: sentMs }).catch((error: unknown) => {
      const nowMs = clock.nowMs();
      const isLate = error instanceof ManagerError && error.code === "deadline_exceeded";
      count.ended(isLate ? "timeout" : "unavailable", nowMs - startedMs, nowMs - sentMs);
      throw error;
    });
    const nowMs = clock.nowMs();
    count.ended(outcomeOf(answer), nowMs - startedMs, nowMs - sentMs);
    return resultOf(answer, server, tool);
  }

  #route(server: string): ServerRoute {
    const route = this.#options.table.current.servers.get(server);
    if (route !== undefined) return route;
    throw new ManagerError("not_found", `server "${server}" does not exist`, { server });
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
