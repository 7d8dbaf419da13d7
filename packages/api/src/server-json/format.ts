/**
 * `server.json`, in which the registry of the MCP project describes a server and the ways of running it (its schema of 2025-12-11), as
 * far as it says how to run one. What else stands in it is not read. Written by strangers: nothing in it is to be trusted.
 */
import { z } from "zod";
import { check, invalidFields } from "../check.ts";
import { exactly } from "../schema/exact.ts";

/** A value that is fixed, or that whoever runs the server decides. */
export interface RegistryInput {
  readonly description?: string;
  readonly format?: string;
  /** Fixed; `{name}` stands for the variable of that name. */
  readonly value?: string;
  readonly default?: string;
  readonly placeholder?: string;
  readonly choices?: readonly string[];
  readonly isRequired?: boolean;
  readonly isSecret?: boolean;
}

/** An input whose `value` may be made of others. */
export interface TemplateInput extends RegistryInput {
  readonly variables?: Readonly<Record<string, RegistryInput>>;
}

/** An environment variable or a header. */
export interface NamedInput extends TemplateInput {
  readonly name: string;
}

/** One argument, or any number of the same kind. */
export type RegistryArgument = TemplateInput & { readonly isRepeated?: boolean } & (
    | { readonly type: "positional"; readonly valueHint?: string }
    /** `name` has its dashes. */
    | { readonly type: "named"; readonly name: string }
  );

/** A package, and how its server is started. */
export interface RegistryPackage {
  /** `npm`, `pypi`, `oci`, `nuget`, `mcpb` … */
  readonly registryType: string;
  readonly registryBaseUrl?: string;
  readonly identifier: string;
  readonly version?: string;
  /** The program that runs it: `npx`. */
  readonly runtimeHint?: string;
  readonly runtimeArguments?: readonly RegistryArgument[];
  readonly packageArguments?: readonly RegistryArgument[];
  readonly environmentVariables?: readonly NamedInput[];
  /** Absent in older descriptions, which mean stdio. */
  readonly transport?: { readonly type: string };
}

/** A server that runs elsewhere. */
export interface RegistryRemote {
  /** `streamable-http` or `sse`. */
  readonly type: string;
  /** `{name}` stands for a variable. */
  readonly url: string;
  readonly headers?: readonly NamedInput[];
  readonly variables?: Readonly<Record<string, RegistryInput>>;
}

/** The description of one version of a server. */
export interface ServerJson {
  /** `io.github.user/weather` */
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly version: string;
  readonly packages?: readonly RegistryPackage[];
  readonly remotes?: readonly RegistryRemote[];
}

const entriesMax = 256;
const text = z.string().max(32_768, "at most 32768 characters");
const listOf = <T extends z.ZodType>(item: T): z.ZodArray<T> =>
  z.array(item).max(entriesMax, `at most ${entriesMax} of them`);

const inputFields = {
  description: text.exactOptional(),
  format: text.exactOptional(),
  value: text.exactOptional(),
  default: text.exactOptional(),
  placeholder: text.exactOptional(),
  choices: listOf(text).exactOptional(),
  isRequired: z.boolean().exactOptional(),
  isSecret: z.boolean().exactOptional(),
};
const variables = z.record(text, z.object(inputFields)).exactOptional();
const templateFields = { ...inputFields, variables };
const namedInput = z.object({ ...templateFields, name: text.min(1, "a name") });
const argument = z.discriminatedUnion("type", [
  z.object({
    ...templateFields,
    isRepeated: z.boolean().exactOptional(),
    type: z.literal("positional"),
    valueHint: text.exactOptional(),
  }),
  z.object({
    ...templateFields,
    isRepeated: z.boolean().exactOptional(),
    type: z.literal("named"),
    name: text.min(1, "the flag, with its dashes"),
  }),
]);

const serverJsonSchema: z.ZodType<ServerJson, ServerJson> = exactly<ServerJson>()(
  z.object({
    name: z
      .string()
      .regex(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/, "a name like io.github.user/weather")
      .max(200, "at most 200 characters"),
    title: text.exactOptional(),
    description: text.exactOptional(),
    version: z.string().min(1, "a version").max(255, "at most 255 characters"),
    packages: listOf(
      z.object({
        registryType: text,
        registryBaseUrl: text.exactOptional(),
        identifier: text,
        version: text.exactOptional(),
        runtimeHint: text.exactOptional(),
        runtimeArguments: listOf(argument).exactOptional(),
        packageArguments: listOf(argument).exactOptional(),
        environmentVariables: listOf(namedInput).exactOptional(),
        transport: z.object({ type: text }).exactOptional(),
      }),
    ).exactOptional(),
    remotes: listOf(
      z.object({ type: text, url: text, headers: listOf(namedInput).exactOptional(), variables }),
    ).exactOptional(),
  }),
);

/** A description, checked. Throws `invalid_argument` with every wrong field; `where` says whose it is. */
export function parseServerJson(value: unknown, where: string): ServerJson {
  const checked = check(serverJsonSchema, value);
  if (checked.kind === "wrong") throw invalidFields(where, checked.fields);
  return checked.value;
}
