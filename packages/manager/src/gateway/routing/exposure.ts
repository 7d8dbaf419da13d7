/**
 * How a server's names look from outside: which tools are shown, under which names, and the way back. Pure; built once per
 * server and table, so that a call pays a lookup. Names on the aggregate are `prefix__name`, at most 64 characters.
 */
import { createHash } from "node:crypto";
import type { Expose } from "@mcp-manager/api";
import { globMatcher, type NameMatcher } from "../../base/glob.ts";

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

const appScheme = "ui://";
/** Before a prefix that begins with a digit, as no scheme may; no prefix has a full stop in it. */
const digitMark = "x.";

/**
 * A URI on the aggregate: the server's prefix goes into the scheme, where RFC 3986 allows `+`, so that templates stay templates;
 * in `ui://` URIs, which hosts know by their scheme, it goes before the host. In lower case, because clients may write a scheme
 * so (docs/decisions/0006).
 */
export function prefixedUri(prefix: string, uri: string): string {
  const lower = prefix.toLowerCase();
  if (uri.startsWith(appScheme)) return `${appScheme}${lower}+${uri.slice(appScheme.length)}`;
  return `${beginsWithDigit(lower) ? digitMark : ""}${lower}+${uri}`;
}

/** The way back, for whatever text the URI was; undefined when it carries no prefix. The prefix is in lower case. */
export function splitPrefixedUri(shown: string): { prefix: string; rest: string } | undefined {
  const isApp = shown.startsWith(appScheme);
  const [, prefix, rest] = (isApp ? appPattern : prefixPattern).exec(shown) ?? [];
  if (prefix === undefined || rest === undefined) return undefined;
  return { prefix: prefix.toLowerCase(), rest: isApp ? appScheme + rest : rest };
}

/** Prefixes are letters, digits and hyphens (admission of a Server's spec). */
const prefixPattern = /^(?:[xX]\.(?=[0-9]))?([A-Za-z0-9][A-Za-z0-9-]*)\+(.*)$/s;
const appPattern = /^ui:\/\/([A-Za-z0-9][A-Za-z0-9-]*)\+(.*)$/s;

function beginsWithDigit(text: string): boolean {
  return text >= "0" && text < ":";
}

/** Names of one server's tools as its `expose` shapes them. Prompts and resources are shown as they are. */
export class Exposure {
  readonly prefix: string;
  /** The prefix that the spec asks for; undefined: the server's name. */
  readonly prefixWanted: string | undefined;
  readonly #allowed: NameMatcher;
  readonly #denied: NameMatcher;
  readonly #renamed: ReadonlyMap<string, string>;
  readonly #original: ReadonlyMap<string, string>;
  readonly #descriptions: ReadonlyMap<string, string>;

  constructor(prefix: string, expose: Expose | undefined) {
    this.prefix = prefix;
    this.prefixWanted = expose?.prefix;
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

  /** The name that this tool would be shown under, were it not another's; undefined when it is shown, or not exposed at all. */
  nameTakenFrom(original: string): string | undefined {
    if (!this.#allowed(original) || this.#denied(original)) return undefined;
    return this.shownTool(original) === undefined ? (this.#renamed.get(original) ?? original) : undefined;
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
