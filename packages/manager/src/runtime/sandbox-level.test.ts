/** Which sandbox a run gets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sandbox, SandboxLevel } from "@mcp-manager/api";
import { effectiveSandbox } from "./sandbox-level.ts";

const levels: readonly SandboxLevel[] = ["trusted", "default", "strict"];

const given = (asked: Sandbox, usual: SandboxLevel = "trusted", minimum: SandboxLevel = "trusted") =>
  effectiveSandbox("weather", asked, { default: usual, minimum });

test("the stronger of spec and setting holds, for every pair", () => {
  for (const [at, asked] of levels.entries()) {
    for (const [other, usual] of levels.entries()) {
      assert.equal(given(asked, usual).level, levels[Math.max(at, other)]);
    }
  }
});

test("what is below the minimum is refused, with what to do; what was raised above it is not", () => {
  assert.equal(given("trusted", "default", "default").level, "default");
  assert.equal(given("strict", "trusted", "strict").level, "strict");
  assert.throws(() => given("trusted", "default", "strict"), {
    code: "failed_precondition",
    message:
      'server "weather" has the sandbox default, and this manager starts nothing below strict; ' +
      "set spec.sandbox to strict, or change the setting sandbox.minimum",
  });
});

test("strict has no network, and default has it unless the spec takes it away", () => {
  assert.equal(given("strict").network, "none");
  assert.equal(given("default").network, "host");
  assert.equal(given({ level: "default", network: "none" }).network, "none");
  assert.equal(given("trusted").network, "host");
});

test("rules without a sandbox to hold them are refused rather than ignored", () => {
  assert.throws(() => given({ level: "trusted", network: "none" }), /set spec.sandbox.level to default or strict/);
  assert.deepEqual(given({ level: "trusted", writable: ["/srv"] }, "default").writable, ["/srv"]);
});
