import assert from "node:assert/strict";
import { test } from "node:test";
import { UncaughtErrors } from "./uncaught.ts";

test("the first error is told, whatever was thrown, and none is heard after the end", async () => {
  const before = process.listenerCount("uncaughtException");
  const uncaught = new UncaughtErrors();
  const heard = process.listeners("uncaughtException").at(-1) as (error: unknown) => void;
  heard("a text");
  heard(new Error("another"));
  assert.equal((await uncaught.first).message, "a text");
  uncaught[Symbol.dispose]();
  assert.equal(process.listenerCount("uncaughtException"), before);
});
