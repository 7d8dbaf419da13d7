/** Composition of what servers list: the catalog, what is told of it, and the merged lists. Decides nothing. */
import { durationMs } from "@mcp-manager/api";
import { Catalog, type CatalogOptions } from "../gateway/lists/catalog.ts";
import { ListDrift } from "../gateway/lists/list-drift.ts";
import { CollisionLog } from "../gateway/lists/collision-log.ts";
import { MergedLists } from "../gateway/lists/merged-list.ts";
import type { Trouble } from "../gateway/routing/routing-table.ts";
import type { ManagerOptions } from "./options.ts";
import type { State } from "./state.ts";
import type { MaySee } from "../gateway/view.ts";
import type { Ground } from "./ground.ts";

/** What servers list, as it is known and as callers see it. */
export interface Lists {
  readonly catalog: Catalog;
  readonly lists: MergedLists;
}

/** Follows the servers' lists; `maySee` decides what a caller is shown of them. */
export function openLists(
  options: ManagerOptions,
  state: State,
  { wheel, table, upstreams, guards, maySee }: Ground & { readonly maySee: MaySee },
  scope: AsyncDisposableStack,
): Lists {
  const { clock, logger, settings } = options;
  const { gateway } = settings;
  const { access, events, sealer } = state;
  const troubleOf = (server: string): Trouble | undefined => table.current.servers.get(server)?.trouble;
  const listDeadlineMs = durationMs(gateway.listDeadline);
  const onDropped: CatalogOptions["onDropped"] = (server, list, dropped) =>
    logger.warn("items of a server's list are not shown", { server, list, ...dropped });
  const attempted: CatalogOptions["attempted"] = (server, ...how) => guards.of(server)?.attempted(...how);
  const isHeldOff: CatalogOptions["isHeldOff"] = (server, replica) => guards.of(server)?.isHeldOff(replica) === true;
  const drift = new ListDrift({ clock, events });
  const onListed: CatalogOptions["onListed"] = (listed) => drift.listed(listed);
  const hearing = { attempted, isHeldOff, onDropped, onListed };
  const catalog = scope.use(new Catalog({ upstreams, clock, wheel, listDeadlineMs, troubleOf, ...hearing }));
  catalog.follow(table.current.servers);
  table.onChange(({ servers }) => {
    catalog.follow(servers);
    drift.retain(servers);
  });
  scope.use(new CollisionLog({ table, catalog, logger }));
  const lists = new MergedLists({
    catalog,
    table,
    maySee,
    clock,
    sealer,
    rightsOf: (who) => who.roles.join(","),
    seenByAll: () => access.showsAllToAll,
  });
  return { catalog, lists };
}
