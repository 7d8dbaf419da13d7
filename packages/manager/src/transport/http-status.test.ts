import assert from "node:assert/strict";
import { test } from "node:test";
import { retryAfterMs } from "./http-status.ts";

const date = "Wed, 25 Nov 2026 09:00:00 GMT";

function waitOf(headers: Readonly<Record<string, string>>): number | undefined {
  return retryAfterMs({ get: (name) => headers[name] });
}

test("the time to wait comes in seconds, or as a date against the server's own clock", () => {
  assert.equal(waitOf({ "retry-after": "7" }), 7_000);
  assert.equal(waitOf({ date, "retry-after": "Wed, 25 Nov 2026 09:02:00 GMT" }), 120_000);
  assert.equal(waitOf({ date, "retry-after": "Tue, 24 Nov 2026 09:00:00 GMT" }), 0, "it is over");
});

test("what cannot be read is no time to wait", () => {
  assert.equal(waitOf({ date }), undefined);
  assert.equal(waitOf({ "retry-after": "Wed, 25 Nov 2026 09:02:00 GMT" }), undefined, "against nothing");
  for (const text of ["soon", "-1", "1.5", "9999999", "2026-11-25T09:02:00Z", "Abc, 99 Abc 2026 99:99:99 GMT", ""])
    assert.equal(waitOf({ date, "retry-after": text }), undefined, text);
});
