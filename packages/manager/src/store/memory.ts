/**
 * A store in memory: for simulation and tests, and for a manager that need not remember. It holds the log; what requests
 * mean is in `mvcc.ts`, watches and leases in `local-store.ts`.
 */
import type { Clock } from "../base/clock.ts";
import { uuid } from "../base/ids.ts";
import type { Random } from "../base/random.ts";
import { inRange } from "./key.ts";
import type { KeepAliveLink } from "./local-store.ts";
import { LocalStore } from "./local-store.ts";
import type { LeaseRow, Log, LogRow } from "./mvcc.ts";
import { Mvcc, toKeyValue } from "./mvcc.ts";
import type { Key, KeyValue, LeaseId, Range, StoreRevision } from "./store.ts";

/** What a store in memory is made with. */
export interface MemoryStoreOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Where keep-alives can get lost; tests and simulation only. Default: they never do. */
  readonly link?: KeepAliveLink;
}

/** An empty store at revision 1. */
export function openMemoryStore(options: MemoryStoreOptions): Promise<LocalStore> {
  const log = new MemoryLog(uuid(options.random));
  const mvcc = new Mvcc(log);
  const engine = {
    status: () => mvcc.status(),
    read: mvcc.read.bind(mvcc),
    txn: mvcc.txn.bind(mvcc),
    events: mvcc.events.bind(mvcc),
    leases: () => mvcc.leases(),
    grant: mvcc.grant.bind(mvcc),
    revoke: mvcc.revoke.bind(mvcc),
    compact: mvcc.compact.bind(mvcc),
    sweep: () => mvcc.sweep(),
    horizon: mvcc.horizon.bind(mvcc),
    probe: () => undefined,
    snapshot: () => [log.dump()],
    close: () => undefined,
  };
  return LocalStore.open({ ...options, engine });
}

class MemoryLog implements Log {
  readonly storeId: string;
  revision: StoreRevision = 1n;
  compactRevision: StoreRevision = 0n;
  #rows: LogRow[] = [];
  #times: { readonly revision: StoreRevision; readonly wallMs: number }[] = [];
  readonly #byKey = new Map<Key, LogRow[]>();
  /** Every key that has a row, in order. */
  readonly #keys: Key[] = [];
  readonly #leases = new Map<LeaseId, LeaseRow>();
  #leaseCount = 0;

  constructor(storeId: string) {
    this.storeId = storeId;
  }

  sizeBytes(): number {
    return this.#rows.reduce((total, row) => total + row.key.length + row.value.byteLength, 0);
  }

  newest(key: Key): LogRow | undefined {
    return this.#byKey.get(key)?.at(-1);
  }

  at(key: Key, revision: StoreRevision): LogRow | undefined {
    return this.#byKey.get(key)?.find((row) => row.revision === revision);
  }

  alive(range: Range, revision: StoreRevision, limit: number, keysOnly: boolean): KeyValue[] {
    const found: KeyValue[] = [];
    for (const key of this.#keysIn(range)) {
      if (found.length >= limit) break;
      const row = this.#byKey.get(key)?.findLast((candidate) => candidate.revision <= revision);
      if (row?.kind !== "put") continue;
      found.push(keysOnly ? { ...toKeyValue(row), value: new Uint8Array() } : toKeyValue(row));
    }
    return found;
  }

  count(range: Range): number {
    return this.alive(range, this.revision, Infinity, true).length;
  }

  since(range: Range, from: StoreRevision, limit: number): LogRow[] {
    const found: LogRow[] = [];
    for (let i = lowerBound(this.#rows, (row) => row.revision >= from); i < this.#rows.length; i += 1) {
      const row = this.#rows[i];
      if (row === undefined || found.length >= limit) break;
      if (inRange(range, row.key)) found.push(row);
    }
    return found;
  }

  ofRevision(range: Range, revision: StoreRevision): LogRow[] {
    return this.since(range, revision, Infinity).filter((row) => row.revision === revision);
  }

  /** Nothing fails after the first write of a change (leases are checked before), so there is nothing to undo. */
  atomically<T>(change: () => T): T {
    return change();
  }

  begin(wallMs: number): StoreRevision {
    this.revision += 1n;
    this.#times.push({ revision: this.revision, wallMs });
    return this.revision;
  }

  append(row: LogRow): void {
    const kept = { ...row, value: Uint8Array.from(row.value) };
    this.#rows.push(kept);
    const rows = this.#byKey.get(row.key);
    if (rows !== undefined) return void rows.push(kept);
    this.#byKey.set(row.key, [kept]);
    this.#keys.splice(
      lowerBound(this.#keys, (key) => key >= row.key),
      0,
      row.key,
    );
  }

  leases(): LeaseRow[] {
    return [...this.#leases.values()];
  }

  hasLease(id: LeaseId): boolean {
    return this.#leases.has(id);
  }

  leaseKeys(id: LeaseId): Key[] {
    return this.#keys.filter((key) => this.newest(key)?.lease === id);
  }

  addLease(ttlMs: number): LeaseId {
    this.#leaseCount += 1;
    const id = String(this.#leaseCount);
    this.#leases.set(id, { id, ttlMs });
    return id;
  }

  removeLease(id: LeaseId): void {
    this.#leases.delete(id);
  }

  setCompactRevision(revision: StoreRevision): void {
    this.compactRevision = revision;
  }

  sweep(): boolean {
    const compact = this.compactRevision;
    for (const [key, rows] of this.#byKey) {
      const keptAt = rows.findLastIndex((row) => row.revision <= compact);
      const kept = rows[keptAt];
      if (kept === undefined) continue;
      // A deletion at the compacted revision itself stays: a watch may still begin there.
      const gone = kept.kind === "delete" && kept.revision < compact ? keptAt + 1 : keptAt;
      rows.splice(0, gone);
      if (rows.length > 0) continue;
      this.#byKey.delete(key);
      this.#keys.splice(this.#keys.indexOf(key), 1);
    }
    const left = new Set([...this.#byKey.values()].flat());
    this.#rows = this.#rows.filter((row) => left.has(row));
    this.#times = this.#times.filter((time) => time.revision >= compact);
    return false;
  }

  revisionAt(wallMs: number): StoreRevision {
    return this.#times.findLast((time) => time.wallMs <= wallMs)?.revision ?? 0n;
  }

  /** The live keys as JSON: `{storeId, revision, kvs: [{key, value (base64), …}]}`. */
  dump(): Uint8Array {
    const all = this.#keys.flatMap((key) => this.newest(key) ?? []).filter((row) => row.kind === "put");
    const kvs = all.map((row) => ({ ...toKeyValue(row), value: Buffer.from(row.value).toString("base64") }));
    return Buffer.from(JSON.stringify({ storeId: this.storeId, revision: this.revision, kvs }, plainJson));
  }

  #keysIn(range: Range): Key[] {
    const { start, end } = range;
    if (end === undefined) return this.#byKey.has(start) ? [start] : [];
    const from = lowerBound(this.#keys, (key) => key >= start);
    return this.#keys.slice(
      from,
      lowerBound(this.#keys, (key) => key >= end),
    );
  }
}

/** JSON has no bigint. */
function plainJson(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

/** Index of the first item that `reached` holds for; it must hold for all after it. */
function lowerBound<T>(items: readonly T[], reached: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && !reached(item)) low = middle + 1;
    else high = middle;
  }
  return low;
}
