/**
 * The OpenAPI 3.1 document, written from the same tables that the REST door routes and checks by. Nothing is described here
 * that is not in `operations.ts` and the schemas.
 */
import { z } from "zod";
import { errorCodes } from "./error.ts";
import type { ErrorCode } from "./error.ts";
import { commonErrors } from "./operation.ts";
import type { Answer, Operation, Parameter } from "./operation.ts";
import { operations, probes } from "./operations.ts";
import { problemType } from "./problem.ts";
import { problemSchema } from "./schema/answers.ts";
import { deploymentSchema } from "./schema/deployment.ts";
import { apiKeyInputSchema, apiKeySchema, createdApiKeySchema, replicaSchema, revisionSchema } from "./schema/kinds.ts";
import { importAnswerSchema, secretInputSchema, secretSchema } from "./schema/secret.ts";
import { healthSchema, toolSchema } from "./schema/answers.ts";
import { serverInputSchema, serverSchema } from "./schema/server.ts";

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** Schemas that stand in the document by name; `io` says whether what is written or what is answered is meant. */
const components: readonly { readonly name: string; readonly schema: z.ZodType; readonly io: "input" | "output" }[] = [
  { name: "Server", schema: serverSchema, io: "output" },
  { name: "ServerInput", schema: serverInputSchema, io: "input" },
  { name: "Revision", schema: revisionSchema, io: "output" },
  { name: "Deployment", schema: deploymentSchema, io: "output" },
  { name: "Replica", schema: replicaSchema, io: "output" },
  { name: "ApiKey", schema: apiKeySchema, io: "output" },
  { name: "ApiKeyInput", schema: apiKeyInputSchema, io: "input" },
  { name: "CreatedApiKey", schema: createdApiKeySchema, io: "output" },
  { name: "Secret", schema: secretSchema, io: "output" },
  { name: "SecretInput", schema: secretInputSchema, io: "input" },
  { name: "ImportAnswer", schema: importAnswerSchema, io: "output" },
  { name: "Health", schema: healthSchema, io: "output" },
  { name: "Tool", schema: toolSchema, io: "output" },
  { name: "Problem", schema: problemSchema, io: "output" },
];

/** The document. `version` is the program's. */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [name, operation] of Object.entries({ ...operations, ...probes })) {
    const path = (paths[operation.path] ??= {});
    path[operation.method.toLowerCase()] = describeOperation(name, operation);
  }
  const schemas = components.map(({ name, schema, io }) => [name, jsonSchema(schema, io, name)] as const);
  return {
    openapi: "3.1.1",
    info: { title: "MCP Manager", version, summary: "Registers, runs and serves MCP servers." },
    servers: [{ url: "/" }],
    security: [{ key: [] }],
    paths,
    components: {
      schemas: Object.fromEntries(schemas),
      securitySchemes: { key: { type: "http", scheme: "bearer", description: "An API key, or the admin key." } },
    },
  };
}

function describeOperation(name: string, operation: Operation): Json {
  const { permission, body, parameters } = operation;
  const errors = permission === undefined ? operation.errors : [...commonErrors, ...operation.errors];
  return {
    operationId: name,
    summary: operation.summary,
    ...(permission === undefined ? { security: [] } : { "x-permission": permission }),
    ...(operation.cli === undefined ? {} : { "x-cli": `mcp-manager ${operation.cli}` }),
    ...(parameters.length === 0 ? {} : { parameters: parameters.map(describeParameter) }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: operation.bodyOptional !== true, content: jsonContent(body, "input") } }),
    responses: { ...Object.fromEntries(operation.answers.map(describeAnswer)), ...describeErrors(errors, parameters) },
  };
}

function describeParameter({ name, in: place, type, summary, min, max, example }: Parameter): Json {
  return {
    name,
    in: place,
    required: place === "path",
    description: summary,
    schema: { type, ...(min === undefined ? {} : { minimum: min }), ...(max === undefined ? {} : { maximum: max }) },
    ...(example === undefined ? {} : { example }),
  };
}

function describeAnswer({ status, summary, schema, types, headers }: Answer): readonly [string, Json] {
  const texts = (types ?? []).map((type) => [type, { schema: { type: "string" } }] as const);
  const content = schema === undefined ? Object.fromEntries(texts) : jsonContent(schema, "output");
  const described = Object.entries(headers ?? {}).map(([name, description]) => [
    name,
    { description, schema: { type: "string" } },
  ]);
  return [
    String(status),
    { description: summary, content, ...(headers === undefined ? {} : { headers: Object.fromEntries(described) }) },
  ];
}

function describeErrors(codes: readonly ErrorCode[], parameters: readonly Parameter[]): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  const add = (status: number, code: ErrorCode): void => {
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  };
  for (const code of codes) add(errorCodes[code].http, code);
  if (parameters.some(({ name }) => name === "If-Match")) add(412, "conflict");
  const content = { [problemType]: { schema: reference("Problem") } };
  return Object.fromEntries(
    [...byStatus].map(([status, names]) => [String(status), { description: `code: ${names.join(", ")}`, content }]),
  );
}

function jsonContent(schema: z.ZodType, io: "input" | "output"): Json {
  return { "application/json": { schema: jsonSchema(schema, io) } };
}

/** The JSON Schema of `schema`; the components inside it (but `self`) as references. */
function jsonSchema(schema: z.ZodType, io: "input" | "output", self?: string): Json {
  const named = new Map(components.filter((c) => c.io === io && c.name !== self).map((c) => [c.schema, c.name]));
  const whole = named.get(schema);
  if (whole !== undefined) return reference(whole);
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    override({ zodSchema, jsonSchema: target }) {
      const name = named.get(zodSchema as unknown as z.ZodType);
      if (name === undefined) return;
      for (const key of Object.keys(target)) delete target[key as keyof typeof target];
      target.$ref = `#/components/schemas/${name}`;
    },
  });
  return rest;
}

function reference(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}
