/**
 * Words of the design that this version does not act on. Ignoring them would be unsafe or wrong, so they are refused here by name:
 * nobody reads "unknown field" about a documented one. A row goes when its feature comes.
 */
import { describe } from "./check.ts";
import type { FieldError } from "./error.ts";

interface Refusal {
  /** Field names from the root; a last `kind` covers the whole object it belongs to. */
  readonly path: readonly string[];
  /** The values refused; absent means that any value is. */
  readonly words?: readonly string[];
  /** What can be given instead. */
  readonly instead: string;
}

const refusals: readonly Refusal[] = [
  { path: ["spec", "source", "kind"], words: ["container", "kubernetes"], instead: "process, remote" },
  { path: ["spec", "source", "port"], instead: "no port: a process speaks MCP on its stdin and stdout" },
  { path: ["spec", "source", "path"], instead: "no path: a process speaks MCP on its stdin and stdout" },
  {
    path: ["spec", "auth", "kind"],
    words: ["bearer", "client-credentials", "token-exchange", "per-user"],
    instead: "none; a fixed token goes into spec.source.headers as ${env:NAME}",
  },
];

/** A refused word: the error, and the path below which other complaints would only repeat it. */
export interface Refused {
  readonly field: FieldError;
  readonly scope: string;
}

/** What a Server as written asks for that the design knows and this version does not do. */
export function refusedFields(input: unknown): readonly Refused[] {
  return refusals.flatMap(({ path, words, instead }) => {
    const given = path.reduce<unknown>(member, input);
    const isRefused = words === undefined ? given !== undefined : words.some((word) => word === given);
    if (!isRefused) return [];
    const text = path.join(".");
    const field = {
      path: text,
      given: describe(given),
      expected: `${instead} (${words === undefined ? path.at(-1) : String(given)} is not available yet)`,
    };
    return [{ field, scope: text.replace(/\.kind$/, "") }];
  });
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
