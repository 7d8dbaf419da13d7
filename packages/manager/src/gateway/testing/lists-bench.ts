/**
 * The lists alone, for tests: catalog and merged lists over scripted servers, no sockets, time that stands still, every principal
 * of the same rights. Counts how often an item was shaped, which is what putting a list together costs.
 */
import type { Route } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import { seededRandom } from "../../base/random.ts";
import { TimerWheel } from "../../base/timer-wheel.ts";
import { WatchedValue } from "../../base/watched.ts";
import type { ListMember } from "../../protocol/methods.ts";
import { createPrincipal, type Principal } from "../../security/principal.ts";
import { createSealer, toSealKey } from "../../security/seal.ts";
import { UpstreamSet } from "../../upstream/upstream-set.ts";
import { Catalog } from "../lists/catalog.ts";
import type { Dropped } from "../../upstream/dropped.ts";
import { MergedLists } from "../lists/merged-list.ts";
import { buildRoutingTable, emptyTable } from "../routing/routing-table.ts";
import { type SeenRevisions, stableRevisions } from "../routing/seen-revisions.ts";
import type { View } from "../view.ts";
import { serverResource } from "./gateway.ts";
import { ScriptedConnection, type ScriptedOptions } from "./scripted-connection.ts";

/** What came of a list request. */
interface ListAnswer {
  readonly names: readonly string[];
  readonly ttlMs: number;
  readonly cacheScope: string;
  readonly nextCursor: string | undefined;
}

export class ListsBench implements Disposable {
  readonly clock: ManualClock = new ManualClock();
  readonly wheel: TimerWheel = new TimerWheel(this.clock);
  readonly upstreams: UpstreamSet = new UpstreamSet();
  readonly table: WatchedValue<ReturnType<typeof buildRoutingTable>> = new WatchedValue(emptyTable);
  readonly dropped: (Dropped & { readonly server: string; readonly member: ListMember })[] = [];
  readonly catalog: Catalog;
  readonly lists: MergedLists;
  readonly ada: Principal = createPrincipal("ada", ["caller"], "api-key");
  readonly bob: Principal = createPrincipal("bob", ["caller"], "api-key");
  /** How often a tool was shaped for a list. */
  shaped = 0;

  constructor(options: { readonly seenByAll?: boolean } = {}) {
    const { clock, wheel, upstreams, table } = this;
    this.catalog = new Catalog({
      upstreams,
      clock,
      wheel,
      listDeadlineMs: 2_000,
      troubleOf: (server) => table.current.servers.get(server)?.trouble,
      onDropped: (server, member, dropped) => this.dropped.push({ server, member, ...dropped }),
    });
    table.onChange(({ servers }) => this.catalog.follow(servers));
    this.lists = new MergedLists({
      catalog: this.catalog,
      table,
      clock,
      sealer: createSealer([toSealKey(Buffer.alloc(32, 7))], clock, seededRandom(1)),
      maySee: (_, __, tool) => {
        if (tool !== undefined) this.shaped++;
        return true;
      },
      rightsOf: ({ roles }) => roles.join(","),
      seenByAll: () => options.seenByAll ?? true,
    });
  }

  /** Registers servers that are ready, with one replica each. */
  serve(servers: Readonly<Record<string, ScriptedOptions>>): ReadonlyMap<string, ScriptedConnection> {
    const names = Object.keys(servers);
    this.table.replace(
      buildRoutingTable(
        this.table.current,
        names.map((name) => serverResource(name)),
      ),
    );
    return new Map(names.map((name) => [name, this.attach(name, servers[name])]));
  }

  /** Has the traffic of the one server that there is go by this route. */
  route(server: string, route: Route): void {
    const resource = serverResource(server);
    const routed = { ...resource, status: { ...resource.status, route } };
    this.table.replace(buildRoutingTable(this.table.current, [routed]));
  }

  attach(server: string, options: ScriptedOptions = {}, replica = `${server}-1-a`): ScriptedConnection {
    const connection = new ScriptedConnection(options);
    const revision = replica.slice(0, replica.lastIndexOf("-"));
    this.upstreams.attach({ name: replica, server, revision, connection });
    return connection;
  }

  /** The list of tools for a modern client. */
  async tools(
    principal: Principal = this.ada,
    view: View = { kind: "aggregate" },
    seen: SeenRevisions = stableRevisions,
  ): Promise<ListAnswer> {
    const request = {
      view,
      member: "tools",
      era: "modern",
      principal,
      id: Buffer.from("1"),
      after: undefined,
      seen,
    } as const;
    const made = this.lists.list(request);
    const message = made instanceof Promise ? await made.then(() => this.lists.listNow(request)) : made;
    const { result } = JSON.parse(message.toString()) as {
      result: Omit<ListAnswer, "names"> & { tools: { name: string }[] };
    };
    const { ttlMs, cacheScope, nextCursor } = result;
    return { names: result.tools.map(({ name }) => name), ttlMs, cacheScope, nextCursor };
  }

  [Symbol.dispose](): void {
    this.catalog[Symbol.dispose]();
    this.wheel[Symbol.dispose]();
  }
}

/** A modern server with these tools. */
export function modernTools(
  names: readonly string[],
  hints: { readonly ttlMs?: number; readonly cacheScope?: string } = {},
): ScriptedOptions {
  const tools = names.map((name) => ({ name, inputSchema: { type: "object" } }));
  return {
    era: "modern",
    script: {
      "tools/list": (call) =>
        call.result({ resultType: "complete", ttlMs: 60_000, cacheScope: "public", ...hints, tools }),
    },
  };
}
