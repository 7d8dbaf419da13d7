/** Stores for the registry's tests: every built-in one, and one that can be made to fail. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import assert from "node:assert/strict";
import { ManualClock } from "../../base/clock.ts";
import { seededRandom, systemRandom } from "../../base/random.ts";
import { builtinStores } from "../../store/open.ts";
import type * as contract from "../../store/store.ts";
import { UnavailableError } from "../../store/store.ts";
import { Registry } from "../registry.ts";

/** What a case is given. */
export interface Bench {
  readonly registry: Registry;
  readonly store: FlakyStore;
  readonly clock: ManualClock;
}

/** Declares the case once for each built-in store. */
export function onEachStore(title: string, run: (bench: Bench) => Promise<void>): void {
  test(`${title} (memory)`, async () => {
    const clock = new ManualClock();
    await runOn(await builtinStores.memory({ clock, random: systemRandom }), clock, run);
  });
  test(`${title} (sqlite)`, async () => {
    const clock = new ManualClock();
    const directory = await mkdtemp(join(tmpdir(), "registry-"));
    try {
      await runOn(await builtinStores.sqlite({ directory, clock, random: systemRandom }), clock, run);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
}

async function runOn(inner: contract.Store, clock: ManualClock, run: (bench: Bench) => Promise<void>): Promise<void> {
  const store = new FlakyStore(inner);
  try {
    await run({ registry: new Registry({ store, clock, random: seededRandom(1) }), store, clock });
  } finally {
    await inner.close();
  }
}

/** Waits until `reached` holds, letting other work go on; fails after far too many turns. */
export async function until(what: string, reached: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100_000; turn += 1) {
    if (reached()) return;
    await setImmediate();
  }
  assert.fail(`never came: ${what}`);
}

/** A store whose reads and watches can be switched off, and whose watches can be made to miss changes. */
export class FlakyStore implements contract.Store {
  readonly limits: contract.StoreLimits;
  away = false;
  /** Changes are swallowed while set; progress is told. */
  deaf = false;
  /** Runs before each transaction. */
  beforeTxn: (() => Promise<void>) | undefined;
  readonly #inner: contract.Store;
  readonly #watches = new Set<AbortController>();

  constructor(inner: contract.Store) {
    this.#inner = inner;
    this.limits = inner.limits;
  }

  /** Breaks every watch that runs and refuses everything until `come`. */
  leave(): void {
    this.away = true;
    for (const watch of this.#watches) watch.abort();
  }

  come(): void {
    this.away = false;
  }

  async get(key: contract.Key, options?: contract.ReadOptions): ReturnType<contract.Store["get"]> {
    this.#refuse();
    return await this.#inner.get(key, options);
  }

  async list(range: contract.Range, options?: contract.ReadOptions): Promise<contract.ListResult> {
    this.#refuse();
    return await this.#inner.list(range, options);
  }

  async txn(request: contract.TxnRequest): Promise<contract.TxnResult> {
    const before = this.beforeTxn;
    this.beforeTxn = undefined;
    await before?.();
    return await this.#inner.txn(request);
  }

  async *watch(range: contract.Range, options: contract.WatchOptions): AsyncGenerator<contract.WatchItem> {
    this.#refuse();
    const broken = new AbortController();
    this.#watches.add(broken);
    const signal = AbortSignal.any([broken.signal, ...(options.signal === undefined ? [] : [options.signal])]);
    try {
      for await (const item of this.#inner.watch(range, { ...options, signal })) {
        yield item.kind === "events" && this.deaf ? { kind: "progress", revision: item.revision } : item;
      }
    } finally {
      this.#watches.delete(broken);
    }
    this.#refuse();
  }

  grantLease(ttlMs: number): Promise<contract.Lease> {
    return this.#inner.grantLease(ttlMs);
  }

  campaign(role: string, holder: string, lease: contract.Lease): Promise<contract.Leadership> {
    return this.#inner.campaign(role, holder, lease);
  }

  observeLeader(role: string): AsyncIterable<contract.Leader | null> {
    return this.#inner.observeLeader(role);
  }

  compact(revision: contract.StoreRevision): Promise<void> {
    return this.#inner.compact(revision);
  }

  snapshot(): AsyncIterable<Uint8Array> {
    return this.#inner.snapshot();
  }

  status(): Promise<contract.StoreStatus> {
    return this.#inner.status();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #refuse(): void {
    if (this.away) throw new UnavailableError("it is switched off");
  }
}
