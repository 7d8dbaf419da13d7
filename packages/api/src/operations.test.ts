import assert from "node:assert/strict";
import { test } from "node:test";
import { errorCodes } from "./error.ts";
import { openApiDocument } from "./openapi.ts";
import { parseLabels, parseQuery } from "./operation.ts";
import { operations, probes } from "./operations.ts";
import { rolePermissions } from "./role.ts";

interface Described {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, unknown>>;
  readonly security?: readonly unknown[];
}

const document = openApiDocument("1.2.3") as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
};

test("every operation has its entry, its answers and its errors in the document", () => {
  for (const [name, operation] of Object.entries({ ...operations, ...probes })) {
    const described = document.paths[operation.path]?.[operation.method.toLowerCase()];
    assert.equal(described?.operationId, name);
    for (const { status } of operation.answers) assert.ok(described.responses[status], `${name} ${status}`);
    for (const code of operation.errors) assert.ok(described.responses[errorCodes[code].http], `${name} ${code}`);
  }
});

test("no two operations share a method and a path", () => {
  const all = Object.values({ ...operations, ...probes }).map(({ method, path }) => `${method} ${path}`);
  assert.equal(new Set(all).size, all.length);
});

test("every reference in the document leads somewhere, and no file name of ours is in it", () => {
  const text = JSON.stringify(document);
  const names = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name ?? "");
  assert.ok(names.length > 20);
  for (const name of names) assert.ok(document.components.schemas[name], name);
  assert.doesNotMatch(text, /"\$ref":"#\/(definitions|\$defs)/);
});

test("every operation asks for a permission that some role holds, and its placeholders are parameters", () => {
  for (const [name, { permission, path, parameters }] of Object.entries(operations)) {
    assert.ok(permission !== undefined && rolePermissions.admin.includes(permission), name);
    const placeholders = [...path.matchAll(/\{(\w+)\}/g)].map(([, placeholder]) => placeholder);
    assert.deepEqual(
      parameters.filter((p) => p.in === "path").map((p) => p.name),
      placeholders,
      name,
    );
  }
});

test("a document without credentials describes only the probes that need none", () => {
  const open = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).filter((m) => m.security?.length === 0),
  );
  assert.deepEqual(
    open.map(({ operationId }) => operationId),
    ["alive", "ready"],
  );
});

test("what each role may do is pinned", () => {
  assert.deepEqual(rolePermissions.operator, [
    "servers:read",
    "servers:write",
    "logs:read",
    "tools:list",
    "tools:call",
    "metrics:read",
    "events:read",
    "secrets:read",
    "webhooks:read",
  ]);
  assert.deepEqual(rolePermissions.caller, ["tools:list", "tools:call"]);
  assert.deepEqual(rolePermissions.viewer, ["servers:read", "tools:list", "metrics:read", "events:read"]);
  assert.equal(rolePermissions.admin.length, 14);
});

test("a query is read by its parameters, and everything wrong in it is named at once", () => {
  const read = (text: string): unknown =>
    Object.fromEntries(parseQuery(operations.readLogs, new URLSearchParams(text)));
  assert.deepEqual(read("tail=5&follow=true&replica=x"), { tail: 5, follow: true, replica: "x" });
  assert.throws(() => read("tial=5&follow=yes&tail=1&tail=2"), {
    code: "invalid_argument",
    message:
      'query: 3 fields are wrong: ?tial: given "5", expected no such parameter; did you mean tail? ' +
      '(known here: tail, follow, replica); ?follow: given "yes", expected true or false, once; ' +
      "?tail: given 2 values, expected a whole number from 0 to 10000, once",
  });
  assert.throws(() => read("tail=-1"), { code: "invalid_argument" });
  assert.throws(() => read("tail=10001"), { code: "invalid_argument" });
});

test("labels are read as pairs", () => {
  assert.deepEqual(parseLabels("team=forecast,tier=1"), { team: "forecast", tier: "1" });
  for (const text of ["team", "=x", "a=b=c", "a=b,"])
    assert.throws(() => parseLabels(text), { code: "invalid_argument" });
});
