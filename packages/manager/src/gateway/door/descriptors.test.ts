import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { test } from "node:test";
import { connectionsWithin, descriptorLimit, descriptorsOpen } from "./descriptors.ts";

test("open descriptors are counted, and their limit is known", { skip: process.platform !== "linux" }, () => {
  const limit = descriptorLimit();
  assert.ok(limit === undefined || limit > 0);
  const before = descriptorsOpen(1_000);
  const opened = Array.from({ length: 20 }, () => openSync("/dev/null", "r"));
  const after = descriptorsOpen(1_000);
  for (const descriptor of opened) closeSync(descriptor);
  assert.ok(after - before >= 20, `${before} before, ${after} after`);
});

test("clients get at most half of the descriptors that the manager does not need itself, and always one", () => {
  assert.equal(connectionsWithin(undefined, 10_000), 10_000);
  assert.equal(connectionsWithin(1_048_576, 10_000), 10_000);
  assert.equal(connectionsWithin(256, 10_000), 96);
  assert.equal(connectionsWithin(256, 10), 10);
  assert.equal(connectionsWithin(32, 10_000), 1);
});
