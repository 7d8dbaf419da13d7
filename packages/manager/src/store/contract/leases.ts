/** Contract cases C15 and C16: leases end neither early nor unnoticed. */
import assert from "node:assert/strict";
import type { StoreUnderTest, Suite } from "./suite.ts";
import type { Lease, LeaseLost } from "../store.ts";
import { LeaseGoneError } from "../store.ts";
import { everything, keysOf, put, Recorder, until, valueOf, write } from "./steps.ts";

const ttlMs = 6000;
const stepMs = 250;

/** Lets time pass in small steps until `reached` holds; answers how much passed. */
async function passUntil(
  sut: StoreUnderTest,
  maxMs: number,
  reached: () => boolean | Promise<boolean>,
): Promise<number> {
  let passedMs = 0;
  while (!(await reached())) {
    assert.ok(passedMs <= maxMs, `not within ${maxMs} ms`);
    await sut.advance(stepMs);
    passedMs += stepMs;
  }
  return passedMs;
}

/** What the lease was lost by, once it was. */
function watchLoss(lease: Lease): { lost: LeaseLost | undefined } {
  const seen: { lost: LeaseLost | undefined } = { lost: undefined };
  void lease.lost.then((lost) => (seen.lost = lost));
  return seen;
}

/** Declares C15 and C16. */
export function declareLeaseCases(suite: Suite): void {
  declareLife(suite);
  declareLoss(suite);
}

function declareLife(suite: Suite): void {
  suite.case("C15 a lease lives as long as its holder", async (sut) => {
    const lease = await sut.store.grantLease(ttlMs);
    const seen = watchLoss(lease);
    await write(sut.store, put("k", "1", lease.id));
    await passUntil(sut, 5 * ttlMs, async () => lease.remainingMs() <= 0).catch(() => undefined);
    assert.deepEqual([await valueOf(sut.store, "k"), seen.lost], ["1", undefined]);
    assert.ok(lease.remainingMs() > 0 && lease.remainingMs() < ttlMs);
  });

  suite.case("C15 revoking deletes the lease's keys as one transaction", async ({ store }) => {
    const lease = await store.grantLease(ttlMs);
    const seen = watchLoss(lease);
    const { revision } = await write(store, put("a", "1", lease.id), put("b", "1", lease.id), put("c", "1"));
    await lease.revoke();
    await lease.revoke();
    assert.deepEqual(await keysOf(store), ["c"]);
    await using recorder = new Recorder(store, everything, { from: revision + 1n });
    await recorder.untilLines(2);
    assert.deepEqual(recorder.lines, [`${revision + 1n} delete a`, `${revision + 1n} delete b`]);
    await until("the loss", () => seen.lost !== undefined);
    assert.deepEqual([seen.lost, lease.remainingMs()], [{ reason: "revoked" }, 0]);
  });

  suite.case("C15 a put without the lease, or with another one, takes the key over", async ({ store }) => {
    const [first, second] = [await store.grantLease(ttlMs), await store.grantLease(ttlMs)];
    await write(store, put("free", "1", first.id), put("moved", "1", first.id), put("bound", "1", first.id));
    await write(store, put("free", "2"), put("moved", "2", second.id));
    await first.revoke();
    assert.deepEqual(await keysOf(store), ["free", "moved"]);
    await second.revoke();
    assert.deepEqual(await keysOf(store), ["free"]);
  });

  suite.case("C15 nothing is written under a lease that is gone", async ({ store }) => {
    const lease = await store.grantLease(ttlMs);
    await lease.revoke();
    const before = (await store.status()).revision;
    await assert.rejects(write(store, put("a", "1"), put("b", "1", lease.id)), LeaseGoneError);
    await assert.rejects(write(store, put("b", "1", "999999")), LeaseGoneError);
    assert.deepEqual([await keysOf(store), (await store.status()).revision], [[], before]);
  });
}

function declareLoss(suite: Suite): void {
  suite.case(
    "C15 without keep-alives the keys vanish together, within the TTL and 3 s",
    async (sut) => {
      const { store } = sut;
      const lease = await store.grantLease(ttlMs);
      sut.silence?.(lease);
      const { revision } = await write(store, put("a", "1", lease.id), put("b", "1", lease.id));
      const passedMs = await passUntil(sut, ttlMs + 3000, async () => (await keysOf(store)).length < 2);
      assert.ok(passedMs >= ttlMs - stepMs, `gone after ${passedMs} ms`);
      await using recorder = new Recorder(store, everything, { from: revision + 1n });
      await recorder.untilLines(2);
      assert.deepEqual(recorder.lines, [`${revision + 1n} delete a`, `${revision + 1n} delete b`]);
      await assert.rejects(write(store, put("a", "2", lease.id)), LeaseGoneError);
    },
    "silence",
  );

  suite.case(
    "C16 the holder knows of the loss before the keys can vanish",
    async (sut) => {
      const { store } = sut;
      const lease = await store.grantLease(ttlMs);
      const seen = watchLoss(lease);
      await write(store, put("k", "1", lease.id));
      await sut.advance(ttlMs);
      sut.silence?.(lease);
      await passUntil(sut, ttlMs, () => seen.lost !== undefined);
      assert.deepEqual([seen.lost, lease.remainingMs()], [{ reason: "expired-locally" }, 0]);
      assert.equal(await valueOf(store, "k"), "1");
      await passUntil(sut, ttlMs, async () => (await valueOf(store, "k")) === undefined);
    },
    "silence",
  );
}
