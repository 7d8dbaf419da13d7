/**
 * What this instance runs: one runner for each Replica that was placed here, started, restarted and ended as the records say, and
 * their statuses written back. It never decides which replicas there should be. While the store is away everything goes on as it
 * was, and what is to be reported waits.
 */
import type { Replica, Revision, Server } from "@mcp-manager/api";
import { durationMs, serverDefaults } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { Semaphore } from "../base/semaphore.ts";
import type { TimerWheel } from "../base/timer-wheel.ts";
import type { Unsubscribe } from "../base/watched.ts";
import { WorkQueue } from "../base/work-queue.ts";
import type { EventSink } from "../events/event.ts";
import type { Era } from "../protocol/era.ts";
import type { Informer } from "../registry/informer.ts";
import { kinds } from "../registry/kinds.ts";
import type { Registry } from "../registry/registry.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { ServerFacts } from "../transport/connection.ts";
import type { IdleServers } from "../upstream/idle-servers.ts";
import { listMethods } from "../upstream/list-pages.ts";
import type { UpstreamChange, UpstreamSet } from "../upstream/upstream-set.ts";
import { keepCatalogue } from "./catalogue-record.ts";
import type { ProbeResult } from "./health-monitor.ts";
import type { ServerUse } from "./idle-watch.ts";
import { ReplicaLogs } from "./logs.ts";
import { RestartRate } from "./restart-rate.ts";
import type { OpenRunFn } from "./run.ts";
import { ReplicaRunner } from "./runner.ts";
import { SpareBudget } from "./spare-budget.ts";

export interface AgentOptions {
  readonly registry: Registry;
  readonly servers: Informer<Server>;
  readonly revisions: Informer<Revision>;
  readonly replicas: Informer<Replica>;
  /** The name of this instance: the Replicas that carry it are run here. */
  readonly node: string;
  readonly open: OpenRunFn;
  readonly upstreams: UpstreamSet;
  readonly logs: ReplicaLogs;
  /** Runs that may be opening at once. */
  readonly startsMax: number;
  /** At the end of the instance: how long calls in flight may take, in milliseconds. */
  readonly graceMs: number;
  /** Processes of each replica that are kept started for the next client, and of all together. */
  readonly spares: number;
  readonly sparesMax: number;
  readonly wheel: TimerWheel;
  readonly idle: IdleServers;
  /** What the data plane has to do with a server now. */
  readonly useOf: (server: string) => ServerUse;
  readonly events: EventSink;
  /** Hears of each probe. */
  readonly probed: (server: string, result: ProbeResult) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A verdict on a server's era is asked for again when it is older than this. */
const eraAgeMaxMs = 24 * 60 * 60_000;
const listChanges: ReadonlySet<string> = new Set(Object.values(listMethods).map(({ changed }) => changed));

export class Agent implements AsyncDisposable {
  readonly #options: AgentOptions;
  readonly #runners = new Map<string, ReplicaRunner>();
  readonly #leaving = new Set<ReplicaRunner>();
  readonly #starts: Semaphore;
  readonly #restartTurns = new Map<string, Semaphore>();
  readonly #reports: WorkQueue;
  readonly #restarts: RestartRate;
  readonly #budget: SpareBudget;
  /** By server, the store revision of its spec that was seen last. */
  readonly #specs = new Map<string, string>();
  #unsubscribe: readonly Unsubscribe[] = [];

  constructor(options: AgentOptions) {
    const { clock, random, logger } = options;
    this.#options = options;
    this.#starts = new Semaphore(options.startsMax);
    this.#restarts = new RestartRate(clock);
    this.#budget = new SpareBudget(options.sparesMax);
    this.#reports = new WorkQueue({
      clock,
      random,
      workers: 8,
      work: (name) => this.#report(name),
      onError: (replica, error) => logger.warn("a replica's status could not be written", { replica, error }),
    });
  }

  /** Takes up what is placed here. Resolves when no status of an earlier life is left. */
  async start(): Promise<void> {
    const { replicas, servers, upstreams, node, registry } = this.#options;
    this.#unsubscribe = [
      replicas.onChange((name, replica) => this.#onChange(name, replica)),
      servers.onChange((name, server) => this.#onServerChange(name, server)),
      upstreams.onChange((change) => this.#onUpstreamChange(change)),
    ];
    const mine = replicas.list().filter(({ spec }) => spec.node === node);
    for (const replica of mine) this.#onChange(replica.metadata.name, replica);
    const own = registry.resources(kinds.Replica);
    await Promise.all(mine.map(({ metadata }) => own.updateStatus(metadata.name, (now) => this.#statusOf(now))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    const runners = [...this.#runners.values(), ...this.#leaving];
    this.#runners.clear();
    for (const runner of runners) runner.leave(this.#options.graceMs);
    await Promise.all(runners.map((runner) => runner.done));
    await this.#reports[Symbol.asyncDispose]();
  }

  /** Most changes are of statuses, and those mean nothing here. */
  #onServerChange(name: string, server: Server | undefined): void {
    const revision = server?.metadata.revision;
    if (revision === this.#specs.get(name)) return;
    if (revision === undefined) this.#specs.delete(name);
    else this.#specs.set(name, revision);
    for (const runner of this.#runners.values()) if (runner.server === name) runner.rulesChanged();
  }

  /** Which replica said it is not told; and a server that goes on in a new session may be another than it was. */
  #onUpstreamChange(change: UpstreamChange): void {
    if (change.kind === "renewed") return this.#runners.get(change.replica.name)?.listsChanged();
    if (change.kind !== "notified" || !listChanges.has(change.method)) return;
    for (const runner of this.#runners.values()) if (runner.server === change.server) runner.listsChanged();
  }

  #onChange(name: string, replica: Replica | undefined): void {
    const runner = this.#runners.get(name);
    if (replica === undefined) {
      // The record is gone without a drain: it was taken out by force.
      if (runner !== undefined) this.#dismiss(runner, 0);
      this.#options.logs.forget(name);
    } else if (replica.spec.node === this.#options.node) {
      const present = runner ?? this.#take(replica);
      present?.restart(replica.spec.restartRound);
      if (replica.spec.drain === true) present?.leave(this.#lastMs(replica.spec));
    }
  }

  #take(replica: Replica): ReplicaRunner | undefined {
    const { name } = replica.metadata;
    const revision = this.#options.revisions.get(replica.spec.revision);
    if (revision === undefined) {
      // The two kinds are watched apart: the revision, written before, is on its way.
      this.#options.clock.after(revisionWaitMs, () => {
        const again = this.#options.replicas.get(name);
        if (again !== undefined && !this.#runners.has(name)) this.#onChange(name, again);
      });
      return undefined;
    }
    const runner = new ReplicaRunner(replica, revision.spec, this.#hostFor(replica, name));
    this.#runners.set(name, runner);
    this.#reports.add(name);
    return runner;
  }

  #dismiss(runner: ReplicaRunner, graceMs: number): void {
    this.#runners.delete(runner.name);
    this.#leaving.add(runner);
    runner.leave(graceMs);
    const { server } = runner;
    void runner.done.then(() => {
      this.#leaving.delete(runner);
      if (![...this.#runners.values()].some((other) => other.server === server)) this.#restartTurns.delete(server);
    });
  }

  #hostFor(replica: Replica, name: string): ConstructorParameters<typeof ReplicaRunner>[2] {
    const { clock, random, wheel, idle, events, upstreams, open, logs, servers, spares, probed } = this.#options;
    const { server, revision } = replica.spec;
    return {
      clock,
      random,
      wheel,
      events,
      restarts: this.#restarts,
      spares: { count: spares, budget: this.#budget },
      leasesMax: () => servers.get(server)?.spec.limits.leases,
      health: () => servers.get(server)?.spec.health ?? serverDefaults.health,
      callTimeoutMs: () => durationMs((servers.get(server)?.spec ?? serverDefaults).limits.callTimeout),
      probed: (result) => probed(server, result),
      idle,
      idleAfterMs: () => idleAfterMs(servers.get(server)),
      use: () => this.#options.useOf(server),
      upstreams,
      open,
      starts: this.#starts,
      restartTurn: this.#restartTurn(server),
      drainMs: () => this.#drainMs(server),
      startupMs: () => durationMs(servers.get(server)?.spec.health.startup ?? "60s"),
      knownEra: () => this.#knownEra(revision),
      report: () => this.#reports.add(name),
      opened: (facts) => void this.#learn(revision, facts),
      keep: (offer) => keepCatalogue(this.#options.registry, revision, offer),
      log: logs.sink(server, name),
      logTail: (since) => logs.tail(name, undefined, since),
    };
  }

  #restartTurn(server: string): Semaphore {
    let turn = this.#restartTurns.get(server);
    if (turn === undefined) this.#restartTurns.set(server, (turn = new Semaphore(1)));
    return turn;
  }

  #drainMs(server: string): number {
    return durationMs(this.#options.servers.get(server)?.spec.deployment.drainTimeout ?? "10m");
  }

  /**
   * How long calls in flight may take when a replica drains, where whoever asks does not say it. Those at a revision that has left the route,
   * or takes nothing new, had their time there before: it gets half of it once more, and then they are cut off.
   */
  #lastMs({ server, revision, drainWithin }: Replica["spec"]): number {
    if (drainWithin !== undefined) return durationMs(drainWithin);
    const { stable, next } = this.#options.servers.get(server)?.status.route ?? {};
    const hadTime = stable !== undefined && stable !== revision && next?.revision !== revision;
    return hadTime ? this.#drainMs(server) / 2 : this.#drainMs(server);
  }

  #knownEra(revision: string): Era | undefined {
    const { era, eraFoundAt } = this.#options.revisions.get(revision)?.status ?? {};
    const isOld = eraFoundAt === undefined || this.#options.clock.wallMs() - Date.parse(eraFoundAt) > eraAgeMaxMs;
    return isOld ? undefined : era;
  }

  /** What the first replica to answer tells of its revision; a later one only when it says something else. */
  async #learn(revision: string, { era, serverInfo, capabilities }: ServerFacts): Promise<void> {
    const { registry, clock, logger } = this.#options;
    const known = this.#knownEra(revision);
    const eraFoundAt = new Date(clock.wallMs()).toISOString();
    await registry
      .resources(kinds.Revision)
      .updateStatus(revision, ({ status }) => ({
        ...status,
        era,
        eraFoundAt: known === era && status.eraFoundAt !== undefined ? status.eraFoundAt : eraFoundAt,
        serverInfo: { ...serverInfo },
        capabilities,
      }))
      .catch((error: unknown) => logger.warn("a revision's status could not be written", { revision, error }));
  }

  async #report(name: string): Promise<void> {
    await this.#options.registry.resources(kinds.Replica).updateStatus(name, (now) => this.#statusOf(now));
  }

  #statusOf({ metadata, spec }: Replica): Replica["status"] | undefined {
    return spec.node === this.#options.node ? this.#runners.get(metadata.name)?.status : undefined;
  }
}

/** Only a server of which none has to run becomes idle. */
function idleAfterMs(server: Server | undefined): number | undefined {
  const { autoscale } = server?.spec ?? {};
  return autoscale?.min === 0 ? durationMs(autoscale.idleAfter) : undefined;
}

/** How long a revision may be behind its replica in the caches before it is looked for again. */
const revisionWaitMs = 100;
