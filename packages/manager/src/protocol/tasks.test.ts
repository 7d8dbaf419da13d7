/** Where responses name a task, whatever stands around its id. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { objectText } from "./testing/json-texts.ts";
import { isTaskMethod, taskMade, taskNamed } from "./tasks.ts";

const related = "io.modelcontextprotocol/related-task";

function response(result: string): Buffer {
  return Buffer.from(`{"jsonrpc":"2.0","id":1,"result":${result}}`);
}

test("a task's id is found where each era has it, and nowhere deeper", () => {
  fc.assert(
    fc.property(fc.string(), objectText, (id, payload) => {
      const task = `{"x":${payload},"taskId":${JSON.stringify(id)},"status":"working","ttl":5,"ttlMs":7}`;
      for (const [named, ttlMs, bytes] of [
        [taskMade, 5, response(`{"a":${payload},"task":${task}}`)],
        [taskMade, 7, response(`{"resultType":"task",${task.slice(1)}`)],
      ] as const) {
        const era = ttlMs === 5 ? "legacy" : "modern";
        const found = named(bytes, era);
        assert.deepEqual([found?.id, found?.status, found?.ttlMs], [id, "working", ttlMs]);
        assert.equal(bytes.toString("utf8", found?.at.start, found?.at.end), JSON.stringify(id));
        assert.equal(named(response(`{"structuredContent":${task}}`), era), undefined);
      }
      assert.equal(taskNamed(response(task), "tasks/get", "modern")?.id, id);
      const result = response(`{"content":[],"_meta":{"a":${payload},"${related}":${task}}}`);
      assert.equal(taskNamed(result, "tasks/result", "legacy")?.id, id);
      assert.equal(taskNamed(result, "tasks/get", "legacy"), undefined);
    }),
    { numRuns: 60 },
  );
});

test("what names no task, or names one twice, names none", () => {
  for (const result of ["{}", "[]", '{"taskId":5}', '{"taskId":"a","taskId":"b"}', '{"task":{"taskId":null}}']) {
    for (const era of ["legacy", "modern"] as const) {
      assert.equal(taskMade(response(result), era), undefined, result);
      assert.equal(taskNamed(response(result), "tasks/get", era), undefined, result);
    }
  }
});

test("methods that show everybody's tasks, and those of the other era, are about no task", () => {
  const about = (era: "legacy" | "modern"): readonly boolean[] =>
    ["tasks/get", "tasks/cancel", "tasks/result", "tasks/update", "tasks/list"].map((method) =>
      isTaskMethod(method, era),
    );
  assert.deepEqual(about("legacy"), [true, true, true, false, false]);
  assert.deepEqual(about("modern"), [true, true, false, true, false]);
});
