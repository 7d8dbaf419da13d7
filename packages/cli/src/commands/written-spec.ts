/** A spec as a person would have written it: without what is the default. Read again, it is the same spec. */
import { canonicalJson, serverDefaults } from "@mcp-manager/api";
import type { ServerSource, ServerSpec } from "@mcp-manager/api";

type Fields = Readonly<Record<string, unknown>>;

/** Sections of which each member has a default of its own; others are written whole or not at all. */
const sections: ReadonlySet<string> = new Set(["deployment", "health", "breaker", "limits"]);

/** What has to be written. */
export function writtenSpec(spec: ServerSpec): Fields {
  const { source, ...rest } = spec;
  return { source: writtenSource(source), ...without(rest, { ...serverDefaults }) };
}

function writtenSource(source: ServerSource): Fields {
  const defaults =
    source.kind === "process" ? { args: [], env: {} } : { transport: "streamable-http" as const, headers: {} };
  return without({ ...source }, defaults);
}

function without(fields: Fields, defaults: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => {
      const usual = defaults[name];
      if (isSame(value, usual)) return [];
      return [[name, sections.has(name) ? without(value as Fields, usual as Fields) : value]];
    }),
  );
}

function isSame(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}
