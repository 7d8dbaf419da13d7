import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Ledger } from "./ledger.ts";

test("in whatever order things settle, the position is that of the last before the first unsettled one", () => {
  const step = fc.record({ hasPosition: fc.boolean(), isPass: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.infiniteStream(fc.nat()), (steps, chance) => {
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
