import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { DescMethod } from "@bufbuild/protobuf";
import type { Operation } from "@mcp-manager/api";
import { openApiDocument, operations, rolePermissions, rpcOf } from "@mcp-manager/api";
import { z } from "zod";
import { MCPManager } from "./gen/mcpmanager/v1/service_pb.ts";
import { isOpen, type Schema, Shapes } from "./testing/shape.ts";

/** Another way of asking for an operation that has a method of its own. */
const others = ["WatchServers"];

const rows: readonly (readonly [string, Operation])[] = Object.entries(operations);

function methodOf(name: string, operation: Operation): DescMethod | undefined {
  return MCPManager.methods.find(({ name: method }) => method === rpcOf(name, operation).method);
}

test("every operation is at every door: REST, the document, gRPC and Python; and asks for a permission", () => {
  const { paths } = openApiDocument("0") as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
  const python = pythonMethods();
  const lacking = rows.flatMap(([name, operation]) => {
    const { path, method, permission } = operation;
    return [
      ...(path.startsWith("/api/v1/") ? [] : [`${name}: no path under /api/v1`]),
      ...(paths[path]?.[method.toLowerCase()] === undefined ? [`${name}: not in the OpenAPI document`] : []),
      ...(methodOf(name, operation) === undefined ? [`${name}: no method in proto/mcpmanager/v1/service.proto`] : []),
      ...(permission !== undefined && rolePermissions.admin.includes(permission) ? [] : [`${name}: no permission`]),
      ...(python.includes(name) ? [] : [`${name}: no method in clients/python`]),
    ];
  });
  assert.deepEqual(lacking, []);
});

test("every method of the proto files is an operation", () => {
  const known = new Set(rows.map(([name, operation]) => rpcOf(name, operation).method));
  const unknown = MCPManager.methods
    .map(({ name }) => name)
    .filter((name) => !known.has(name) && !others.includes(name));
  assert.deepEqual(unknown, []);
});

test("requests and responses have the members that the schemas have, and no other", () => {
  const shapes = new Shapes();
  for (const [name, operation] of rows) {
    const method = methodOf(name, operation);
    // The tool's arguments and result have forms of their own; a test of theirs holds them.
    if (method === undefined || name === "callTool") continue;
    compareRequest(shapes, name, operation, method);
    compareResponse(shapes, name, operation, method);
  }
  assert.deepEqual([...new Set([...shapes.differences, ...shapes.leftOver()])], []);
});

/** Header parameters of REST, and the fields that say the same. */
const headers: Readonly<Record<string, readonly string[]>> = { "If-Match": ["ifRevision"], "Last-Event-ID": [] };
const pageParameters = ["limit", "cursor"];

function compareRequest(shapes: Shapes, name: string, operation: Operation, { input, methodKind }: DescMethod): void {
  const resource = input.fields.find(({ message }) => message?.fields.some((field) => field.name === "spec") === true);
  const fields = rpcOf(name, operation).fields ?? {};
  const given = operation.parameters.flatMap(({ name: parameter, in: place }) => {
    if (place === "path" && resource !== undefined) return [];
    if (methodKind === "server_streaming" && pageParameters.includes(parameter)) return [];
    return headers[parameter] ?? [fields[parameter] ?? parameter];
  });
  const missing = given.filter((field) => !input.fields.some(({ jsonName }) => jsonName === field));
  shapes.differences.push(...missing.map((field) => `${input.typeName} has no field for the parameter "${field}"`));
  const body = operation.body === undefined ? {} : schemaOf(operation.body, "input");
  const whole = isOpen(body) ? input.fields.map(({ jsonName }) => jsonName) : [];
  if (resource?.message === undefined) return shapes.compare(input, body, [...given, ...whole]);
  shapes.meet(input, [...given, resource.jsonName]);
  shapes.compare(resource.message, body);
}

function compareResponse(shapes: Shapes, name: string, operation: Operation, { output, methodKind }: DescMethod): void {
  const { answer } = rpcOf(name, operation);
  for (const { schema } of operation.answers) {
    if (schema === undefined) continue;
    const whole = schemaOf(schema, "output");
    const shown = methodKind === "server_streaming" ? (whole.properties?.["items"]?.items ?? whole) : whole;
    const field = output.fields.find(({ jsonName }) => jsonName === answer);
    if (field?.message === undefined) shapes.compare(output, shown);
    else {
      shapes.meet(output, [field.jsonName, "deployment", "created"]);
      shapes.compare(field.message, shown);
    }
  }
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): Schema {
  return z.toJSONSchema(schema, { io, unrepresentable: "any", reused: "inline" }) as Schema;
}

/** Operations that the Python package names. */
function pythonMethods(): readonly string[] {
  const path = new URL("../../../../../clients/python/src/mcp_manager/operations.py", import.meta.url);
  const [table = ""] = /^OPERATIONS\b[^]*?^\}/m.exec(readFileSync(path, "utf8")) ?? [];
  return [...table.matchAll(/^ {4}"(\w+)": "\w+",$/gm)].map(([, operation = ""]) => operation);
}
