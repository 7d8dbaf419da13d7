import assert from "node:assert/strict";
import { test } from "node:test";
import { roleNames, rolePermissions } from "@mcp-manager/api";
import fc from "fast-check";
import type { RoleRule } from "./rbac.ts";
import { createAccess } from "./rbac.ts";

const as = (...roles: string[]): { name: string; roles: readonly string[] } => ({ name: "somebody", roles });

test("built-in roles mean the same on the data plane and on the control plane", () => {
  const access = createAccess();
  for (const role of roleNames) {
    const may = (["list", "call"] as const).map((verb) => access.may(as(role), verb, "weather", "forecast"));
    const allowed = (["tools:list", "tools:call"] as const).map((permission) =>
      rolePermissions[role].includes(permission),
    );
    assert.deepEqual(may, allowed, role);
    assert.equal(access.allows(as(role), "processes:write"), role === "admin", role);
  }
});

test("all see all only while no role leaves anything out of what it lists", () => {
  assert.equal(createAccess().showsAllToAll, true);
  const rules: RoleRule[] = [
    { verbs: ["call"] },
    { verbs: ["list"], servers: ["weather"] },
    { verbs: ["list"], tools: ["get_*"] },
  ];
  for (const rule of rules) {
    const roles = new Map([
      ["all", [{ verbs: ["list"] }] as RoleRule[]],
      ["some", [rule]],
    ]);
    assert.equal(createAccess(roles).showsAllToAll, false);
  }
});

test("no role, and a role that nobody knows, grant nothing", () => {
  const access = createAccess();
  for (const principal of [as(), as("root"), as("__proto__")]) {
    assert.equal(access.may(principal, "list", "weather"), false);
    assert.equal(access.allows(principal, "servers:read"), false);
  }
});

test("a rule holds for its verbs, servers and tools; without a tool it asks whether there may be any", () => {
  const rule: RoleRule = { verbs: ["call", "list"], servers: ["weather", "team-*"], tools: ["get_*", "ping"] };
  const access = createAccess(new Map([["some", [rule, { verbs: ["list"], servers: ["docs"] }]]]));
  const some = as("some");
  const cases: [boolean, "list" | "call", string, string?][] = [
    [true, "call", "weather", "get_forecast"],
    [true, "call", "team-a", "ping"],
    [false, "call", "weather", "set_forecast"],
    [false, "call", "weather", "pingpong"],
    [true, "list", "weather"],
    [false, "list", "team"],
    [true, "list", "docs", "anything"],
    [false, "call", "docs", "anything"],
    [false, "call", "docs"],
  ];
  for (const [expected, ...question] of cases)
    assert.equal(access.may(some, ...question), expected, question.join(" "));
});

test("a pattern matches what its regular expression would", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
  const name = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 12 });
  const property = fc.property(letters, name, (pattern, tool) => {
    const access = createAccess(new Map([["r", [{ verbs: ["call"], tools: [pattern] }]]]));
    const expected = new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(tool);
    assert.equal(access.may(as("r"), "call", "s", tool), expected);
  });
  fc.assert(property, { numRuns: 2_000 });
});
