/** The catalog of one server `s` alone, for tests: scripted replicas, time that stands still, and notes of all that it tells. */
import type { Route } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import { TimerWheel } from "../../base/timer-wheel.ts";
import { UpstreamSet } from "../../upstream/upstream-set.ts";
import { Catalog, type Listing } from "../lists/catalog.ts";
import type { Trouble } from "../routing/routing-table.ts";
import { type Script, ScriptedConnection, type ScriptedOptions } from "./scripted-connection.ts";

export class CatalogBench implements Disposable {
  readonly clock: ManualClock = new ManualClock();
  readonly wheel: TimerWheel = new TimerWheel(this.clock);
  readonly upstreams: UpstreamSet = new UpstreamSet();
  readonly changes: string[] = [];
  readonly dropped: string[] = [];
  readonly listed: string[] = [];
  /** How requests for lists ended: server, replica, ending and the time it named. */
  readonly attempts: string[] = [];
  trouble: Trouble | undefined;
  /** The replica that is left alone. */
  heldOff: string | undefined;
  readonly catalog: Catalog = new Catalog({
    upstreams: this.upstreams,
    clock: this.clock,
    wheel: this.wheel,
    listDeadlineMs: 2_000,
    troubleOf: () => this.trouble,
    attempted: (server, replica, _tool, ending, retryAfterMs) =>
      this.attempts.push(`${server} ${replica} ${ending} ${retryAfterMs}`),
    isHeldOff: (_server, replica) => replica === this.heldOff,
    onDropped: (server, member, { why, count, names }) =>
      this.dropped.push(`${server} ${member} ${count} ${why}: ${names.join(" ")}`),
    onListed: ({ replica, member, items, isNewcomer }) => {
      const keys = items.map(({ key }) => key).join(" ");
      if (member === "tools") this.listed.push(`${replica.name}${isNewcomer ? ", a newcomer" : ""}: ${keys}`);
    },
  });

  constructor() {
    this.catalog.onChange((server) => this.changes.push(server));
  }

  attach(script: Script, name = "s-1-a", options: ScriptedOptions = {}): ScriptedConnection {
    const connection = new ScriptedConnection({ script, capabilities: { tools: {} }, ...options });
    this.upstreams.attach({ name, server: "s", revision: name.slice(0, name.lastIndexOf("-")), connection });
    return connection;
  }

  /** Requests for lists that have ended. */
  get asked(): number {
    return this.attempts.length;
  }

  route(revisions: Route): void {
    this.catalog.follow(new Map([["s", { revisions }]]));
  }

  async tools(revision?: string): Promise<string[] | string> {
    const listing: Listing = await this.catalog.listing("s", "tools", revision);
    return listing.kind === "known" ? listing.items.map((item) => item.key) : listing.error.message;
  }

  [Symbol.dispose](): void {
    this.catalog[Symbol.dispose]();
    this.wheel[Symbol.dispose]();
  }
}

/** Until what was answered has been taken in. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** A list of tools that have nothing but names. */
export const toolsOf = (...names: string[]): unknown => ({ tools: names.map((name) => ({ name })) });
