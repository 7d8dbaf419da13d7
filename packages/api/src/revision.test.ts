import assert from "node:assert/strict";
import { test } from "node:test";
import { parseServer } from "./parse.ts";
import { runnablePart, runnableText } from "./revision.ts";

function textOf(spec: object): string {
  return runnableText(runnablePart(parseServer({ metadata: { name: "w" }, spec }).spec));
}

const source = { kind: "process", command: "npx", env: { A: "1", B: "2" } };

test("the order in which something was written makes no revision", () => {
  assert.equal(textOf({ source }), textOf({ source: { env: { B: "2", A: "1" }, command: "npx", kind: "process" } }));
});

test("source, sandbox, sharing, memory, cpu and processes make a revision, nothing else does", () => {
  const text = textOf({ source });
  assert.notEqual(textOf({ source: { ...source, command: "uvx" } }), text);
  for (const limits of [{ memory: "1GiB" }, { cpu: 1 }, { processes: 5 }])
    assert.notEqual(textOf({ source, limits }), text);
  const other = {
    replicas: 3,
    limits: { callTimeout: "1s", queue: 1, concurrency: 1 },
    strategy: { kind: "recreate" },
    health: { interval: "1s" },
    expose: { prefix: "x" },
  };
  assert.equal(textOf({ source, ...other }), text);
});

test("the text is pinned: another one would give every stored revision another digest", () => {
  assert.equal(
    textOf({ source: { kind: "process", command: "npx" } }),
    '{"limits":{"memory":"512MiB","processes":64},"sandbox":"trusted","sharing":"shared",' +
      '"source":{"args":[],"command":"npx","env":{},"kind":"process"}}',
  );
});
