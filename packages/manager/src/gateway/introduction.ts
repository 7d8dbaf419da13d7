/**
 * What the gateway says of itself: the answers to `initialize` and `server/discover`. On one server's endpoint the server speaks
 * through it (its own name, capabilities, instructions); the aggregate speaks for all. Only what is carried is declared.
 */
import type { Clock } from "../base/clock.ts";
import type { Watched } from "../base/watched.ts";
import { legacyVersionOffered, legacyVersions, modernVersions } from "../protocol/era.ts";
import { initializeResult } from "../protocol/legacy.ts";
import { discoverResult } from "../protocol/modern.ts";
import type { Principal } from "../security/principal.ts";
import type { ServerFacts } from "../transport/connection.ts";
import type { UpstreamSet } from "../upstream/upstream-set.ts";
import type { MaySee, View } from "./merged-list.ts";
import type { RoutingTable } from "./routing-table.ts";

export interface IntroductionOptions {
  readonly table: Watched<RoutingTable>;
  readonly upstreams: UpstreamSet;
  readonly maySee: MaySee;
  readonly clock: Clock;
  readonly version: string;
  /** A server that is just starting is waited for this long, so that its own words can be given. */
  readonly waitMs: number;
  /** Most characters of merged instructions. */
  readonly instructionsMax: number;
}

interface Self {
  readonly serverInfo: { readonly name: string; readonly version: string };
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly instructions: string | undefined;
}

/** Carried for clients of either era; an empty list is an honest answer where a server has none. */
const aggregateCapabilities = { tools: {}, prompts: {}, resources: {}, logging: {} };
const carried: readonly string[] = Object.keys(aggregateCapabilities);

export class Introduction {
  readonly #options: IntroductionOptions;

  constructor(options: IntroductionOptions) {
    this.#options = options;
  }

  /** The version a legacy client gets: its own when it is spoken here, else the newest legacy one. */
  negotiate(requested: string | undefined): string {
    return requested !== undefined && legacyVersions.includes(requested) ? requested : legacyVersionOffered;
  }

  async initialize(view: View, principal: Principal, id: Buffer, protocolVersion: string): Promise<Buffer> {
    return initializeResult(id, { protocolVersion, ...(await this.#self(view, principal)) });
  }

  async discover(view: View, principal: Principal, id: Buffer): Promise<Buffer> {
    const self = await this.#self(view, principal);
    return discoverResult(id, { supportedVersions: modernVersions, ...self, ttlMs: 5_000, cacheScope: "private" });
  }

  async #self(view: View, principal: Principal): Promise<Self> {
    if (view.kind === "aggregate") return this.#aggregate(principal);
    const facts = await this.#factsOf(view.server);
    if (facts === undefined) {
      const serverInfo = { name: view.server, version: this.#options.version };
      return { serverInfo, capabilities: aggregateCapabilities, instructions: undefined };
    }
    return { serverInfo: facts.serverInfo, capabilities: carriedOf(facts), instructions: facts.instructions };
  }

  #aggregate(principal: Principal): Self {
    const { table, upstreams, maySee, version, instructionsMax } = this.#options;
    const said: string[] = [];
    for (const route of table.current.servers.values()) {
      const instructions = upstreams.pick(route.name)?.connection.facts.instructions;
      if (instructions !== undefined && maySee(principal, route.name))
        said.push(`# ${route.exposure.prefix}\n${instructions}`);
    }
    const instructions = said.length === 0 ? undefined : said.join("\n\n").slice(0, instructionsMax);
    return { serverInfo: { name: "mcp-manager", version }, capabilities: aggregateCapabilities, instructions };
  }

  async #factsOf(server: string): Promise<ServerFacts | undefined> {
    const { upstreams, clock, waitMs } = this.#options;
    const now = upstreams.pick(server);
    if (now !== undefined) return now.connection.facts;
    await new Promise<void>((resolve) => {
      const timer = clock.after(waitMs, done);
      const unsubscribe = upstreams.onChange((change) => {
        if (change.kind === "attached" && change.server === server) done();
      });
      function done(): void {
        timer.cancel();
        unsubscribe();
        resolve();
      }
    });
    return upstreams.pick(server)?.connection.facts;
  }
}

/** A server's capabilities less what the gateway does not carry; their own settings are left out with what they promise. */
function carriedOf(facts: ServerFacts): Record<string, unknown> {
  return Object.fromEntries(carried.filter((name) => facts.capabilities[name] !== undefined).map((name) => [name, {}]));
}
