import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { ConcurrencyLimit, type Drop, type LimitedCall } from "./concurrency-limit.ts";
import type { Share } from "./shares.ts";
import { UsualDuration } from "./usual-duration.ts";

interface Call extends LimitedCall {
  readonly name: string;
}

interface Bench {
  readonly clock: ManualClock;
  readonly limit: ConcurrencyLimit<Call>;
  readonly usual: UsualDuration;
  /** What became of calls that waited, in order: `a placed`, `b full`. */
  readonly said: string[];
  readonly drops: readonly Drop[];
  readonly calls: ReadonlyMap<string, Call>;
  /** A call comes; its name begins with its principal's letter. True when it has a place at once. */
  come(name: string, dueInMs?: number): boolean;
  /** A call with a place ends. */
  end(name: string): void;
  leave(name: string): void;
}

function bench(places: number, queue: number, onPlace: (name: string, bench: Bench) => void = () => {}): Bench {
  const clock = new ManualClock();
  const usual = new UsualDuration();
  const said: string[] = [];
  const drops: Drop[] = [];
  const calls = new Map<string, Call>();
  const shares = new Map<string, Share>();
  const drop = (name: string, why: Drop): void => {
    said.push(`${name} ${why.kind}`);
    drops.push(why);
  };
  const owner = {
    onPlace(call: Call, share: Share): void {
      shares.set(call.name, share);
      said.push(`${call.name} placed`);
      onPlace(call.name, made);
    },
    onDropped: (call: Call, why: Drop): void => drop(call.name, why),
  };
  const limit = new ConcurrencyLimit<Call>({ places, queue, usual, clock, owner });
  const come = (name: string, dueInMs = 60_000): boolean => {
    const call = { name, principal: name.charAt(0), dueMs: clock.nowMs() + dueInMs };
    calls.set(name, call);
    const share = limit.tryEnter(call.principal);
    if (share !== undefined) shares.set(name, share);
    const why = share === undefined ? limit.wait(call, clock.nowMs()) : undefined;
    if (why !== undefined) drop(name, why);
    return share !== undefined;
  };
  const end = (name: string): void => {
    const share = shares.get(name);
    assert.ok(share, `${name} has no place`);
    shares.delete(name);
    limit.release(share);
  };
  const leave = (name: string): void => {
    const call = calls.get(name);
    if (call !== undefined) limit.leave(call);
  };
  const made: Bench = { clock, limit, usual, said, drops, calls, come, end, leave };
  return made;
}

test("as many as there are places go on at once; the others wait, in order", () => {
  const { limit, come, end, said } = bench(2, 10);
  assert.deepEqual([come("a1"), come("b1"), come("c1"), come("d1")], [true, true, false, false]);
  assert.deepEqual([limit.inFlight, limit.waiting], [2, 2]);
  end("a1");
  end("b1");
  assert.deepEqual(said, ["c1 placed", "d1 placed"]);
});

test("in a full line there is no waiting, and where there is no line neither", () => {
  const { come, said } = bench(1, 1);
  for (const name of ["a1", "b1", "c1"]) come(name);
  assert.deepEqual(said, ["c1 full"]);
  const none = bench(1, 0);
  none.come("a1");
  none.come("b1");
  assert.deepEqual(none.said, ["b1 full"]);
});

test("nobody waits longer than two seconds, and the timer ends with the line", async () => {
  const { clock, come, said, limit } = bench(1, 10);
  come("a1");
  come("b1");
  await clock.advance(1_000);
  come("c1");
  assert.equal(clock.pendingCount, 1, "one timer for the line");
  await clock.advance(1_000);
  assert.deepEqual(said, ["b1 waited"]);
  await clock.advance(1_000);
  assert.deepEqual([said, limit.waiting, clock.pendingCount], [["b1 waited", "c1 waited"], 0, 0]);
});

test("who has less time left than a call usually takes is told at once", () => {
  const { usual, come, said, drops } = bench(1, 10);
  for (let i = 0; i < 100; i++) usual.add(767);
  come("a1", 10);
  come("b1", 500);
  assert.deepEqual(said, ["b1 no-time"], "the first found a place and may try");
  const [why] = drops;
  assert.ok(why?.kind === "no-time" && why.leftMs === 500 && why.usualMs === 767, JSON.stringify(why));
});

test("and when that comes about while it waits, as soon as it does", async () => {
  const { clock, usual, come, said } = bench(1, 10);
  for (let i = 0; i < 100; i++) usual.add(767);
  come("a1");
  come("b1");
  come("c1", 1_267);
  await clock.advance(499);
  assert.deepEqual(said, []);
  await clock.advance(1);
  assert.deepEqual(said, ["c1 no-time"]);
});

test("while others wait a principal that has its quarter is passed over; alone it may have everything", () => {
  const { come, end, said } = bench(8, 10);
  for (let i = 1; i <= 8; i++) assert.ok(come(`a${i}`), "nobody else wants one");
  come("a9");
  come("b1");
  come("b2");
  come("b3");
  for (let i = 1; i <= 4; i++) end(`a${i}`);
  assert.deepEqual(said, ["b1 placed", "b2 placed", "a9 placed", "b3 placed"], "of two with their quarter, the first");
});

test("a principal always has one place, however few there are", () => {
  const { come, end, said } = bench(2, 10);
  for (const name of ["a1", "a2", "a3", "b1"]) come(name);
  end("a1");
  assert.deepEqual(said, ["b1 placed"]);
});

test("one client cannot fill the line against the others: its last call gives way", () => {
  const { come, said, limit } = bench(1, 8);
  for (let i = 0; i <= 8; i++) come(`a${i}`);
  come("a9");
  come("b1");
  come("b2");
  come("b3");
  assert.deepEqual(said, ["a9 full", "a8 displaced", "a7 displaced", "b3 full"]);
  assert.equal(limit.waiting, 8);
});

test("those that gave up leave no trace: a newcomer finds the line empty", () => {
  const { clock, limit, come, leave, end, said } = bench(1, 10);
  come("a0");
  for (let i = 1; i <= 10; i++) come(`a${i}`);
  for (let i = 1; i <= 10; i++) leave(`a${i}`);
  assert.deepEqual([limit.waiting, clock.pendingCount], [0, 0]);
  come("b1");
  leave("a1");
  leave("a0");
  assert.equal(limit.waiting, 1);
  end("a0");
  assert.deepEqual(said, ["b1 placed"]);
});

test("calls that are over as soon as they have their place do not deepen the stack", () => {
  const { come, end, limit, said } = bench(1, 50_000, (name, { end: over }) => over(name));
  come("x0");
  for (let i = 0; i < 20_000; i++) come(`${String.fromCodePoint(0x4e00 + (i % 8_000))}${i}`);
  end("x0");
  assert.deepEqual([said.length, limit.inFlight, limit.waiting], [20_000, 0, 0]);
});

test("more places are filled at once; fewer take nothing from those that have one", () => {
  const { limit, come, end, said } = bench(2, 10);
  for (const name of ["a1", "b1", "c1", "d1", "e1"]) come(name);
  limit.setBounds(1, 10);
  end("a1");
  assert.deepEqual([limit.inFlight, said.length], [1, 0]);
  limit.setBounds(3, 10);
  assert.deepEqual(said, ["c1 placed", "d1 placed"]);
});

test("those who are taken out are told by whoever takes them", () => {
  const { limit, come, said } = bench(1, 10);
  for (const name of ["a1", "b1", "c1", "b2"]) come(name);
  const taken = limit.takeOut(({ principal }) => principal === "b");
  assert.deepEqual(
    taken.map(({ name }) => name),
    ["b1", "b2"],
  );
  assert.deepEqual([said, limit.waiting], [[], 1]);
});
