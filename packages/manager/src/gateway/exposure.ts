/**
 * How a server's names look from outside: which tools are shown, under which names, and the way back. Pure; built once per
 * server and table, so that a call pays a lookup. Names on the aggregate are `prefix__name`, at most 64 characters.
 */
import { createHash } from "node:crypto";
import type { Expose } from "@mcp-manager/api";

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
  readonly #allow: readonly RegExp[];
  readonly #deny: readonly RegExp[];
  readonly #renamed: ReadonlyMap<string, string>;
  readonly #original: ReadonlyMap<string, string>;
  readonly #descriptions: ReadonlyMap<string, string>;

  constructor(prefix: string, expose: Expose | undefined) {
    this.prefix = prefix;
    const tools = expose?.tools;
    this.#allow = (tools?.allow ?? ["*"]).map(globPattern);
    this.#deny = (tools?.deny ?? []).map(globPattern);
    const overrides = Object.entries(tools?.override ?? {});
    this.#renamed = new Map(overrides.flatMap(([from, o]) => (o.name === undefined ? [] : [[from, o.name] as const])));
    this.#original = new Map([...this.#renamed].map(([from, to]) => [to, from]));
    this.#descriptions = new Map(
      overrides.flatMap(([from, o]) => (o.description === undefined ? [] : [[from, o.description] as const])),
    );
  }

  /** The name shown for a tool of the server; undefined when it is not exposed. */
  shownTool(original: string): string | undefined {
    if (!this.#allow.some((p) => p.test(original)) || this.#deny.some((p) => p.test(original))) return undefined;
    return this.#renamed.get(original) ?? original;
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

function globPattern(glob: string): RegExp {
  const escaped = glob.replaceAll(/[.+^${}()|[\]\\?]/g, String.raw`\$&`).replaceAll("*", ".*");
  return new RegExp(`^${escaped}$`, "s");
}
