/** The faults of a soak: the same for a seed, each on something it can be done to, and never so many that a run shows nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../../../packages/manager/src/base/random.ts";
import { isKnown } from "./deeds.ts";
import { type Fault, faultKinds, scheduleOf, type Target } from "./schedule.ts";

const seed = fc.nat({ max: 0xff_ff_ff_ff });
const durationMs = fc.integer({ min: 30_000, max: 1_200_000 });
const anyTargets = fc
  .array(fc.constantFrom("stdio", "http", "proxied"), { minLength: 1, maxLength: 20 })
  .map((places): readonly Target[] => [
    ...places.map((place, at): Target => ({ name: `server-${at}`, place })),
    { name: "guest", place: "guest" },
    { name: "manager", place: "manager" },
  ]);

/** Kinds after which a server is started again. */
const failing = /^(?:garbage|oversize|half-close|crash|fork|kill|stop|all hang|wire refuses|black hole)$/;

function forEvery(check: (faults: readonly Fault[], durationMs: number, targets: readonly Target[]) => void): void {
  const property = fc.property(seed, anyTargets, durationMs, (of, targets, length) =>
    check(scheduleOf(seededRandom(of), targets, length), length, targets),
  );
  fc.assert(property);
}

test("a seed gives the same faults every time", () => {
  const property = fc.property(seed, anyTargets, (of, targets) => {
    const [one, other] = [1, 2].map(() => scheduleOf(seededRandom(of), targets, 120_000));
    assert.deepEqual(one, other);
  });
  fc.assert(property);
});

test("faults come in order and are over by the end, those of the manager well before", () => {
  forEvery((faults, length) => {
    assert.deepEqual(
      faults,
      faults.toSorted((a, b) => a.atMs - b.atMs),
    );
    for (const { atMs, forMs, pick, target } of faults) {
      assert.ok(atMs >= 0 && forMs >= 0 && pick >= 0 && pick < 1);
      assert.ok(atMs + forMs <= (target.place === "manager" ? length * 0.6 : length));
    }
  });
});

test("for every fault it is known what to do", () => {
  forEvery((faults) =>
    assert.deepEqual(
      faults.filter((fault) => !isKnown(fault)),
      [],
    ),
  );
});

test("nothing has two faults at a time", () => {
  forEvery((faults, _length, targets) => {
    for (const target of targets) {
      const own = faults.filter((fault) => fault.target === target);
      own.forEach((fault, at) => assert.ok(fault.atMs >= (own[at - 1]?.atMs ?? 0) + (own[at - 1]?.forMs ?? 0)));
    }
  });
});

test("no server fails more than six times in ten minutes", () => {
  forEvery((faults, _length, targets) => {
    for (const target of targets) {
      const times = faults.filter((fault) => fault.target === target && failing.test(fault.kind)).map(endOf);
      times.forEach((time, at) => assert.ok(time - (times[at - 6] ?? -Infinity) > 600_000));
    }
  });
});

function endOf({ atMs, forMs }: Fault): number {
  return atMs + forMs;
}

test("in ten minutes on a dozen servers nearly everything happens, and often", () => {
  const places = ["stdio", "http", "proxied"] as const;
  const targets: Target[] = Array.from({ length: 12 }, (_, at) => ({
    name: `server-${at}`,
    place: places[at % 3] ?? "stdio",
  }));
  targets.push({ name: "guest", place: "guest" }, { name: "manager", place: "manager" });
  const property = fc.property(seed, (of) => {
    const faults = scheduleOf(seededRandom(of), targets, 600_000);
    const kinds = new Set(faults.map(({ kind }) => kind));
    assert.ok(faults.length > 200, `${faults.length} faults`);
    assert.ok(kinds.size >= faultKinds.length - 4, `${kinds.size} kinds`);
  });
  fc.assert(property);
});
