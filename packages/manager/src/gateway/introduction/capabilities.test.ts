/** What is declared of what servers declare. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { carriedCapabilities, mergedCapabilities } from "./capabilities.ts";

const app = "io.modelcontextprotocol/ui";

test("only what is carried is declared, without other settings than those of subscriptions", () => {
  const declared = {
    tools: { x: 1 },
    resources: { subscribe: true },
    completions: { y: 1 },
    tasks: {},
    extensions: { [app]: { a: 1 }, "com.example/x": {} },
  };
  assert.deepEqual(carriedCapabilities(declared, undefined), {
    tools: { listChanged: true },
    resources: { listChanged: true, subscribe: true },
    completions: {},
    extensions: { [app]: {} },
  });
  assert.deepEqual(carriedCapabilities({ extensions: { "com.example/x": {} } }, undefined), {});
});

test("G21 where both sides are modern a server's extensions are declared as it declared them", () => {
  const extensions = { [app]: { a: 1 }, "com.example/x": { deep: [1] } };
  assert.deepEqual(carriedCapabilities({ tools: {}, extensions }, "modern"), {
    tools: { listChanged: true },
    extensions,
  });
  for (const none of [{}, { extensions: {} }, { extensions: 7 }])
    assert.deepEqual(carriedCapabilities(none, "modern"), {});
});

test("G2 the aggregate declares what any server offers, and nothing that none does", () => {
  assert.deepEqual(mergedCapabilities([{ tools: {} }, { completions: {}, logging: {} }], false), {
    tools: { listChanged: true },
    completions: {},
    logging: {},
  });
  assert.deepEqual(mergedCapabilities([{ tools: {} }, { extensions: { [app]: {} } }], false), {
    tools: { listChanged: true },
    extensions: { [app]: {} },
  });
});

test("of servers that were not heard yet the usual lists are expected", () => {
  const listChanged = true;
  const expected = { tools: { listChanged }, prompts: { listChanged }, resources: { listChanged, subscribe: true } };
  assert.deepEqual(mergedCapabilities([], false), expected);
  assert.deepEqual(mergedCapabilities([{ completions: {} }], true), { ...expected, completions: {} });
});

test("tasks are declared between legacy sides without the list of everybody's, and only where calls may become some", () => {
  const tasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } };
  assert.deepEqual(carriedCapabilities({ tasks }, "legacy"), {
    tasks: { cancel: {}, requests: { tools: { call: {} } } },
  });
  assert.deepEqual(carriedCapabilities({ tasks }, "modern"), {});
  assert.deepEqual(carriedCapabilities({ tasks }, undefined), {});
  assert.deepEqual(carriedCapabilities({ tasks: { list: {} } }, "legacy"), {});
});
