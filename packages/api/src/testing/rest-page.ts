/** The reference of REST, written from the table of operations and the schema of a Server. `pages.test.ts` compares it. */
import { openApiDocument } from "../openapi.ts";
import type { Json } from "../openapi.ts";
import type { Operation, Parameter } from "../operation.ts";
import { commonErrors } from "../operation.ts";
import { operations, probes } from "../operations.ts";
import { rolePermissions } from "../role.ts";

/** The page, in Markdown. */
export function restPage(): string {
  return [
    intro,
    "## Operations",
    "",
    ...Object.values(operations).map(operationText),
    "## Probes",
    "",
    ...Object.values(probes).map(operationText),
    roles(),
    fields(),
  ].join("\n");
}

function operationText(operation: Operation): string {
  const { method, path, summary, parameters, body, bodyOptional, answers, permission, errors, cli } = operation;
  const given = parameters.filter((parameter) => parameter.in !== "path");
  const bodyWord = body === undefined ? [] : [`body: JSON${bodyOptional === true ? ", may be left out" : ""}`];
  const facts = [
    ...bodyWord,
    `answers: ${answers.map((answer) => `${answer.status} ${answer.summary.replace(/\.$/, "")}`).join("; ")}`,
    permission === undefined ? "no credential" : `permission: \`${permission}\``,
    ...(errors.length === 0 ? [] : [`errors: ${errors.map((code) => `\`${code}\``).join(", ")}`]),
    ...(cli === undefined ? [] : [`command: \`mcp-manager ${cli}\``]),
  ];
  return [
    `### ${method} ${path}`,
    "",
    summary,
    "",
    ...facts.map((fact) => `- ${fact}`),
    "",
    ...(given.length === 0
      ? []
      : ["| parameter | in | meaning |", "| --- | --- | --- |", ...given.map(parameterRow), ""]),
  ].join("\n");
}

function parameterRow({ name, in: place, type, min, max, summary, example }: Parameter): string {
  const range = min === undefined || max === undefined ? "" : ` From ${min} to ${max}.`;
  const shown = type === "string" ? name : `${name}=${type === "boolean" ? "true" : "N"}`;
  return `| \`${shown}\` | ${place} | ${summary}${range}${example === undefined ? "" : ` Such as \`${example}\`.`} |`;
}

function roles(): string {
  const rows = Object.entries(rolePermissions).map(
    ([role, permissions]) => `| \`${role}\` | ${permissions.map((permission) => `\`${permission}\``).join(", ")} |`,
  );
  return ["## Roles", "", "| role | permissions |", "| --- | --- |", ...rows, "", roleRule].join("\n");
}

/** The fields of a Server as a person writes it, flat, with what is allowed and the default. */
function fields(): string {
  const { spec } = at(openApiDocument("0"), "components", "schemas", "ServerInput", "properties");
  const rows = leaves(spec as Json, "spec").map(
    ({ name, allowed, fallback }) =>
      `| \`${name}\` | ${allowed} | ${fallback === undefined ? "" : `\`${fallback}\``} |`,
  );
  return [fieldsIntro, "| field | allowed | default |", "| --- | --- | --- |", ...rows, ""].join("\n");
}

interface Leaf {
  readonly name: string;
  readonly allowed: string;
  readonly fallback: string | undefined;
}

function leaves(schema: Json, name: string): readonly Leaf[] {
  const { oneOf, anyOf, properties, default: fallback } = schema;
  const forms = oneOf ?? anyOf;
  if (Array.isArray(forms)) {
    // A default of the whole is one of the plain form, when there is one.
    const all = (forms as readonly Json[]).flatMap((form) => leaves({ default: fallback, ...form }, name));
    return [...new Map(all.map((leaf) => [leaf.name, merged(leaf, all)])).values()];
  }
  if (typeof properties === "object" && properties !== null)
    return Object.entries(properties as Readonly<Record<string, Json>>).flatMap(([key, inner]) =>
      leaves(inner, `${name}.${key}`),
    );
  return [
    { name, allowed: allowedText(schema), fallback: fallback === undefined ? undefined : JSON.stringify(fallback) },
  ];
}

/** One row for a field that several forms have: `kind`. */
function merged(leaf: Leaf, all: readonly Leaf[]): Leaf {
  const texts = all.filter(({ name }) => name === leaf.name).map(({ allowed }) => allowed);
  return { ...leaf, allowed: [...new Set(texts)].join(", ") };
}

function allowedText(schema: Json): string {
  const { const: only, enum: choices, type, pattern, minimum, exclusiveMinimum, maximum, items } = schema;
  if (only !== undefined) return `\`${only as string}\``;
  if (Array.isArray(choices)) return choices.map((choice) => `\`${String(choice)}\``).join(", ");
  if (type === "array") return `a list of ${allowedText(items as Json)}`;
  if (type === "object") return "names and values";
  if (type === "boolean") return "`true`, `false`";
  if (type === "string") return typeof pattern === "string" ? patternText(pattern) : "text";
  const bounds = [
    exclusiveMinimum === undefined ? "" : ` above ${exclusiveMinimum as number}`,
    minimum === undefined ? "" : ` from ${minimum as number}`,
    maximum === undefined ? "" : ` to ${maximum as number}`,
  ];
  return `a${type === "integer" ? " whole" : ""} number${bounds.join("")}`;
}

function patternText(pattern: string): string {
  if (pattern.includes("ms|s|m|h")) return "a duration";
  return pattern.includes("KiB|") || pattern.includes("iB") ? "a size" : "text";
}

function at(value: unknown, ...path: readonly string[]): Json {
  return path.reduce<Json>((inner, key) => inner[key] as Json, value as Json);
}

const intro = `# REST

<!-- Written from packages/api/src/operations.ts and the schemas. To change it, change those and run
UPDATE_REFERENCE=1 node --conditions=mcp-manager-source --test packages/api/src/pages.test.ts -->

Everything under \`/api/v1\` takes and gives JSON and needs \`Authorization: Bearer <key>\`. A running manager describes itself, with the
schema of every body, at \`GET /api/v1/openapi.json\`. Failures are [problem documents](errors.md); any operation with a credential may fail with
${commonErrors.map((code) => `\`${code}\``).join(", ")}.

- **Lists** are \`{items, nextCursor?}\`: give \`nextCursor\` back as \`cursor\` for the next page.
- **Compare and swap**: a resource's \`ETag\` is the revision of its spec; with \`If-Match\` a change is refused (412) when somebody made another
  since. Without it, whatever is there is replaced. \`status\` and what only the registry writes in \`metadata\` are ignored in a body, so what was
  read can be sent back.
- **Unknown fields** and parameters are refused, with the nearest that there is.
`;

const roleRule = `A server that runs a command starts a program on the manager's machine: registering or changing one needs the role \`admin\`.
`;

const fieldsIntro = `## Fields of a Server

\`\`\`yaml
kind: Server
metadata: { name: weather, labels: { team: forecast } }
spec:
  source: { kind: process, command: npx, args: [-y, "@acme/weather-mcp@2.1.0"] }
  replicas: 2
\`\`\`

\`spec.source\` has to be there; everything else has a default. Durations are \`250ms\`, \`30s\`, \`10m\`; sizes \`512MiB\`. A change to \`source\`,
\`sandbox\`, \`sharing\` or \`limits.{memory,cpu,processes}\` makes a new revision and replaces the replicas; anything else applies at once.
`;
