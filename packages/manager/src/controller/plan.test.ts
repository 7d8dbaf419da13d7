import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { plan as planned, type PlanInput, revisionsKept, type Step } from "./plan.ts";
import { replica, revision, server, World } from "./testing/world.ts";

const node = "n1";

/** With as many replicas as its spec says. */
function plan(input: Omit<PlanInput, "desired">): readonly Step[] {
  return planned({ ...input, desired: input.server.spec.replicas });
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
  assert.deepEqual(planned({ server: server(), revisions: [revision(1)], replicas: many, node, desired: 1 }), [
    { kind: "drain-replica", name: "a" },
  ]);
});

test("there are as many replicas as are desired, whatever the spec says", () => {
  const input = { server: server({ replicas: 1 }), revisions: [revision(1)], node };
  assert.equal(planned({ ...input, replicas: [], desired: 3 }).length, 3);
  assert.deepEqual(planned({ ...input, replicas: [replica("a", 1, "ready")], desired: 1 }), []);
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
    { kind: "forget-server" },
  ]);
});

test("old revisions are forgotten beyond those that are kept, never one in use", () => {
  const revisions = Array.from({ length: revisionsKept + 3 }, (_, i) => revision(i + 1));
  const replicas = [replica("a", 2, "ready"), replica("b", revisions.length, "starting")];
  const steps = plan({ server: server(), revisions, replicas, node });
  assert.deepEqual(steps, [
    { kind: "forget-revision", name: "weather-3" },
    { kind: "forget-revision", name: "weather-1" },
  ]);
});

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
