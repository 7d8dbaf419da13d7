import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HoldOffs } from "./hold-offs.ts";

function holdOffs(...names: readonly string[]): HoldOffs {
  const made = new HoldOffs();
  made.setReplicas(names);
  return made;
}

test("a replica is left alone for as long as its server asked, and no longer", () => {
  const all = holdOffs("a", "b");
  assert.equal(all.isQuiet, true);
  all.begin("a", 7_000, 1_000);
  assert.deepEqual([all.leftMs("a", 1_000), all.leftMs("a", 7_999), all.leftMs("a", 8_000)], [7_000, 1, 0]);
  assert.equal(all.isQuiet, true, "whoever asked after its end has ended it");
});

test("a later word makes a term longer, never shorter", () => {
  const all = holdOffs("a");
  all.begin("a", 10_000, 0);
  all.begin("a", 1_000, 5_000);
  assert.equal(all.leftMs("a", 5_000), 5_000);
  all.begin("a", 9_000, 5_000);
  assert.equal(all.leftMs("a", 5_000), 9_000);
});

test("nobody is left alone for more than five minutes, and no time at all is none", () => {
  const all = holdOffs("a", "b");
  all.begin("a", 86_400_000, 0);
  for (const nothing of [0, -5, Number.NaN]) all.begin("b", nothing, 0);
  assert.deepEqual([all.leftMs("a", 0), all.leftMs("b", 0)], [300_000, 0]);
});

test("while one of them may be called there is nothing to wait for, and of no replicas neither", () => {
  const all = holdOffs("a", "b");
  all.begin("a", 7_000, 0);
  assert.equal(all.leastLeftMs(0), 0);
  all.begin("b", 3_000, 0);
  assert.deepEqual([all.leastLeftMs(0), all.leastLeftMs(0, ["a"]), all.leastLeftMs(0, [])], [3_000, 7_000, 0]);
  all.setReplicas([]);
  assert.equal(all.leastLeftMs(0), 0);
});

test("a server that says so again and again is news once a minute at most", () => {
  const all = holdOffs("a");
  assert.equal(all.begin("a", 2_000, 0), 2_000);
  assert.deepEqual([all.begin("a", 2_000, 1_000), all.begin("a", 2_000, 10_000)], [undefined, undefined]);
  assert.equal(all.begin("a", 2_000, 72_000), 2_000);
});

test("a replica that goes is forgotten, and one that was never there is not remembered", () => {
  const all = holdOffs("a", "b");
  all.begin("a", 7_000, 0);
  all.begin("b", 3_000, 0);
  all.begin("c", 9_000, 0);
  all.setReplicas(["b"]);
  assert.deepEqual(all.held(0), ["b"]);
  all.setReplicas(["a", "b"]);
  assert.deepEqual([all.held(0), all.isQuiet], [["b"], false]);
});

interface Said {
  readonly replica: string;
  readonly untilMs: number;
}

/** Keeps every word of every server, and forgets nothing but who has gone. */
class ModelHoldOffs {
  #names: readonly string[] = [];
  #said: readonly Said[] = [];

  setReplicas(names: readonly string[]): void {
    this.#names = names;
    this.#said = this.#said.filter(({ replica }) => names.includes(replica));
  }

  begin(replica: string, forMs: number, nowMs: number): void {
    if (this.#names.includes(replica))
      this.#said = [...this.#said, { replica, untilMs: nowMs + Math.min(forMs, 300_000) }];
  }

  leftMs(name: string, nowMs: number): number {
    return Math.max(0, ...this.#said.filter(({ replica }) => replica === name).map(({ untilMs }) => untilMs - nowMs));
  }

  leastLeftMs(nowMs: number): number {
    return this.#names.length === 0 ? 0 : Math.min(...this.#names.map((name) => this.leftMs(name, nowMs)));
  }

  held(nowMs: number): readonly string[] {
    return this.#names.filter((name) => this.leftMs(name, nowMs) > 0);
  }
}

const replica = fc.constantFrom("a", "b", "c");
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("begin" as const),
      replica,
      forMs: fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 999_999_000 })),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("pass" as const),
      ms: fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 400_000 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("replicas" as const), names: fc.uniqueArray(replica) }) },
);

test("who is left alone, and for how long, is what a model says that keeps every word", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), fc.boolean(), (steps, isAsked) => {
      const [all, model] = [new HoldOffs(), new ModelHoldOffs()];
      for (const each of [all, model]) each.setReplicas(["a", "b", "c"]);
      let nowMs = 0;
      for (const one of steps) {
        if (one.kind === "pass") nowMs += one.ms;
        else if (one.kind === "replicas") for (const each of [all, model]) each.setReplicas(one.names);
        else for (const each of [all, model]) each.begin(one.replica, one.forMs, nowMs);
        const held = model.held(nowMs);
        // Asking ends terms; not asking must change nothing.
        if (isAsked) assert.equal(all.leastLeftMs(nowMs), model.leastLeftMs(nowMs));
        if (held.length > 0) assert.equal(all.isQuiet, false);
        seen.add(`${held.length} held`);
      }
      assert.deepEqual(all.held(nowMs), model.held(nowMs));
      for (const name of ["a", "b", "c"]) assert.equal(all.leftMs(name, nowMs), model.leftMs(name, nowMs));
      assert.equal(all.leastLeftMs(nowMs), model.leastLeftMs(nowMs));
      if (model.held(nowMs).length === 0) assert.equal(all.isQuiet, true, "it ends by itself");
    }),
  );
  assert.deepEqual([...seen].toSorted(), ["0 held", "1 held", "2 held", "3 held"], "the steps led everywhere");
});
