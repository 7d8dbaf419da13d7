import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HealthJudge, type Verdict } from "./health-judge.ts";

type Sight = "good" | "bad" | "sign";

function verdictOf(sights: readonly Sight[], rules = { failures: 3, successes: 2 }): Verdict {
  const judge = new HealthJudge();
  for (const sight of sights) {
    if (sight === "sign") judge.sign();
    else judge[sight](rules);
  }
  return judge.verdict;
}

function times(count: number, sight: Sight): readonly Sight[] {
  return Array.from({ length: count }, () => sight);
}

test("bad probes in a row take a run out, as many again lose it, good ones in a row bring it back", () => {
  assert.equal(verdictOf(times(2, "bad")), "fit");
  assert.equal(verdictOf(times(3, "bad")), "unfit");
  assert.equal(verdictOf(times(5, "bad")), "unfit");
  assert.equal(verdictOf(times(6, "bad")), "lost");
  assert.equal(verdictOf([...times(3, "bad"), "good"]), "unfit");
  assert.equal(verdictOf([...times(3, "bad"), "good", "good"]), "fit");
  assert.equal(verdictOf([...times(6, "bad"), "good", "good"]), "fit");
});

test("one good probe, or a word of the server's, begins the count anew", () => {
  assert.equal(verdictOf(["bad", "bad", "good", "bad", "bad"]), "fit");
  assert.equal(verdictOf([...times(5, "bad"), "sign", "bad", "bad"]), "unfit");
  assert.equal(verdictOf([...times(6, "bad"), "sign"]), "unfit");
  assert.equal(verdictOf([...times(3, "bad"), "good", "bad", "good"]), "unfit");
});

const sights = fc.array(fc.constantFrom<Sight>("good", "bad", "sign"), { maxLength: 60 });
const ruleSets = fc.record({ failures: fc.integer({ min: 1, max: 5 }), successes: fc.integer({ min: 1, max: 5 }) });

test("nothing is lost that was good within its last failures, and nothing is fit that was not good since it was out", () => {
  fc.assert(
    fc.property(sights, ruleSets, (seen, rules) => {
      const last = seen.slice(-rules.failures);
      const verdict = verdictOf(seen, rules);
      if (verdict === "lost") {
        // What followed the loss can only be more of the same.
        assert.ok(last.every((sight) => sight === "bad"));
        assert.ok(seen.length >= 2 * rules.failures);
      }
      if (seen.length >= rules.failures && last.every((sight) => sight === "bad")) assert.notEqual(verdict, "fit");
      if (seen.slice(-rules.successes).every((sight) => sight === "good") && seen.length >= rules.successes) {
        assert.equal(verdict, "fit");
      }
    }),
  );
});
