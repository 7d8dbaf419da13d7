/**
 * Leadership, written once over the store's own transactions, watches and leases (as the Go client's `concurrency.Election`):
 * each candidate makes a key under its lease and waits until no key with a lower create revision is left. Every candidate
 * watches only the one before it, so that a change of leader wakes one of them.
 *
 * A lease is time measured by two clocks, so the role is proven by `guard` in each write, never by having been elected.
 */
import { checkKey, prefix } from "./key.ts";
import type { Compare, Key, KeyValue, Leader, Leadership, Lease, LeaseLost, Store, StoreRevision } from "./store.ts";
import { CompactedError, LeaseGoneError, LimitError, UncertainError } from "./store.ts";

/** See `Store.campaign`. */
export async function campaign(
  store: Store,
  role: string,
  holder: string,
  lease: Lease,
  signal: AbortSignal | undefined,
): Promise<Leadership> {
  const key = `${role}/${lease.id}`;
  checkKey(key);
  signal?.throwIfAborted();
  const over = new AbortController();
  const onAbort = (): void => over.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  void lease.lost.then(() => over.abort(new LeaseGoneError(`lease ${lease.id} ended while it stood for ${role}`)));
  const guard = await stand(store, key, holder, lease);
  try {
    await waitForTurn(store, { role, key, guard, lease }, over.signal);
    return new Led(store, { role, holder, key, guard, lease });
  } catch (error) {
    await withdraw(store, key, guard).catch(() => undefined); // the lease takes the key away when this cannot
    throw error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

interface Guard extends Extract<Compare, { readonly value: bigint }> {
  readonly target: "create";
}

interface Candidacy {
  readonly role: string;
  readonly key: Key;
  readonly guard: Guard;
  readonly lease: Lease;
}

/** Makes the candidate's key; standing twice with one lease is refused. */
async function stand(store: Store, key: Key, holder: string, lease: Lease): Promise<Guard> {
  const value = Buffer.from(holder);
  const request = {
    compare: [{ key, target: "version", op: "=", value: 0n }],
    success: [{ op: "put", key, value, lease: lease.id }],
  } as const;
  try {
    const made = await store.txn(request);
    if (!made.succeeded) throw new LimitError(`lease ${lease.id} stands for ${key} already`);
    return { key, target: "create", op: "=", value: made.revision };
  } catch (error) {
    if (!(error instanceof UncertainError)) throw error;
    const { kv } = await store.get(key);
    if (kv === null || Buffer.compare(kv.value, value) !== 0) throw error;
    return { key, target: "create", op: "=", value: kv.createRevision };
  }
}

async function waitForTurn(store: Store, candidacy: Candidacy, signal: AbortSignal): Promise<void> {
  const { role, key, guard, lease } = candidacy;
  for (;;) {
    signal.throwIfAborted();
    const { kvs, revision } = await store.list(prefix(`${role}/`), { keysOnly: true });
    signal.throwIfAborted();
    const own = kvs.find((kv) => kv.key === key);
    if (own?.createRevision !== guard.value || lease.remainingMs() === 0) {
      throw new LeaseGoneError(`the candidacy ${key} ended before it was elected`);
    }
    const before = kvs.filter((kv) => kv.createRevision < guard.value);
    const previous = before.reduce<KeyValue | undefined>(
      (last, kv) => (last === undefined || kv.createRevision > last.createRevision ? kv : last),
      undefined,
    );
    if (previous === undefined) return;
    await waitUntilGone(store, previous.key, revision + 1n, signal);
  }
}

/** Returns when the key is deleted, the signal is aborted, or the watch cannot tell any more. */
async function waitUntilGone(store: Store, key: Key, from: StoreRevision, signal: AbortSignal): Promise<void> {
  try {
    for await (const item of store.watch({ start: key }, { from, signal })) {
      if (item.kind === "events" && item.events.some((event) => event.type === "delete")) return;
    }
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error;
  }
}

async function withdraw(store: Store, key: Key, guard: Guard): Promise<void> {
  await store.txn({ compare: [guard], success: [{ op: "delete", range: { start: key } }] });
}

class Led implements Leadership {
  readonly role: string;
  readonly holder: string;
  readonly token: bigint;
  readonly guard: Compare;
  readonly lost: Promise<LeaseLost>;
  readonly #store: Store;
  readonly #key: Key;
  readonly #guard: Guard;
  readonly #resolveLost: (lost: LeaseLost) => void;
  readonly #over = new AbortController();

  constructor(store: Store, candidacy: Candidacy & { readonly holder: string }) {
    this.role = candidacy.role;
    this.holder = candidacy.holder;
    this.token = candidacy.guard.value;
    this.guard = candidacy.guard;
    this.#store = store;
    this.#key = candidacy.key;
    this.#guard = candidacy.guard;
    const { promise, resolve } = Promise.withResolvers<LeaseLost>();
    this.lost = promise;
    this.#resolveLost = resolve;
    void candidacy.lease.lost.then((lost) => this.#end(lost));
    void this.#observeKey();
  }

  async resign(): Promise<void> {
    this.#end({ reason: "revoked" });
    await withdraw(this.#store, this.#key, this.#guard);
  }

  #end(lost: LeaseLost): void {
    this.#over.abort();
    this.#resolveLost(lost);
  }

  /** Somebody else may delete the key while the lease lives on. */
  async #observeKey(): Promise<void> {
    let from = this.token + 1n;
    while (!this.#over.signal.aborted) {
      try {
        await waitUntilGone(this.#store, this.#key, from, this.#over.signal);
        const { kv, revision } = await this.#store.get(this.#key);
        if (kv?.createRevision !== this.token) return this.#end({ reason: "revoked" });
        from = revision + 1n;
      } catch {
        return; // the store is away: the lease decides
      }
    }
  }
}

/** See `Store.observeLeader`. */
export async function* observeLeader(
  store: Store,
  role: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Leader | null, void, undefined> {
  const range = prefix(`${role}/`);
  let shown: Leader | null | undefined;
  for (;;) {
    if (signal?.aborted === true) return;
    const { kvs, revision } = await store.list(range);
    const leader = first(kvs);
    if (shown === undefined || shown?.token !== leader?.token) yield leader;
    shown = leader;
    const watch = store.watch(range, signal === undefined ? { from: revision + 1n } : { from: revision + 1n, signal });
    if (!(await anyEvent(watch))) return;
  }
}

/** True after an event, or when events may have been missed; false when the watch has ended. */
async function anyEvent(watch: AsyncIterable<{ readonly kind: string }>): Promise<boolean> {
  try {
    for await (const item of watch) if (item.kind === "events") return true;
    return false;
  } catch (error) {
    if (error instanceof CompactedError) return true;
    throw error;
  }
}

function first(kvs: readonly KeyValue[]): Leader | null {
  const kv = kvs.reduce<KeyValue | null>(
    (least, next) => (least === null || next.createRevision < least.createRevision ? next : least),
    null,
  );
  return kv === null ? null : { holder: Buffer.from(kv.value).toString(), token: kv.createRevision };
}
