/**
 * One kind's resources: read, list, create, and change by compare-and-swap. Stateless over the store; every method rejects
 * with ManagerError only. Rules of the kinds (what a spec may hold) are checked before, in the API.
 */
import { ManagerError } from "@mcp-manager/api";
import type { KeyValue } from "../store/store.ts";
import { CompactedError, FutureRevisionError } from "../store/store.ts";
import type { Parts, Stored } from "./codec.ts";
import { decode, decodeResource } from "./codec.ts";
import type { Keyspace } from "./keys.ts";
import type { AnyResource, Kind } from "./kinds.ts";
import { fromStoreError } from "./store-error.ts";
import type { Change, CommitResult, Draft, RegistryContext } from "./transaction.ts";
import { atRevision, conflictError, sameJson, Transaction } from "./transaction.ts";

/** Which resources, and how many at once. */
export interface ListOptions<R extends AnyResource> {
  /** All of these labels, with these values. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly where?: (resource: R) => boolean;
  /** Only names that begin so; others are not even read. */
  readonly startingWith?: string;
  /** Default 1000, at least 1. */
  readonly limit?: number;
  /** `nextCursor` of the page before. All pages show the state of the first, for about an hour. */
  readonly cursor?: string;
}

/** One page, in order of names. */
export interface ResourceList<R extends AnyResource> {
  readonly items: readonly R[];
  readonly nextCursor?: string;
  /** The store revision that the page shows. */
  readonly revision: bigint;
}

const limitDefault = 1000;
/** A read-modify-write that loses this often in a row meets a loop, not a colleague. */
const attemptsMax = 16;

/** The resources of one kind. */
export class ResourceStore<R extends AnyResource> {
  readonly #context: RegistryContext;
  readonly #kind: Kind<R>;

  constructor(context: RegistryContext, kind: Kind<R>) {
    this.#context = context;
    this.#kind = kind;
  }

  /** The resource, or undefined when there is none. */
  async get(name: string): Promise<R | undefined> {
    return (await this.read(name))?.resource;
  }

  /** The resource; `not_found` when there is none. */
  async require(name: string): Promise<R> {
    const resource = await this.get(name);
    if (resource === undefined) throw this.#notFound(name);
    return resource;
  }

  /** The resource with its store revisions, for a Transaction. */
  async read(name: string): Promise<Stored<R> | undefined> {
    return decodeResource(this.#kind, name, await this.#parts(name));
  }

  /** What was kept beside the resource at its creation; undefined when there is none. */
  async readPrivate(name: string): Promise<unknown> {
    const part = (await this.#parts(name)).private;
    return part === undefined ? undefined : decode(part.value);
  }

  async list(options: ListOptions<R> = {}): Promise<ResourceList<R>> {
    const limit = checkLimit(options.limit ?? limitDefault);
    const cursor = options.cursor === undefined ? undefined : parseCursor(options.cursor);
    const { kvs, revision } = await this.#readAll(cursor, options.startingWith ?? "");
    // One more than is shown says whether there is a page after it; what lies beyond is not decoded.
    const found = this.#first(kvs, limit + 1, cursor?.after ?? "", options);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    if (found.length <= limit || last === undefined) return { items, revision };
    return { items, revision, nextCursor: writeCursor({ revision, after: last.metadata.name }) };
  }

  /** All of them, the one that was made last first: by the store's count, which no clock turns back; made at once, by name. */
  async newestFirst(options: Pick<ListOptions<R>, "where" | "startingWith"> = {}): Promise<readonly R[]> {
    const { kvs } = await this.#readAll(undefined, options.startingWith ?? "");
    return this.#decoded(kvs)
      .filter(({ resource }) => matches(resource, options))
      .toSorted((a, b) => Number(b.createRevision - a.createRevision) || (nameOf(a) < nameOf(b) ? -1 : 1))
      .map(({ resource }) => resource);
  }

  /** `already_exists` when there is one of that name. */
  async create(draft: Draft<R>): Promise<R> {
    const transaction = new Transaction(this.#context);
    const resource = transaction.create(this.#kind, draft);
    const result = await transaction.commit();
    if (result.kind === "committed") return atRevision(this.#kind, resource, result.revision);
    throw new ManagerError("already_exists", `${this.#kind.kind} ${draft.name} exists already; choose another name`);
  }

  /** `ifRevision` is the `metadata.revision` that was read; `conflict` (with `details.current`) when it moved on, `not_found`. */
  async replace(name: string, change: Change<R>, options: { readonly ifRevision: string }): Promise<R> {
    const current = await this.#expect(name, options.ifRevision);
    if (current === undefined) throw this.#notFound(name);
    const changed = await this.#tryReplace(current, change);
    if (changed === undefined) throw await this.#conflict(name);
    return changed;
  }

  /** Reads, asks `next` and writes, again while others come first. `next` is pure. `not_found`; `conflict` after 16 losses. */
  async update(name: string, next: (current: R) => Change<R>): Promise<R> {
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const current = await this.read(name);
      if (current === undefined) throw this.#notFound(name);
      const changed = await this.#tryReplace(current, next(current.resource));
      if (changed !== undefined) return changed;
    }
    throw await this.#conflict(name);
  }

  /**
   * Reads, asks `next` and writes the status, again while others come first. `next` is pure; undefined, or a status equal to
   * the present one, writes nothing. Resolves to the resource as it then is, or to undefined when there is none (any more).
   */
  async updateStatus(name: string, next: (current: R) => R["status"] | undefined): Promise<R | undefined> {
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const current = await this.read(name);
      if (current === undefined) return undefined;
      const status = next(current.resource);
      if (status === undefined || sameJson(status, current.resource.status)) return current.resource;
      const transaction = new Transaction(this.#context);
      transaction.putStatus(this.#kind, current, status);
      if ((await commitOrRetry(transaction)).kind === "committed") return { ...current.resource, status };
    }
    throw await this.#conflict(name);
  }

  /** Records that deletion was asked for. The resource as it then is; undefined when there is none. */
  async markDeleted(name: string, options: { readonly ifRevision?: string } = {}): Promise<R | undefined> {
    return await this.#remove(name, options.ifRevision, (transaction, current) =>
      transaction.markDeleted(this.#kind, current),
    );
  }

  /** Removes the resource and its status at once. The resource as it was; undefined when there was none. */
  async delete(name: string, options: { readonly ifRevision?: string } = {}): Promise<R | undefined> {
    return await this.#remove(name, options.ifRevision, (transaction, current) => {
      transaction.delete(this.#kind, current);
      return current.resource;
    });
  }

  async #remove(
    name: string,
    ifRevision: string | undefined,
    change: (transaction: Transaction, current: Stored<R>) => R,
  ): Promise<R | undefined> {
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const current = await this.#expect(name, ifRevision);
      if (current === undefined) return undefined;
      const transaction = new Transaction(this.#context);
      const resource = change(transaction, current);
      const result = await transaction.commit();
      if (result.kind === "conflict") continue;
      return resource.metadata.revision === "" ? atRevision(this.#kind, resource, result.revision) : resource;
    }
    throw await this.#conflict(name);
  }

  /** Undefined when somebody else was first. */
  async #tryReplace(current: Stored<R>, change: Change<R>): Promise<R | undefined> {
    const transaction = new Transaction(this.#context);
    const resource = transaction.replace(this.#kind, current, change);
    if (resource === current.resource) return resource;
    const result = await transaction.commit();
    return result.kind === "committed" ? atRevision(this.#kind, resource, result.revision) : undefined;
  }

  async #expect(name: string, ifRevision: string | undefined): Promise<Stored<R> | undefined> {
    const current = await this.read(name);
    if (ifRevision === undefined || current?.resource.metadata.revision === ifRevision) return current;
    if (current === undefined) return undefined;
    throw conflictError(this.#kind.kind, name, current.resource);
  }

  async #conflict(name: string): Promise<ManagerError> {
    return conflictError(this.#kind.kind, name, await this.get(name));
  }

  #notFound(name: string): ManagerError {
    return new ManagerError("not_found", `${this.#kind.kind} ${name} does not exist`);
  }

  /** The first that match, behind this name, in order of names. */
  #first(kvs: readonly KeyValue[], count: number, after: string, options: ListOptions<R>): readonly R[] {
    const { keys } = this.#context;
    const byName = groupParts(keys, this.#kind.plural, kvs);
    const found: R[] = [];
    for (const name of [...byName.keys()].filter((each) => each > after).toSorted()) {
      if (found.length === count) break;
      const resource = decodeResource(this.#kind, name, byName.get(name) ?? {})?.resource;
      if (resource !== undefined && matches(resource, options)) found.push(resource);
    }
    return found;
  }

  #decoded(kvs: readonly KeyValue[]): readonly Stored<R>[] {
    const { keys } = this.#context;
    return [...groupParts(keys, this.#kind.plural, kvs)].flatMap(
      ([name, parts]) => decodeResource(this.#kind, name, parts) ?? [],
    );
  }

  async #parts(name: string): Promise<Parts> {
    const { keys, store } = this.#context;
    const range = keys.resource(this.#kind.plural, name);
    try {
      const { kvs } = await store.list(range);
      return groupParts(keys, this.#kind.plural, kvs).get(name) ?? {};
    } catch (error) {
      throw fromStoreError(error);
    }
  }

  async #readAll(
    cursor: Cursor | undefined,
    startingWith: string,
  ): Promise<{ readonly kvs: readonly KeyValue[]; readonly revision: bigint }> {
    const { keys, store } = this.#context;
    try {
      const range = keys.kind(this.#kind.plural, startingWith);
      if (cursor === undefined) return await store.list(range);
      // Whatever its order among keys, a name behind that one has a key from here on.
      const { start } = keys.kind(this.#kind.plural, cursor.after);
      return await store.list(start > range.start ? { ...range, start } : range, { revision: cursor.revision });
    } catch (error) {
      const expired = cursor !== undefined && (error instanceof CompactedError || error instanceof FutureRevisionError);
      throw expired ? cursorError("the cursor is too old; list again from the start") : fromStoreError(error);
    }
  }
}

/** The keys of each resource of a kind, by name. */
export function groupParts(keys: Keyspace, plural: string, kvs: readonly KeyValue[]): Map<string, Parts> {
  const byName = new Map<string, Parts>();
  for (const kv of kvs) {
    const parsed = keys.parse(plural, kv.key);
    if (parsed !== undefined) byName.set(parsed.name, { ...byName.get(parsed.name), [parsed.part]: kv });
  }
  return byName;
}

/** A status write that may or may not have arrived is asked again: the next read shows which. */
async function commitOrRetry(transaction: Transaction): Promise<CommitResult> {
  try {
    return await transaction.commit();
  } catch (error) {
    if (error instanceof ManagerError && error.reason === "STORE_UNCERTAIN") return { kind: "conflict", names: [] };
    throw error;
  }
}

function matches<R extends AnyResource>(resource: R, options: ListOptions<R>): boolean {
  const labels = Object.entries(options.labels ?? {});
  return (
    labels.every(([label, value]) => resource.metadata.labels[label] === value) && (options.where?.(resource) ?? true)
  );
}

function checkLimit(limit: number): number {
  if (Number.isSafeInteger(limit) && limit >= 1) return limit;
  throw new ManagerError("invalid_argument", `limit ${limit} is not a whole number of at least 1`, {
    fields: [{ path: "limit", given: String(limit), expected: "a whole number of at least 1" }],
  });
}

interface Cursor {
  readonly revision: bigint;
  /** Name of the last resource shown. */
  readonly after: string;
}

function writeCursor(cursor: Cursor): string {
  return Buffer.from(`${cursor.revision}/${cursor.after}`).toString("base64url");
}

function parseCursor(text: string): Cursor {
  const [, revision, after] =
    /^([1-9][0-9]{0,18})\/([a-z0-9-]{1,64})$/.exec(Buffer.from(text, "base64url").toString()) ?? [];
  if (revision === undefined || after === undefined) throw cursorError("the cursor is not one that a list gave");
  return { revision: BigInt(revision), after };
}

function cursorError(message: string): ManagerError {
  return new ManagerError("invalid_argument", message, {
    fields: [{ path: "cursor", given: "the cursor", expected: "nextCursor of the page before" }],
  });
}

function nameOf({ resource }: Stored<AnyResource>): string {
  return resource.metadata.name;
}
