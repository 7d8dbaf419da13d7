/**
 * Several resources changed in one store transaction: all of it or nothing, and nothing unless every resource is still as it
 * was read. A builder over the store's compares and operations; it reads nothing before it commits.
 */
import { isDeepStrictEqual } from "node:util";
import type { Metadata } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import { uuid } from "../base/ids.ts";
import { invariant } from "../base/invariant.ts";
import type { Random } from "../base/random.ts";
import type { Compare, Key, Op, Store } from "../store/store.ts";
import type { Stored } from "./codec.ts";
import { assemble, encode, encodeSpec } from "./codec.ts";
import type { Keyspace } from "./keys.ts";
import type { AnyResource, Kind } from "./kinds.ts";
import { fromStoreError } from "./store-error.ts";

/** A resource to be. */
export interface Draft<R extends AnyResource> {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec: R["spec"];
  /** Default: the kind's initial status. */
  readonly status?: R["status"];
  /** JSON that is kept beside the resource and that no API shows. */
  readonly private?: unknown;
}

/** What users may change of a resource. */
export interface Change<R extends AnyResource> {
  readonly spec: R["spec"];
  /** Default: the labels it has. */
  readonly labels?: Readonly<Record<string, string>>;
  /** What is kept beside the resource from now on; counts as a change of the spec. Default: what is kept already. */
  readonly private?: unknown;
}

/** A conflict is a result: read again, decide again. `names` (`servers/weather`) no longer fit; none when only a `require` failed. */
export type CommitResult =
  | { readonly kind: "committed"; readonly revision: bigint }
  | { readonly kind: "conflict"; readonly names: readonly string[] };

/** What transactions are made of. */
export interface RegistryContext {
  readonly store: Store;
  readonly keys: Keyspace;
  readonly clock: Clock;
  readonly random: Random;
}

type Guard = Extract<Compare, { readonly value: bigint }> & { readonly op: "=" };

/** Used once: changes, then `commit`. A key written twice is refused at commit (`invalid_argument`). */
export class Transaction {
  readonly #context: RegistryContext;
  readonly #guards: { readonly name: string; readonly guard: Guard }[] = [];
  readonly #required: Compare[] = [];
  readonly #ops: Op[] = [];
  #committed = false;

  constructor(context: RegistryContext) {
    this.#context = context;
  }

  /** The resource as it will be; its `metadata.revision` is empty until the commit gives it one. */
  create<R extends AnyResource>(kind: Kind<R>, draft: Draft<R>): R {
    const metadata: Metadata = {
      name: draft.name,
      uid: uuid(this.#context.random),
      generation: 1,
      revision: "",
      labels: draft.labels ?? {},
      createdAt: new Date(this.#context.clock.wallMs()).toISOString(),
    };
    const resource = assemble(kind, metadata, draft.spec, draft.status ?? kind.initialStatus(draft.spec));
    this.requireAbsent(kind, draft.name);
    this.#putSpec(kind, resource);
    this.#put(kind, draft.name, "status", resource.status);
    if (draft.private !== undefined) this.#put(kind, draft.name, "private", draft.private);
    return resource;
  }

  /** The resource as it will be, or as it is when nothing changes; then only its being unchanged is required. */
  replace<R extends AnyResource>(kind: Kind<R>, current: Stored<R>, change: Change<R>): R {
    this.requireUnchanged(kind, current);
    const { metadata, spec, status } = current.resource;
    const labels = change.labels ?? metadata.labels;
    const specChanged = change.private !== undefined || !sameJson(change.spec, spec);
    if (!specChanged && sameJson(labels, metadata.labels)) return current.resource;
    const generation = metadata.generation + (specChanged ? 1 : 0);
    const resource = assemble(kind, { ...metadata, labels, generation, revision: "" }, change.spec, status);
    this.#putSpec(kind, resource);
    if (change.private !== undefined) this.#put(kind, metadata.name, "private", change.private);
    return resource;
  }

  /** Records that deletion was asked for; once is enough, a second time changes nothing. */
  markDeleted<R extends AnyResource>(kind: Kind<R>, current: Stored<R>): R {
    this.requireUnchanged(kind, current);
    const { metadata, spec, status } = current.resource;
    if (metadata.deletedAt !== undefined) return current.resource;
    const deletedAt = new Date(this.#context.clock.wallMs()).toISOString();
    const resource = assemble(kind, { ...metadata, deletedAt, revision: "" }, spec, status);
    this.#putSpec(kind, resource);
    return resource;
  }

  /** Requires the status to be as it was read and the resource to be the same one; its spec may have changed meanwhile. */
  putStatus<R extends AnyResource>(kind: Kind<R>, current: Stored<R>, status: R["status"]): void {
    this.requireStatus(kind, current);
    this.#put(kind, current.resource.metadata.name, "status", status);
  }

  /** The same requirement, of a status that is left as it is. */
  requireStatus<R extends AnyResource>(kind: Kind<R>, current: Stored<R>): void {
    const { name } = current.resource.metadata;
    this.#guard(kind, name, {
      key: this.#key(kind, name, "spec"),
      target: "create",
      op: "=",
      value: current.createRevision,
    });
    this.#guard(kind, name, {
      key: this.#key(kind, name, "status"),
      target: "mod",
      op: "=",
      value: current.statusRevision,
    });
  }

  /** Removes the resource at once, with its status. */
  delete<R extends AnyResource>(kind: Kind<R>, current: Stored<R>): void {
    this.requireUnchanged(kind, current);
    this.#ops.push({ op: "delete", range: this.#context.keys.resource(kind.plural, current.resource.metadata.name) });
  }

  /** Conditions beside the resources': a leader's guard. */
  require(...compares: readonly Compare[]): void {
    this.#required.push(...compares);
  }

  /** Requires that there is no such resource. */
  requireAbsent<R extends AnyResource>(kind: Kind<R>, name: string): void {
    this.#guard(kind, name, { key: this.#key(kind, name, "spec"), target: "version", op: "=", value: 0n });
  }

  /** Requires that spec and metadata are as they were read; the status may change. */
  requireUnchanged<R extends AnyResource>(kind: Kind<R>, current: Stored<R>): void {
    const { name } = current.resource.metadata;
    this.#guard(kind, name, {
      key: this.#key(kind, name, "spec"),
      target: "mod",
      op: "=",
      value: current.specRevision,
    });
  }

  /** Rejects with ManagerError only; see `fromStoreError`. */
  async commit(): Promise<CommitResult> {
    invariant(!this.#committed, "a transaction is committed once");
    this.#committed = true;
    const compare = [...this.#guards.map(({ guard }) => guard), ...this.#required];
    try {
      const { succeeded, revision } = await this.#context.store.txn({ compare, success: this.#ops });
      return succeeded ? { kind: "committed", revision } : { kind: "conflict", names: await this.#broken() };
    } catch (error) {
      throw fromStoreError(error);
    }
  }

  /** Which resources no longer fit; read after the fact, so it may name none or too many: for messages. */
  async #broken(): Promise<string[]> {
    const names = new Set<string>();
    for (const { name, guard } of this.#guards) {
      const { kv } = await this.#context.store.get(guard.key, { keysOnly: true });
      const now = { mod: kv?.modRevision, create: kv?.createRevision, version: kv?.version }[guard.target] ?? 0n;
      if (now !== guard.value) names.add(name);
    }
    return [...names];
  }

  #putSpec<R extends AnyResource>(kind: Kind<R>, resource: R): void {
    const { name } = resource.metadata;
    this.#ops.push({ op: "put", key: this.#key(kind, name, "spec"), value: encodeSpec(resource) });
  }

  #put<R extends AnyResource>(kind: Kind<R>, name: string, part: "status" | "private", value: unknown): void {
    this.#ops.push({ op: "put", key: this.#key(kind, name, part), value: encode(kind.kind, name, value) });
  }

  #guard<R extends AnyResource>(kind: Kind<R>, name: string, guard: Guard): void {
    this.#guards.push({ name: `${kind.plural}/${name}`, guard });
  }

  #key<R extends AnyResource>(kind: Kind<R>, name: string, part: "spec" | "status" | "private"): Key {
    return this.#context.keys.part(kind.plural, name, part);
  }
}

/** Equal once written as JSON: order of members and members that are undefined do not count. */
export function sameJson(a: unknown, b: unknown): boolean {
  const [one, other] = [jsonOf(a), jsonOf(b)];
  if (one === other || one === undefined || other === undefined) return one === other;
  return isDeepStrictEqual(JSON.parse(one), JSON.parse(other));
}

function jsonOf(value: unknown): string | undefined {
  return JSON.stringify(value);
}

/** A resource with the revision that the commit of its spec gave it. */
export function atRevision<R extends AnyResource>(kind: Kind<R>, resource: R, revision: bigint): R {
  return assemble(kind, { ...resource.metadata, revision: String(revision) }, resource.spec, resource.status);
}

/** The conflict as an error, with the resource as it is now in `details.current`. */
export function conflictError(kind: string, name: string, current: AnyResource | undefined): ManagerError {
  const now = current === undefined ? "it is gone" : `it is at revision ${current.metadata.revision}`;
  return new ManagerError("conflict", `${kind} ${name} was changed by somebody else (${now}); read it and try again`, {
    details: { current },
  });
}
