/** What is left at a revision, before and after clients have had time to come back to a manager that was started again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { kinds } from "../registry/kinds.ts";
import { nothingPending } from "../telemetry/revision-measures.ts";
import { KnownWork } from "./known-work.ts";
import { openBench } from "./testing/loop-bench.ts";
import { pass } from "./testing/passing-time.ts";

test("of revisions that were there at the start nobody knows for half a minute that they have nothing left", async () => {
  const clock = new ManualClock();
  const work = new KnownWork({ pending: () => nothingPending }, clock, ["weather-1"]);
  assert.deepEqual([work.at("weather", "weather-1"), work.at("weather", "weather-2")], [undefined, nothingPending]);
  await clock.advance(29_000);
  assert.equal(work.at("weather", "weather-1"), undefined);
  await clock.advance(1_000);
  assert.deepEqual(work.at("weather", "weather-1"), nothingPending);
});

test("a manager that is killed while a revision drains waits for those who may come back, and for no one else", async () => {
  const clock = new ManualClock();
  const strategy = { kind: "blue-green", autoPromote: true, previewFor: "0s", scaleDownDelay: "0s" } as const;
  let pending = { ...nothingPending, tasks: 1 };
  const measures = { of: () => undefined, reset: () => undefined, pending: () => pending };
  await using bench = await openBench({ clock, measures, spec: { strategy } });
  const phase = async (name: string): Promise<string> => {
    await bench.settle();
    return (await bench.registry.resources(kinds.Deployment).require(name)).status.phase;
  };
  await bench.deploy(1);
  await pass(bench, clock, 3);
  const name = await bench.deploy(2);
  await pass(bench, clock, 5);
  assert.equal(await phase(name), "Draining");
  await bench.restart();
  pending = nothingPending;
  await pass(bench, clock, 25);
  assert.equal(await phase(name), "Draining", "who began a task may not have asked for it yet");
  await pass(bench, clock, 10);
  assert.equal(await phase(name), "Completed");
});
