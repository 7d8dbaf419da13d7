/**
 * What a request message asks for, in the operations' own terms. The message's JSON is that of REST, so that a field is a parameter by
 * its name, and what is left is the body. Checks nothing that the operation checks itself.
 */
import type { DescMessage, JsonObject, JsonValue, Message } from "@bufbuild/protobuf";
import { toJson } from "@bufbuild/protobuf";
import { invalidFields, ManagerError, parseQuery } from "@mcp-manager/api";
import type { Operation, Rpc } from "@mcp-manager/api";
import type { OperationRequest } from "../request.ts";
import { refuseUnknown } from "./unknown-fields.ts";

/** What was asked for, as far as it could be read. */
export interface Asked {
  /** Path parameters; what is missing is an empty text, and `read` says so. */
  readonly path: Readonly<Record<string, string>>;
  /** The rest. Throws `invalid_argument`. */
  read(): Omit<OperationRequest, "path" | "principal" | "signal">;
}

/** Reads request messages of one method. */
export type Reader = (message: Message) => Asked;

/** What REST has in headers: the field of the request, and the member that operations read. */
const headers: Readonly<Record<string, readonly [field: string, member: string]>> = {
  "If-Match": ["ifRevision", "ifMatch"],
};

/** The reader of an operation by its row in the table and its request message. */
export function readerOf(operation: Operation, rpc: Rpc, input: DescMessage): Reader {
  const resource = input.fields.find((field) => field.fieldKind === "message" && isResource(field.message))?.jsonName;
  const named = (place: string): readonly string[] =>
    operation.parameters.filter((parameter) => parameter.in === place).map(({ name }) => name);
  const fieldOf = (parameter: string): string => rpc.fields?.[parameter] ?? headers[parameter]?.[0] ?? parameter;

  return (message) => {
    let json: JsonObject;
    try {
      json = toJson(input, message) as JsonObject;
    } catch (error) {
      return { path: {}, read: () => fail(input, error) };
    }
    const body = new Map(Object.entries(json));
    const take = (parameter: string): JsonValue | undefined => {
      const field = fieldOf(parameter);
      const value = body.get(field);
      body.delete(field);
      return value;
    };
    const path = named("path").map((name) => [name, text(take(name)) ?? nameIn(resource, json) ?? ""] as const);
    const read: Asked["read"] = () => {
      refuseUnknown(input, message);
      const missing = path.filter(([, value]) => value === "").map(([name]) => whereOf(resource, fieldOf(name)));
      if (missing.length > 0) {
        throw invalidFields(
          input.name,
          missing.map((where) => ({ path: where, given: "nothing", expected: "text" })),
        );
      }
      const query = new URLSearchParams();
      for (const name of named("query")) {
        const value = take(name);
        if (value !== undefined) query.set(name, queryText(value));
      }
      const given = named("header").flatMap((name) => {
        const value = text(take(name));
        return value === undefined ? [] : [[headers[name]?.[1] ?? name, value] as const];
      });
      const rest = resource === undefined ? Object.fromEntries(body) : body.get(resource);
      const isLeftOut = resource === undefined && body.size === 0 && operation.bodyOptional === true;
      return {
        query: parseQuery(operation, query),
        body: operation.body === undefined || isLeftOut ? undefined : rest,
        ...Object.fromEntries(given),
      };
    };
    return { path: Object.fromEntries(path), read };
  };
}

function isResource({ fields }: DescMessage): boolean {
  return ["metadata", "spec"].every((name) => fields.some((field) => field.name === name));
}

/** A resource that is sent whole names itself. */
function nameIn(resource: string | undefined, json: JsonObject): string | undefined {
  if (resource === undefined) return undefined;
  const { metadata } = (json[resource] ?? {}) as { readonly metadata?: { readonly name?: string } };
  return metadata?.name;
}

function whereOf(resource: string | undefined, field: string): string {
  return resource === undefined ? field : `${resource}.metadata.${field}`;
}

/** As it stands in a URL. */
function queryText(value: JsonValue): string {
  if (Array.isArray(value)) return value.map(queryText).join(",");
  return typeof value === "string" ? value : JSON.stringify(value);
}

function text(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function fail(input: DescMessage, error: unknown): never {
  const why = error instanceof Error ? error.message : String(error);
  throw new ManagerError("invalid_argument", `${input.name} has no JSON form: ${why.slice(0, 200)}`, { cause: error });
}
