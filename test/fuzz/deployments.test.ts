/**
 * Deployments from the operations to the loop, over a store in memory and a clock that the test moves: whatever people, replicas and
 * restarts do in whatever order, what is stored is legal at every moment, a refusal says why, and all comes to rest when it is left
 * alone. (Fault rows D2 and M1; what single words do is told beside the code.)
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment, Server, Strategy } from "@mcp-manager/api";
import { isOver, ManagerError, newestDeployment } from "@mcp-manager/api";
import fc from "fast-check";
import { DeploymentWrites } from "../../packages/manager/src/api/operations/deployment-writes.ts";
import { ServerWrites } from "../../packages/manager/src/api/operations/server-writes.ts";
import { ManualClock } from "../../packages/manager/src/base/clock.ts";
import { noMeasures, nothingPending } from "../../packages/manager/src/telemetry/revision-measures.ts";
import { type Bench, openBench } from "../../packages/manager/src/controller/testing/loop-bench.ts";
import { kinds } from "../../packages/manager/src/registry/kinds.ts";
import { serverSpec } from "../../packages/manager/src/registry/testing/drafts.ts";
import { fuzzRuns } from "./runs.ts";

type Act =
  | { readonly kind: "apply"; readonly version: number }
  | { readonly kind: "say"; readonly verb: "pause" | "resume" | "abort" }
  | { readonly kind: "promote"; readonly full: boolean; readonly acceptBreaking: boolean }
  | { readonly kind: "accept" | "rollback" | "retry" | "delete" | "restart" | "crash" }
  | { readonly kind: "pass"; readonly seconds: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ kind: fc.constant("apply" as const), version: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant("say" as const), verb: fc.constantFrom("pause", "resume", "abort") }),
  fc.record({ kind: fc.constant("promote" as const), full: fc.boolean(), acceptBreaking: fc.boolean() }),
  fc.constantFrom<Act>(
    { kind: "accept" },
    { kind: "rollback" },
    { kind: "retry" },
    { kind: "restart" },
    { kind: "crash" },
  ),
  fc.record({ kind: fc.constant("pass" as const), seconds: fc.integer({ min: 1, max: 40 }) }),
  fc.constant<Act>({ kind: "delete" }),
);

const strategy = fc.constantFrom<Strategy>(
  { kind: "rolling", maxSurge: 1, maxUnavailable: 0, minReady: "5s" },
  { kind: "recreate" },
  { kind: "blue-green", autoPromote: true, previewFor: "2s", scaleDownDelay: "10s" },
  { kind: "blue-green", autoPromote: false, previewFor: "0s", scaleDownDelay: "10s" },
  {
    kind: "canary",
    analysis: [],
    steps: [
      { weight: 10, pause: "5s", minRequests: 0 },
      { weight: 50, minRequests: 0 },
    ],
  },
  {
    kind: "ab",
    variants: [
      { revision: "current", weight: 70 },
      { revision: "next", weight: 30 },
    ],
    match: [],
  },
);

/** A server that people and the loop have at once. */
class World {
  readonly #bench: Bench;
  readonly #clock: ManualClock;
  readonly #strategy: Strategy;
  readonly #servers: ServerWrites;
  readonly #deployments: DeploymentWrites;

  constructor(bench: Bench, clock: ManualClock, of: Strategy) {
    this.#bench = bench;
    this.#clock = clock;
    this.#strategy = of;
    this.#servers = new ServerWrites(bench.registry);
    this.#deployments = new DeploymentWrites(bench.registry, clock);
  }

  /** Does it; a refusal is an answer, a failure of ours is none. */
  async perform(what: Act): Promise<void> {
    try {
      await this.#perform(what);
    } catch (error) {
      assert.ok(error instanceof ManagerError, String(error));
      assert.ok(
        ["failed_precondition", "conflict", "not_found"].includes(error.code),
        `${error.code}: ${error.message}`,
      );
      assert.ok(error.message.length > 20);
    }
  }

  async #perform(what: Act): Promise<unknown> {
    const newest = (await this.#server())?.status.deployment ?? "none-1-1";
    switch (what.kind) {
      case "apply": {
        const spec = serverSpec(`version-${what.version}`, { replicas: 2, strategy: this.#strategy });
        return await this.#servers.apply({ name: "weather", labels: {}, spec });
      }
      case "say":
        return await this.#deployments.say(newest, { kind: what.verb }, "admin");
      case "promote":
        return await this.#deployments.say(newest, what, "admin");
      case "accept":
        return await this.#deployments.deploy("weather", { acceptBreaking: true }, "admin");
      case "rollback":
        return await this.#deployments.rollback("weather", undefined, "admin");
      case "retry":
        return await this.#deployments.retry(newest);
      case "delete":
        return await this.#servers.remove("weather", { force: false });
      case "restart":
        return await this.#bench.restart();
      case "crash":
        return await this.#crash();
      case "pass":
        return await this.pass(what.seconds);
    }
  }

  /** One that is ready fails, and comes back at the next turn of its agent. */
  async #crash(): Promise<void> {
    const replicas = this.#bench.registry.resources(kinds.Replica);
    const victim = (await replicas.list()).items.find(({ status }) => status.state === "ready");
    if (victim === undefined) return;
    const { restarts } = victim.status;
    await replicas.updateStatus(victim.metadata.name, ({ status }) => ({
      ...status,
      state: "failed",
      restarts: restarts + 1,
    }));
  }

  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      await this.#bench.settle();
      await this.#actAsAgent();
      await this.#bench.settle();
      await this.#clock.advance(1_000);
    }
  }

  async #actAsAgent(): Promise<void> {
    const { registry } = this.#bench;
    const replicas = registry.resources(kinds.Replica);
    for (const { metadata, spec, status } of (await replicas.list()).items) {
      const state = spec.drain === true ? "stopped" : "ready";
      const catalogue = `sha256:${spec.revision}`;
      if (status.state !== state)
        await replicas.updateStatus(metadata.name, (replica) => ({ ...replica.status, state, catalogue }));
      const record = { server: "weather", digest: catalogue, text: spec.revision, ttlMs: 1_000 };
      await registry
        .resources(kinds.Catalogue)
        .create({ name: spec.revision, spec: record })
        .catch(() => undefined);
    }
  }

  async #server(): Promise<Server | undefined> {
    return await this.#bench.registry.resources(kinds.Server).get("weather");
  }

  async #all(): Promise<readonly Deployment[]> {
    return (await this.#bench.registry.resources(kinds.Deployment).list()).items;
  }

  /** What has to hold at every moment at which the loop has had its turn. */
  async assertLegal(): Promise<void> {
    await this.#bench.settle();
    const server = await this.#server();
    const all = await this.#all();
    if (server === undefined) return;
    const { traffic, route, deployment } = server.status;
    const sum = traffic.reduce((total, { weight }) => total + weight, 0);
    assert.ok(traffic.length === 0 || sum === 100, `weights add up to ${sum}`);
    assert.notEqual(route?.next?.revision ?? null, route?.stable);
    assert.ok(route === undefined || !route.draining.includes(route.stable));
    if (server.metadata.deletedAt !== undefined || deployment === undefined) return;
    assert.equal(newestDeployment(all)?.metadata.name, deployment);
    const open = all.filter(({ status }) => !isOver(status)).map(({ metadata }) => metadata.name);
    assert.deepEqual(
      open.filter((name) => name !== deployment),
      [],
      "only the newest is under way",
    );
  }

  /** Left alone it ends, and nothing is written any more. */
  async assertRests(): Promise<void> {
    await this.pass(60);
    if ((await this.#newest()) !== undefined) await this.perform({ kind: "say", verb: "abort" });
    await this.pass(700);
    await this.assertLegal();
    const server = await this.#server();
    const newest = await this.#newest();
    if (server === undefined || newest === undefined) return;
    assert.ok(isOver(newest.status), `it stays ${newest.status.phase}`);
    const { items } = await this.#bench.registry.resources(kinds.Replica).list();
    const stable = server.status.route?.stable ?? newest.spec.to;
    assert.deepEqual(
      items.map(({ spec }) => spec.revision),
      [stable, stable],
    );
    const { revision } = await this.#bench.store.get("/none");
    await this.pass(20);
    assert.equal((await this.#bench.store.get("/none")).revision, revision, "it rests");
  }

  async #newest(): Promise<Deployment | undefined> {
    const name = (await this.#server())?.status.deployment;
    return (await this.#all()).find(({ metadata }) => metadata.name === name);
  }
}

test("whatever people, replicas and restarts do to deployments, what is stored is legal, and it comes to rest", async () => {
  const classes = ["none", "additive", "semantic", "breaking"] as const;
  const property = fc.asyncProperty(
    strategy,
    fc.constantFrom(...classes),
    fc.array(fc.oneof({ weight: 5, arbitrary: fc.tuple(act) }, { weight: 1, arbitrary: fc.tuple(act, act) }), {
      maxLength: 16,
    }),
    async (of, worst, turns) => {
      const clock = new ManualClock();
      const measures = {
        of: () => ({ ...noMeasures, requests: Math.floor(clock.nowMs()) }),
        reset: () => undefined,
        pending: () => nothingPending,
      };
      const compareTexts = () => ({ class: worst, changes: [] });
      await using bench = await openBench({ clock, measures, compareTexts, spec: { strategy: of, replicas: 2 } });
      const world = new World(bench, clock, of);
      for (const together of turns) {
        await Promise.all(together.map((one) => world.perform(one)));
        await world.assertLegal();
      }
      await world.assertRests();
    },
  );
  await fc.assert(property, { numRuns: Math.ceil(fuzzRuns / 100) });
});
