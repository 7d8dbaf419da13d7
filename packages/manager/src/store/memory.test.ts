/** The store in memory against the contract of stores. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import type { StoreUnderTest } from "./contract.ts";
import { declareStoreContract } from "./contract.ts";
import { openMemoryStore } from "./memory.ts";
import type { LeaseId } from "./store.ts";

async function open(): Promise<StoreUnderTest> {
  const clock = new ManualClock();
  const silenced = new Set<LeaseId>();
  const link = { pass: (id: LeaseId) => (silenced.has(id) ? Promise.reject(new Error("lost")) : Promise.resolve()) };
  const store = await openMemoryStore({ clock, random: seededRandom(1), link });
  return {
    store,
    advance: (deltaMs) => clock.advance(deltaMs),
    silence: (lease) => void silenced.add(lease.id),
    async [Symbol.asyncDispose]() {
      await store.close();
      assert.equal(clock.pendingCount, 0, "no timer is left");
    },
  };
}

declareStoreContract({ name: "memory", can: ["silence"], open, runs: 100 });

test("memory: the last 1000 revisions and the last hour stay readable, what is older is forgotten by itself", async () => {
  const clock = new ManualClock();
  await using store = {
    inner: await openMemoryStore({ clock, random: seededRandom(1) }),
    async [Symbol.asyncDispose]() {
      await this.inner.close();
    },
  };
  const put = { op: "put", key: "k", value: new Uint8Array() } as const;
  for (let i = 0; i < 1500; i += 1) await store.inner.txn({ compare: [], success: [put] });
  await clock.advance(3_000_000);
  assert.equal((await store.inner.status()).compactRevision, 0n);
  await clock.advance(1_000_000);
  const { revision, compactRevision } = await store.inner.status();
  assert.equal(compactRevision, revision - 1000n);
});
