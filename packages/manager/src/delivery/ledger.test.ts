import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Ledger } from "./ledger.ts";

test("in whatever order things settle, the position is that of the last before the first unsettled one", () => {
  const step = fc.record({ hasPosition: fc.boolean(), isPass: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.infiniteStream(fc.nat()), (steps, chance) => {
      const ledger = new Ledger("0");
      const open: { readonly index: number; readonly settle: () => void }[] = [];
      const positions: (string | undefined)[] = [];
      const check = (): void => {
        const unsettled = Math.min(steps.length, ...open.map(({ index }) => index));
        const expected = positions.slice(0, unsettled).findLast((position) => position !== undefined) ?? "0";
        assert.equal(ledger.position, expected);
        assert.equal(ledger.pending, open.length);
      };
      for (const [index, { hasPosition, isPass }] of steps.entries()) {
        const position = hasPosition || isPass ? String(index + 1) : undefined;
        positions.push(position);
        if (isPass && position !== undefined) ledger.pass(position);
        else open.push({ index, settle: ledger.read(position) });
        check();
      }
      while (open.length > 0) {
        const [one] = open.splice((chance.next().value ?? 0) % open.length, 1);
        one?.settle();
        one?.settle(); // twice is once
        check();
      }
    }),
  );
});

test("behind one that takes long, what is settled does not pile up", () => {
  const ledger = new Ledger("0");
  const settleFirst = ledger.read("1");
  for (let position = 2; position <= 10_000; position += 1) {
    if (position % 3 === 0) ledger.pass(String(position));
    else ledger.read(String(position))();
  }
  assert.ok(ledger.size < 100, `${ledger.size} entries`);
  assert.equal(ledger.position, "0");
  settleFirst();
  assert.equal(ledger.position, "10000");
});
