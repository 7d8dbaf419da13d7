/**
 * What the gateway says of itself: the answers to `initialize` and `server/discover`. On one server's endpoint the server speaks
 * through it (its own name, capabilities, instructions), also while it is away and was heard once; the aggregate speaks for all.
 * Only what is carried is declared.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import type { Watched } from "../../base/watched.ts";
import { type Era, legacyVersionOffered, legacyVersions, modernVersions } from "../../protocol/era.ts";
import { initializeResult } from "../../protocol/legacy.ts";
import { discoverResult } from "../../protocol/modern.ts";
import type { Principal } from "../../security/principal.ts";
import type { ServerFacts } from "../../transport/connection.ts";
import type { UpstreamSet } from "../../upstream/upstream-set.ts";
import { type Capabilities, carriedCapabilities, hasExtensions, hasTasks, mergedCapabilities } from "./capabilities.ts";
import { noReadyReplica } from "../calls/failure.ts";
import { mergedInstructions, type Said } from "./instructions.ts";
import type { RoutingTable } from "../routing/routing-table.ts";
import type { MaySee, View } from "../view.ts";

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

/** How long a modern client may keep what is said here. */
const discoverTtlMs = 5_000;

export class Introduction {
  readonly #options: IntroductionOptions;
  /** What each server said when it was last there. */
  readonly #heard = new Map<string, ServerFacts>();

  constructor(options: IntroductionOptions) {
    this.#options = options;
  }

  /** The version a legacy client gets: its own when it is spoken here, else the newest legacy one. */
  negotiate(requested: string | undefined): string {
    return requested !== undefined && legacyVersions.includes(requested) ? requested : legacyVersionOffered;
  }

  /** The answer to `initialize`. Rejects with `unavailable` when one server is asked for and was never heard. */
  async initialize(view: View, principal: Principal, id: Buffer, protocolVersion: string): Promise<Buffer> {
    return initializeResult(id, { protocolVersion, ...(await this.#self(view, principal, "legacy")) });
  }

  /** The answer to `server/discover`. Rejects as `initialize` does: 503, which a client takes for no verdict on the era. */
  async discover(view: View, principal: Principal, id: Buffer): Promise<Buffer> {
    const self = await this.#self(view, principal, "modern");
    const hints = { ttlMs: discoverTtlMs, cacheScope: "private" } as const;
    return discoverResult(id, { supportedVersions: modernVersions, ...self, ...hints });
  }

  /** Whether modern clients of this endpoint are told of extensions, whose methods are its server's to answer. */
  hasExtensions(view: View): boolean {
    if (view.kind === "aggregate") return false;
    const facts = this.#factsOf(view.server);
    return facts?.era === "modern" && hasExtensions(facts.capabilities);
  }

  /** Whether clients of this era are told on this endpoint that its server has tasks. */
  hasTasks(view: View, era: Era): boolean {
    const facts = view.kind === "aggregate" ? undefined : this.#factsOf(view.server);
    return facts?.era === era && hasTasks(facts.capabilities, era);
  }

  async #self(view: View, principal: Principal, era: Era): Promise<Self> {
    if (view.kind === "aggregate") return this.#aggregate(principal);
    const facts = this.#factsOf(view.server) ?? (await this.#awaitFacts(view.server));
    const { serverInfo, instructions, capabilities } = facts;
    const common = era === facts.era ? era : undefined;
    return { serverInfo, capabilities: carriedCapabilities(capabilities, common), instructions };
  }

  /** All that the servers offer which this principal may see; others add nothing. */
  #aggregate(principal: Principal): Self {
    const { table, maySee, version, instructionsMax } = this.#options;
    const said: Said[] = [];
    const declared: Capabilities[] = [];
    let isAwaited = false;
    for (const { name, exposure, trouble } of table.current.servers.values()) {
      if (!maySee(principal, name)) continue;
      const facts = this.#factsOf(name);
      if (facts === undefined) isAwaited ||= trouble?.state !== "failed" && trouble?.state !== "draining";
      else declared.push(facts.capabilities);
      if (facts?.instructions !== undefined) said.push({ prefix: exposure.prefix, text: facts.instructions });
    }
    return {
      serverInfo: { name: "mcp-manager", version },
      capabilities: mergedCapabilities(declared, isAwaited),
      instructions: mergedInstructions(said, instructionsMax),
    };
  }

  #factsOf(server: string): ServerFacts | undefined {
    const facts = this.#options.upstreams.pick(server)?.connection.facts;
    if (facts === undefined || facts === this.#heard.get(server)) return this.#heard.get(server);
    const { servers } = this.#options.table.current;
    for (const name of this.#heard.keys()) if (!servers.has(name)) this.#heard.delete(name);
    this.#heard.set(server, facts);
    return facts;
  }

  async #awaitFacts(server: string): Promise<ServerFacts> {
    const { upstreams, clock, table, waitMs } = this.#options;
    if (table.current.servers.get(server)?.trouble?.state !== "failed") {
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
    }
    const facts = this.#factsOf(server);
    if (facts !== undefined) return facts;
    const route = table.current.servers.get(server);
    if (route !== undefined) throw noReadyReplica(route);
    throw new ManagerError("not_found", `server "${server}" does not exist`, { server });
  }
}
