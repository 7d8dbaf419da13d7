import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { ManualClock } from "../base/clock.ts";
import { StoreWatch } from "./health.ts";
import type { StoreStatus } from "./store.ts";

const status: StoreStatus = {
  state: "ok",
  storeId: "s",
  revision: 1n,
  compactRevision: 0n,
  sizeBytes: 0,
  lastContactMs: 0,
};

test("the state is what the store said last; one that does not answer is unavailable", async () => {
  const clock = new ManualClock();
  const answers: (() => Promise<StoreStatus>)[] = [
    () => Promise.resolve({ ...status, state: "read-only" }),
    () => Promise.reject(new Error("away")),
    () => Promise.resolve(status),
  ];
  using watch = new StoreWatch({ status: () => (answers.shift() ?? (() => Promise.resolve(status)))() }, clock);
  await setImmediate();
  assert.equal(watch.state, "read-only");
  await clock.advance(5_000);
  assert.equal(watch.state, "unavailable");
  await clock.advance(5_000);
  assert.equal(watch.state, "ok");
});

test("nothing is asked after the end", async () => {
  const clock = new ManualClock();
  const watch = new StoreWatch({ status: () => Promise.resolve(status) }, clock);
  await setImmediate();
  watch[Symbol.dispose]();
  assert.equal(clock.pendingCount, 0);
});
