/**
 * The control plane's loop: for each server it reads what is, asks pure functions what is to be (`advance` where its deployment goes,
 * `plan` which replicas come and go), and writes that into the registry. Traffic comes first: where calls go stands in the store, in
 * one transaction with the deployment's status, before replicas follow. It starts nothing itself; agents act on the Replica records.
 * Level-triggered: events only say which server to look at, and a reconcile that is repeated, late or interrupted comes to the same
 * end. Nothing is decided by the wall clock, and nothing is written unless the store still holds what was looked at.
 */
import type { BreakerState, ReplicaSpec, Server, ServerStatus } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Clock, Timer } from "../base/clock.ts";
import { shortId } from "../base/ids.ts";
import { unreachable } from "../base/invariant.ts";
import type { Random } from "../base/random.ts";
import type { Unsubscribe } from "../base/watched.ts";
import { WorkQueue } from "../base/work-queue.ts";
import { kinds } from "../registry/kinds.ts";
import type { Registry } from "../registry/registry.ts";
import { sameJson } from "../registry/transaction.ts";
import type { Logger } from "../telemetry/logger.ts";
import { type StatusWrites, statusWritesOf } from "./status-writes.ts";
import { type CompareTexts, Gates } from "./gates.ts";
import type { MeasureSource } from "../telemetry/revision-measures.ts";
import { KnownWork } from "./known-work.ts";
import { type Caches, type Observed, observe } from "./observed.ts";
import { OwnWrites } from "./own-writes.ts";
import { PassedTime } from "./passed-time.ts";
import { plan, type Step, targetRevision } from "./plan.ts";
import { advance } from "./rollout/advance.ts";
import type { Capacity } from "./rollout/capacity.ts";
import type { RolloutDecision, RolloutInput } from "./rollout/rollout.ts";
import { rolloutInput, type Surroundings } from "./rollout-input.ts";
import { Rooms } from "./rooms.ts";
import { Scaling } from "./scale.ts";
import { serverStatus } from "./server-status.ts";

export interface ControllerOptions extends Caches {
  readonly registry: Registry;
  /** The instance that replicas are placed on. */
  readonly node: string;
  /** How many tools a server lists, as far as this instance knows. */
  readonly toolCount: (server: string) => number | undefined;
  /** Where its breaker is on this instance. */
  readonly breakerOf: (server: string) => BreakerState | undefined;
  /** Calls in flight to it and waiting for it, on this instance. */
  readonly callsOf: (server: string) => number;
  /** Who counts calls by revision on this instance. */
  readonly measures: MeasureSource;
  readonly compareTexts: CompareTexts;
  /** What deployments may take of this instance; an absent figure is no bound. */
  readonly capacity: Capacity;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Where deployments go; tests have their own. */
  readonly advance?: (input: RolloutInput) => RolloutDecision;
}

/** A cache that has not seen this loop's own writes is looked at again after this long. */
const behindMs = 50;
/** What servers have to do is looked at this often, for those that scale by it. */
const sampleMs = 2_000;
/** Servers that are looked at at once: what they write in one turn, the store may keep in one go. */
const workers = 8;

export class Controller implements AsyncDisposable {
  readonly #options: ControllerOptions;
  readonly #queue: WorkQueue;
  readonly #unsubscribe: readonly Unsubscribe[];
  readonly #written = new OwnWrites();
  readonly #passed = new PassedTime();
  readonly #gates: Gates;
  readonly #work: KnownWork;
  readonly #scaling = new Scaling();
  readonly #rooms: Rooms;
  #sampling: Timer;

  /** Begins at once with whatever the informers hold and hear. */
  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#gates = new Gates(options.compareTexts);
    const earlier = options.revisions.list().map(({ metadata }) => metadata.name);
    this.#work = new KnownWork(options.measures, options.clock, earlier);
    const desiredOf = ({ metadata, spec }: Server): number => this.#scaling.desired(metadata.name, spec);
    this.#rooms = new Rooms({ ...options, desiredOf });
    this.#queue = new WorkQueue({
      clock: options.clock,
      random: options.random,
      workers,
      work: (server) => this.#reconcile(server),
      onError: (server, error) => options.logger.warn("a server could not be reconciled", { server, error }),
    });
    const ask = (server: string | undefined): void => {
      if (server !== undefined) this.#queue.add(server);
    };
    this.#unsubscribe = [
      options.servers.onChange((name) => ask(name)),
      options.revisions.onChange((_, revision) => ask(revision?.spec.server)),
      options.deployments.onChange((_, deployment) => ask(deployment?.spec.server)),
      options.catalogues.onChange((_, catalogue) => ask(catalogue?.spec.server)),
      options.replicas.onChange((name, replica) => ask(replica?.spec.server ?? serverOf(name))),
    ];
    for (const { metadata } of options.servers.list()) ask(metadata.name);
    this.#sampling = options.clock.after(sampleMs, () => this.#sample());
  }

  /** Asks for another look at a server, because something outside the registry changed (its number of tools). */
  look(server: string): void {
    this.#queue.add(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#sampling.cancel();
    await this.#queue[Symbol.asyncDispose]();
  }

  /** Looks at what the servers that scale by themselves have to do. */
  #sample(): void {
    const { servers, callsOf, clock } = this.#options;
    for (const { metadata, spec } of servers.list()) {
      const { autoscale } = spec;
      if (autoscale === undefined || autoscale.max <= 1) continue;
      const { name } = metadata;
      if (this.#scaling.sample(name, autoscale, callsOf(name), clock.nowMs())) this.#queue.add(name);
    }
    this.#sampling = clock.after(sampleMs, () => this.#sample());
  }

  async #reconcile(name: string): Promise<number | void> {
    const own = observe(this.#options, name);
    if (own === undefined) return this.#forget(name);
    if (own === "behind" || !this.#isSeen(name)) return behindMs;
    if (own.server.spec.autoscale === undefined) this.#scaling.forget(name);
    const moment = this.#momentOf(own);
    const decision = this.#decide(own, moment);
    const changes = statusWritesOf(own, decision, moment.passedMs, moment.now);
    const status = this.#statusOf(own, changes, moment);
    // Where calls go first: nothing may end that they are still sent to.
    if (changes.isMove && !(await this.#write(own, changes, status, moment))) return behindMs;
    const { node } = this.#options;
    const { callsMs } = decision?.status.progress ?? {};
    const steps = plan({ ...own, desired: moment.desired, wanted: decision?.wanted, callsMs, node });
    for (const step of steps) await this.#perform(name, step);
    // A new replica asks for the next look by itself, and that one has more to tell.
    const isDone = changes.isMove || steps.some(({ kind }) => kind === "create-replica");
    if (!isDone && !(await this.#write(own, changes, status, moment))) return behindMs;
    return soonest(decision?.lookAgainMs, changes.dueMs);
  }

  #isSeen(name: string): boolean {
    const { servers, deployments, replicas } = this.#options;
    const caches = { servers: servers.revision, deployments: deployments.revision, replicas: replicas.revision };
    return this.#written.areSeen(name, caches);
  }

  #momentOf({ server, deployment }: Observed): Moment {
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    return {
      desired: this.#scaling.desired(server.metadata.name, server.spec),
      passedMs: deployment === undefined ? 0 : this.#passed.since(deployment, nowMs),
      nowMs,
      now: new Date(clock.wallMs()).toISOString(),
    };
  }

  /** Undefined for a server without deployments: its newest revision runs. */
  #decide(own: Observed, { desired, passedMs, now }: Moment): RolloutDecision | undefined {
    const { deployment } = own;
    if (deployment === undefined) return undefined;
    const { measures, advance: decide = advance } = this.#options;
    const around: Surroundings = { gates: this.#gates, measures, work: this.#work, rooms: this.#rooms };
    return decide(rolloutInput({ ...own, deployment }, around, { desired, passedMs, now }));
  }

  #statusOf(own: Observed, { deployment, route }: StatusWrites, { desired, now }: Moment): ServerStatus {
    const { toolCount, breakerOf } = this.#options;
    const { server, replicas, revisions } = own;
    const { name } = server.metadata;
    const target = targetRevision(revisions)?.metadata.name;
    const [tools, breaker] = [toolCount(name), breakerOf(name)];
    return serverStatus({ server, replicas, desired, target, deployment, route, tools, breaker, now });
  }

  /**
   * All that changed, in one transaction, which holds only while the store has what was looked at; false when it has not. Nothing is
   * written when nothing changed.
   */
  async #write(own: Observed, changes: StatusWrites, status: ServerStatus, { nowMs }: Moment): Promise<boolean> {
    const { registry, servers, deployments, measures } = this.#options;
    const { name } = own.server.metadata;
    const stored = servers.stored(name);
    if (stored?.resource !== own.server) return false;
    const isOther = !sameJson(status, own.server.status);
    if (isOther || changes.deployments.length > 0) {
      const transaction = registry.transaction();
      if (isOther) transaction.putStatus(kinds.Server, stored, status);
      // Whoever makes a deployment writes the status of its server: while that is as it was, this one is the newest.
      else transaction.requireStatus(kinds.Server, stored);
      for (const change of changes.deployments) {
        const before = deployments.stored(change.name);
        if (before === undefined || !own.deployments.includes(before.resource)) return false;
        transaction.putStatus(kinds.Deployment, before, change.status);
      }
      const result = await transaction.commit();
      if (result.kind === "conflict") return false;
      if (isOther) this.#written.note(name, "servers", result.revision);
      if (changes.deployments.length > 0) this.#written.note(name, "deployments", result.revision);
    }
    const { deployment } = changes;
    if (deployment !== undefined && deployment !== own.deployment)
      this.#passed.written(deployment, deployment.status, nowMs);
    if (changes.isOtherShare) measures.reset(name);
    return true;
  }

  #forget(name: string): void {
    this.#written.forget(name);
    this.#passed.forget(name);
    this.#gates.forget(name);
    this.#rooms.forget(name);
    this.#scaling.forget(name);
  }

  async #perform(server: string, step: Step): Promise<void> {
    const { registry, random } = this.#options;
    switch (step.kind) {
      case "create-replica": {
        const name = `${step.revision}-${shortId(random, 4)}`;
        const spec = { server, revision: step.revision, node: step.node, restartRound: 0 };
        const { metadata } = await registry.resources(kinds.Replica).create({ name, spec });
        this.#written.note(server, "replicas", BigInt(metadata.revision));
        return;
      }
      case "drain-replica":
        return void (await registry
          .resources(kinds.Replica)
          .update(step.name, ({ spec }) => ({ spec: { ...spec, drain: true, ...limitOf(step) } }))
          .catch(unlessGone));
      case "forget-replica":
        return void (await registry.resources(kinds.Replica).delete(step.name));
      case "forget-revision":
        return void (await registry.resources(kinds.Revision).delete(step.name));
      case "forget-catalogue":
        return void (await registry.resources(kinds.Catalogue).delete(step.name));
      case "forget-deployment":
        return void (await registry.resources(kinds.Deployment).delete(step.name));
      case "forget-server":
        // What was decided about it must not meet another one of its name.
        await registry.resources(kinds.Override).delete(server);
        return void (await registry.resources(kinds.Server).delete(server));
      default:
        unreachable(step);
    }
  }
}

/** One look: how many replicas there should be, and the time by both clocks. */
interface Moment {
  readonly desired: number;
  /** Since the deployment's status was written. */
  readonly passedMs: number;
  /** Monotonic. */
  readonly nowMs: number;
  /** RFC 3339. */
  readonly now: string;
}

function soonest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

/** The server's name from a replica's: `weather-7-x2k9`; for records that are gone. */
function serverOf(replica: string): string | undefined {
  return /^(.+)-[0-9]+-[a-z0-9]+$/.exec(replica)?.[1];
}

function limitOf({ within }: Extract<Step, { kind: "drain-replica" }>): Pick<ReplicaSpec, "drainWithin"> {
  return within === undefined ? {} : { drainWithin: within };
}

function unlessGone(error: unknown): undefined {
  if (error instanceof ManagerError && error.code === "not_found") return undefined;
  throw error;
}
