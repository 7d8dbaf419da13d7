/**
 * What the gateway says of itself: the answers to `initialize` and `server/discover`. On one server's endpoint the server speaks
 * through it (its own name, capabilities, instructions), also while it is away and was heard once; the aggregate speaks for all.
 * Of a server with several revisions the one speaks that the caller's calls go to. Only what is carried is declared.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import type { Unsubscribe, Watched } from "../../base/watched.ts";
import { legacyVersionOffered, legacyVersions, modernVersions } from "../../protocol/era.ts";
import { initializeResult } from "../../protocol/legacy.ts";
import { discoverResult } from "../../protocol/modern.ts";
import type { ServerFacts } from "../../transport/connection.ts";
import type { UpstreamSet } from "../../upstream/upstream-set.ts";
import { type Capabilities, carriedCapabilities, hasExtensions, hasTasks, mergedCapabilities } from "./capabilities.ts";
import type { Call } from "../calls/call.ts";
import { noReadyReplica } from "../calls/failure.ts";
import { ttlMsMovingMax } from "../lists/list-hints.ts";
import { mergedInstructions, type Said } from "./instructions.ts";
import { hasLeft } from "../routing/revision-of.ts";
import type { RoutingTable } from "../routing/routing-table.ts";
import { seenBy, type SeenRevisions } from "../routing/seen-revisions.ts";
import type { MaySee } from "../view.ts";

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

export class Introduction implements Disposable {
  readonly #options: IntroductionOptions;
  /** What each server that is registered said when it was last there, by revision; "" is any. */
  readonly #heard = new Map<string, Map<string, ServerFacts>>();
  readonly #unsubscribe: readonly Unsubscribe[];

  constructor(options: IntroductionOptions) {
    this.#options = options;
    this.#unsubscribe = [
      options.table.onChange(() => this.#forget()),
      options.upstreams.onChange(({ kind, server }) => {
        if (kind === "attached") this.#hear(server);
      }),
    ];
  }

  /** The version a legacy client gets: its own when it is spoken here, else the newest legacy one. */
  negotiate(requested: string | undefined): string {
    return requested !== undefined && legacyVersions.includes(requested) ? requested : legacyVersionOffered;
  }

  /** The answer to `initialize`. Rejects with `unavailable` when one server is asked for and was never heard. */
  async initialize(call: Call, protocolVersion: string): Promise<Buffer> {
    return initializeResult(call.id, { protocolVersion, ...(await this.#self(call)) });
  }

  /** The answer to `server/discover`. Rejects as `initialize` does: 503, which a client takes for no verdict on the era. */
  async discover(call: Call): Promise<Buffer> {
    const self = await this.#self(call);
    const hints = { ttlMs: this.#isMoving(call) ? ttlMsMovingMax : discoverTtlMs, cacheScope: "private" } as const;
    return discoverResult(call.id, { supportedVersions: modernVersions, ...self, ...hints });
  }

  /** Whether modern clients of this endpoint are told of extensions, whose methods are its server's to answer. */
  hasExtensions(call: Call): boolean {
    const facts = this.#ownFacts(call);
    return facts?.era === "modern" && hasExtensions(facts.capabilities);
  }

  /** Whether clients of the call's era are told on this endpoint that its server has tasks. */
  hasTasks(call: Call): boolean {
    const facts = this.#ownFacts(call);
    return facts?.era === call.era && hasTasks(facts.capabilities, call.era);
  }

  [Symbol.dispose](): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  /** Whether what a server says that the caller sees here may soon not hold. */
  #isMoving({ view, principal }: Call): boolean {
    const { table, maySee } = this.#options;
    return table.current.moving.some(({ name, revisions }) => {
      const isHere = view.kind === "aggregate" || view.server === name;
      return isHere && revisions?.next?.differs === true && maySee(principal, name);
    });
  }

  /** What the endpoint's own server says, of the revision that the caller's calls go to now. */
  #ownFacts(call: Call): ServerFacts | undefined {
    return call.view.kind === "aggregate" ? undefined : this.#factsOf(call.view.server, this.#seenOf(call));
  }

  async #self(call: Call): Promise<Self> {
    const { view, era } = call;
    if (view.kind === "aggregate") return this.#aggregate(call);
    const facts = this.#ownFacts(call) ?? (await this.#awaitFacts(call, view.server));
    const { serverInfo, instructions, capabilities } = facts;
    const common = era === facts.era ? era : undefined;
    return { serverInfo, capabilities: carriedCapabilities(capabilities, common), instructions };
  }

  /** All that the servers offer which this principal may see; others add nothing. */
  #aggregate(call: Call): Self {
    const { table, maySee, version, instructionsMax } = this.#options;
    const { principal } = call;
    const seen = this.#seenOf(call);
    const said: Said[] = [];
    const declared: Capabilities[] = [];
    let isAwaited = false;
    for (const { name, exposure, trouble } of table.current.servers.values()) {
      if (!maySee(principal, name)) continue;
      const facts = this.#factsOf(name, seen);
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

  #seenOf(call: Call): SeenRevisions {
    return seenBy(call, this.#options.table.current);
  }

  #factsOf(server: string, seen: SeenRevisions): ServerFacts | undefined {
    const { table, upstreams } = this.#options;
    const route = table.current.servers.get(server);
    if (route === undefined) return undefined;
    const revision = seen.of(route);
    const facts = upstreams.pick(server, revision)?.connection.facts;
    if (facts === undefined) return this.#heard.get(server)?.get(revision ?? "");
    this.#keep(server, revision, facts);
    return facts;
  }

  /** A replica has come, and may be gone again before anybody asks: a server that nobody calls sleeps. */
  #hear(server: string): void {
    const { table, upstreams } = this.#options;
    const isOne = table.current.servers.get(server)?.revisions === undefined;
    for (const { revision, connection } of upstreams.replicas(server)) {
      this.#keep(server, revision, connection.facts);
      if (isOne) this.#keep(server, undefined, connection.facts);
    }
  }

  #keep(server: string, revision: string | undefined, facts: ServerFacts): void {
    let heard = this.#heard.get(server);
    if (heard?.get(revision ?? "") === facts) return;
    if (heard === undefined) this.#heard.set(server, (heard = new Map()));
    heard.set(revision ?? "", facts);
  }

  /** Servers that are no longer registered, and revisions that left. */
  #forget(): void {
    const { table, upstreams } = this.#options;
    for (const [server, heard] of this.#heard) {
      const route = table.current.servers.get(server);
      if (route === undefined) this.#heard.delete(server);
      for (const revision of heard.keys()) {
        const isRouted = route !== undefined && !hasLeft(route, revision);
        if (revision !== "" && !isRouted && upstreams.pick(server, revision) === undefined) heard.delete(revision);
      }
    }
  }

  async #awaitFacts(call: Call, server: string): Promise<ServerFacts> {
    const { table } = this.#options;
    if (table.current.servers.get(server)?.trouble?.state !== "failed") await this.#untilHeard(call, server);
    const facts = this.#ownFacts(call);
    if (facts !== undefined) return facts;
    const route = table.current.servers.get(server);
    if (route !== undefined) throw noReadyReplica(route);
    throw new ManagerError("not_found", `server "${server}" does not exist`, { server });
  }

  /** Resolves when a replica, or another route, brings a revision that speaks, or when the time is up. */
  async #untilHeard(call: Call, server: string): Promise<void> {
    const { upstreams, clock, table, waitMs } = this.#options;
    using waiting = new DisposableStack();
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.#ownFacts(call) !== undefined) resolve();
      };
      const timer = clock.after(waitMs, resolve);
      waiting.defer(() => timer.cancel());
      waiting.defer(table.onChange(look));
      waiting.defer(
        upstreams.onChange((change) => {
          if (change.kind === "attached" && change.server === server) look();
        }),
      );
    });
  }
}
