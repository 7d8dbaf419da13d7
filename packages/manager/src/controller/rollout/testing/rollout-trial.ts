/**
 * Deployments under trial: what people, replicas and controllers may do in any order, and what must be so after each of it. The world is
 * rollout-world.ts; the rules are those of resources.md, "Deployments, precisely". For tests with random events.
 */
import assert from "node:assert/strict";
import { isOver, type ReplicaState, type Route, type SchemaClass, type Strategy } from "@mcp-manager/api";
import fc from "fast-check";
import { advance } from "../advance.ts";
import { noMeasures, nothingPending } from "../../../telemetry/revision-measures.ts";
import type { RolloutDecision } from "../rollout.ts";
import { situationOf } from "../situation.ts";
import { strategyOf } from "../strategies/strategies.ts";
import { RolloutWorld } from "./rollout-world.ts";

/** Each in its different ways. */
export const strategies: readonly Strategy[] = [
  { kind: "rolling", maxSurge: 1, maxUnavailable: 0, minReady: "5s" },
  { kind: "rolling", maxSurge: 0, maxUnavailable: 1, minReady: "0s" },
  { kind: "rolling", maxSurge: 2, maxUnavailable: 1, minReady: "0s" },
  { kind: "recreate" },
  { kind: "blue-green", autoPromote: true, previewFor: "10s", scaleDownDelay: "30s" },
  { kind: "blue-green", autoPromote: false, previewFor: "0s", scaleDownDelay: "0s" },
  {
    kind: "canary",
    steps: [
      { weight: 10, pause: "20s", minRequests: 0 },
      { weight: 50, minRequests: 0 },
    ],
    analysis: [],
  },
  {
    kind: "canary",
    steps: [
      { weight: 0, pause: "0s", minRequests: 0 },
      { weight: 30, pause: "20s", minRequests: 9 },
    ],
  },
  {
    kind: "ab",
    variants: [
      { revision: "current", weight: 60 },
      { revision: "next", weight: 40 },
    ],
    match: [{ client: "claude-*" }],
  },
];
/** Of what the revisions offer, by their numbers. */
const classes: readonly SchemaClass[] = ["none", "additive", "none", "semantic", "none", "breaking"];

/** What happens between two looks. */
export type Event =
  | { readonly kind: "apply"; readonly strategy: number }
  | { readonly kind: "rollback"; readonly to: number }
  | { readonly kind: "promote"; readonly full: boolean; readonly acceptBreaking: boolean }
  | { readonly kind: "abort" | "pause" | "resume" | "obey" | "thrive" }
  | { readonly kind: "report"; readonly index: number; readonly state: ReplicaState }
  | { readonly kind: "crash-loop"; readonly index: number }
  | { readonly kind: "pass"; readonly ms: number }
  /** A look whose decision is lost, written only, or done in part: the controller died. */
  | { readonly kind: "die"; readonly after: "deciding" | "writing" | "a step" }
  | { readonly kind: "scale"; readonly replicas: number }
  | { readonly kind: "measure"; readonly requests: number; readonly failures: number; readonly isAway: boolean }
  | { readonly kind: "work"; readonly inFlight: number; readonly tasks: number };

const states: readonly ReplicaState[] = ["starting", "ready", "ready", "failed", "idle"];

/** Most of all the usual: replicas come up, time passes. */
export const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("obey" as const) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("thrive" as const) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 40_000 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("abort" as const, "pause" as const, "resume" as const, "resume" as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("apply" as const), strategy: fc.nat(strategies.length - 1) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("promote" as const), full: fc.boolean(), acceptBreaking: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("rollback" as const), to: fc.nat(5) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("report" as const),
      index: fc.nat(20),
      state: fc.constantFrom(...states),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash-loop" as const), index: fc.nat(20) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("die" as const),
      after: fc.constantFrom("deciding" as const, "writing" as const, "a step" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("scale" as const), replicas: fc.nat(4) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("measure" as const),
      requests: fc.nat(200),
      failures: fc.nat(20),
      isAway: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("work" as const), inFlight: fc.nat(1), tasks: fc.nat(1) }) },
);

/** The world, and what must be so at every moment of it. */
export class Trial {
  readonly world: RolloutWorld;
  /** The revision that was applied last. */
  #latest = 1;
  /** Deployments that had all traffic go over. */
  readonly #promoted = new Set<string>();

  constructor(replicas: number, isNew: boolean) {
    this.world = new RolloutWorld({ replicas, strategy: strategies[0] ?? assert.fail() }, { isNew });
    if (isNew) this.world.deploy(1);
  }

  happens(one: Event): void {
    const { world } = this;
    const isThere = world.deployments.length > 0 && world.server.metadata.deletedAt === undefined;
    switch (one.kind) {
      case "apply":
        if (world.server.metadata.deletedAt !== undefined) return;
        this.#latest += 1;
        return this.#deploy(this.#latest, one.strategy, false);
      case "rollback":
        if (isThere) this.#deploy((one.to % this.#latest) + 1, undefined, true);
        return;
      case "promote":
        return void (isThere && world.promote(one));
      case "abort":
        return void (isThere && world.abort());
      case "pause":
        return void (isThere && world.pause());
      case "resume":
        return void (isThere && world.resume());
      case "obey":
        return world.obey();
      case "thrive":
        for (let round = 0; round < 3; round += 1) {
          world.obey();
          this.look(2_000);
        }
        return;
      case "report":
        return void (world.replicas.length > 0 && this.#crashOr(one.index, one.state));
      case "crash-loop":
        return this.#crashLoop(one.index);
      case "pass":
        return this.look(one.ms);
      case "die":
        return this.#die(one.after);
      case "scale":
        return void world.scale(one.replicas);
      case "measure": {
        const { requests, failures } = one;
        world.measured = one.isAway ? undefined : { ...noMeasures, requests, failures: Math.min(requests, failures) };
        return;
      }
      case "work":
        world.pending = { ...nothingPending, inFlight: one.inFlight, tasks: one.tasks };
        world.leftovers = new Map(world.route?.draining.map((revision) => [revision, world.pending]));
    }
  }

  /** A look that is carried out, with everything that must hold of it. */
  look(passedMs = 0): void {
    const { world } = this;
    if (world.deployments.length === 0) return;
    const decision = this.#decide(passedMs);
    this.#written(decision);
    const ready = this.#serving();
    for (const step of world.steps(decision)) {
      if (step.kind === "create-replica") this.#aloneIfItMust(step.revision);
      world.perform(step);
    }
    this.#keepsEnough(ready);
  }

  #deploy(to: number, strategy: number | undefined, rollback: boolean): void {
    const { world } = this;
    const chosen = strategy === undefined ? undefined : strategies[strategy];
    world.deploy(to, { ...(chosen === undefined ? {} : { strategy: chosen }), ...(rollback ? { rollback } : {}) });
    world.differs(classes[to % classes.length] ?? "none", 20_000);
  }

  #die(after: "deciding" | "writing" | "a step"): void {
    const { world } = this;
    if (world.deployments.length === 0) return;
    const decision = this.#decide(0);
    if (after === "deciding") return;
    this.#written(decision);
    const [first] = world.steps(decision);
    if (after === "a step" && first !== undefined) {
      if (first.kind === "create-replica") this.#aloneIfItMust(first.revision);
      world.perform(first);
    }
  }

  #crashOr(index: number, state: ReplicaState): void {
    this.world.reportAt(index, state);
    if (state !== "failed") return;
    this.world.replicas = this.world.replicas.map((one, at) =>
      at === index % this.world.replicas.length
        ? { ...one, status: { ...one.status, restarts: one.status.restarts + 1 } }
        : one,
    );
  }

  #crashLoop(index: number): void {
    this.world.replicas = this.world.replicas.map((one, at) => {
      if (at !== index % this.world.replicas.length || one.spec.drain === true) return one;
      return { ...one, status: { ...one.status, state: "failed", crashLoop: true } };
    });
  }

  #decide(passedMs: number): RolloutDecision {
    const before = this.world.input(passedMs);
    const decision = advance(before);
    const { status, route } = decision;
    const { deployment, server } = before;
    // The same again, when it was written and nothing else happened.
    const kept = JSON.parse(JSON.stringify(status)) as typeof status;
    const written = { ...server, status: { ...server.status, ...(route === undefined ? {} : { route }) } };
    const again = advance({ ...before, server: written, deployment: { ...deployment, status: kept }, passedMs: 0 });
    assert.deepEqual(JSON.parse(JSON.stringify(again.status)), kept, "decided again, it is decided otherwise");
    assert.deepEqual([again.route, again.wanted], [route, decision.wanted]);
    legal(route);
    for (const amount of decision.wanted.values()) assert.ok(amount >= 0 && Number.isInteger(amount));
    assert.ok(status.traffic.target >= 0 && status.traffic.target <= 100);
    const isBack = status.phase === "Aborting" || isOver(status);
    const isForward = status.traffic.target >= deployment.status.traffic.target;
    assert.ok(
      isBack || isForward,
      `the weight went from ${deployment.status.traffic.target} to ${status.traffic.target}`,
    );
    this.#gateHolds(decision);
    return decision;
  }

  /** Nobody sees what breaks clients before somebody accepts it. */
  #gateHolds({ status, route }: RolloutDecision): void {
    const { newest, server } = this.world;
    const { gate } = this.world;
    if (gate.kind !== "known" || gate.diff.class !== "breaking" || newest.spec.rollback === true) return;
    const before = server.status.route;
    const isBare = before === undefined || newest.spec.from === null || before.stable === newest.spec.to;
    // Nobody is served where there are no replicas.
    if (isBare || status.progress?.accepted === "breaking" || this.world.desired === 0 || status.traffic.target === 100)
      return;
    assert.equal(route?.next, undefined, "what breaks is seen by somebody");
  }

  #written(decision: RolloutDecision): void {
    const { world } = this;
    const before = world.route?.stable;
    const { to } = world.newest.spec;
    world.write(decision);
    const after = world.route?.stable;
    if (after === before) return;
    const { name } = world.newest.metadata;
    assert.equal(after, to, "what became stable is not what was asked for");
    assert.ok(!this.#promoted.has(name), `${name} was promoted twice`);
    this.#promoted.add(name);
    const needed = before === undefined ? 1 : this.#floor();
    assert.ok(world.ready(to).length >= Math.min(needed, world.desired), `${to} became stable before it could serve`);
  }

  #floor(): number {
    return strategyOf(this.world.newest.spec.strategy).floor(situationOf(this.world.input()));
  }

  /** Replicas that serve, of the two revisions of the deployment. */
  #serving(): number {
    const { from, to } = situationOf(this.world.input());
    return this.world.ready(to).length + (from === null ? 0 : this.world.ready(from).length);
  }

  /** No serving replica is taken away that is needed. */
  #keepsEnough(ready: number): void {
    const { phase } = this.world.status;
    if (isOver(this.world.status) || phase === "Aborting" || phase === "Draining") return;
    const left = this.#serving();
    const needed = Math.min(ready, this.#floor());
    assert.ok(left >= needed, `${left} of ${ready} serving replicas are left, ${needed} are needed (${phase})`);
  }

  /** Where there must not be two revisions at once, none starts beside another. */
  #aloneIfItMust(revision: string): void {
    const { newest, replicas } = this.world;
    if (newest.spec.strategy.kind !== "recreate") return;
    const others = replicas.filter(
      ({ spec, status }) => spec.revision !== revision && !(spec.drain === true && status.state === "stopped"),
    );
    assert.deepEqual(
      others.map(({ metadata }) => metadata.name),
      [],
      `${revision} starts beside others`,
    );
  }
}

function legal(route: Route | undefined): void {
  if (route === undefined) return;
  const { stable, next, draining, tasksOnly = [] } = route;
  assert.ok(
    tasksOnly.every((revision) => draining.includes(revision)),
    `tasks of ${tasksOnly.join()} do not drain`,
  );
  const all = [stable, ...(next === undefined ? [] : [next.revision]), ...draining];
  assert.equal(new Set(all).size, all.length, `a revision is named twice: ${all.join()}`);
  if (next !== undefined) assert.ok(next.weight >= 0 && next.weight <= 100, `weight ${next.weight}`);
}

/** Every replica works, calls are answered well, nobody stays, and whoever is asked says yes. */
export function behave({ world }: Trial): void {
  world.measured = { ...noMeasures, requests: 1_000, principals: 10 };
  world.baseline = world.measured;
  world.pending = nothingPending;
  world.leftovers = new Map(world.route?.draining.map((revision) => [revision, world.pending]));
  world.replicas = world.replicas.map((one) => {
    const { crashLoop: _, ...status } = one.status;
    return { ...one, status: { ...status, state: one.spec.drain === true ? "stopped" : "ready" } };
  });
}

/** So much happens, a look after each; then the world behaves until nothing is left to wait for. */
function lived(trial: Trial, events: readonly Event[]): void {
  const { world } = trial;
  for (const one of events) {
    trial.happens(one);
    trial.look();
  }
  for (let round = 0; round < 200 && world.deployments.length > 0; round += 1) {
    behave(trial);
    world.promote({ full: true, acceptBreaking: true });
    trial.look(5_000);
    const isQuiet = isOver(world.status) && world.last?.lookAgainMs === undefined;
    if (isQuiet && world.replicas.every(({ spec, status }) => spec.drain !== true && status.state === "ready")) return;
  }
}

/** No rule is broken on the way; then the deployment is over, and exactly what is wanted of the stable revision runs. */
export const endsWell: fc.IProperty<[number, boolean, Event[]]> = fc.property(
  fc.integer({ min: 1, max: 4 }),
  fc.boolean(),
  fc.array(event, { maxLength: 60, size: "max" }),
  (replicas, isNew, events) => {
    const trial = new Trial(replicas, isNew);
    const { world } = trial;
    lived(trial, events);
    if (world.deployments.length === 0) return;
    assert.ok(isOver(world.status), `it stays ${world.phase}`);
    assert.equal(world.last?.lookAgainMs, undefined, "it goes on counting");
    assert.deepEqual([world.route?.next, world.route?.draining ?? []], [undefined, []]);
    const stable = world.route?.stable ?? world.newest.spec.to;
    assert.equal(world.replicas.length, world.desired, `${world.replicas.length} are left`);
    assert.ok(
      world.replicas.every(({ spec }) => spec.revision === stable),
      `another than ${stable} runs`,
    );
  },
);
