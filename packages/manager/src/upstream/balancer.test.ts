import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import fc from "fast-check";
import { ScriptedConnection } from "../gateway/testing/scripted-connection.ts";
import { type Balance, choose, only } from "./balancer.ts";
import type { ReadyReplica } from "./upstream-set.ts";

interface Given {
  readonly inFlight?: number;
  readonly isClosed?: boolean;
  readonly isEjected?: boolean;
  readonly isHeldOff?: boolean;
  readonly weight?: number;
  readonly revision?: string;
}

/** Replicas `0`, `1`, … and what is known of them. */
function pool(...given: readonly Given[]): { replicas: readonly ReadyReplica[]; balance: Balance } {
  const replicas = given.map(({ inFlight = 0, isClosed = false, revision = "a-1" }, i) => {
    const connection = new ScriptedConnection();
    connection.inFlight = inFlight;
    if (isClosed) connection.destroy(new ManagerError("unavailable", "gone"));
    return { name: String(i), server: "a", revision, connection };
  });
  const balance: Balance = {
    isEjected: (name) => given[Number(name)]?.isEjected === true,
    isHeldOff: (name) => given[Number(name)]?.isHeldOff === true,
    weight: (name) => given[Number(name)]?.weight ?? 1,
  };
  return { replicas, balance };
}

function chosen(...given: readonly Given[]): string | undefined {
  const { replicas, balance } = pool(...given);
  return choose(replicas, undefined, balance, undefined)?.name;
}

test("the one with the least to do is taken, the oldest of equals", () => {
  assert.equal(chosen({ inFlight: 2 }, { inFlight: 1 }, { inFlight: 1 }), "1");
  assert.equal(chosen({}, {}), "0");
  assert.equal(chosen(), undefined);
});

test("one that has just come gets its share of calls only when the others have many", () => {
  const slow = { weight: 0.1 };
  assert.equal(chosen({ inFlight: 8 }, slow), "0");
  assert.equal(chosen({ inFlight: 10 }, slow), "1");
  assert.equal(chosen({ inFlight: 10 }, { ...slow, inFlight: 1 }), "0");
});

test("one that is put aside is passed over, while half of them are left", () => {
  const aside = { isEjected: true };
  assert.equal(chosen(aside, { inFlight: 9 }), "1");
  assert.equal(chosen(aside, aside, { inFlight: 9 }), "0", "one of three left: better a doubtful one than too few");
  assert.equal(chosen(aside, { isClosed: true }, { inFlight: 9 }), "0", "the closed one is not left either");
});

test("one whose connection is closed is never taken", () => {
  assert.equal(chosen({ isClosed: true }, { isEjected: true }), "1");
  assert.equal(chosen({ isClosed: true }, { isClosed: true }), undefined);
});

test("one that is held off is never taken, and is not one of those that are left", () => {
  const [held, aside] = [{ isHeldOff: true }, { isEjected: true }];
  assert.equal(chosen(held, { inFlight: 9 }), "1");
  assert.equal(chosen(held, held), undefined);
  assert.equal(chosen(aside, held), "0", "better a doubtful one than none");
  const { replicas, balance } = pool(held);
  const [single] = replicas;
  assert.ok(single);
  assert.equal(only(single, undefined, balance), undefined);
});

test("only the wanted revision, and not the one that was tried", () => {
  const { replicas, balance } = pool({ revision: "a-1" }, { revision: "a-2" }, { revision: "a-2" });
  assert.equal(choose(replicas, "a-2", balance, undefined)?.name, "1");
  assert.equal(choose(replicas, "a-2", balance, replicas[1])?.name, "2");
  assert.equal(choose(replicas, "a-1", balance, replicas[0]), undefined);
  const [single] = replicas;
  assert.ok(single);
  assert.equal(only(single)?.name, "0");
  assert.equal(only(single, "a-2"), undefined);
  assert.equal(only(single, undefined, undefined, single), undefined);
});

test("whoever is chosen can be called, and nobody else would cost less", () => {
  const given = fc.record({
    inFlight: fc.nat(20),
    isClosed: fc.boolean(),
    isEjected: fc.boolean(),
    isHeldOff: fc.boolean(),
    weight: fc.double({ min: 0.1, max: 1, noNaN: true }),
  });
  const property = fc.property(fc.array(given, { maxLength: 8 }), (all) => {
    const name = chosen(...all);
    const open = all.filter(({ isClosed, isHeldOff }) => !isClosed && !isHeldOff);
    const left = open.filter(({ isEjected }) => !isEjected);
    const candidates = left.length < all.length / 2 ? open : left;
    const cost = ({ inFlight, weight }: (typeof all)[number]): number => (inFlight + 1) / weight;
    const best = name === undefined ? undefined : all[Number(name)];
    assert.equal(best === undefined, candidates.length === 0);
    if (best === undefined) return;
    assert.ok(candidates.includes(best));
    assert.equal(cost(best), Math.min(...candidates.map(cost)));
  });
  fc.assert(property);
});
