import assert from "node:assert/strict";
import { test } from "node:test";
import type { Era } from "./era.ts";
import { mayBeExtension, methodInfo, methodNames } from "./methods.ts";

function existsIn(era: Era, method: string): boolean {
  return methodInfo(method)?.eras.includes(era) ?? false;
}

test("each method is in the table once", () => {
  assert.equal(new Set(methodNames).size, methodNames.length);
  for (const method of methodNames) assert.equal(methodInfo(method)?.method, method);
});

test("what opens, keeps and ends sessions is legacy; what describes a server without one is modern", () => {
  for (const method of ["initialize", "ping", "logging/setLevel", "resources/subscribe", "sampling/createMessage"]) {
    assert.deepEqual([existsIn("legacy", method), existsIn("modern", method)], [true, false], method);
  }
  for (const method of ["server/discover", "subscriptions/listen"]) {
    assert.deepEqual([existsIn("legacy", method), existsIn("modern", method)], [false, true], method);
  }
  for (const method of ["tools/call", "tools/list", "notifications/cancelled", "notifications/progress"]) {
    assert.deepEqual([existsIn("legacy", method), existsIn("modern", method)], [true, true], method);
  }
});

test("results of lists, of reads and of discovery may be cached, and no others", () => {
  const cacheable = methodNames.filter((method) => methodInfo(method)?.cacheable);
  assert.deepEqual(cacheable.sort(), [
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "server/discover",
    "tools/list",
  ]);
});

test("Mcp-Name repeats what routes a call", () => {
  assert.equal(methodInfo("tools/call")?.headerNameFrom, "name");
  assert.equal(methodInfo("prompts/get")?.headerNameFrom, "name");
  assert.equal(methodInfo("resources/read")?.headerNameFrom, "uri");
  assert.equal(methodInfo("tools/list")?.headerNameFrom, undefined);
});

test("a method that nobody knows has no entry, whatever it is called", () => {
  for (const method of ["", "tools/Call", "__proto__", "constructor", "toString"]) {
    assert.equal(methodInfo(method), undefined);
  }
});

test("an extension's method has a name that is not taken and that a header can carry", () => {
  for (const method of ["tasks/get", "com.example/x_y", "rpc.discover", "$/z", "x".repeat(128)]) {
    assert.ok(mayBeExtension(method), method);
  }
  for (const method of [...methodNames, "", "two words", "é/x", "a\r\nX: y", "a\n", "x".repeat(129)]) {
    assert.ok(!mayBeExtension(method), method);
  }
});
