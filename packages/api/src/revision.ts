/** The Revision resource: an immutable snapshot of the part of a Server's spec that decides what runs. */
import { canonicalJson } from "./canonical-json.ts";
import type { Resource } from "./resource.ts";
import type { Limits, Sandbox, ServerSource, ServerSpec, Sharing } from "./server.ts";

/** The part of a spec whose change makes a new revision. All else applies at once. Source: resources.md, "Runnable part". */
export interface RunnablePart {
  readonly source: ServerSource;
  readonly sandbox: Sandbox;
  readonly sharing: Sharing;
  readonly limits: Pick<Limits, "memory" | "cpu" | "processes">;
}

/** The runnable part, and whose and which it is. */
export interface RevisionSpec extends RunnablePart {
  /** Name of the Server. */
  readonly server: string;
  /** 1 for the server's first; `metadata.name` is `<server>-<number>`. */
  readonly number: number;
}

/** What is known of a revision; all but `digest` is learnt from the first replica that answered. */
export interface RevisionStatus {
  /** `sha256:` and the hash of the runnable part in canonical JSON. */
  readonly digest: string;
  readonly era?: "legacy" | "modern";
  /** RFC 3339; when the era was found out. It is asked again when that was long ago. */
  readonly eraFoundAt?: string;
  readonly serverInfo?: Readonly<Record<string, unknown>>;
  readonly capabilities?: Readonly<Record<string, unknown>>;
  /** How many tools the revision lists. */
  readonly tools?: number;
}

export type Revision = Resource<"Revision", RevisionSpec, RevisionStatus>;

/** The runnable part of a spec, in a fixed order of fields. */
export function runnablePart(spec: ServerSpec): RunnablePart {
  const { memory, cpu, processes } = spec.limits;
  return {
    source: spec.source,
    sandbox: spec.sandbox,
    sharing: spec.sharing,
    limits: cpu === undefined ? { memory, processes } : { memory, cpu, processes },
  };
}

/** The runnable part as text that is equal exactly when the parts are: keys sorted, no white space. What a digest hashes. */
export function runnableText(part: RunnablePart): string {
  const { source, sandbox, sharing, limits } = part;
  return canonicalJson({ source, sandbox, sharing, limits });
}

/** Name of a server's revision: `weather-7`. */
export function revisionName(server: string, number: number): string {
  return `${server}-${number}`;
}
