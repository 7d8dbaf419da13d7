/** Contract cases C2 and C9 to C14: what a watch delivers, and when. */
import assert from "node:assert/strict";
import { seededRandom } from "../../base/random.ts";
import type { Suite } from "./suite.ts";
import { prefix } from "../key.ts";
import type { Store } from "../store.ts";
import { CompactedError, LimitError } from "../store.ts";
import { everything, put, Recorder, remove, until, write } from "./steps.ts";

/** Declares C2 (events) and C9 to C14. */
export function declareWatchCases(suite: Suite): void {
  declareDelivery(suite);
  declareCompaction(suite);
  declarePace(suite);
  declareCuts(suite);
}

function declareDelivery(suite: Suite): void {
  suite.case("C2 all changes of a revision come together, in the order of the steps", async ({ store }) => {
    await write(store, put("b", "0"));
    const { revision } = await write(store, put("c", "1"), put("a", "2"), remove("b"));
    await using recorder = new Recorder(store, everything, { from: revision });
    await recorder.untilLines(3);
    assert.deepEqual(recorder.lines, [`${revision} put c=1`, `${revision} put a=2`, `${revision} delete b`]);
    assert.equal(recorder.items.filter((item) => item.kind === "events").length, 1);
  });

  suite.case("C9 a watch delivers the past, then what comes, without gap or double", async ({ store }) => {
    const from = (await store.status()).revision + 1n;
    const expected: string[] = [];
    const add = async (i: number): Promise<void> => {
      const { revision } = await write(store, put(`w/${i % 7}`, String(i)), put("beside", String(i)));
      expected.push(`${revision} put w/${i % 7}=${i}`);
    };
    for (let i = 0; i < 50; i += 1) await add(i);
    await using recorder = new Recorder(store, prefix("w/"), { from, maxBuffered: 3 });
    await using later = new Recorder(store, prefix("w/"), { from: from + 25n });
    for (let i = 50; i < 150; i += 1) await add(i);
    await recorder.untilLines(150);
    await later.untilLines(125);
    assert.deepEqual(recorder.lines, expected);
    assert.deepEqual(later.lines, expected.slice(25));
  });

  suite.case("C9 a watch tells only of its range, and what was there before when asked", async ({ store }) => {
    const first = await write(store, put("k", "1"), put("kk", "1"));
    await write(store, put("k", "2"));
    const last = await write(store, remove("k"));
    await using recorder = new Recorder(store, { start: "k" }, { from: first.revision, prevKv: true });
    await recorder.untilLines(3);
    const events = recorder.items.flatMap((item) => (item.kind === "events" ? item.events : []));
    const before = events.map((event) => event.prevKv && Buffer.from(event.prevKv.value).toString());
    assert.deepEqual(before, [undefined, "1", "2"]);
    assert.deepEqual(recorder.lines.at(-1), `${last.revision} delete k`);
    await assert.rejects(async () => {
      for await (const _ of store.watch(everything, { from: 0n }));
    }, LimitError);
  });
}

function declareCompaction(suite: Suite): void {
  suite.case("C12 a watch may begin at the compacted revision, not below", async ({ store }) => {
    const first = await write(store, put("k", "1"), put("j", "1"));
    const second = await write(store, remove("k"));
    await write(store, put("k", "3"));
    await store.compact(second.revision);
    await using below = new Recorder(store, everything, { from: first.revision });
    await until("the refusal", () => below.ended);
    assert.ok(below.error instanceof CompactedError);
    assert.equal(below.error.compactRevision, second.revision);
    await using at = new Recorder(store, everything, { from: second.revision });
    await at.untilLines(2);
    assert.deepEqual(at.lines, [`${second.revision} delete k`, `${second.revision + 1n} put k=3`]);
  });

  suite.case("C12 a watch that is up to date does not mind compaction", async ({ store }) => {
    const { revision } = await write(store, put("k", "1"));
    await using recorder = new Recorder(store, { start: "k" }, { from: revision });
    await recorder.untilLines(1);
    for (let i = 0; i < 5; i += 1) await write(store, put("other", String(i)));
    await store.compact((await store.status()).revision);
    const last = await write(store, put("k", "2"));
    await recorder.untilLines(2);
    assert.deepEqual([recorder.error, recorder.lines.at(-1)], [undefined, `${last.revision} put k=2`]);
  });
}

function declarePace(suite: Suite): void {
  suite.case("C13 a slow reader loses nothing and hinders nobody", async ({ store }) => {
    const from = (await store.status()).revision + 1n;
    const watch = store.watch(everything, { from, maxBuffered: 10 })[Symbol.asyncIterator]();
    const seen: bigint[] = [];
    const readOne = async (): Promise<void> => {
      const { value } = await watch.next();
      if (value?.kind === "events") seen.push(value.revision);
    };
    await using fast = new Recorder(store, everything, { from });
    for (let i = 0; i < 1000; i += 1) {
      await write(store, put("k", String(i)));
      if (i % 100 === 0) await readOne();
    }
    await fast.untilLines(1000);
    assert.ok(seen.length <= 10);
    while (seen.length < 1000) await readOne();
    await watch.return?.();
    assert.deepEqual(
      seen,
      Array.from({ length: 1000 }, (_, i) => from + BigInt(i)),
    );
  });

  suite.case("C14 an idle watch shows progress within 10 s, never ahead of what it delivered", async (sut) => {
    const { store } = sut;
    const from = (await store.status()).revision + 1n;
    await using recorder = new Recorder(store, { start: "k" }, { from });
    const progress = (): bigint[] =>
      recorder.items.flatMap((item) => (item.kind === "progress" ? [item.revision] : []));
    for (let round = 1; round <= 3; round += 1) {
      const { revision } = await write(store, round === 2 ? put("k", "1") : put("other", "1"));
      const seen = progress().length;
      for (let second = 0; second < 10 && !progress().slice(seen).includes(revision); second += 1)
        await sut.advance(1000);
      await until("progress", () => progress().includes(revision));
    }
    assert.deepEqual(
      progress(),
      progress().toSorted((a, b) => Number(a - b)),
    );
    const delivered = recorder.items.findIndex((item) => item.kind === "events");
    const told = recorder.items.findIndex((item) => item.kind === "progress" && item.revision >= from + 1n);
    assert.ok(delivered >= 0 && delivered < told);
  });
}

async function writeSome(store: Store, count: number, expected: string[]): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    const { revision } = await write(store, put(`w/${i % 5}`, String(i)));
    expected.push(`${revision} put w/${i % 5}=${i}`);
  }
}

function declareCuts(suite: Suite): void {
  suite.case(
    "C10 a connection cut as soon as the watch stands loses nothing",
    async (sut) => {
      const expected: string[] = [];
      const from = (await sut.store.status()).revision + 1n;
      await writeSome(sut.store, 20, expected);
      await using recorder = new Recorder(sut.store, everything, { from });
      await until("the first sign of the watch", () => recorder.items.length > 0);
      await sut.cut?.();
      await recorder.untilLines(20);
      assert.deepEqual(recorder.lines, expected);
    },
    "cut",
  );

  suite.case(
    "C11 a watch over 100 cuts is the log",
    async (sut) => {
      const random = seededRandom(11);
      const expected: string[] = [];
      const from = (await sut.store.status()).revision + 1n;
      await using recorder = new Recorder(sut.store, everything, { from, maxBuffered: 7 });
      for (let cut = 0; cut < 100; cut += 1) {
        await writeSome(sut.store, Math.floor(random.next() * 10), expected);
        await sut.cut?.();
      }
      await recorder.untilLines(expected.length);
      assert.deepEqual(recorder.lines, expected);
    },
    "cut",
  );
}
