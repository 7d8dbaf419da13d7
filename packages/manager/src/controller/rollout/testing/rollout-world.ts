/**
 * A server with its deployments in a small world: a store that keeps what is written, a controller that decides and may die, agents
 * that do what they are told to, people who say things. Time passes only when it is told to. For tests of rollouts.
 */
import assert from "node:assert/strict";
import {
  type Deployment,
  type DeploymentProgress,
  type DeploymentStatus,
  durationMs,
  isOver,
  type Replica,
  type ReplicaState,
  type ReplicaStatus,
  type Route,
  type SchemaClass,
  type Server,
  type ServerSpec,
  type Strategy,
} from "@mcp-manager/api";
import { plan, type Step } from "../../plan.ts";
import { deployment, replica, revision, server } from "../../testing/world.ts";
import { advance } from "../advance.ts";
import {
  noMeasures,
  nothingPending,
  type PendingWork,
  type RevisionMeasures,
} from "../../../telemetry/revision-measures.ts";
import type { Gate, RolloutDecision, RolloutInput, Room } from "../rollout.ts";

/** Begins with `weather-1` serving, as many replicas as the spec says, all ready, unless it is told to be new. */
export class RolloutWorld {
  server: Server;
  replicas: Replica[] = [];
  deployments: Deployment[] = [];
  gate: Gate = { kind: "known", diff: { class: "none", changes: [] }, ttlMs: 0 };
  room: Room = { kind: "enough" };
  pending: PendingWork = nothingPending;
  leftovers: Map<string, PendingWork> = new Map();
  measured: RevisionMeasures | undefined = noMeasures;
  baseline: RevisionMeasures | undefined = noMeasures;
  /** Every route there was. */
  readonly routes: Route[] = [];
  /** Every phase of the newest deployment, with its reason. */
  readonly phases: string[] = [];
  /** Every replica that was asked to end: its revision, and how long what is in flight there may take, where that was said. */
  readonly drains: (readonly [revision: string, within?: string])[] = [];
  last: RolloutDecision | undefined;
  #made = 0;
  #named = 1;

  constructor(spec: Partial<ServerSpec> = {}, { isNew = false }: { readonly isNew?: boolean } = {}) {
    this.server = server(spec);
    if (isNew) return;
    this.server = withStatus(this.server, { revision: "weather-1", route: { stable: "weather-1", draining: [] } });
    for (let i = 0; i < this.server.spec.replicas; i += 1) this.#create("weather-1", "ready");
  }

  get desired(): number {
    return this.server.spec.replicas;
  }

  get route(): Route | undefined {
    return this.server.status.route;
  }

  get newest(): Deployment {
    const newest = this.deployments.at(-1);
    assert.ok(newest !== undefined, "there is no deployment");
    return newest;
  }

  get status(): DeploymentStatus {
    return this.newest.status;
  }

  /** The phase and its reason: `Paused SchemaBreaking`. */
  get phase(): string {
    const { phase, reason } = this.status;
    return reason === undefined ? phase : `${phase} ${reason}`;
  }

  /** Replicas of a revision that nobody asked to end: how many are ready, of how many. */
  copies(number: number): string {
    const present = this.replicas.filter(({ spec }) => spec.revision === `weather-${number}` && spec.drain !== true);
    return `${present.filter(isReady).length}/${present.length}`;
  }

  /** Ready replicas that nobody asked to end. */
  ready(name?: string): readonly Replica[] {
    return this.replicas.filter((one) => isReady(one) && (name === undefined || one.spec.revision === name));
  }

  /** Somebody asks for a revision; what is under way gives way. */
  deploy(number: number, more: Partial<Deployment["spec"]> = {}): this {
    const { strategy } = this.server.spec;
    const to = `weather-${number}`;
    const from = this.route?.stable ?? this.server.status.revision ?? null;
    const made = deployment({ from, to, strategy }, { number: this.#named++ });
    const spec = { ...made.spec, ...more };
    this.deployments = [...this.deployments.map((one) => superseded(one)), { ...made, spec }];
    this.server = withStatus(this.server, { deployment: made.metadata.name });
    return this;
  }

  /** One look of the controller after so much time; what it decides is written, and done. */
  look(passedMs = 0): RolloutDecision | undefined {
    if (this.deployments.length === 0) return undefined;
    const decision = advance(this.input(passedMs));
    this.write(decision);
    for (const step of this.steps(decision)) this.perform(step);
    return decision;
  }

  /** What is to be done for a decision. */
  steps({ wanted, status }: RolloutDecision): readonly Step[] {
    const revisions = Array.from({ length: 60 }, (_, index) => revision(index + 1));
    const { server: now, replicas, deployments, desired } = this;
    const { callsMs } = status.progress ?? {};
    return plan({ server: now, revisions, replicas, deployments, desired, wanted, callsMs, node: "n1" }).filter(
      isOfReplicas,
    );
  }

  /** Looks until nothing changes, with all replicas doing what they should, and no time passing. */
  settle(): this {
    for (let round = 0; round < 30; round += 1) {
      const before = JSON.stringify([this.replicas, this.deployments, this.server]);
      this.look();
      this.obey();
      if (JSON.stringify([this.replicas, this.deployments, this.server]) === before) return this;
    }
    return assert.fail(`it never settles: ${this.phases.slice(-10).join()}`);
  }

  /** Time passes, second by second, and all replicas do what they should. */
  pass(time: `${number}s` | `${number}m`): this {
    for (let left = durationMs(time); left > 0; left -= 1_000) {
      this.look(1_000);
      this.obey();
      this.look();
    }
    return this;
  }

  /** Every replica that is told to run is ready, every other one has stopped. */
  obey(): void {
    this.replicas = this.replicas.map((one) => {
      if (one.spec.drain === true) return reported(one, { state: "stopped" });
      return one.status.state === "pending" || one.status.state === "starting"
        ? reported(one, { state: "ready" })
        : one;
    });
  }

  /** What the agent says of all replicas of a revision that are to run. */
  report(number: number, status: Partial<ReplicaStatus>): this {
    this.replicas = this.replicas.map((one) =>
      one.spec.revision === `weather-${number}` && one.spec.drain !== true ? reported(one, status) : one,
    );
    return this;
  }

  /** What the agent says of the replica at this place. */
  reportAt(index: number, state: ReplicaState): void {
    this.replicas = this.replicas.map((one, at) => {
      if (at !== index % this.replicas.length) return one;
      return reported(one, { state: one.spec.drain === true ? "stopped" : state });
    });
  }

  differs(worst: SchemaClass, ttlMs = 0): this {
    const changes = worst === "none" ? [] : [{ class: worst, subject: "tool forecast", message: "it changed" }];
    this.gate = { kind: "known", diff: { class: worst, changes }, ttlMs };
    return this;
  }

  delete(): this {
    const metadata = { ...this.server.metadata, deletedAt: this.server.metadata.createdAt };
    this.server = { ...this.server, metadata };
    return this;
  }

  scale(replicas: number): this {
    this.server = { ...this.server, spec: { ...this.server.spec, replicas } };
    return this;
  }

  // What people say, as the operations note it; what is too late is left alone.

  abort(): this {
    if (!this.#isOpen()) return this;
    return this.#say({ phase: "Aborting", reason: "AbortedByUser" }, {});
  }

  pause(): this {
    if (!this.#isOpen() || this.status.phase === "Paused") return this;
    return this.#say({ phase: "Paused", reason: "PausedByUser" }, { resumeTo: this.status.phase });
  }

  resume(): this {
    const { phase, reason, progress } = this.status;
    if (phase !== "Paused" || reason === "SchemaBreaking") return this;
    return this.#say(
      { phase: progress?.resumeTo ?? "Progressing" },
      {
        ...(reason === "SchemaSemantic" ? { accepted: "semantic" } : {}),
        ...(reason === "AwaitingPromotion" ? { promoted: "step" } : {}),
      },
    );
  }

  promote(how: { readonly full?: boolean; readonly acceptBreaking?: boolean } = {}): this {
    if (!this.#isOpen()) return this;
    const { phase, reason, progress } = this.status;
    const isAtGate = reason === "SchemaBreaking" || reason === "SchemaSemantic";
    if (reason === "SchemaBreaking" && how.acceptBreaking !== true) return this;
    const next = phase === "Paused" ? (progress?.resumeTo ?? "Progressing") : phase;
    return this.#say(
      { phase: next },
      {
        ...(isAtGate ? { accepted: how.acceptBreaking === true ? "breaking" : "semantic" } : {}),
        ...(how.full === true ? { promoted: "full" } : isAtGate ? {} : { promoted: "step" }),
      },
    );
  }

  /** What the controller would decide from. */
  input(passedMs = 0): RolloutInput {
    const { server: now, newest, replicas, desired, gate, measured, baseline, pending, leftovers, room } = this;
    const at = now.metadata.createdAt;
    const own = { server: now, deployment: newest, replicas, desired, passedMs, now: at };
    return { ...own, gate, measured, baseline, pending, leftovers, room };
  }

  #isOpen(): boolean {
    if (this.deployments.length === 0) return false;
    const { phase } = this.status;
    return !isOver(this.status) && phase !== "Promoting" && phase !== "Draining" && phase !== "Aborting";
  }

  #say(status: Pick<DeploymentStatus, "phase" | "reason">, said: Partial<DeploymentProgress>): this {
    const { reason: _, message: __, progress, ...rest } = this.status;
    const { resumeTo: ___, ...before } = progress ?? { elapsedMs: 0, stalledMs: 0 };
    return this.#put({ ...rest, ...status, progress: { ...before, ...said } });
  }

  /** Its status and route, in one transaction. */
  write(decision: RolloutDecision): void {
    const { status, route } = decision;
    this.last = decision;
    this.#put(status);
    if (this.phases.at(-1) !== this.phase) this.phases.push(this.phase);
    if (route === undefined) return;
    if (JSON.stringify(this.routes.at(-1)) !== JSON.stringify(route)) this.routes.push(route);
    this.server = withStatus(this.server, { route, revision: route.stable });
  }

  #put(status: DeploymentStatus): this {
    // What is not JSON would not come back from a store.
    const kept = JSON.parse(JSON.stringify(status)) as DeploymentStatus;
    this.deployments = [...this.deployments.slice(0, -1), { ...this.newest, status: kept }];
    return this;
  }

  #create(name: string, state: ReplicaState): void {
    this.#made += 1;
    const made = replica(`r${this.#made}`, Number(name.split("-").at(-1)), state);
    const createdAt = new Date(Date.parse(made.metadata.createdAt) + this.#made).toISOString();
    this.replicas = [...this.replicas, { ...made, metadata: { ...made.metadata, createdAt } }];
  }

  perform(step: Step): void {
    if (step.kind === "create-replica") this.#create(step.revision, "pending");
    if (step.kind === "drain-replica") {
      const { name, within } = step;
      this.replicas = this.replicas.map((one) => {
        if (one.metadata.name !== name) return one;
        this.drains.push(within === undefined ? [one.spec.revision] : [one.spec.revision, within]);
        return { ...one, spec: { ...one.spec, drain: true } };
      });
    }
    if (step.kind === "forget-replica")
      this.replicas = this.replicas.filter(({ metadata }) => metadata.name !== step.name);
  }
}

/** A canary of 10 % and 50 %, a minute each, with nothing measured. */
export const canarySteps: Strategy = {
  kind: "canary",
  steps: [
    { weight: 10, pause: "1m", minRequests: 0 },
    { weight: 50, pause: "1m", minRequests: 0 },
  ],
  analysis: [],
};

function isOfReplicas({ kind }: Step): boolean {
  return kind === "create-replica" || kind === "drain-replica" || kind === "forget-replica";
}

function isReady({ spec, status }: Replica): boolean {
  return spec.drain !== true && (status.state === "ready" || status.state === "idle");
}

function reported(one: Replica, status: Partial<ReplicaStatus>): Replica {
  return { ...one, status: { ...one.status, ...status } };
}

function withStatus(one: Server, status: Partial<Server["status"]>): Server {
  return { ...one, status: { ...one.status, ...status } };
}

function superseded(one: Deployment): Deployment {
  if (isOver(one.status)) return one;
  return { ...one, status: { ...one.status, phase: "Aborted", reason: "Superseded" } };
}
