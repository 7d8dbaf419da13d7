import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mayRepeat, pauseMs, retriesMax } from "./retry.ts";

test("what reached nobody, or was refused before anything was done, may be sent again, whatever it is", () => {
  for (const method of ["GET", "PUT", "POST"]) {
    assert.ok(mayRepeat({ method }, "unsent"));
    assert.ok(mayRepeat({ method }, "refused"));
    assert.ok(!mayRepeat({ method }, "answered"));
  }
});

test("what may have been carried out is sent again only where twice is the same as once", () => {
  const may = ["GET", "HEAD", "PUT", "DELETE", "POST"].filter((method) => mayRepeat({ method }, "lost"));
  assert.deepEqual(may, ["GET", "HEAD", "PUT", "DELETE"]);
  assert.ok(!mayRepeat({ method: "PUT", headers: { "if-match": '"7"' } }, "lost"));
});

test("a pause is never shorter than the manager said, grows up to a bound, and is spread over all of it", () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.nat(retriesMax), chance, fc.nat(100_000), (retries, drawn, retryAfterMs) => {
      const ms = pauseMs(retries, drawn, retryAfterMs);
      assert.ok(ms >= retryAfterMs && ms <= retryAfterMs + 5_000);
    }),
  );
  assert.deepEqual(
    [0, 1, 2].map((retries) => [pauseMs(retries, 0), pauseMs(retries, 0.5)]),
    [
      [0, 100],
      [0, 200],
      [0, 400],
    ],
  );
});
