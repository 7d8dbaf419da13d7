/**
 * Tells the operator of names that were lost: each collision is a warning when it comes up, and again only after it was gone. Those
 * who use the aggregate read the same in its lists.
 */
import type { Watched } from "../../base/watched.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Catalog } from "./catalog.ts";
import { type Collision, nameCollisions, prefixCollisions } from "./collisions.ts";
import type { RoutingTable, ServerRoute } from "../routing/routing-table.ts";

export interface CollisionLogOptions {
  readonly table: Watched<RoutingTable>;
  readonly catalog: Pick<Catalog, "known" | "onChange">;
  readonly logger: Pick<Logger, "warn">;
}

/** Follows the table and the lists; disposing ends it. */
export class CollisionLog implements Disposable {
  readonly #options: CollisionLogOptions;
  readonly #stop: readonly (() => void)[];
  #routes: RoutingTable["servers"] = new Map();
  #prefixes: ReadonlySet<string> = new Set();
  /** By server, and only of those that have a collision. */
  readonly #names = new Map<string, ReadonlySet<string>>();

  constructor(options: CollisionLogOptions) {
    this.#options = options;
    const { table, catalog } = options;
    this.#stop = [
      table.onChange(({ servers }) => this.#onTable(servers)),
      catalog.onChange((server) => this.#onServer(table.current.servers.get(server))),
    ];
    this.#onTable(table.current.servers);
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stop) stop();
  }

  #onTable(servers: RoutingTable["servers"]): void {
    this.#prefixes = this.#tell(prefixCollisions([...servers.values()]), this.#prefixes);
    for (const name of this.#names.keys()) if (!servers.has(name)) this.#names.delete(name);
    for (const [name, route] of servers) {
      if (this.#routes.get(name)?.exposure !== route.exposure) this.#onServer(route);
    }
    this.#routes = servers;
  }

  #onServer(route: ServerRoute | undefined): void {
    if (route === undefined) return;
    const { catalog } = this.#options;
    const found = (["tools", "prompts"] as const).flatMap((member) => {
      const keys = (catalog.known(route.name, member) ?? []).map(({ key }) => key);
      return nameCollisions(member, { route, keys });
    });
    const told = this.#tell(found, this.#names.get(route.name) ?? new Set());
    if (told.size > 0) this.#names.set(route.name, told);
    else this.#names.delete(route.name);
  }

  #tell(found: readonly Collision[], told: ReadonlySet<string>): ReadonlySet<string> {
    for (const { server, name, message } of found) {
      if (!told.has(message)) this.#options.logger.warn("a name is taken", { server, name, why: message });
    }
    return new Set(found.map(({ message }) => message));
  }
}
