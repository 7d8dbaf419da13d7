import assert from "node:assert/strict";
import { test } from "node:test";
import type { Replica } from "@mcp-manager/api";
import fc from "fast-check";
import { revisionsKept } from "./history.ts";
import { plan as planned, type PlanInput, type Step } from "./plan.ts";
import { deployment, replica, revision, server, World } from "./testing/world.ts";

const node = "n1";

/** Of a server without deployments, with as many replicas as its spec says unless something else is said. */
function plan(input: Omit<PlanInput, "desired" | "deployments"> & Partial<PlanInput>): readonly Step[] {
  return planned({ deployments: [], desired: input.server.spec.replicas, ...input });
}

test("a new server gets as many replicas as it wants, of its one revision", () => {
  const steps = plan({ server: server({ replicas: 2 }), revisions: [revision(1)], replicas: [], node });
  const create = { kind: "create-replica", revision: "weather-1", node };
  assert.deepEqual(steps, [create, create]);
});

test("a server that runs as it should needs nothing", () => {
  const replicas = [replica("a", 1, "ready"), replica("b", 1, "failed")];
  assert.deepEqual(plan({ server: server({ replicas: 2 }), revisions: [revision(1)], replicas, node }), []);
});

test("the replicas of a new revision start beside the old ones, which serve on until then", () => {
  const revisions = [revision(1), revision(2)];
  const before = [replica("a", 1, "ready")];
  assert.deepEqual(plan({ server: server(), revisions, replicas: before, node }), [
    { kind: "create-replica", revision: "weather-2", node },
  ]);
  const starting = [...before, replica("b", 2, "starting")];
  assert.deepEqual(plan({ server: server(), revisions, replicas: starting, node }), []);
  const failing = [...before, replica("b", 2, "failed")];
  assert.deepEqual(plan({ server: server(), revisions, replicas: failing, node }), []);
});

test("an old replica drains for each new one that is ready, those that do not serve first", () => {
  const revisions = [revision(1), revision(2)];
  const replicas = [
    replica("a", 1, "ready"),
    replica("b", 1, "failed"),
    replica("c", 2, "ready"),
    replica("d", 2, "starting"),
  ];
  assert.deepEqual(plan({ server: server({ replicas: 2 }), revisions, replicas, node }), [
    { kind: "drain-replica", name: "b" },
  ]);
});

test("recreate ends the old before it starts the new", () => {
  const revisions = [revision(1), revision(2)];
  const recreate = server({ strategy: { kind: "recreate" } });
  const old = replica("a", 1, "ready");
  assert.deepEqual(plan({ server: recreate, revisions, replicas: [old], node }), [
    { kind: "drain-replica", name: "a" },
  ]);
  const draining = replica("a", 1, "draining", true);
  assert.deepEqual(plan({ server: recreate, revisions, replicas: [draining], node }), []);
  const stopped = replica("a", 1, "stopped", true);
  assert.deepEqual(plan({ server: recreate, revisions, replicas: [stopped], node }), [
    { kind: "forget-replica", name: "a" },
    { kind: "create-replica", revision: "weather-2", node },
  ]);
});

test("scaling down drains what does not serve, then the youngest", () => {
  const replicas = [replica("a", 1, "ready"), replica("b", 1, "starting"), replica("c", 1, "ready")];
  const steps = plan({ server: server({ replicas: 2 }), revisions: [revision(1)], replicas, node });
  assert.deepEqual(steps, [{ kind: "drain-replica", name: "b" }]);
  assert.equal(plan({ server: server({ replicas: 0 }), revisions: [revision(1)], replicas, node }).length, 3);
});

test("a replica that sleeps is as good as ready, and goes before one that is", () => {
  const revisions = [revision(1), revision(2)];
  const replicas = [replica("a", 1, "ready"), replica("b", 2, "idle")];
  assert.deepEqual(plan({ server: server(), revisions, replicas, node }), [{ kind: "drain-replica", name: "a" }]);
  const many = [replica("a", 1, "idle"), replica("b", 1, "ready")];
  assert.deepEqual(plan({ server: server(), revisions: [revision(1)], replicas: many, node, desired: 1 }), [
    { kind: "drain-replica", name: "a" },
  ]);
});

test("there are as many replicas as are desired, whatever the spec says", () => {
  const input = { server: server({ replicas: 1 }), revisions: [revision(1)], node };
  assert.equal(plan({ ...input, replicas: [], desired: 3 }).length, 3);
  assert.deepEqual(plan({ ...input, replicas: [replica("a", 1, "ready")], desired: 1 }), []);
});

test("a deleted server drains, then its revisions go, then itself", () => {
  const world = new World({ replicas: 1 });
  world.reconcile();
  world.delete();
  assert.deepEqual(world.reconcile(), [{ kind: "drain-replica", name: "r1" }]);
  assert.deepEqual(world.reconcile(), []);
  world.report(0, "stopped");
  assert.deepEqual(world.reconcile(), [
    { kind: "forget-replica", name: "r1" },
    { kind: "forget-revision", name: "weather-1" },
    { kind: "forget-catalogue", name: "weather-1" },
    { kind: "forget-server" },
  ]);
});

test("as many of each revision run as a deployment wants, and none of the others", () => {
  const replicas = [
    replica("a", 1, "ready"),
    replica("b", 2, "failed"),
    replica("c", 2, "ready"),
    replica("d", 3, "starting"),
  ];
  const revisions = [1, 2, 3, 4].map(revision);
  const wanted = new Map([
    ["weather-1", 2],
    ["weather-2", 1],
    ["weather-4", 1],
  ]);
  assert.deepEqual(plan({ server: server(), revisions, replicas, wanted, node }), [
    { kind: "create-replica", revision: "weather-1", node },
    { kind: "drain-replica", name: "b" },
    { kind: "create-replica", revision: "weather-4", node },
    { kind: "drain-replica", name: "d" },
  ]);
});

test("replicas of a revision that traffic was taken back from are told how long calls there may still take", () => {
  const replicas = [replica("a", 1, "ready"), replica("b", 2, "ready"), replica("c", 3, "ready")];
  const input = {
    server: server(),
    revisions: [revision(1), revision(2), revision(3)],
    replicas,
    deployments: [],
    node,
  };
  const steps = plan({ ...input, wanted: new Map([["weather-3", 1]]), callsMs: { "weather-2": 1_999.5 } });
  assert.deepEqual(
    steps.filter(({ kind }) => kind === "drain-replica"),
    [
      { kind: "drain-replica", name: "a" },
      { kind: "drain-replica", name: "b", within: "2s" },
    ],
  );
});

test("nothing is made of a revision that is not known", () => {
  const wanted = new Map([["weather-9", 1]]);
  assert.deepEqual(plan({ server: server(), revisions: [revision(1)], replicas: [], wanted, node }), []);
});

test("old revisions are forgotten beyond those that are kept, with what they offered, never one in use", () => {
  const revisions = Array.from({ length: revisionsKept + 5 }, (_, i) => revision(i + 1));
  const replicas = [replica("a", 2, "ready"), replica("b", revisions.length, "starting")];
  const active = deployment({ from: "weather-3", to: "weather-15" });
  const status = {
    ...server().status,
    deployment: active.metadata.name,
    route: { stable: "weather-4", draining: ["weather-1"] },
  };
  const input = {
    server: { ...server(), status },
    revisions,
    replicas,
    deployments: [active],
    wanted: count(replicas),
  };
  assert.deepEqual(plan({ ...input, node }), [
    { kind: "forget-revision", name: "weather-5" },
    { kind: "forget-catalogue", name: "weather-5" },
  ]);
});

test("deployments are forgotten with the revision they went to, and beyond so many, never the one that is under way", () => {
  const over = { phase: "Completed" as const };
  const active = deployment({ from: null, to: "weather-2" }, { number: 99 });
  const gone = deployment({ from: null, to: "weather-1" }, over);
  const many = Array.from({ length: 52 }, (_, i) =>
    deployment({ from: "x", to: "weather-2" }, { ...over, number: i + 1 }),
  );
  const status = { ...server().status, deployment: active.metadata.name };
  const input = { server: { ...server(), status }, revisions: [revision(2)], replicas: [], wanted: new Map(), node };
  assert.deepEqual(plan({ ...input, deployments: [active, gone, ...many] }), [
    { kind: "forget-deployment", name: "weather-2-2" },
    { kind: "forget-deployment", name: "weather-2-1" },
    { kind: "forget-deployment", name: "weather-1-1" },
  ]);
});

test("a server that goes takes its deployments with it", () => {
  const deleted = { ...server(), metadata: { ...server().metadata, deletedAt: "2027-01-01T00:00:00.000Z" } };
  const deployments = [deployment({ from: null, to: "weather-1" })];
  assert.deepEqual(plan({ server: deleted, revisions: [revision(1)], replicas: [], deployments, node }).slice(2), [
    { kind: "forget-deployment", name: "weather-1-1" },
    { kind: "forget-server" },
  ]);
});

function count(replicas: readonly Replica[]): ReadonlyMap<string, number> {
  return new Map(replicas.map(({ spec }) => [spec.revision, 1]));
}

type Event =
  | { readonly kind: "report"; readonly index: number; readonly state: "starting" | "ready" | "failed" | "idle" }
  | { readonly kind: "change" }
  | { readonly kind: "scale"; readonly replicas: number };

const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({
    kind: fc.constant("report" as const),
    index: fc.nat(20),
    state: fc.constantFrom("starting" as const, "ready" as const, "failed" as const, "idle" as const),
  }),
  fc.record({ kind: fc.constant("change" as const) }),
  fc.record({ kind: fc.constant("scale" as const), replicas: fc.nat(4) }),
);

test("whatever happens, it ends with the wanted number of replicas of the newest revision and nothing else", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), fc.boolean(), (events, recreate) => {
      const world = new World({ replicas: 2, strategy: recreate ? { kind: "recreate" } : server().spec.strategy });
      world.reconcile();
      for (const happened of events) {
        if (happened.kind === "report") world.report(happened.index, happened.state);
        else if (happened.kind === "change") world.change();
        else world.scale(happened.replicas);
        world.reconcile();
      }
      // From here on every replica does what it is asked to.
      for (let round = 0; round < 20; round++) {
        world.replicas.forEach((_, index) => world.report(index, "ready"));
        world.reconcile();
      }
      const newest = world.revisions.toSorted((a, b) => b.spec.number - a.spec.number)[0]?.metadata.name;
      assert.equal(world.replicas.length, world.server.spec.replicas);
      assert.ok(world.replicas.every(({ spec, status }) => spec.revision === newest && status.state === "ready"));
    }),
  );
});

test("a rolling change never takes a serving replica away before its successor serves", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.tuple(fc.nat(20), fc.boolean()), { maxLength: 60 }),
      (replicas, reports) => {
        const world = new World({ replicas });
        world.reconcile();
        world.replicas.forEach((_, index) => world.report(index, "ready"));
        world.change();
        for (const [index, ready] of reports) {
          world.reconcile();
          const state = world.replicas[index % world.replicas.length]?.status.state;
          // Replicas only come up here, or fail to: what serves goes on serving unless it is drained.
          if (state !== "ready" || world.replicas[index % world.replicas.length]?.spec.drain === true) {
            world.report(index, ready ? "ready" : "failed");
          }
          const usable = world.serving.filter(({ spec }) => spec.drain !== true).length;
          assert.ok(usable >= replicas, `${usable} of ${replicas} serve`);
        }
      },
    ),
  );
});
