/**
 * How a server's names look from outside: which tools are shown, under which names, and the way back. Pure; built once per
 * server and table, so that a call pays a lookup. Names on the aggregate are `prefix__name`, at most 64 characters.
 */
import { createHash } from "node:crypto";
import type { Expose } from "@mcp-manager/api";
import { globMatcher, type NameMatcher } from "../base/glob.ts";

/** Longest name shown on an aggregate; several clients and model APIs refuse more. */
export const nameLengthMax = 64;

const separator = "__";

/** What stands between prefix and name; a server's prefix never contains it. */
export function splitPrefixed(name: string): { prefix: string; rest: string } | undefined {
  const at = name.indexOf(separator);
  return at < 1 ? undefined : { prefix: name.slice(0, at), rest: name.slice(at + separator.length) };
}

/** `prefix__name`; a longer one is cut and ends in `_` and six characters of its SHA-256, the same on every instance. */
export function prefixedName(prefix: string, name: string): string {
  const full = `${prefix}${separator}${name}`;
  if (full.length <= nameLengthMax) return full;
  return `${full.slice(0, nameLengthMax - 7)}_${createHash("sha256").update(full).digest("hex").slice(0, 6)}`;
}

/** Whether `prefix__name` is too long to be shown whole. */
export function isCut(prefix: string, name: string): boolean {
  return prefix.length + separator.length + name.length > nameLengthMax;
}

/** A URI on the aggregate: the server's prefix goes into the scheme (RFC 3986 allows `+` there), so templates stay templates. */
export function prefixedUri(prefix: string, uri: string): string {
  return `${prefix}+${uri}`;
}

/** The way back; undefined when the URI carries no prefix. Only the scheme is looked at. */
export function splitPrefixedUri(uri: string): { prefix: string; rest: string } | undefined {
  const colon = uri.indexOf(":");
  const plus = uri.indexOf("+");
  return plus < 1 || plus > colon ? undefined : { prefix: uri.slice(0, plus), rest: uri.slice(plus + 1) };
}

/** Names of one server's tools as its `expose` shapes them. Prompts and resources are shown as they are. */
export class Exposure {
  readonly prefix: string;
  readonly #allowed: NameMatcher;
  readonly #denied: NameMatcher;
  readonly #renamed: ReadonlyMap<string, string>;
  readonly #original: ReadonlyMap<string, string>;
  readonly #descriptions: ReadonlyMap<string, string>;

  constructor(prefix: string, expose: Expose | undefined) {
    this.prefix = prefix;
    const tools = expose?.tools;
    this.#allowed = globMatcher(tools?.allow ?? ["*"]);
    this.#denied = globMatcher(tools?.deny ?? []);
    const overrides = Object.entries(tools?.override ?? {});
    this.#renamed = new Map(overrides.flatMap(([from, o]) => (o.name === undefined ? [] : [[from, o.name] as const])));
    this.#original = new Map([...this.#renamed].map(([from, to]) => [to, from]));
    this.#descriptions = new Map(
      overrides.flatMap(([from, o]) => (o.description === undefined ? [] : [[from, o.description] as const])),
    );
  }

  /** The name shown for a tool of the server; undefined when it is not exposed, or when another tool was given its name. */
  shownTool(original: string): string | undefined {
    if (!this.#allowed(original) || this.#denied(original)) return undefined;
    const shown = this.#renamed.get(original) ?? original;
    const owner = this.#original.get(shown);
    return owner === undefined || owner === original ? shown : undefined;
  }

  /** The server's own name of a shown tool; undefined when nothing is shown under that name. */
  originalTool(shown: string): string | undefined {
    const original = this.#original.get(shown) ?? shown;
    return this.shownTool(original) === shown ? original : undefined;
  }

  /** The description that replaces the server's own, if any. */
  toolDescription(original: string): string | undefined {
    return this.#descriptions.get(original);
  }
}
