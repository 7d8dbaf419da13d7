/**
 * What changes in the registry, resource by resource and revision by revision, each with what it was before: the state at one exact
 * store revision, then the store's watch from the next. Two feeds that begin anywhere tell the same of every revision that both see.
 * It keeps the resources that it follows, and tells one reader; what a change means to others is theirs to say.
 */
import { invariant } from "../base/invariant.ts";
import type { WatchEvent } from "../store/store.ts";
import { CompactedError, FutureRevisionError, StoreResetError } from "../store/store.ts";
import type { Parts } from "./codec.ts";
import { decodeResource } from "./codec.ts";
import type { AnyResource, Kind } from "./kinds.ts";
import { groupParts } from "./resource-store.ts";
import type { RegistryContext } from "./transaction.ts";

/** What following a kind takes. */
export type FollowedKind = Pick<Kind<AnyResource>, "kind" | "plural" | "initialStatus">;

/** One resource that a store revision made, changed or took away. */
export interface ResourceChange {
  readonly kind: string;
  readonly name: string;
  /** Undefined: there was none. */
  readonly before: AnyResource | undefined;
  /** Undefined: there is none any more. */
  readonly after: AnyResource | undefined;
  /** What `after` takes in the store. */
  readonly bytes: number;
}

/** All that one revision did to what is followed; nothing, when everything up to it was seen and there was nothing. */
export interface RevisionChanges {
  readonly revision: bigint;
  /** In the order in which they were written. */
  readonly changes: readonly ResourceChange[];
}

/** One resource as the feed holds it. */
interface Held {
  readonly parts: Parts;
  readonly resource: AnyResource | undefined;
}

export class ChangeFeed {
  readonly #context: RegistryContext;
  readonly #kinds: ReadonlyMap<string, FollowedKind>;
  /** By plural and name. */
  #held = new Map<string, Held>();
  /** What is held is the state at this revision. */
  #at: bigint | undefined;

  /** Only resources of these kinds are held and told of. */
  constructor(context: RegistryContext, followed: readonly FollowedKind[]) {
    this.#context = context;
    this.#kinds = new Map(followed.map((kind) => [kind.plural, kind]));
  }

  /** Everything up to this store revision was told. */
  get revision(): bigint {
    invariant(this.#at !== undefined, "a feed has a revision once it was opened");
    return this.#at;
  }

  /** All that is held of one kind, in order of names. */
  held<R extends AnyResource>({ plural }: Kind<R>): readonly R[] {
    const found = [...this.#held].filter(([key]) => key.startsWith(`${plural}/`));
    const sorted = found.toSorted(([a], [b]) => (a < b ? -1 : 1));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what stands under a kind's plural was decoded as such
    return sorted.flatMap(([, { resource }]) => (resource as R | undefined) ?? []);
  }

  /**
   * Begins after this revision; by default, now. CompactedError when the store has forgotten it, FutureRevisionError when it has not
   * come to it.
   */
  async open(after?: bigint, signal?: AbortSignal): Promise<void> {
    const { held, revision } = await this.#read(after, signal);
    this.#held = held;
    this.#at = revision;
  }

  /** What came since, in order, until `signal` aborts (quietly) or the store fails; then it may be called again, and goes on. */
  async *follow(signal: AbortSignal): AsyncGenerator<RevisionChanges, void, undefined> {
    const { store, keys } = this.#context;
    for await (const item of store.watch(keys.all(), { from: this.revision + 1n, signal })) {
      if (item.kind === "link") continue;
      const changes = item.kind === "events" ? this.#take(item.events) : [];
      this.#at = item.revision;
      yield { revision: item.revision, changes };
    }
  }

  /** Holds nothing any more. It may be asked for nothing after this but to be opened anew. */
  forget(): void {
    this.#held = new Map();
  }

  /** Reads everything anew, for a feed whose place the store has forgotten: what differs from what was told, as one revision. */
  async reopen(signal: AbortSignal): Promise<RevisionChanges> {
    const { held, revision } = await this.#read(undefined, signal);
    const before = this.#held;
    const keys = [...before.keys(), ...[...held.keys()].filter((key) => !before.has(key))];
    const changes = keys.flatMap((key) => this.#change(key, before.get(key), held.get(key)) ?? []);
    this.#held = held;
    this.#at = revision;
    return { revision, changes };
  }

  async #read(
    at: bigint | undefined,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly held: Map<string, Held>; readonly revision: bigint }> {
    const { store, keys } = this.#context;
    const held = new Map<string, Held>();
    // Stores are empty at revision 1; there is none before.
    let revision = at === 0n ? 1n : at;
    for (const [plural, kind] of this.#kinds) {
      const how = { ...(revision === undefined ? {} : { revision }), ...(signal === undefined ? {} : { signal }) };
      const found = await store.list(keys.kind(plural), how);
      revision = found.revision;
      for (const [name, parts] of groupParts(keys, plural, found.kvs))
        held.set(`${plural}/${name}`, { parts, resource: decoded(kind, name, parts, undefined) });
    }
    invariant(revision !== undefined, "a feed follows a kind");
    return { held, revision };
  }

  /** The changes of one revision, by resource. */
  #take(events: readonly WatchEvent[]): readonly ResourceChange[] {
    const { keys } = this.#context;
    const changed = new Map<string, { readonly kind: FollowedKind; readonly name: string; parts: Parts }>();
    for (const event of events) {
      const parsed = keys.parseAny(event.type === "put" ? event.kv.key : event.key);
      const kind = parsed === undefined ? undefined : this.#kinds.get(parsed.plural);
      if (parsed === undefined || kind === undefined) continue;
      const { name, part } = parsed;
      const key = `${kind.plural}/${name}`;
      const { [part]: _, ...others } = changed.get(key)?.parts ?? this.#held.get(key)?.parts ?? {};
      changed.set(key, { kind, name, parts: event.type === "put" ? { ...others, [part]: event.kv } : others });
    }
    return [...changed].flatMap(([key, { kind, name, parts }]) => {
      const before = this.#held.get(key);
      const after = { parts, resource: decoded(kind, name, parts, before?.resource) };
      if (Object.keys(parts).length === 0) this.#held.delete(key);
      else this.#held.set(key, after);
      return this.#change(key, before, after) ?? [];
    });
  }

  #change(key: string, before: Held | undefined, after: Held | undefined): ResourceChange | undefined {
    const [plural = "", name = ""] = key.split("/");
    const kind = this.#kinds.get(plural)?.kind;
    if (kind === undefined || before?.resource === after?.resource || sameRevisions(before, after)) return undefined;
    return { kind, name, before: before?.resource, after: after?.resource, bytes: bytesOf(after) };
  }
}

/** Whether a feed that failed so has to be opened anew. */
export function isForgotten(error: unknown): boolean {
  return error instanceof CompactedError || error instanceof StoreResetError || error instanceof FutureRevisionError;
}

/** One that cannot be read stays as it was, as in the informers. */
function decoded(
  kind: FollowedKind,
  name: string,
  parts: Parts,
  before: AnyResource | undefined,
): AnyResource | undefined {
  try {
    return decodeResource(kind, name, parts)?.resource;
  } catch {
    return before;
  }
}

function sameRevisions(a: Held | undefined, b: Held | undefined): boolean {
  return (["spec", "status"] as const).every((part) => a?.parts[part]?.modRevision === b?.parts[part]?.modRevision);
}

function bytesOf(held: Held | undefined): number {
  return (held?.parts.spec?.value.byteLength ?? 0) + (held?.parts.status?.value.byteLength ?? 0);
}
