/**
 * Where things lie in the store. Every kind has the same layout, so that one range is a whole kind and one smaller range is a
 * whole resource:
 *
 *     /mcpm/<cluster>/v1/<plural>/<name>/spec      what users write, with the metadata
 *     /mcpm/<cluster>/v1/<plural>/<name>/status    what controllers write; a key of its own, so that the two never conflict
 *     /mcpm/<cluster>/v1/<plural>/<name>/private   what no API shows (the hash of a key)
 *     /mcpm/<cluster>/v1/leaders/<role>/<leaseId>  candidates of an election
 *
 * Pure; it never reads a store.
 */
import { derivedNamePattern, ManagerError } from "@mcp-manager/api";
import { prefix } from "../store/key.ts";
import type { Key, Range } from "../store/store.ts";

/** The keys that make up one resource. */
export type Part = "spec" | "status" | "private";

const parts: ReadonlySet<string> = new Set<Part>(["spec", "status", "private"]);

/** The keys of one cluster. */
export class Keyspace {
  readonly #root: string;

  /** Throws ManagerError `invalid_argument` unless `cluster` is a name. */
  constructor(cluster: string) {
    this.#root = `/mcpm/${checkName(cluster)}/v1`;
  }

  /** One key of a resource. Throws ManagerError `invalid_argument` unless `name` is a name. */
  part(plural: string, name: string, part: Part): Key {
    return `${this.#root}/${plural}/${checkName(name)}/${part}`;
  }

  /** Every key of one resource. */
  resource(plural: string, name: string): Range {
    return prefix(`${this.#root}/${plural}/${checkName(name)}/`);
  }

  /** Every key of a kind, of names that begin so. */
  kind(plural: string, startingWith = ""): Range {
    return prefix(`${this.#root}/${plural}/${startingWith}`);
  }

  /** Every key of every kind, and what lies beside them. */
  all(): Range {
    return prefix(`${this.#root}/`);
  }

  /** What `Store.campaign` and `Store.observeLeader` take for this role. */
  leaderRole(role: string): string {
    return `${this.#root}/leaders/${checkName(role)}`;
  }

  /** Whose key it is, and which; undefined for a key of another layout. */
  parse(plural: string, key: Key): { readonly name: string; readonly part: Part } | undefined {
    const parsed = this.parseAny(key);
    return parsed?.plural === plural ? parsed : undefined;
  }

  /** The same, and of which kind; undefined for a key of another layout. */
  parseAny(key: Key): { readonly plural: string; readonly name: string; readonly part: Part } | undefined {
    const start = `${this.#root}/`;
    const [plural, name, part, ...rest] = key.startsWith(start) ? key.slice(start.length).split("/") : [];
    if (plural === undefined || name === undefined || !isPart(part) || rest.length > 0) return undefined;
    return { plural, name, part };
  }
}

function isPart(text: string | undefined): text is Part {
  return text !== undefined && parts.has(text);
}

/** A slash or an empty name would reach into other resources' keys. */
function checkName(name: string): string {
  if (derivedNamePattern.test(name)) return name;
  const expected = "1 to 64 lower-case letters, digits and inner hyphens";
  throw new ManagerError("invalid_argument", `${JSON.stringify(name.slice(0, 80))} is not a name: use ${expected}`, {
    fields: [{ path: "metadata.name", given: name.slice(0, 80), expected }],
  });
}
