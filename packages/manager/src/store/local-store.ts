/**
 * The store over an engine in this process: checks requests, publishes commits to watchers, keeps leases, compacts, and turns
 * "no space" into a read-only state that heals by itself. The engine does the reading and writing, in memory or in a worker
 * thread.
 */
import type { Clock, Timer } from "../base/clock.ts";
import * as election from "./election.ts";
import { Feed } from "./feed.ts";
import { checkKey, checkRange, checkRead, checkTxn, storeLimits } from "./key.ts";
import { HeldLease } from "./leases.ts";
import { Lessor } from "./lessor.ts";
import type { Committed, Mvcc } from "./mvcc.ts";
import type {
  Key,
  KeyValue,
  Leader,
  Leadership,
  Lease,
  LeaseId,
  ListResult,
  Range,
  ReadOptions,
  Store,
  StoreLimits,
  StoreRevision,
  StoreStatus,
  TxnRequest,
  TxnResult,
  WatchItem,
  WatchOptions,
} from "./store.ts";
import { CompactedError, LimitError, NoSpaceError, UnavailableError } from "./store.ts";

type MaybePromise<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => R | Promise<R> : never;
};

/** What a local store runs on: `Mvcc`'s calls, answered at once or later but in order, and a few of its own. */
export interface Engine extends MaybePromise<Pick<Mvcc, keyof Mvcc>> {
  /** Writes and removes something; rejects with NoSpaceError while there is no space. */
  probe(): void | Promise<void>;
  snapshot(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  close(): void | Promise<void>;
}

/** Where keep-alives can get lost. */
export interface KeepAliveLink {
  /** Awaited before each keep-alive; a rejection loses it. */
  pass(id: LeaseId): Promise<void>;
}

/** What a local store is made with. */
export interface LocalStoreOptions {
  readonly clock: Clock;
  readonly engine: Engine;
  readonly link?: KeepAliveLink;
}

/** Compaction leaves the last 1000 revisions, and all of the last hour, readable. */
const keptRevisionsMin = 1000;
const keptMs = 3_600_000;
const compactEveryMs = 300_000;
const probeEveryMs = 5000;

/** A Store whose data is in this process's care. */
export class LocalStore implements Store {
  readonly limits: StoreLimits = storeLimits;
  readonly #clock: Clock;
  readonly #engine: Engine;
  readonly #link: KeepAliveLink | undefined;
  readonly #feed: Feed;
  readonly #lessor: Lessor;
  readonly #held = new Set<HeldLease>();
  #state: "ok" | "read-only" = "ok";
  #compaction: Timer | undefined;
  #probe: Timer | undefined;
  #closing: Promise<void> | undefined;

  /** Takes over the engine: `close()` closes it, and so does a failure to open. */
  static async open(options: LocalStoreOptions): Promise<LocalStore> {
    try {
      const status = await options.engine.status();
      const store = new LocalStore(options, status.revision);
      for (const lease of await options.engine.leases()) store.#lessor.add(lease);
      return store;
    } catch (error) {
      await options.engine.close();
      throw error;
    }
  }

  private constructor(options: LocalStoreOptions, revision: StoreRevision) {
    const { clock, engine, link } = options;
    this.#clock = clock;
    this.#engine = engine;
    this.#link = link;
    this.#feed = new Feed({ clock, revision, read: (...args) => engine.events(...args) });
    this.#lessor = new Lessor({ clock, expire: (id) => this.#endLease(id) });
    this.#armCompaction();
  }

  async get(
    key: Key,
    options?: ReadOptions,
  ): Promise<{ readonly revision: StoreRevision; readonly kv: KeyValue | null }> {
    checkKey(key);
    const { revision, kvs } = await this.list({ start: key }, options);
    return { revision, kv: kvs[0] ?? null };
  }

  async list(range: Range, options: ReadOptions = {}): Promise<ListResult> {
    checkRange(range);
    checkRead(options);
    this.#begin(options.signal);
    const { revision, limit, keysOnly } = options;
    return await this.#engine.read(range, {
      ...(revision === undefined ? {} : { revision }),
      ...(limit === undefined ? {} : { limit }),
      ...(keysOnly === undefined ? {} : { keysOnly }),
    });
  }

  async txn(request: TxnRequest, options?: { readonly signal?: AbortSignal }): Promise<TxnResult> {
    checkTxn(request, this.limits);
    this.#begin(options?.signal);
    const { result, committed } = await this.#write(() => this.#engine.txn(request, this.#clock.wallMs()));
    this.#publish(committed);
    return result;
  }

  watch(range: Range, options: WatchOptions): AsyncIterable<WatchItem> {
    return this.#feed.watch(range, options);
  }

  async grantLease(ttlMs: number, options?: { readonly signal?: AbortSignal }): Promise<Lease> {
    if (!Number.isSafeInteger(ttlMs) || ttlMs < this.limits.minLeaseTtlMs) {
      throw new LimitError(`a lease lasts a whole number of ms, at least ${this.limits.minLeaseTtlMs}, not ${ttlMs}`);
    }
    this.#begin(options?.signal);
    const grantSentAtMs = this.#clock.nowMs();
    const id = await this.#write(() => this.#engine.grant(ttlMs));
    this.#begin(undefined);
    this.#lessor.add({ id, ttlMs });
    const link = {
      keepAlive: (lease: LeaseId) => this.#keepAlive(lease),
      revoke: (lease: LeaseId) => this.#revoke(lease),
    };
    const held = new HeldLease({ id, ttlMs, grantSentAtMs, link, clock: this.#clock });
    this.#held.add(held);
    void held.lost.then(() => this.#held.delete(held));
    return held;
  }

  async campaign(
    role: string,
    holder: string,
    lease: Lease,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Leadership> {
    return await election.campaign(this, role, holder, lease, options?.signal);
  }

  observeLeader(role: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<Leader | null> {
    return election.observeLeader(this, role, options?.signal);
  }

  async compact(revision: StoreRevision): Promise<void> {
    this.#begin(undefined);
    await this.#write(() => this.#engine.compact(revision));
    while (this.#closing === undefined && (await this.#write(() => this.#engine.sweep()))); // in batches: others get their turn
  }

  async *snapshot(options?: { readonly signal?: AbortSignal }): AsyncGenerator<Uint8Array, void, undefined> {
    this.#begin(options?.signal);
    for await (const chunk of this.#engine.snapshot()) {
      options?.signal?.throwIfAborted();
      yield chunk;
    }
  }

  async status(): Promise<StoreStatus> {
    this.#begin(undefined);
    return { ...(await this.#engine.status()), state: this.#state, lastContactMs: 0 };
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#compaction?.cancel();
    this.#probe?.cancel();
    this.#feed.close();
    this.#lessor.close();
    for (const held of this.#held) held.end("closed");
    await this.#engine.close();
  }

  #begin(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (this.#closing !== undefined) throw new UnavailableError("the store is closed");
  }

  /** Every write goes through here, so that running out of space is seen. */
  async #write<T>(write: () => T | Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      if (error instanceof NoSpaceError) this.#becomeReadOnly();
      throw error;
    }
  }

  #becomeReadOnly(): void {
    this.#state = "read-only";
    this.#probe?.cancel();
    if (this.#closing !== undefined) return;
    this.#probe = this.#clock.after(probeEveryMs, () => {
      void this.#probeSpace();
    });
  }

  async #probeSpace(): Promise<void> {
    try {
      await this.#write(() => this.#engine.probe());
      this.#state = "ok";
    } catch {
      // NoSpaceError has set the next probe; anything else shows in the next request
    }
  }

  #publish(committed: Committed): void {
    if (committed.keys.length > 0) this.#state = "ok";
    this.#feed.publish(committed);
  }

  async #keepAlive(id: LeaseId): Promise<void> {
    await this.#link?.pass(id);
    this.#lessor.keepAlive(id);
  }

  async #revoke(id: LeaseId): Promise<void> {
    this.#lessor.remove(id);
    if (this.#closing === undefined) await this.#endLease(id);
  }

  async #endLease(id: LeaseId): Promise<void> {
    const { committed } = await this.#write(() => this.#engine.revoke(id, this.#clock.wallMs()));
    this.#publish(committed);
  }

  #armCompaction(): void {
    this.#compaction = this.#clock.after(compactEveryMs, () => {
      void this.#compactOld().finally(() => {
        if (this.#closing === undefined) this.#armCompaction();
      });
    });
  }

  /** A failure waits for the next round: compaction is housekeeping. */
  async #compactOld(): Promise<void> {
    try {
      const revision = await this.#engine.horizon(keptRevisionsMin, this.#clock.wallMs() - keptMs);
      if (revision > 0n) await this.compact(revision);
    } catch (error) {
      const expected =
        error instanceof CompactedError || error instanceof NoSpaceError || error instanceof UnavailableError;
      if (!expected) throw error;
    }
  }
}
