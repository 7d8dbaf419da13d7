/** Keeps the routing table in step with the Server resources: many changes in one turn are one new table, swapped whole. */
import type { Server } from "@mcp-manager/api";
import { type Watched, WatchedValue } from "../../base/watched.ts";
import type { Informer } from "../../registry/informer.ts";
import { buildRoutingTable, emptyTable, type RoutingTable } from "./routing-table.ts";

/** The table; disposing stops the following and leaves the last table. */
export interface FollowedTable extends Watched<RoutingTable>, Disposable {
  /** Resolves when calls go by this status of a server (its revision in the store) or a later one, or when `signal` aborts. */
  reached(server: string, statusRevision: bigint, signal: AbortSignal): Promise<void>;
}

export function followServers(servers: Informer<Server>): FollowedTable {
  const table = new WatchedValue(buildRoutingTable(emptyTable, servers.list()));
  let due: NodeJS.Immediate | undefined;
  const rebuild = (): void => {
    due = undefined;
    const next = buildRoutingTable(table.current, servers.list());
    if (next !== table.current) table.replace(next);
  };
  const stop = servers.onChange(() => {
    due ??= setImmediate(rebuild);
  });
  const isBehind = (server: string, statusRevision: bigint): boolean =>
    due !== undefined || (servers.stored(server)?.statusRevision ?? statusRevision) < statusRevision;
  return {
    async reached(server, statusRevision, signal) {
      while (isBehind(server, statusRevision) && !signal.aborted) await nextTable(servers, due !== undefined, signal);
    },
    get current() {
      return table.current;
    },
    onChange: (listener) => table.onChange(listener),
    [Symbol.dispose]() {
      stop();
      clearImmediate(due);
    },
  };
}

/** Resolves after the next change, or at once when a table is due; by then the table that it is due for is there. */
async function nextTable(servers: Informer<Server>, isDue: boolean, signal: AbortSignal): Promise<void> {
  const changed = Promise.withResolvers<void>();
  const stop = servers.onChange(() => changed.resolve());
  signal.addEventListener("abort", () => changed.resolve(), { once: true });
  if (!isDue) await changed.promise;
  stop();
  await new Promise((resolve) => setImmediate(resolve));
}
