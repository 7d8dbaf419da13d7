import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Mark } from "./ending.ts";
import { OutlierDetector } from "./outlier.ts";
import { fixedRandom } from "./testing.ts";

interface Bench {
  readonly detector: OutlierDetector;
  readonly said: readonly string[];
  /** So many attempts on a replica that end so. */
  attempts(count: number, replica: string, mark: Mark, nowMs: number, tool?: string): void;
  ejected(nowMs: number): string;
}

function bench(names: readonly string[], jitter = 0): Bench {
  const said: string[] = [];
  const detector = new OutlierDetector({
    random: fixedRandom(jitter),
    onEjected: (replica, reason, forMs) => said.push(`${replica}: ${reason}, ${forMs} ms`),
    onReturned: (replica) => said.push(`${replica} is back`),
  });
  detector.setReplicas(names, 0);
  return {
    detector,
    said,
    attempts(count, replica, mark, nowMs, tool) {
      for (let i = 0; i < count; i++) detector.attempted(replica, tool, mark, nowMs);
    },
    ejected: (nowMs) => detector.ejected(nowMs).join(),
  };
}

test("five failures in a row put a replica aside for 30 s", () => {
  const { detector, attempts, said } = bench(["a", "b"]);
  attempts(4, "a", "failure", 0);
  attempts(1, "a", "success", 0);
  attempts(4, "a", "failure", 0);
  attempts(3, "a", "none", 0);
  assert.equal(detector.isEjected("a", 0), false);
  attempts(1, "a", "failure", 1_000);
  assert.equal(detector.isEjected("a", 30_999), true);
  assert.equal(detector.ejectedUntilMs("a", 30_999), 31_000);
  assert.equal(detector.isEjected("a", 31_000), false);
  assert.deepEqual(said, ["a: 5 calls in a row failed on it, 30000 ms", "a is back"]);
});

test("one that failed nearly always, and could not be put aside at once, is at the next sweep", () => {
  const { attempts, ejected, said } = bench(["a", "b"]);
  attempts(5, "a", "failure", 0);
  attempts(19, "b", "failure", 5_000);
  attempts(1, "b", "success", 5_000);
  assert.equal(ejected(5_000), "a", "half of two are aside");
  attempts(1, "a", "success", 31_000);
  assert.equal(ejected(31_000), "b");
  assert.equal(said.at(-1), "b: 19 of 20 calls failed on it within 30 s, 30000 ms");
});

test("four failures to each success are too few for a sweep", () => {
  const { attempts, ejected } = bench(["a", "b"]);
  for (let i = 0; i < 10; i++) {
    attempts(4, "a", "failure", i * 2_500);
    attempts(1, "a", "success", i * 2_500);
  }
  assert.equal(ejected(25_000), "");
});

test("each time in a row is 30 s longer, to 300 s; ten minutes in office and it is a first time again", () => {
  const { detector, attempts } = bench(["a", "b"]);
  const terms: number[] = [];
  let nowMs = 0;
  const eject = (): void => {
    attempts(5, "a", "failure", nowMs);
    const termMs = (detector.ejectedUntilMs("a", nowMs) ?? 0) - nowMs;
    terms.push(termMs / 1_000);
    nowMs += termMs;
    detector.isEjected("a", nowMs);
  };
  for (let i = 0; i < 11; i++) eject();
  assert.deepEqual(terms, [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300]);
  nowMs += 600_000;
  eject();
  assert.equal(terms.at(-1), 30);
});

test("a term has up to 5 s of jitter, and is never over 300 s", () => {
  const { detector, attempts } = bench(["a", "b"], 0.999);
  attempts(5, "a", "failure", 0);
  assert.equal(detector.ejectedUntilMs("a", 0), 34_995);
});

test("at most half are aside, one always stays, and one alone is never put aside", () => {
  for (const [count, most] of [
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 2],
    [9, 4],
  ] as const) {
    const names = Array.from({ length: count }, (_, i) => `r${i}`);
    const { detector, attempts } = bench(names);
    for (const name of names) attempts(20, name, "failure", 0);
    assert.equal(detector.ejected(0).length, most, `${count} replicas`);
  }
});

test("when peers go, those that are too many aside come back, the longest there first", () => {
  const { detector, attempts, ejected } = bench(["a", "b", "c", "d"]);
  attempts(5, "a", "failure", 0);
  attempts(5, "b", "failure", 1_000);
  detector.setReplicas(["a", "b", "c"], 2_000);
  assert.equal(ejected(2_000), "b");
  detector.setReplicas(["b"], 2_000);
  assert.equal(ejected(2_000), "");
});

test("one that is gone is forgotten, and its name begins anew", () => {
  const { detector, attempts, ejected } = bench(["a", "b"]);
  attempts(5, "a", "failure", 0);
  detector.setReplicas(["b"], 0);
  attempts(5, "a", "failure", 0);
  detector.setReplicas(["a", "b"], 0);
  assert.equal(ejected(0), "");
});

test("one tool that times out says nothing of the replica, two do", () => {
  const { attempts, ejected } = bench(["a", "b"]);
  attempts(50, "a", "tool-timeout", 0, "slow");
  assert.equal(ejected(0), "");
  attempts(1, "a", "tool-timeout", 100, "other");
  attempts(3, "a", "tool-timeout", 200, "slow");
  assert.equal(ejected(200), "");
  attempts(1, "a", "tool-timeout", 300, "slow");
  assert.equal(ejected(300), "a");
});

test("two tools that timed out an hour apart are one each time", () => {
  const { attempts, ejected } = bench(["a", "b"]);
  for (let hour = 0; hour < 10; hour++)
    attempts(10, "a", "tool-timeout", hour * 3_600_000, hour % 2 === 0 ? "one" : "other");
  assert.equal(ejected(36_000_000), "");
});

test("what was on its way when a replica was put aside counts no more", () => {
  const { detector, attempts, ejected } = bench(["a", "b"]);
  attempts(5, "a", "failure", 0);
  attempts(50, "a", "failure", 29_000);
  assert.equal(ejected(30_000), "");
  attempts(4, "a", "failure", 30_000);
  assert.equal(detector.isEjected("a", 30_000), false);
});

test("who is aside is what a model that keeps every event says", () => {
  const step = fc.record({
    afterMs: fc.oneof({ weight: 30, arbitrary: fc.nat(500) }, { weight: 5, arbitrary: fc.nat(100_000) }),
    replica: fc.constantFrom("a", "a", "a", "b", "c", "d"),
    mark: fc.constantFrom<Mark>("failure", "failure", "failure", "failure", "failure", "success", "none"),
  });
  let ejections = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 150 }), (steps) => {
      const names = ["a", "b", "c", "d"];
      const { detector } = bench(names);
      const model = new Model(names);
      let nowMs = 0;
      for (const { afterMs, replica, mark } of steps) {
        nowMs += afterMs;
        detector.attempted(replica, undefined, mark, nowMs);
        model.attempted(replica, mark, nowMs);
        assert.deepEqual(detector.ejected(nowMs), model.ejected(nowMs));
        assert.ok(detector.ejected(nowMs).length <= 2);
        ejections += detector.ejected(nowMs).length;
      }
    }),
  );
  assert.ok(ejections > 100, "the steps put some aside");
});

interface Aside {
  readonly replica: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Keeps all that happened and derives everything from it. */
class Model {
  readonly #names: readonly string[];
  readonly #events: { readonly replica: string; readonly mark: Mark; readonly atMs: number }[] = [];
  readonly #terms: Aside[] = [];
  #nextSweepMs = 0;

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  ejected(nowMs: number): readonly string[] {
    return this.#names.filter((name) =>
      this.#terms.some(({ replica, untilMs }) => replica === name && untilMs > nowMs),
    );
  }

  attempted(replica: string, mark: Mark, nowMs: number): void {
    if (!this.ejected(nowMs).includes(replica) && mark !== "none") {
      this.#events.push({ replica, mark, atMs: nowMs });
      const marks = this.#since(replica, nowMs).map((event) => event.mark);
      if (marks.length - 1 - marks.lastIndexOf("success") >= 5) this.#eject(replica, nowMs);
    }
    if (nowMs < this.#nextSweepMs) return;
    this.#nextSweepMs = nowMs + 10_000;
    for (const name of this.#names) {
      const recent = this.#since(name, nowMs).filter(
        ({ atMs }) => Math.floor(atMs / 3_000) > Math.floor(nowMs / 3_000) - 10,
      );
      const failed = recent.filter((event) => event.mark === "failure");
      if (recent.length >= 20 && failed.length >= 0.85 * recent.length) this.#eject(name, nowMs);
    }
  }

  /** What happened on a replica since it last came back. */
  #since(replica: string, nowMs: number): readonly { readonly mark: Mark; readonly atMs: number }[] {
    const back = Math.max(0, ...this.#terms.filter((term) => term.replica === replica).map(({ untilMs }) => untilMs));
    return this.#events.filter((event) => event.replica === replica && event.atMs >= back && back <= nowMs);
  }

  #eject(replica: string, nowMs: number): void {
    if (this.ejected(nowMs).length >= 2 || this.ejected(nowMs).includes(replica)) return;
    let [inRow, backMs] = [1, 0];
    for (const { untilMs, fromMs } of this.#terms.filter((term) => term.replica === replica)) {
      inRow = fromMs - backMs >= 600_000 ? 2 : inRow + 1;
      backMs = untilMs;
    }
    if (nowMs - backMs >= 600_000) inRow = 1;
    this.#terms.push({ replica, fromMs: nowMs, untilMs: nowMs + Math.min(300_000, 30_000 * inRow) });
  }
}
