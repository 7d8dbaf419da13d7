/** Keeps the routing table in step with the Server resources: many changes in one turn are one new table, swapped whole. */
import type { Server } from "@mcp-manager/api";
import { type Watched, WatchedValue } from "../../base/watched.ts";
import type { Informer } from "../../registry/informer.ts";
import { buildRoutingTable, emptyTable, type RoutingTable } from "./routing-table.ts";

/** The table; disposing stops the following and leaves the last table. */
export interface FollowedTable extends Watched<RoutingTable>, Disposable {}

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
  return {
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
