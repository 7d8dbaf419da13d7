/** Contract cases C18 to C22: restarts, cuts, a full disk, a restored backup, closing. */
import assert from "node:assert/strict";
import type { StoreUnderTest, Suite } from "./suite.ts";
import type { Store } from "../store.ts";
import { NoSpaceError, StoreResetError, UnavailableError, UncertainError } from "../store.ts";
import { everything, keysOf, put, Recorder, until, valueOf, write } from "./steps.ts";

/** Declares C18 to C22. */
export function declareOperationCases(suite: Suite): void {
  suite.case("C18 a write whose answer is lost was made once or not at all", writeUnderCuts, "cut");
  declareRestarts(suite);
  suite.case("C20 an older backup under an open store ends watches with a reset", resetUnderWatch, "reset");
  suite.case("C21 without space nothing is written; reads and watches go on; space heals", fillAndHeal, "fill", {
    bytesMax: 4 * 1024 * 1024,
  });
  declareSnapshots(suite);
  declareClosing(suite);
}

async function writeUnderCuts(sut: StoreUnderTest): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    const before = (await sut.store.get("k")).kv;
    const compare = [{ key: "k", target: "mod", op: "=", value: before?.modRevision ?? 0n }] as const;
    const writing = sut.store.txn({ compare, success: [put("k", String(i))] }).then(
      () => "applied",
      (error: unknown) => (error instanceof UncertainError ? "uncertain" : "not applied"),
    );
    await sut.cut?.();
    const outcome = await writing;
    const after = (await sut.store.get("k")).kv;
    const applied = (after?.version ?? 0n) === (before?.version ?? 0n) + 1n;
    assert.ok(applied || after?.version === before?.version, "applied twice");
    if (outcome !== "uncertain") assert.equal(applied, outcome === "applied");
  }
}

function declareRestarts(suite: Suite): void {
  suite.case(
    "C19 a restart keeps every acknowledged write, the past and the revision",
    async (sut) => {
      const first = await write(sut.store, put("k", "1"));
      await write(sut.store, put("k", "2"), put("j", "1"));
      const before = await sut.store.status();
      const kvs = (await sut.store.list(everything)).kvs;
      await sut.reopen?.();
      const now = await sut.store.status();
      assert.deepEqual([now.storeId, now.revision], [before.storeId, before.revision]);
      assert.deepEqual((await sut.store.list(everything)).kvs, kvs);
      assert.equal((await sut.store.get("k", { revision: first.revision })).kv?.version, 1n);
      await using recorder = new Recorder(sut.store, everything, { from: first.revision });
      await recorder.untilLines(3);
      assert.equal((await write(sut.store, put("k", "3"))).revision, before.revision + 1n);
    },
    "reopen",
  );

  suite.case(
    "C19 a lease of before the restart has a full term again, then ends",
    async (sut) => {
      const lease = await sut.store.grantLease(6000);
      await write(sut.store, put("k", "1", lease.id));
      await sut.advance(5000);
      await sut.reopen?.();
      assert.deepEqual(await lease.lost, { reason: "closed" });
      await sut.advance(5000);
      assert.equal(await valueOf(sut.store, "k"), "1");
      await sut.advance(4000);
      await until("the end of the lease", async () => (await keysOf(sut.store)).length === 0);
      assert.notEqual((await sut.store.grantLease(6000)).id, lease.id);
    },
    "reopen",
  );
}

async function resetUnderWatch(sut: StoreUnderTest): Promise<void> {
  const { store } = sut;
  await write(store, put("k", "1"));
  const older = await read(store);
  const { revision } = await write(store, put("k", "2"));
  await using recorder = new Recorder(store, everything, { from: revision + 1n });
  await sut.reset?.(older);
  await until("the end of the watch", () => recorder.ended);
  assert.ok(recorder.error instanceof StoreResetError);
}

async function fillAndHeal(sut: StoreUnderTest): Promise<void> {
  const { store } = sut;
  const value = new Uint8Array(store.limits.maxValueBytes);
  await write(store, put("kept", "1"));
  const filling = async (): Promise<void> => {
    for (let i = 0; i < 1000; i += 1) await write(store, { op: "put", key: "big", value });
  };
  await assert.rejects(filling(), NoSpaceError);
  const full = await store.status();
  assert.equal(full.state, "read-only");
  assert.equal(await valueOf(store, "kept"), "1");
  await using recorder = new Recorder(store, { start: "kept" }, { from: 1n });
  await recorder.untilLines(1);
  assert.equal(recorder.lines.length, 1);
  await store.compact(full.revision);
  for (let second = 0; second < 20 && (await store.status()).state !== "ok"; second += 1) await sut.advance(1000);
  await until("healing", async () => (await store.status()).state === "ok");
  const healed = await write(store, put("kept", "2"));
  assert.equal(healed.revision, full.revision + 1n);
  await recorder.untilLines(2);
}

async function read(store: Store): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.snapshot()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function declareSnapshots(suite: Suite): void {
  suite.case(
    "C20 a snapshot is the whole store at one revision",
    async (sut) => {
      for (let i = 0; i < 20; i += 1) await write(sut.store, put(`k${i}`, "x".repeat(10_000)));
      const before = await sut.store.list(everything);
      const bytes = await read(sut.store);
      await write(sut.store, put("later", "1"));
      await using copy = await sut.openSnapshot?.(bytes);
      assert.ok(copy !== undefined);
      assert.deepEqual(await copy.store.list(everything), before);
    },
    "snapshot",
  );
}

function declareClosing(suite: Suite): void {
  suite.case(
    "C22 closing ends every watch and lease, twice is once, and afterwards all is refused",
    async ({ store }) => {
      const recorder = new Recorder(store, everything, { from: 1n });
      const lease = await store.grantLease(6000);
      const leadership = await store.campaign("leaders/x", "n0", lease);
      const waiting = store.campaign("leaders/x", "n1", await store.grantLease(6000));
      const observer = store.observeLeader("leaders/x")[Symbol.asyncIterator]();
      await observer.next();
      const last = observer.next();
      await until("two candidates", async () => (await keysOf(store)).length === 2);
      await Promise.all([assert.rejects(waiting), store.close(), store.close()]);
      await until("the end of the watch", () => recorder.ended);
      assert.deepEqual(
        [recorder.error, await lease.lost, await leadership.lost],
        [undefined, { reason: "closed" }, { reason: "closed" }],
      );
      assert.equal((await last).done, true);
      for (const refused of [
        () => store.get("k"),
        () => write(store, put("k", "1")),
        () => store.status(),
        () => store.grantLease(6000),
      ]) {
        await assert.rejects(refused, UnavailableError);
      }
      await lease.revoke().catch((error: unknown) => assert.ok(error instanceof UnavailableError));
    },
  );

  suite.case("C22 an aborted request is not made", async ({ store }) => {
    const signal = AbortSignal.abort(new Error("too late"));
    await assert.rejects(store.txn({ compare: [], success: [put("k", "1")] }, { signal }), /too late/);
    await assert.rejects(store.list(everything, { signal }), /too late/);
    assert.deepEqual(await keysOf(store), []);
  });
}
