/**
 * What is known of the difference between the two revisions of a deployment: from what their replicas were found to offer. Compares no
 * texts itself. Source: reliability.md §1.2, "Schema-diff gate".
 */
import type { Deployment, Replica, SchemaDiff } from "@mcp-manager/api";
import type { CatalogueRecord } from "../registry/kinds.ts";
import type { Gate } from "./rollout/rollout.ts";

/** Compares two texts of Catalogue records. Pure. */
export type CompareTexts = (from: string, to: string) => SchemaDiff;

/** The difference of two records; of what is too long to be kept only that there is one is known, and nothing vouches for it. */
export function compareRecords(compare: CompareTexts, from: CatalogueRecord, to: CatalogueRecord): SchemaDiff {
  if (from.spec.digest === to.spec.digest) return { class: "none", changes: [] };
  if (from.spec.text !== undefined && to.spec.text !== undefined) return compare(from.spec.text, to.spec.text);
  const message = "what it offers differs, and is too long to be compared: look at both before it is accepted";
  return { class: "breaking", changes: [{ class: "breaking", subject: "catalogue", message }] };
}

/** Gates by server: the last comparison of each is kept, because a difference is looked at again and again and costs the same each time. */
export class Gates {
  readonly #compare: CompareTexts;
  readonly #known = new Map<string, { readonly key: string; readonly diff: SchemaDiff }>();

  constructor(compare: CompareTexts) {
    this.#compare = compare;
  }

  /** What the replicas and the records of the deployment's server say of it. */
  of(deployment: Deployment, replicas: readonly Replica[], catalogues: readonly CatalogueRecord[]): Gate {
    const { spec } = deployment;
    const { from, to } = spec;
    const digests = new Set(offeredBy(replicas, to));
    if (digests.size > 1) return unstable(to, replicas);
    if (from === null) return { kind: "none" };
    const before = catalogues.find(({ metadata }) => metadata.name === from);
    const after = catalogues.find(({ metadata }) => metadata.name === to);
    // A revision that cannot be asked any more and never was: there is nothing to compare with.
    if (before === undefined && !replicas.some((replica) => isReady(replica, from))) return { kind: "none" };
    if (before === undefined) return unheard(after === undefined ? `${from} and ${to} have` : `${from} has`);
    if (after === undefined) return unheard(`${to} has`);
    const open = deployment.status.phase === "SchemaCheck" ? askedTwice(deployment, replicas, after) : undefined;
    if (open !== undefined) return open;
    return { kind: "known", diff: this.#diff(spec.server, before, after), ttlMs: before.spec.ttlMs };
  }

  forget(server: string): void {
    this.#known.delete(server);
  }

  #diff(server: string, before: CatalogueRecord, after: CatalogueRecord): SchemaDiff {
    const key = `${before.spec.digest} ${after.spec.digest}`;
    const known = this.#known.get(server);
    if (known?.key === key) return known.diff;
    const diff = compareRecords(this.#compare, before, after);
    this.#known.set(server, { key, diff });
    return diff;
  }
}

/**
 * What a copy answered first is in the record, what it answered then in its status; undefined when they are the same. Of a record
 * from before the deployment neither is said: a server may have changed since.
 */
function askedTwice(
  { metadata, spec: { to } }: Deployment,
  replicas: readonly Replica[],
  after: CatalogueRecord,
): Gate | undefined {
  if (BigInt(after.metadata.revision) <= BigInt(metadata.revision)) return undefined;
  const ready = replicas.filter((replica) => isReady(replica, to));
  const silent = ready.find(({ status }) => status.catalogue === undefined);
  if (silent !== undefined) return unheard(`replica ${silent.metadata.name} has`);
  const other = ready.find(({ status }) => status.catalogue !== after.spec.digest);
  if (other === undefined) return undefined;
  const message = `${to} offers something else each time it is asked (${other.metadata.name}): make its lists the same each time`;
  return { kind: "unstable", message };
}

function unheard(whoHas: string): Gate {
  return { kind: "unknown", message: `${whoHas} not told what is offered: see why lists do not come from there` };
}

function unstable(to: string, replicas: readonly Replica[]): Gate {
  const names = replicas.filter((replica) => isReady(replica, to)).map(({ metadata }) => metadata.name);
  const message = `replicas of ${to} do not offer the same (${names.join(", ")}): make its lists the same at each start`;
  return { kind: "unstable", message };
}

function offeredBy(replicas: readonly Replica[], revision: string): readonly string[] {
  return replicas.filter((replica) => isReady(replica, revision)).flatMap(({ status }) => status.catalogue ?? []);
}

function isReady({ spec, status }: Replica, revision: string): boolean {
  return spec.revision === revision && spec.drain !== true && status.state === "ready";
}
