/**
 * What a transaction, a read at a revision, a change feed and a compaction mean, written once over a plain ordered log. The
 * embedded stores differ only in where the log lies. Everything here is synchronous; it knows no clock, no watcher, no
 * deadline.
 */
import type {
  Compare,
  Key,
  KeyValue,
  LeaseId,
  ListResult,
  Op,
  OpResult,
  Range,
  StoreRevision,
  TxnRequest,
  TxnResult,
  WatchEvent,
} from "./store.ts";
import { CompactedError, FutureRevisionError, LeaseGoneError } from "./store.ts";

/** One change of one key, as the log keeps it. */
export interface LogRow {
  readonly revision: StoreRevision;
  /** Place among the changes of its revision, from 0. */
  readonly sub: number;
  readonly key: Key;
  readonly kind: "put" | "delete";
  readonly value: Uint8Array;
  readonly lease: LeaseId | null;
  readonly createRevision: StoreRevision;
  readonly version: bigint;
  /** Revision of the key's row before this one, a deletion included; 0 when there is none. */
  readonly prevRevision: StoreRevision;
}

/** A lease as the store remembers it; deadlines are kept elsewhere. */
export interface LeaseRow {
  readonly id: LeaseId;
  readonly ttlMs: number;
}

/** Where the rows lie: in memory, or in a file. */
export interface Log {
  readonly storeId: string;
  readonly revision: StoreRevision;
  readonly compactRevision: StoreRevision;
  sizeBytes(): number;
  /** The key's newest row, a deletion included. */
  newest(key: Key): LogRow | undefined;
  /** The key's row of exactly this revision. */
  at(key: Key, revision: StoreRevision): LogRow | undefined;
  /** The keys alive at `revision`, in order, `limit` at most. */
  alive(range: Range, revision: StoreRevision, limit: number, keysOnly: boolean): KeyValue[];
  /** How many keys are alive now, or will be when the transaction under way commits. */
  count(range: Range): number;
  /** Rows of `from` and later inside the range in log order, `limit` at most. */
  since(range: Range, from: StoreRevision, limit: number): LogRow[];
  /** Every row of one revision inside the range. */
  ofRevision(range: Range, revision: StoreRevision): LogRow[];
  /** Runs `change` so that all of it is kept, durably, or none of it. */
  atomically<T>(change: () => T): T;
  /** Begins the next revision; only inside `atomically`. */
  begin(wallMs: number): StoreRevision;
  append(row: LogRow): void;
  leases(): LeaseRow[];
  hasLease(id: LeaseId): boolean;
  leaseKeys(id: LeaseId): Key[];
  addLease(ttlMs: number): LeaseId;
  removeLease(id: LeaseId): void;
  /** Refuses reads below `revision` from now on. */
  setCompactRevision(revision: StoreRevision): void;
  /** Removes up to `rowsMax` rows that nothing can read any more; true when there may be more. */
  sweep(rowsMax: number): boolean;
  /** The newest revision committed at or before `wallMs`; 0 when none is known. */
  revisionAt(wallMs: number): StoreRevision;
}

/** A committed change: the revision and the keys it touched, empty when nothing changed. */
export interface Committed {
  readonly revision: StoreRevision;
  readonly keys: readonly Key[];
}

/** Events by revision; everything up to `through` has been looked at. */
export interface EventBatch {
  readonly items: readonly { readonly revision: StoreRevision; readonly events: readonly WatchEvent[] }[];
  readonly through: StoreRevision;
}

/** What the log says about itself. */
export interface LogStatus {
  readonly storeId: string;
  readonly revision: StoreRevision;
  readonly compactRevision: StoreRevision;
  readonly sizeBytes: number;
}

const sweepRowsMax = 1000;

/** The meaning of requests over a log. Requests come checked (`key.ts`). */
export class Mvcc {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  status(): LogStatus {
    const { storeId, revision, compactRevision } = this.#log;
    return { storeId, revision, compactRevision, sizeBytes: this.#log.sizeBytes() };
  }

  read(range: Range, options: { revision?: StoreRevision; limit?: number; keysOnly?: boolean }): ListResult {
    const head = this.#log.revision;
    const revision = options.revision ?? head;
    if (revision > head) throw new FutureRevisionError(`the store is at revision ${head}, not yet at ${revision}`);
    if (revision < this.#log.compactRevision) throw new CompactedError(this.#log.compactRevision);
    const page = this.#page(range, revision, options);
    return { revision, ...page };
  }

  txn(request: TxnRequest, wallMs: number): { readonly result: TxnResult; readonly committed: Committed } {
    return this.#log.atomically(() => {
      const succeeded = request.compare.every((compare) => holds(compare, this.#current(compare.key)));
      const ops = succeeded ? request.success : (request.failure ?? []);
      this.#checkLeases(ops);
      const writer = new Writer(this.#log, wallMs);
      const results = ops.map((op) => this.#run(op, writer));
      return { result: { succeeded, revision: this.#log.revision, results }, committed: writer.committed() };
    });
  }

  /** Changes of `from` and later, about `eventsMax` of them, a revision never split. */
  events(range: Range, from: StoreRevision, eventsMax: number, prevKv: boolean): EventBatch {
    if (from < this.#log.compactRevision) throw new CompactedError(this.#log.compactRevision);
    let rows = this.#log.since(range, from, eventsMax + 1);
    let through = this.#log.revision;
    const extra = rows[eventsMax];
    if (extra !== undefined) {
      rows = rows.filter((row) => row.revision < extra.revision);
      through = extra.revision - 1n;
      if (rows.length === 0) {
        rows = this.#log.ofRevision(range, extra.revision);
        through = extra.revision;
      }
    }
    const byRevision = Map.groupBy(rows, (row) => row.revision);
    const items = [...byRevision].map(([revision, group]) => ({
      revision,
      events: group.map((row) => this.#event(row, prevKv)),
    }));
    return { items, through };
  }

  leases(): LeaseRow[] {
    return this.#log.leases();
  }

  grant(ttlMs: number): LeaseId {
    return this.#log.atomically(() => this.#log.addLease(ttlMs));
  }

  /** Ends the lease and deletes its keys as one revision; `existed` is false when it was gone already. */
  revoke(id: LeaseId, wallMs: number): { readonly existed: boolean; readonly committed: Committed } {
    return this.#log.atomically(() => {
      const existed = this.#log.hasLease(id);
      const writer = new Writer(this.#log, wallMs);
      if (existed) for (const key of this.#log.leaseKeys(id)) writer.delete(key);
      this.#log.removeLease(id);
      return { existed, committed: writer.committed() };
    });
  }

  compact(revision: StoreRevision): void {
    if (revision > this.#log.revision) {
      throw new FutureRevisionError(`the store is at revision ${this.#log.revision}, not yet at ${revision}`);
    }
    if (revision <= this.#log.compactRevision) throw new CompactedError(this.#log.compactRevision);
    this.#log.atomically(() => this.#log.setCompactRevision(revision));
  }

  /** Removes a batch of what compaction left behind; true when there may be more. */
  sweep(): boolean {
    return this.#log.atomically(() => this.#log.sweep(sweepRowsMax));
  }

  /** The newest revision that leaves at least `revisionsMin` revisions, and all since `wallMs`, readable; 0 when none. */
  horizon(revisionsMin: number, wallMs: number): StoreRevision {
    const byCount = this.#log.revision - BigInt(revisionsMin);
    const byAge = this.#log.revisionAt(wallMs);
    const horizon = byCount < byAge ? byCount : byAge;
    return horizon > 0n ? horizon : 0n;
  }

  #current(key: Key): LogRow | undefined {
    const row = this.#log.newest(key);
    return row?.kind === "put" ? row : undefined;
  }

  #checkLeases(ops: readonly Op[]): void {
    for (const op of ops) {
      if (op.op !== "put" || op.lease === undefined || op.lease === null) continue;
      if (!this.#log.hasLease(op.lease)) throw new LeaseGoneError(`lease ${op.lease} of key ${op.key} has ended`);
    }
  }

  #run(op: Op, writer: Writer): OpResult {
    switch (op.op) {
      case "get": {
        const page = this.#page(op.range, this.#log.revision, op);
        return { op: "get", ...page, count: this.#log.count(op.range) };
      }
      case "put": {
        const prev = writer.put(op.key, op.value, op.lease ?? null);
        return op.prevKv === true && prev !== undefined ? { op: "put", prevKv: toKeyValue(prev) } : { op: "put" };
      }
      default: {
        const doomed = this.#log.alive(op.range, this.#log.revision, Infinity, op.prevKv !== true);
        for (const { key } of doomed) writer.delete(key);
        const deleted = doomed.length;
        return op.prevKv === true ? { op: "delete", deleted, prevKvs: doomed } : { op: "delete", deleted };
      }
    }
  }

  #page(range: Range, revision: StoreRevision, options: { limit?: number; keysOnly?: boolean }) {
    const limit = options.limit ?? Infinity;
    const found = this.#log.alive(range, revision, limit + 1, options.keysOnly === true);
    const more = found.length > limit;
    return { kvs: more ? found.slice(0, limit) : found, more };
  }

  #event(row: LogRow, withPrev: boolean): WatchEvent {
    const before = withPrev && row.prevRevision > 0n ? this.#log.at(row.key, row.prevRevision) : undefined;
    const prev = before?.kind === "put" ? { prevKv: toKeyValue(before) } : {};
    return row.kind === "put"
      ? { type: "put", kv: toKeyValue(row), ...prev }
      : { type: "delete", key: row.key, modRevision: row.revision, ...prev };
  }
}

/** Writes the changes of one transaction; the revision begins with the first of them. */
class Writer {
  readonly #log: Log;
  readonly #wallMs: number;
  readonly #keys: Key[] = [];
  #revision: StoreRevision | undefined;

  constructor(log: Log, wallMs: number) {
    this.#log = log;
    this.#wallMs = wallMs;
  }

  put(key: Key, value: Uint8Array, lease: LeaseId | null): LogRow | undefined {
    const last = this.#log.newest(key);
    const current = last?.kind === "put" ? last : undefined;
    const revision = this.#begin();
    this.#append({
      revision,
      key,
      kind: "put",
      value,
      lease,
      createRevision: current?.createRevision ?? revision,
      version: (current?.version ?? 0n) + 1n,
      prevRevision: last?.revision ?? 0n,
    });
    return current;
  }

  delete(key: Key): void {
    const prevRevision = this.#log.newest(key)?.revision ?? 0n;
    const revision = this.#begin();
    const nothing = { value: new Uint8Array(), lease: null, createRevision: 0n, version: 0n };
    this.#append({ revision, key, kind: "delete", prevRevision, ...nothing });
  }

  committed(): Committed {
    return { revision: this.#log.revision, keys: this.#keys };
  }

  #begin(): StoreRevision {
    return (this.#revision ??= this.#log.begin(this.#wallMs));
  }

  #append(row: Omit<LogRow, "sub">): void {
    this.#log.append({ ...row, sub: this.#keys.length });
    this.#keys.push(row.key);
  }
}

/** A row that is a put, as readers see it. */
export function toKeyValue(row: LogRow): KeyValue {
  const { key, value, createRevision, version, lease } = row;
  return { key, value, createRevision, modRevision: row.revision, version, lease };
}

function holds(compare: Compare, row: LogRow | undefined): boolean {
  switch (compare.target) {
    case "value": {
      if (row === undefined) return false;
      return (Buffer.compare(row.value, compare.value) === 0) === (compare.op === "=");
    }
    case "lease":
      return ((row?.lease ?? null) === compare.value) === (compare.op === "=");
    default:
      return ordered(compare.op, numberOf(compare.target, row), compare.value);
  }
}

function numberOf(target: "mod" | "create" | "version", row: LogRow | undefined): bigint {
  if (row === undefined) return 0n;
  return { mod: row.revision, create: row.createRevision, version: row.version }[target];
}

function ordered(op: "=" | "!=" | "<" | ">", left: bigint, right: bigint): boolean {
  switch (op) {
    case "=":
      return left === right;
    case "!=":
      return left !== right;
    case "<":
      return left < right;
    default:
      return left > right;
  }
}
