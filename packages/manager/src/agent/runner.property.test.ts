/** Whatever happens to a replica, and in whatever order: what is offered is what is ready, and nothing is left when it leaves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { begin, type RunnerBench, settle } from "./testing/runner-bench.ts";
import type { ProbeManner, ScriptedRun } from "./testing/runs.ts";

type Happening =
  | { readonly kind: "opens" | "cannot open" | "lacks a credential" | "ends" | "is used" | "is called" }
  | { readonly kind: "probed"; readonly manner: ProbeManner }
  | { readonly kind: "restart" }
  | { readonly kind: "time"; readonly ms: number };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: "opens" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "cannot open" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "lacks a credential" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "ends" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "is used" as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: "is called" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("probed" as const),
      manner: fc.constantFrom<ProbeManner>("answers", "hangs", "fails", "wants a credential"),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("time" as const), ms: fc.constantFrom(500, 5_000, 30_000, 70_000) }),
  },
);

class World {
  readonly bench: RunnerBench = begin({ idleAfterMs: () => 60_000 });
  readonly #opened = new Set<ScriptedRun>();
  #round = 0;

  async happens(what: Happening): Promise<void> {
    const { runs, clock, runner, idle, upstreams, use } = this.bench;
    const opening = runs.all.find((run) => !this.#opened.has(run));
    switch (what.kind) {
      case "opens":
      case "cannot open":
      case "lacks a credential":
        if (opening === undefined) return;
        this.#opened.add(opening);
        if (what.kind === "opens") opening.succeed();
        else if (what.kind === "cannot open") opening.fail(new Error("no answer"), 1);
        else opening.refuse();
        break;
      case "ends":
        [...this.#opened].at(-1)?.end(1);
        break;
      case "is used":
        use.entered++;
        break;
      case "is called":
        // As a call does that finds no replica.
        if (upstreams.pick("weather") === undefined && idle.isIdle("weather")) idle.wake("weather");
        break;
      case "probed":
        for (const run of runs.all) run.connection.manner = what.manner;
        break;
      case "restart":
        runner.restart(++this.#round);
        break;
      case "time":
        await clock.advance(what.ms);
    }
    await settle();
  }

  check(): void {
    const { runner, upstreams, idle } = this.bench;
    const { state } = runner.status;
    assert.equal(upstreams.replicas("weather").length, state === "ready" ? 1 : 0, `offered while ${state}`);
    if (idle.isIdle("weather")) assert.ok(state === "idle" || state === "starting", `asleep while ${state}`);
    if (state === "idle") assert.ok(idle.isIdle("weather"), "a call would not wake it");
    // While a restart is under way the next one is opened beside it.
    const open = [...this.#opened].filter(({ closes, failed }) => !failed && closes.length === 0);
    assert.ok(open.length <= 1, `${open.length} runs are open`);
    if (state === "idle" || (state === "failed" && runner.status.retryAt !== undefined)) {
      assert.equal(runner.status.pid, undefined, `it has a process while ${state}`);
    }
  }

  async leaves(): Promise<void> {
    const { runner, upstreams, idle, clock } = this.bench;
    runner.leave(0);
    await runner.done;
    assert.equal(runner.status.state, "stopped");
    assert.deepEqual([upstreams.replicas("weather").length, idle.isIdle("weather")], [0, false]);
    await clock.advance(100);
    assert.equal(clock.pendingCount, 0, "it leaves no timer");
    const open = [...this.#opened].filter(({ closes, failed }) => !failed && closes.length === 0);
    assert.equal(open.length, 0, "a run was not closed");
  }
}

test("what is offered is ready, what sleeps can be woken, and what leaves leaves nothing", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 80, size: "max" }), async (happenings) => {
      const world = new World();
      await settle();
      for (const each of happenings) {
        await world.happens(each);
        world.check();
      }
      await world.leaves();
    }),
    { numRuns: 150 },
  );
});
