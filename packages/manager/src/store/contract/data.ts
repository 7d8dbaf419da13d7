/** Contract cases C1 to C8: writing, comparing, limits, order, reading the past. */
import assert from "node:assert/strict";
import type { Suite } from "./suite.ts";
import { after, prefix } from "../key.ts";
import type { Compare, Op, Store } from "../store.ts";
import { CompactedError, FutureRevisionError, LimitError } from "../store.ts";
import { bytes, everything, keysOf, put, remove, valueOf, write } from "./steps.ts";

/** Declares C1 to C8. */
export function declareDataCases(suite: Suite): void {
  declareWrites(suite);
  declareCompares(suite);
  declareLimits(suite);
  declareReads(suite);
}

function declareWrites(suite: Suite): void {
  suite.case("C1 a key counts its puts, and begins anew when it is made again", async ({ store }) => {
    const made = await write(store, put("k", "1"));
    const changed = await write(store, put("k", "2"));
    const { kv } = await store.get("k");
    assert.deepEqual(
      [kv?.createRevision, kv?.modRevision, kv?.version, kv?.lease],
      [made.revision, changed.revision, 2n, null],
    );
    await write(store, remove("k"));
    assert.equal((await store.get("k")).kv, null);
    const again = await write(store, put("k", "3"));
    const remade = (await store.get("k")).kv;
    assert.deepEqual(
      [remade?.createRevision, remade?.modRevision, remade?.version],
      [again.revision, again.revision, 1n],
    );
  });

  suite.case("C1 what was written is the store's own: the writer's buffer may be used again", async ({ store }) => {
    const value = Buffer.from("before");
    await write(store, { op: "put", key: "k", value });
    value.write("after!");
    assert.equal(await valueOf(store, "k"), "before");
  });

  suite.case("C2 a transaction is one revision; one that changes nothing is none", async ({ store }) => {
    const before = (await store.status()).revision;
    const three = await write(store, put("a", "1"), put("b", "2"), remove("nothing"), put("c", "3"));
    assert.equal(three.revision, before + 1n);
    assert.equal((await write(store, remove("nothing"))).revision, before + 1n);
    assert.equal((await write(store, { op: "get", range: everything })).revision, before + 1n);
    for (const key of ["a", "b", "c"]) assert.equal((await store.get(key)).kv?.modRevision, before + 1n);
  });

  suite.case("C2 steps run in order and see what was written before them", async ({ store }) => {
    await write(store, put("b/1", "old"));
    const range = prefix("b/");
    const { results } = await write(
      store,
      { op: "get", range },
      { op: "put", key: "b/1", value: bytes("new"), prevKv: true },
      put("b/2", "new"),
      { op: "get", range, limit: 1 },
      { op: "delete", range: { start: "b/3" }, prevKv: true },
    );
    const [first, changed, , second, none] = results;
    assert.ok(first?.op === "get" && second?.op === "get" && changed?.op === "put" && none?.op === "delete");
    assert.deepEqual([first.count, first.more, second.count, second.more], [1, false, 2, true]);
    assert.equal(Buffer.from(changed.prevKv?.value ?? []).toString(), "old");
    assert.deepEqual([none.deleted, none.prevKvs], [0, []]);
  });

  suite.case("C1 a deletion of a range answers what it removed", async ({ store }) => {
    await write(store, put("d/1", "1"), put("d/2", "2"), put("e", "3"));
    const { results } = await write(store, { op: "delete", range: prefix("d/"), prevKv: true });
    const [deletion] = results;
    assert.ok(deletion?.op === "delete");
    assert.deepEqual([deletion.deleted, deletion.prevKvs?.map((kv) => kv.key)], [2, ["d/1", "d/2"]]);
    assert.deepEqual(await keysOf(store), ["e"]);
  });
}

async function agrees(store: Store, compare: Compare): Promise<boolean> {
  return (await store.txn({ compare: [compare], success: [] })).succeeded;
}

/** A compare of a value. */
function valueIs(key: string, op: "=" | "!=", text: string): Compare {
  return { key, target: "value", op, value: bytes(text) };
}

function emptyPuts(count: number): Op[] {
  return Array.from({ length: count }, (_, i) => put(`k${i}`, ""));
}

function declareCompares(suite: Suite): void {
  suite.case("C3 numbers compare by every operator, an absent key as 0", async ({ store }) => {
    const made = await write(store, put("k", "1"));
    const changed = await write(store, put("k", "2"));
    const stands = { mod: changed.revision, create: made.revision, version: 2n } as const;
    const operators = {
      "=": [false, true, false],
      "!=": [true, false, true],
      "<": [false, false, true],
      ">": [true, false, false],
    };
    for (const [key, numbers] of Object.entries({ k: stands, absent: { mod: 0n, create: 0n, version: 0n } })) {
      for (const target of ["mod", "create", "version"] as const) {
        for (const op of ["=", "!=", "<", ">"] as const) {
          for (const [index, delta] of [-1n, 0n, 1n].entries()) {
            const expected = operators[op][index];
            const compare = { key, target, op, value: numbers[target] + delta } as const;
            assert.equal(await agrees(store, compare), expected, `${key} ${target} ${op} stands ${delta}`);
          }
        }
      }
    }
  });

  suite.case("C3 values and leases compare; an absent key has no value to compare", async ({ store }) => {
    const lease = await store.grantLease(10_000);
    await write(store, put("k", "v", lease.id));
    assert.deepEqual(
      [
        await agrees(store, valueIs("k", "=", "v")),
        await agrees(store, valueIs("k", "!=", "v")),
        await agrees(store, valueIs("k", "=", "w")),
        await agrees(store, valueIs("k", "!=", "w")),
        await agrees(store, valueIs("absent", "=", "")),
        await agrees(store, valueIs("absent", "!=", "v")),
      ],
      [true, false, false, true, false, false],
    );
    assert.equal(await agrees(store, { key: "k", target: "lease", op: "=", value: lease.id }), true);
    assert.equal(await agrees(store, { key: "k", target: "lease", op: "=", value: null }), false);
    assert.equal(await agrees(store, { key: "absent", target: "lease", op: "=", value: null }), true);
    assert.equal(await agrees(store, { key: "absent", target: "lease", op: "!=", value: lease.id }), true);
  });

  suite.case("C4 one compare that fails sends the whole transaction to its other branch", async ({ store }) => {
    await write(store, put("k", "1"));
    const { succeeded, results } = await store.txn({
      compare: [
        { key: "k", target: "version", op: "=", value: 1n },
        { key: "other", target: "version", op: ">", value: 0n },
      ],
      success: [put("k", "success")],
      failure: [put("k", "failure"), { op: "get", range: { start: "k" } }],
    });
    assert.deepEqual([succeeded, results.length, await valueOf(store, "k")], [false, 2, "failure"]);
    const bare = await store.txn({
      compare: [{ key: "k", target: "version", op: "=", value: 9n }],
      success: [remove("k")],
    });
    assert.deepEqual([bare.succeeded, bare.results], [false, []]);
  });
}

function declareLimits(suite: Suite): void {
  suite.case("C5 a key is written once in a transaction", async ({ store }) => {
    const before = (await store.status()).revision;
    for (const success of [
      [put("k", "1"), put("k", "2")],
      [put("k", "1"), remove("k")],
      [{ op: "delete", range: everything } as const, put("k", "1")],
    ]) {
      await assert.rejects(store.txn({ compare: [], success }), LimitError);
      await assert.rejects(store.txn({ compare: [], success: [], failure: success }), LimitError);
    }
    await store.txn({ compare: [], success: [put("k", "1")], failure: [put("k", "2")] });
    await write(store, remove("k"), remove("k"));
    assert.equal((await store.status()).revision, before + 2n);
  });

  suite.case("C6 what is at a limit is taken, what is one over is refused", async ({ store }) => {
    const { maxOps, maxValueBytes, maxTxnBytes, minLeaseTtlMs } = store.limits;
    await write(store, ...emptyPuts(maxOps));
    await assert.rejects(write(store, ...emptyPuts(maxOps + 1)), LimitError);
    await write(store, { op: "put", key: "v", value: new Uint8Array(maxValueBytes) });
    assert.equal((await store.get("v")).kv?.value.byteLength, maxValueBytes);
    await assert.rejects(write(store, { op: "put", key: "v", value: new Uint8Array(maxValueBytes + 1) }), LimitError);
    const large = Array.from({ length: Math.floor(maxTxnBytes / maxValueBytes) }, (_, i): Op => {
      return { op: "put", key: `l${i}`, value: new Uint8Array(maxValueBytes - 2) };
    });
    await write(store, ...large);
    await assert.rejects(write(store, ...large, put("x", "y")), LimitError);
    await (await store.grantLease(minLeaseTtlMs)).revoke();
    await assert.rejects(store.grantLease(minLeaseTtlMs - 1), LimitError);
  });

  suite.case("C6 keys have 1 to 512 characters of the alphabet", async ({ store }) => {
    const longest = "k".repeat(512);
    await write(store, put(longest, "1"));
    assert.equal(await valueOf(store, longest), "1");
    for (const key of ["", `${longest}k`, "a b", "ä", "a:b", "a\n"]) {
      await assert.rejects(write(store, put(key, "1")), LimitError, key);
      await assert.rejects(store.get(key), LimitError, key);
    }
    await assert.rejects(store.list(everything, { limit: 0 }), LimitError);
  });
}

function declareReads(suite: Suite): void {
  suite.case("C7 keys come in byte order over the whole alphabet", async ({ store }) => {
    const alphabet = "%-./0189AMZ_amz~".split("");
    const keys = alphabet.flatMap((a) => [`r${a}`, `r${a}x`]).toSorted(() => -1);
    await write(store, ...keys.map((key) => put(key, "1")));
    assert.deepEqual(await keysOf(store, prefix("r")), keys.toSorted());
    assert.deepEqual(await keysOf(store, { start: "r/", end: "r0" }), ["r/", "r/x"]);
    assert.deepEqual(await keysOf(store, { start: "r/" }), ["r/"]);
  });

  suite.case("C7 pages at one revision stay whole while others write", async ({ store }) => {
    for (let i = 0; i < 10; i += 1) await write(store, put(`p/${i}`, "old"));
    const range = prefix("p/");
    const first = await store.list(range, { limit: 4 });
    assert.deepEqual([first.kvs.length, first.more], [4, true]);
    await write(store, put("p/4", "new"), put("p/55", "new"), remove("p/6"));
    const seen = [...first.kvs];
    for (let page = first; page.more;) {
      const start = after(seen.at(-1)?.key ?? "");
      page = await store.list({ ...range, start }, { limit: 4, revision: first.revision });
      seen.push(...page.kvs);
    }
    assert.deepEqual(
      seen.map((kv) => `${kv.key}=${Buffer.from(kv.value).toString()}`),
      Array.from({ length: 10 }, (_, i) => `p/${i}=old`),
    );
  });

  suite.case("C8 the past can be read until it is compacted, the future not yet", async ({ store }) => {
    const first = await write(store, put("k", "1"));
    const second = await write(store, put("k", "2"));
    const third = await write(store, remove("k"));
    const at = async (revision: bigint): Promise<number> => (await store.list(everything, { revision })).kvs.length;
    assert.deepEqual([await at(first.revision), await at(second.revision), await at(third.revision)], [1, 1, 0]);
    assert.equal(Buffer.from((await store.get("k", { revision: first.revision })).kv?.value ?? []).toString(), "1");
    await assert.rejects(store.get("k", { revision: third.revision + 1n }), FutureRevisionError);
    await store.compact(second.revision);
    await assert.rejects(store.get("k", { revision: first.revision }), (error) => {
      assert.ok(error instanceof CompactedError);
      assert.equal(error.compactRevision, second.revision);
      return true;
    });
    assert.equal(Buffer.from((await store.get("k", { revision: second.revision })).kv?.value ?? []).toString(), "2");
    await assert.rejects(store.compact(second.revision), CompactedError);
    await assert.rejects(store.compact(third.revision + 1n), FutureRevisionError);
    assert.equal((await store.status()).compactRevision, second.revision);
  });

  suite.case("C8 compaction keeps every key that lives, and lets a deleted one begin anew", async ({ store }) => {
    await write(store, put("kept", "1"));
    await write(store, put("gone", "1"));
    await write(store, put("gone", "2"));
    await write(store, remove("gone"));
    const last = await write(store, put("kept", "2"));
    await store.compact(last.revision);
    assert.deepEqual([await keysOf(store), await valueOf(store, "kept")], [["kept"], "2"]);
    await write(store, put("gone", "3"));
    assert.equal((await store.get("gone")).kv?.version, 1n);
    assert.equal((await store.get("kept")).kv?.version, 2n);
  });

  suite.case("C8 a read without values has everything else", async ({ store }) => {
    await write(store, put("k", "value"));
    const { kv } = await store.get("k", { keysOnly: true });
    assert.deepEqual([kv?.value.byteLength, kv?.version], [0, 1n]);
  });
}
