import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError } from "./error.ts";
import { isStoredTopic, topics, topicsMatching } from "./topics.ts";

test("a star is one word, a hash any number, and a lone star or nothing is everything", () => {
  const all = Object.keys(topics);
  assert.deepEqual([...topicsMatching(["*"])], all);
  assert.deepEqual([...topicsMatching([])], all);
  assert.deepEqual([...topicsMatching(["#"])], all);
  assert.deepEqual([...topicsMatching(["*.*"])], all);
  assert.deepEqual([...topicsMatching(["deployment.#"])], ["deployment.phase"]);
  assert.deepEqual([...topicsMatching(["server.state.#"])], ["server.state"]);
  assert.deepEqual([...topicsMatching(["*.state"])], ["server.state", "replica.state", "breaker.state"]);
  assert.deepEqual([...topicsMatching(["server.failed", "server.failed", "access.*"])].length, 3);
});

test("a pattern that names no topic is refused by its name, and so are too many, or a very long one", () => {
  for (const wrong of [
    "",
    "server",
    "server.",
    "servers.*",
    "server.*.*",
    "SERVER.*",
    "a".repeat(1_000),
    "#.".repeat(500),
  ]) {
    assert.throws(
      () => topicsMatching(["server.*", wrong]),
      (error) => error instanceof ManagerError && error.code === "invalid_argument" && error.message.length < 600,
      wrong,
    );
  }
  assert.throws(() => topicsMatching(Array<string>(33).fill("*")), /at most 32/);
});

test("a topic is stored or passing", () => {
  assert.equal(isStoredTopic("server.state"), true);
  assert.equal(isStoredTopic("metric.sample"), false);
});
