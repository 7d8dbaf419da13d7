import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Semaphore } from "./semaphore.ts";

test("no more than its places are held, and who waits is served in order", async () => {
  const semaphore = new Semaphore(2);
  const served: number[] = [];
  const releases = new Map<number, () => void>();
  for (const n of [1, 2, 3, 4]) {
    void semaphore.acquire().then((release) => {
      served.push(n);
      releases.set(n, release);
    });
  }
  await setImmediate();
  assert.deepEqual(served, [1, 2]);
  releases.get(2)?.();
  await setImmediate();
  assert.deepEqual(served, [1, 2, 3]);
  releases.get(1)?.();
  await setImmediate();
  assert.deepEqual(served, [1, 2, 3, 4]);
});

test("a place is given back once, however often it is released", async () => {
  const semaphore = new Semaphore(1);
  const release = await semaphore.acquire();
  release();
  release();
  await semaphore.acquire();
  let second = false;
  void semaphore.acquire().then(() => (second = true));
  await setImmediate();
  assert.equal(second, false);
});

test("who gives up waiting is passed over", async () => {
  const semaphore = new Semaphore(1);
  const release = await semaphore.acquire();
  const impatient = new AbortController();
  const given = semaphore.acquire(impatient.signal);
  const patient = semaphore.acquire();
  impatient.abort(new Error("enough"));
  await assert.rejects(given, /enough/);
  release();
  await patient;
  await assert.rejects(semaphore.acquire(impatient.signal), /enough/);
});
