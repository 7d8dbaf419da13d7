/**
 * A cache of one kind that follows the store: list, then watch from there (as Kubernetes' reflector). It survives compaction,
 * a store that is away, and missed events: every so often it reads the kind again at the revision it believes to have, and
 * repairs and reports what differs. Listeners are told names; they enqueue, they do not work.
 */
import { ManagerError } from "@mcp-manager/api";
import type { BackoffRule } from "../base/backoff.ts";
import { backoffMs } from "../base/backoff.ts";
import { invariant } from "../base/invariant.ts";
import type { Unsubscribe } from "../base/watched.ts";
import type { KeyValue, WatchEvent, WatchItem } from "../store/store.ts";
import { CompactedError, FutureRevisionError, StoreResetError } from "../store/store.ts";
import type { Parts, Stored } from "./codec.ts";
import { decode, decodeResource } from "./codec.ts";
import type { AnyResource, Kind } from "./kinds.ts";
import { ResourceCache } from "./resource-cache.ts";
import { groupParts } from "./resource-store.ts";
import { fromStoreError } from "./store-error.ts";
import type { RegistryContext } from "./transaction.ts";

/** How an informer behaves. */
export interface InformerOptions {
  /** Milliseconds between two full comparisons with the store, give or take a tenth. Default 600,000. */
  readonly relistMs?: number;
  /** Hears of a store that is away, of missed changes, of a resource that can't be read, of a listener that threw. */
  readonly onError?: (error: ManagerError) => void;
}

/** Hears of a resource that was changed, or deleted (undefined), and the store revision that did it. */
export type ChangeListener<R extends AnyResource> = (name: string, resource: R | undefined, revision: bigint) => void;

const relistMsDefault = 600_000;
const backoff: BackoffRule = { baseMs: 800, capMs: 30_000 };

/** The cache of one kind. Started once; stopped by its owner. */
export class Informer<R extends AnyResource> implements AsyncDisposable {
  /** Resolves when the first list is in the cache; rejects (`cancelled`) when stopped before. */
  readonly synced: Promise<void>;
  readonly #context: RegistryContext;
  readonly #kind: Kind<R>;
  readonly #options: InformerOptions;
  readonly #listeners = new Set<ChangeListener<R>>();
  readonly #stop = new AbortController();
  readonly #first = Promise.withResolvers<void>();
  readonly #cache: ResourceCache<R>;
  /** The cache holds exactly this revision; undefined before the first list and after a reset. */
  #at: bigint | undefined;
  #revision = 0n;
  #staleSinceMs: number | undefined;
  #running: Promise<void> | undefined;

  constructor(context: RegistryContext, kind: Kind<R>, options: InformerOptions = {}) {
    this.#context = context;
    this.#kind = kind;
    this.#cache = new ResourceCache(kind);
    this.#options = options;
    this.synced = this.#first.promise;
    this.synced.catch(() => undefined); // nobody has to wait for it
  }

  /** The cache holds every change up to this store revision. */
  get revision(): bigint {
    return this.#revision;
  }

  /** When (by the clock's monotonic time) the store was last heard of, if it is not heard of now. */
  get staleSinceMs(): number | undefined {
    return this.#staleSinceMs;
  }

  start(): void {
    invariant(this.#running === undefined, "an informer is started once");
    this.#running = this.#run(this.#stop.signal);
  }

  get(name: string): R | undefined {
    return this.#cache.get(name);
  }

  /** What the cache holds, as a Transaction takes it: then nothing is written unless the store still holds the same. */
  stored(name: string): Stored<R> | undefined {
    const resource = this.get(name);
    const { spec, status, apart } = this.#cache.parts(name) ?? {};
    if (resource === undefined || spec === undefined) return undefined;
    const statusRevision = status?.modRevision ?? 0n;
    const { modRevision: specRevision, createRevision } = spec;
    return { resource, specRevision, createRevision, statusRevision, hasApart: apart !== undefined };
  }

  /** All, in order of names; the same array until something changes. */
  list(): readonly R[] {
    return this.#cache.list();
  }

  /** Those that belong to one server, in order of names. */
  ofServer(server: string): readonly R[] {
    return this.#cache.ofServer(server);
  }

  /** What is kept beside the resource and no API shows; undefined when there is none. */
  private(name: string): unknown {
    const part = this.#cache.parts(name)?.private;
    return part === undefined ? undefined : decode(part.value);
  }

  /** Every change from now on; subscribe before `start` to hear of all there is. The cache is up to date when called. */
  onChange(listener: ChangeListener<R>): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listeners.clear();
    this.#stop.abort();
    this.#first.reject(new ManagerError("cancelled", `the informer of ${this.#kind.plural} was stopped`));
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#relist(signal);
        failures = 0;
        await this.#follow(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (this.#at !== undefined && isReset(error)) {
          this.#at = undefined; // the next list begins anew; what differs from the cache is told as changes
          continue;
        }
        this.#staleSinceMs ??= this.#context.clock.nowMs();
        this.#report(fromStoreError(error));
        await this.#pause(failures, signal);
        failures += 1;
      }
    }
  }

  async #pause(failures: number, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#context;
    await clock.sleep(backoffMs(backoff, failures, random), signal).catch(() => undefined);
  }

  /** Reads the kind, at the cache's own revision when it has one: then any difference is a change that was missed. */
  async #relist(signal: AbortSignal): Promise<void> {
    const { keys, store } = this.#context;
    const at = this.#at === undefined ? {} : { revision: this.#at };
    const { kvs, revision } = await store.list(keys.kind(this.#kind.plural), { ...at, signal });
    const found = groupParts(keys, this.#kind.plural, kvs);
    const names = new Set([...this.#cache.names, ...found.keys()]);
    const changed = [...names].filter((name) => !sameParts(this.#cache.parts(name), found.get(name)));
    if (this.#at !== undefined && changed.length > 0) this.#report(this.#missed(changed));
    this.#at = revision;
    this.#staleSinceMs = undefined;
    this.#apply(new Map(changed.map((name) => [name, found.get(name) ?? {}])), revision);
    this.#first.resolve();
  }

  /** Watches until it is time to compare, the informer stops, or the watch fails. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { clock, random, keys, store } = this.#context;
    const relist = new AbortController();
    const jitter = 0.9 + 0.2 * random.next();
    const timer = clock.after((this.#options.relistMs ?? relistMsDefault) * jitter, () => relist.abort());
    const from = (this.#at ?? 0n) + 1n;
    try {
      const watch = { from, signal: AbortSignal.any([signal, relist.signal]) };
      for await (const item of store.watch(keys.kind(this.#kind.plural), watch)) this.#take(item);
    } finally {
      timer.cancel();
    }
  }

  #take(item: WatchItem): void {
    if (item.kind === "link") {
      this.#staleSinceMs = item.state === "live" ? undefined : (this.#staleSinceMs ?? item.sinceMs);
      return;
    }
    this.#staleSinceMs = undefined;
    this.#at = item.revision;
    if (item.kind === "events") this.#apply(this.#collect(item.events), item.revision);
    else this.#revision = item.revision;
  }

  #collect(events: readonly WatchEvent[]): Map<string, Parts> {
    const changed = new Map<string, Parts>();
    for (const event of events) {
      const parsed = this.#context.keys.parse(this.#kind.plural, event.type === "put" ? event.kv.key : event.key);
      if (parsed === undefined) continue;
      const { [parsed.part]: _, ...others } = changed.get(parsed.name) ?? this.#cache.parts(parsed.name) ?? {};
      changed.set(parsed.name, event.type === "put" ? { ...others, [parsed.part]: event.kv } : others);
    }
    return changed;
  }

  /** The whole revision is in the cache before anybody hears of a part of it. */
  #apply(changed: ReadonlyMap<string, Parts>, revision: bigint): void {
    this.#revision = revision;
    for (const [name, parts] of changed) {
      if (Object.keys(parts).length === 0) this.#cache.delete(name);
      else this.#cache.set(name, parts, this.#decode(name, parts));
    }
    for (const name of changed.keys()) this.#tell(name, revision);
  }

  /** One that can't be read stays as it was: better an old configuration than none. */
  #decode(name: string, parts: Parts): R | undefined {
    try {
      return decodeResource(this.#kind, name, parts)?.resource;
    } catch (error) {
      this.#report(ManagerError.from(error));
      return this.get(name);
    }
  }

  #tell(name: string, revision: bigint): void {
    for (const listener of this.#listeners) {
      try {
        listener(name, this.get(name), revision);
      } catch (error) {
        this.#report(ManagerError.from(error));
      }
    }
  }

  #report(error: ManagerError): void {
    this.#options.onError?.(error);
  }

  #missed(names: readonly string[]): ManagerError {
    const some = names.slice(0, 10).join(", ");
    return new ManagerError(
      "internal",
      `${names.length} changes of ${this.#kind.plural} were missed: ${some}; repaired`,
      {
        reason: "CHANGES_MISSED",
      },
    );
  }
}

function isReset(error: unknown): boolean {
  return error instanceof CompactedError || error instanceof StoreResetError || error instanceof FutureRevisionError;
}

function sameParts(a: Parts | undefined, b: Parts | undefined): boolean {
  return (["spec", "status", "apart", "private"] as const).every((part) => sameKey(a?.[part], b?.[part]));
}

function sameKey(a: KeyValue | undefined, b: KeyValue | undefined): boolean {
  return a?.modRevision === b?.modRevision && a?.createRevision === b?.createRevision;
}
