import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { ManualClock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import { Semaphore } from "../base/semaphore.ts";
import { RunFailure } from "./failure.ts";
import type { AnotherConnection, StartedCopy } from "./run.ts";
import { SpareBudget } from "./spare-budget.ts";
import { Spares, type SparesOptions } from "./spares.ts";

/** A process that does as the test says. */
class Copy implements StartedCopy {
  state: "started" | "opened" | "ended" = "started";
  readonly gone: Promise<void>;
  /** What its server does when it is opened. */
  answer: "opens" | "refuses" | "dies" = "opens";
  #resolve: () => void = () => undefined;

  constructor() {
    this.gone = new Promise((resolve) => (this.#resolve = resolve));
  }

  open(): Promise<AnotherConnection> {
    if (this.answer === "dies") this.die();
    if (this.answer !== "opens") {
      const exit = this.answer === "dies" ? { code: 1, signal: undefined } : undefined;
      return Promise.reject(new RunFailure("initialize", new Error("it refused"), exit));
    }
    this.state = "opened";
    return Promise.resolve({} as AnotherConnection);
  }

  end(): Promise<void> {
    this.state = "ended";
    this.#resolve();
    return this.gone;
  }

  die(): void {
    this.state = "ended";
    this.#resolve();
  }
}

interface Bench {
  readonly clock: ManualClock;
  readonly copies: Copy[];
  readonly spares: Spares;
}

const noSignal = new AbortController().signal;

function begin(options: Partial<SparesOptions> = {}): Bench {
  const clock = new ManualClock();
  const copies: Copy[] = [];
  const spares = new Spares({
    count: 1,
    budget: new SpareBudget(10),
    start() {
      const copy = new Copy();
      copies.push(copy);
      return Promise.resolve(copy);
    },
    clock,
    random: seededRandom(1),
    starts: new Semaphore(4),
    ...options,
  });
  return { clock, copies, spares };
}

test("a spare is started where there is room, and another in the place of one that was taken", async () => {
  const { copies, spares } = begin();
  spares.fill(0);
  assert.equal(copies.length, 0);
  spares.fill(4);
  await setImmediate();
  assert.deepEqual([copies.length, spares.count], [1, 1]);
  const opened = spares.open({}, noSignal);
  spares.fill(3);
  assert.ok(await opened);
  await setImmediate();
  assert.deepEqual(
    copies.map(({ state }) => state),
    ["opened", "started"],
  );
  await copies[0]?.end();
  await spares.close();
  assert.equal(copies[1]?.state, "ended");
});

test("what there is no room for any more is ended", async () => {
  const { copies, spares } = begin({ count: 2 });
  spares.fill(2);
  await setImmediate();
  spares.fill(1);
  await setImmediate();
  assert.deepEqual(copies.map(({ state }) => state).toSorted(), ["ended", "started"]);
  await spares.close();
});

test("spares are started in turn with everything else, and have their place while they load", async () => {
  const starts = new Semaphore(1);
  const release = await starts.acquire();
  const { copies, spares, clock } = begin({ starts });
  spares.fill(1);
  await setImmediate();
  assert.equal(copies.length, 0);
  release();
  await setImmediate();
  assert.equal(copies.length, 1);
  let isNext = false;
  void starts.acquire().then(() => (isNext = true));
  await setImmediate();
  assert.equal(isNext, false);
  await clock.advance(1_000);
  assert.equal(isNext, true);
  await spares.close();
});

test("one that dies is replaced after a pause, and not for ever while nobody takes one", async () => {
  const { copies, spares, clock } = begin();
  spares.fill(1);
  for (let deaths = 1; deaths <= 5; deaths++) {
    await setImmediate();
    assert.equal(copies.length, deaths);
    copies.at(-1)?.die();
    await setImmediate();
    assert.equal(spares.count, 0);
    await clock.advance(60_000);
  }
  await setImmediate();
  assert.equal(copies.length, 5);
  assert.equal(await spares.open({}, noSignal), undefined);
  spares.fill(1);
  await setImmediate();
  assert.equal(copies.length, 6);
  await spares.close();
  assert.equal(clock.pendingCount, 0);
});

test("one that died unnoticed is passed over; one whose server refuses is not tried again", async () => {
  const { copies, spares } = begin({ count: 2 });
  spares.fill(2);
  await setImmediate();
  const [first, second] = copies;
  assert.ok(first && second);
  first.answer = "dies";
  assert.equal(await spares.open({}, noSignal), undefined);
  second.answer = "refuses";
  await assert.rejects(spares.open({}, noSignal), /it refused/);
  await second.end();
  await spares.close();
});

test("one that was taken for a call that has been given up is ended", async () => {
  const { copies, spares } = begin();
  spares.fill(1);
  await setImmediate();
  await assert.rejects(spares.open({}, AbortSignal.abort(new Error("given up"))), /given up/);
  assert.equal(copies[0]?.state, "ended");
  await spares.close();
});

test("a start that fails is tried again later, and no call hears of it", async () => {
  let starts = 0;
  const { spares, clock } = begin({ start: () => (starts++, Promise.reject(new Error("no such command"))) });
  spares.fill(1);
  await setImmediate();
  assert.equal(spares.count, 0);
  assert.equal(await spares.open({}, noSignal), undefined);
  await clock.advance(1_000);
  await setImmediate();
  assert.ok(starts > 1, `${starts} starts`);
  await spares.close();
});

test("servers that were used last have the spares of an instance", async () => {
  const budget = new SpareBudget(2);
  const benches = [begin({ budget }), begin({ budget }), begin({ budget })];
  for (const { spares } of benches) spares.fill(4);
  await setImmediate();
  const counts = (): number[] => benches.map(({ spares }) => spares.count);
  assert.deepEqual(counts(), [1, 1, 0], "who comes first, while nobody is used");
  const [first, , third] = benches;
  // The first is used, then the third, whose call finds none yet.
  await first?.spares.open({}, noSignal);
  first?.spares.fill(4);
  await third?.spares.open({}, noSignal);
  third?.spares.fill(4);
  assert.deepEqual(counts(), [1, 0, 1]);
  assert.equal(budget.total, 2);
  await first?.copies[0]?.end();
  for (const { spares } of benches) await spares.close();
  assert.equal(budget.total, 0);
});
