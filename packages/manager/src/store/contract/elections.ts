/** Contract case C17: one leader at a time, provable in every write. */
import assert from "node:assert/strict";
import { seededRandom } from "../../base/random.ts";
import type { StoreUnderTest, Suite } from "./suite.ts";
import type { Leader, Leadership, Lease, Store } from "../store.ts";
import { LeaseGoneError, LimitError } from "../store.ts";
import { keysOf, put, remove, until } from "./steps.ts";

const role = "leaders/scheduler";
const ttlMs = 6000;

/** Declares C17. */
export function declareElectionCases(suite: Suite): void {
  declareSuccession(suite);
  declareEnds(suite);
  suite.case(
    "C17 five candidates that fail at random: tokens rise, old leaders can write nothing",
    failAtRandom,
    "silence",
  );
}

async function writeAs(store: Store, leadership: Leadership): Promise<boolean> {
  const result = await store.txn({ compare: [leadership.guard], success: [put("work", leadership.holder)] });
  return result.succeeded;
}

function declareSuccession(suite: Suite): void {
  suite.case("C17 the next candidate leads when the leader resigns, in order of standing", async ({ store }) => {
    const leases = [await store.grantLease(ttlMs), await store.grantLease(ttlMs), await store.grantLease(ttlMs)];
    const elected: string[] = [];
    const standing = leases.map(async (lease, index) => {
      await until("the candidates before", async () => (await keysOf(store)).length >= index);
      const leadership = await store.campaign(role, `n${index}`, lease);
      elected.push(leadership.holder);
      return leadership;
    });
    const first = await standing[0];
    assert.ok(first !== undefined && (await writeAs(store, first)));
    await until("three candidates", async () => (await keysOf(store)).length === 4);
    assert.deepEqual(elected, ["n0"]);
    await first.resign();
    assert.deepEqual(await first.lost, { reason: "revoked" });
    const second = await standing[1];
    assert.ok(second !== undefined && second.token > first.token);
    assert.deepEqual([await writeAs(store, first), await writeAs(store, second)], [false, true]);
    await leases[1]?.revoke();
    const third = await standing[2];
    assert.ok(third !== undefined && third.token > second.token);
    assert.deepEqual(elected, ["n0", "n1", "n2"]);
    await third.resign();
    await third.resign();
  });

  suite.case("C17 observers see every leader that lasts, and none when there is none", async ({ store }) => {
    const seen: (Leader | null)[] = [];
    const stop = new AbortController();
    const observing = (async () => {
      for await (const leader of store.observeLeader(role, { signal: stop.signal })) seen.push(leader);
    })();
    await until("no leader", () => seen.length === 1);
    const leadership = await store.campaign(role, "n0", await store.grantLease(ttlMs));
    await until("the leader", () => seen.length === 2);
    await leadership.resign();
    await until("no leader again", () => seen.length === 3);
    assert.deepEqual(seen, [null, { holder: "n0", token: leadership.token }, null]);
    stop.abort();
    await observing;
  });
}

function declareEnds(suite: Suite): void {
  suite.case("C17 an aborted candidacy never leads and leaves no trace", async ({ store }) => {
    const leader = await store.campaign(role, "n0", await store.grantLease(ttlMs));
    const abort = new AbortController();
    const waiting = store.campaign(role, "n1", await store.grantLease(ttlMs), { signal: abort.signal });
    await until("two candidates", async () => (await keysOf(store)).length === 2);
    abort.abort(new Error("changed my mind"));
    await assert.rejects(waiting, /changed my mind/);
    assert.equal((await keysOf(store)).length, 1);
    await leader.resign();
    assert.deepEqual(await keysOf(store), []);
    await assert.rejects(
      store.campaign(role, "n2", await store.grantLease(ttlMs), { signal: abort.signal }),
      /changed my mind/,
    );
  });

  suite.case("C17 a candidacy ends with its lease, and a lease stands once", async ({ store }) => {
    const leader = await store.campaign(role, "n0", await store.grantLease(ttlMs));
    const lease = await store.grantLease(ttlMs);
    const waiting = store.campaign(role, "n1", lease);
    await until("two candidates", async () => (await keysOf(store)).length === 2);
    await assert.rejects(store.campaign(role, "n1", lease), LimitError);
    await Promise.all([assert.rejects(waiting, LeaseGoneError), lease.revoke()]);
    await assert.rejects(store.campaign(role, "n1", lease), LeaseGoneError);
    await leader.resign();
  });

  suite.case("C17 a candidate whose key is taken away is never elected", async ({ store }) => {
    const leader = await store.campaign(role, "n0", await store.grantLease(ttlMs));
    const lease = await store.grantLease(ttlMs);
    const waiting = store.campaign(role, "n1", lease);
    await until("two candidates", async () => (await keysOf(store)).length === 2);
    await store.txn({ compare: [], success: [remove(`${role}/${lease.id}`)] });
    await Promise.all([assert.rejects(waiting, LeaseGoneError), leader.resign()]);
  });

  suite.case("C17 a leader whose key is taken away knows it", async ({ store }) => {
    const leader = await store.campaign(role, "n0", await store.grantLease(ttlMs));
    const [key] = await keysOf(store);
    await store.txn({ compare: [], success: [remove(key ?? "")] });
    assert.deepEqual(await leader.lost, { reason: "revoked" });
    assert.equal(await writeAs(store, leader), false);
  });
}

interface Candidate {
  readonly lease: Lease;
  readonly abort: AbortController;
  leadership: Leadership | undefined;
  over: boolean;
}

async function stand(store: Store, name: string): Promise<Candidate> {
  const candidate: Candidate = {
    lease: await store.grantLease(ttlMs),
    abort: new AbortController(),
    leadership: undefined,
    over: false,
  };
  void store.campaign(role, name, candidate.lease, { signal: candidate.abort.signal }).then(
    (leadership) => {
      assert.ok(!candidate.over, "an ended candidacy was elected");
      candidate.leadership = leadership;
    },
    () => (candidate.over = true),
  );
  return candidate;
}

async function failAtRandom(sut: StoreUnderTest): Promise<void> {
  const { store } = sut;
  const random = seededRandom(17);
  const candidates: Candidate[] = [];
  const past: Leadership[] = [];
  for (let round = 0; round < 25; round += 1) {
    while (candidates.length < 5) candidates.push(await stand(store, `n${round}-${candidates.length}`));
    await until("a leader", () => candidates.some((candidate) => candidate.leadership !== undefined));
    const leaders = candidates.flatMap((candidate) => candidate.leadership ?? []);
    assert.equal(leaders.length, 1);
    const [leader] = leaders;
    assert.ok(leader !== undefined && (past.at(-1)?.token ?? 0n) <= leader.token);
    assert.equal(await writeAs(store, leader), true);
    for (const old of past) assert.equal(old.token === leader.token || !(await writeAs(store, old)), true);
    if (past.at(-1)?.token !== leader.token) past.push(leader);
    const victim = candidates[Math.floor(random.next() * candidates.length)];
    assert.ok(victim !== undefined);
    await fail(sut, victim, random.next());
    candidates.splice(candidates.indexOf(victim), 1);
  }
  assert.ok(past.length > 3, "the leader changed a few times");
  for (const candidate of candidates) candidate.abort.abort(new Error("over"));
  await until("the end of all candidacies", () =>
    candidates.every((candidate) => candidate.over || candidate.leadership),
  );
}

/** Resigns, is killed (the lease is revoked), or is cut off until the lease has run out at the store. */
async function fail(sut: StoreUnderTest, victim: Candidate, how: number): Promise<void> {
  if (how < 0.3) {
    victim.abort.abort(new Error("resigned"));
    await victim.leadership?.resign();
  } else if (how < 0.6) {
    await victim.lease.revoke();
  } else {
    sut.silence?.(victim.lease);
    const key = `${role}/${victim.lease.id}`;
    for (let second = 0; second < 12 && (await sut.store.get(key)).kv !== null; second += 1) await sut.advance(1000);
    assert.equal((await sut.store.get(key)).kv, null);
  }
  await until("the end of the candidacy", () => victim.over || victim.leadership !== undefined);
}
