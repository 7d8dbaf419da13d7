/**
 * The control plane's loop: for each server it reads what is, asks the pure plan what is to be done, and writes that into the
 * registry. It starts nothing itself; agents act on the Replica records. Level-triggered: events only say which server to look at,
 * and a reconcile that is repeated, late or interrupted comes to the same end.
 */
import type { BreakerState, Replica, Revision, Server, ServerState } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Clock, Timer } from "../base/clock.ts";
import { shortId } from "../base/ids.ts";
import { unreachable } from "../base/invariant.ts";
import type { Random } from "../base/random.ts";
import type { Unsubscribe } from "../base/watched.ts";
import { WorkQueue } from "../base/work-queue.ts";
import type { EventSink, ManagerEvent } from "../events/event.ts";
import type { Informer } from "../registry/informer.ts";
import { kinds } from "../registry/kinds.ts";
import type { Registry } from "../registry/registry.ts";
import { sameJson } from "../registry/transaction.ts";
import type { Logger } from "../telemetry/logger.ts";
import { plan, type Step, targetRevision } from "./plan.ts";
import { Scaling } from "./scale.ts";
import { serverStatus } from "./server-status.ts";

export interface ControllerOptions {
  readonly registry: Registry;
  readonly servers: Informer<Server>;
  readonly revisions: Informer<Revision>;
  readonly replicas: Informer<Replica>;
  /** The instance that replicas are placed on. */
  readonly node: string;
  /** How many tools a server lists, as far as this instance knows. */
  readonly toolCount: (server: string) => number | undefined;
  /** Where its breaker is on this instance. */
  readonly breakerOf: (server: string) => BreakerState | undefined;
  /** Calls in flight to it and waiting for it, on this instance. */
  readonly callsOf: (server: string) => number;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
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
  /** The store revision of this loop's last write for a server: a plan from an older cache would do it twice. */
  readonly #written = new Map<string, bigint>();
  /** The state of each server that was published last. */
  readonly #states = new Map<string, ServerState>();
  readonly #scaling = new Scaling();
  #sampling: Timer;

  /** Begins at once with whatever the informers hold and hear. */
  constructor(options: ControllerOptions) {
    this.#options = options;
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
    const { servers, revisions, replicas } = this.#options;
    const server = servers.get(name);
    if (server === undefined) return this.#forget(name);
    if (replicas.revision < (this.#written.get(name) ?? 0n)) return behindMs;
    const own = { server, revisions: revisions.ofServer(name), replicas: replicas.ofServer(name) };
    if (server.spec.autoscale === undefined) this.#scaling.forget(name);
    const steps = plan({
      ...own,
      deployments: [],
      desired: this.#scaling.desired(name, server.spec),
      node: this.#options.node,
    });
    for (const step of steps) await this.#perform(name, step);
    // A new replica asks for the next look by itself, and that one has more to tell.
    if (!steps.some(({ kind }) => kind === "create-replica")) await this.#writeStatus(own);
  }

  #forget(name: string): void {
    this.#written.delete(name);
    this.#scaling.forget(name);
    const from = this.#states.get(name);
    if (!this.#states.delete(name) || from === undefined) return;
    this.#options.events.publish(stateChange(name, from, "gone", "it was deleted"));
  }

  async #perform(server: string, step: Step): Promise<void> {
    const { registry, random } = this.#options;
    switch (step.kind) {
      case "create-replica": {
        const name = `${step.revision}-${shortId(random, 4)}`;
        const spec = { server, revision: step.revision, node: step.node, restartRound: 0 };
        const { metadata } = await registry.resources(kinds.Replica).create({ name, spec });
        this.#written.set(server, BigInt(metadata.revision));
        return;
      }
      case "drain-replica":
        return void (await registry
          .resources(kinds.Replica)
          .update(step.name, ({ spec }) => ({ spec: { ...spec, drain: true } }))
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

  async #writeStatus(own: {
    server: Server;
    revisions: readonly Revision[];
    replicas: readonly Replica[];
  }): Promise<void> {
    const { registry, toolCount, breakerOf, clock } = this.#options;
    const { name, uid } = own.server.metadata;
    const target = targetRevision(own.revisions)?.metadata.name;
    const now = new Date(clock.wallMs()).toISOString();
    const desired = this.#scaling.desired(name, own.server.spec);
    const tools = toolCount(name);
    const breaker = breakerOf(name);
    const statusOf = (server: Server): Server["status"] =>
      serverStatus({ server, replicas: own.replicas, desired, target, tools, breaker, now });
    // Nothing is read when the cache says so already: where it is behind, what it has yet to hear asks for another look.
    if (sameJson(statusOf(own.server), own.server.status)) return this.#publishState(own.server);
    const written = await registry.resources(kinds.Server).updateStatus(name, (server) =>
      // A server that was deleted and made again under this name is another one; the next look is at it.
      server.metadata.uid === uid ? statusOf(server) : undefined,
    );
    if (written !== undefined) this.#publishState(written);
  }

  /** One event for each change of a server's state. */
  #publishState({ metadata: { name }, status }: Server): void {
    const { state } = status;
    const before = this.#states.get(name);
    if (before === state) return;
    this.#states.set(name, state);
    const condition = status.conditions.find(({ type }) => type === "Available");
    this.#options.events.publish(stateChange(name, before, state, condition?.message ?? ""));
  }
}

/** The fact that a server went from one state to another, and why; `from` is not known after a start of the manager. */
function stateChange(
  server: string,
  from: ServerState | undefined,
  to: ServerState | "gone",
  why: string,
): ManagerEvent {
  return {
    topic: "server.state",
    server,
    message: `${from === undefined ? "" : `${from} → `}${to}${why === "" ? "" : `: ${why}`}`,
    severity: to === "failed" || to === "degraded" ? "warning" : "info",
    data: { ...(from === undefined ? {} : { from }), to },
  };
}

/** The server's name from a replica's: `weather-7-x2k9`; for records that are gone. */
function serverOf(replica: string): string | undefined {
  return /^(.+)-[0-9]+-[a-z0-9]+$/.exec(replica)?.[1];
}

function unlessGone(error: unknown): undefined {
  if (error instanceof ManagerError && error.code === "not_found") return undefined;
  throw error;
}
