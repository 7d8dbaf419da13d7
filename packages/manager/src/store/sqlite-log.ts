/**
 * The log in one SQLite file: one writer, write-ahead log, every commit on the disk before it is acknowledged. Synchronous,
 * so it lives in a worker thread (`sqlite-worker.ts`). It knows rows and SQL; what requests mean is in `mvcc.ts`.
 */
import type { SQLOutputValue, StatementSync } from "node:sqlite";
import { backup, DatabaseSync } from "node:sqlite";
import { invariant } from "../base/invariant.ts";
import type { LeaseRow, Log, LogRow } from "./mvcc.ts";
import { toKeyValue } from "./mvcc.ts";
import type { Key, KeyValue, LeaseId, Range, StoreRevision } from "./store.ts";

/** What a log in a file is opened with. */
export interface SqliteLogOptions {
  readonly path: string;
  /** The store's id if this file is new. */
  readonly newStoreId: string;
  /** Size that the file may not grow over; writes then fail as if the disk were full. */
  readonly bytesMax: number;
}

const pageBytes = 4096;
const schemaVersion = "1";
const probeBytes = 64 * 1024;
/** Pages copied between two looks at other work. */
const copyRate = 1000;

/* WITHOUT ROWID keeps rows in (rev, sub) order, which is the order that watches read. `log_cas` refuses a second row over the
   same predecessor: a guard behind the single writer. */
const schema = `
CREATE TABLE IF NOT EXISTS rev(rev INTEGER PRIMARY KEY AUTOINCREMENT, ts INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS log(
  rev INTEGER NOT NULL, sub INTEGER NOT NULL, key TEXT NOT NULL, kind INTEGER NOT NULL, value BLOB NOT NULL, lease INTEGER,
  create_rev INTEGER NOT NULL, version INTEGER NOT NULL, prev_rev INTEGER NOT NULL, PRIMARY KEY(rev, sub)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS log_cas ON log(key, prev_rev);
CREATE INDEX IF NOT EXISTS log_key ON log(key, rev DESC);
CREATE INDEX IF NOT EXISTS log_lease ON log(lease) WHERE lease IS NOT NULL;
CREATE TABLE IF NOT EXISTS cur(key TEXT PRIMARY KEY, rev INTEGER NOT NULL, sub INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lease(id INTEGER PRIMARY KEY AUTOINCREMENT, ttl_ms INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS meta(k TEXT PRIMARY KEY, v TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

const columns = "l.rev, l.sub, l.key, l.kind, l.value, l.lease, l.create_rev, l.version, l.prev_rev";
const keyColumns = "l.rev, l.sub, l.key, l.kind, x'' AS value, l.lease, l.create_rev, l.version, l.prev_rev";
const inRangeSql = "l.key >= :start AND l.key < :end";
const fromCurrent = "FROM cur c JOIN log l ON l.rev = c.rev AND l.sub = c.sub";
const fromHistory =
  "FROM log l WHERE l.kind = 1 AND l.rev = (SELECT max(h.rev) FROM log h WHERE h.key = l.key AND h.rev <= :revision)";

/** The largest LIMIT that SQLite takes. */
const noLimit = 2n ** 62n;

type Row = Record<string, SQLOutputValue>;
type Parameters = Record<string, string | bigint | number | Uint8Array | null>;

/** An open log; `close()` lets go of the file. */
export class SqliteLog implements Log {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly storeId: string;
  revision: StoreRevision;
  compactRevision: StoreRevision;

  /** Throws SQLite's "database is locked" when another process (or thread) has the file open. */
  constructor(options: SqliteLogOptions) {
    this.#db = new DatabaseSync(options.path, { timeout: 0 });
    try {
      this.#db.exec(`PRAGMA page_size=${pageBytes}; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL`);
      this.#db.exec("PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF");
      this.#db.exec(`PRAGMA max_page_count=${Math.floor(options.bytesMax / pageBytes)}`);
      this.atomically(() => this.#create(options.newStoreId));
      this.storeId = this.#meta("store_id");
      this.compactRevision = BigInt(this.#meta("compact_rev"));
      this.revision = this.#newestRevision();
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  sizeBytes(): number {
    return Number(this.#one("PRAGMA page_count")?.["page_count"] ?? 0) * pageBytes;
  }

  newest(key: Key): LogRow | undefined {
    return toRow(this.#one(`SELECT ${columns} FROM log l WHERE l.key = :key ORDER BY l.rev DESC LIMIT 1`, { key }));
  }

  at(key: Key, revision: StoreRevision): LogRow | undefined {
    return toRow(this.#one(`SELECT ${columns} FROM log l WHERE l.key = :key AND l.rev = :revision`, { key, revision }));
  }

  alive(range: Range, revision: StoreRevision, limit: number, keysOnly: boolean): KeyValue[] {
    const what = keysOnly ? keyColumns : columns;
    const bounds = { ...boundsOf(range), limit: limitOf(limit) };
    const current = revision === this.revision;
    const rows = current
      ? this.#all(
          `SELECT ${what} ${fromCurrent} WHERE c.key >= :start AND c.key < :end ORDER BY c.key LIMIT :limit`,
          bounds,
        )
      : this.#all(`SELECT ${what} ${fromHistory} AND ${inRangeSql} ORDER BY l.key LIMIT :limit`, {
          ...bounds,
          revision,
        });
    return toRows(rows).map(toKeyValue);
  }

  count(range: Range): number {
    const sql = "SELECT count(*) AS n FROM cur WHERE key >= :start AND key < :end";
    return Number(this.#one(sql, boundsOf(range))?.["n"] ?? 0);
  }

  since(range: Range, from: StoreRevision, limit: number): LogRow[] {
    const sql = `SELECT ${columns} FROM log l WHERE l.rev >= :from AND ${inRangeSql} ORDER BY l.rev, l.sub LIMIT :limit`;
    return toRows(this.#all(sql, { ...boundsOf(range), from, limit: limitOf(limit) }));
  }

  ofRevision(range: Range, revision: StoreRevision): LogRow[] {
    const sql = `SELECT ${columns} FROM log l WHERE l.rev = :revision AND ${inRangeSql} ORDER BY l.sub`;
    return toRows(this.#all(sql, { ...boundsOf(range), revision }));
  }

  /** One inside another is a part of it. */
  atomically<T>(change: () => T): T {
    if (this.#db.isTransaction) return change();
    const { revision, compactRevision } = this;
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const result = change();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      this.revision = revision;
      this.compactRevision = compactRevision;
      throw error;
    }
  }

  begin(wallMs: number): StoreRevision {
    const revision = this.revision + 1n;
    this.#run("INSERT INTO rev(rev, ts) VALUES(:revision, :ts)", { revision, ts: BigInt(Math.floor(wallMs)) });
    this.revision = revision;
    return revision;
  }

  append(row: LogRow): void {
    this.#run(
      `INSERT INTO log(rev, sub, key, kind, value, lease, create_rev, version, prev_rev)
       VALUES(:revision, :sub, :key, :kind, :value, :lease, :createRevision, :version, :prevRevision)`,
      { ...row, kind: row.kind === "put" ? 1 : 2, lease: row.lease === null ? null : BigInt(row.lease) },
    );
    const { key, revision, sub } = row;
    if (row.kind === "delete") this.#run("DELETE FROM cur WHERE key = :key", { key });
    else this.#run("INSERT OR REPLACE INTO cur(key, rev, sub) VALUES(:key, :revision, :sub)", { key, revision, sub });
  }

  leases(): LeaseRow[] {
    const rows = this.#all("SELECT id, ttl_ms FROM lease ORDER BY id");
    return rows.map((row) => ({ id: String(row["id"]), ttlMs: Number(row["ttl_ms"]) }));
  }

  hasLease(id: LeaseId): boolean {
    return isLeaseId(id) && this.#one("SELECT id FROM lease WHERE id = :id", { id: BigInt(id) }) !== undefined;
  }

  leaseKeys(id: LeaseId): Key[] {
    const sql = `SELECT c.key ${fromCurrent} WHERE l.lease = :id ORDER BY c.key`;
    return this.#all(sql, { id: BigInt(id) }).map((row) => String(row["key"]));
  }

  addLease(ttlMs: number): LeaseId {
    const added = this.#one("INSERT INTO lease(ttl_ms) VALUES(:ttlMs) RETURNING id", { ttlMs });
    return String(added?.["id"]);
  }

  removeLease(id: LeaseId): void {
    if (isLeaseId(id)) this.#run("DELETE FROM lease WHERE id = :id", { id: BigInt(id) });
  }

  setCompactRevision(revision: StoreRevision): void {
    this.#run("UPDATE meta SET v = :v WHERE k = 'compact_rev'", { v: String(revision) });
    this.#run("DELETE FROM rev WHERE rev < :revision", { revision });
    this.compactRevision = revision;
  }

  /** In log order, so that a key's older rows never outlive its deletion. A deletion at the compacted revision itself stays: a watch may begin there. */
  sweep(rowsMax: number): boolean {
    const removed = this.#run(
      `DELETE FROM log WHERE (rev, sub) IN (
         SELECT l.rev, l.sub FROM log l WHERE l.rev < :compact AND (
           l.kind = 2 OR EXISTS (SELECT 1 FROM log n WHERE n.key = l.key AND n.rev > l.rev AND n.rev <= :compact))
         ORDER BY l.rev, l.sub LIMIT :limit)`,
      { compact: this.compactRevision, limit: rowsMax },
    );
    return removed >= rowsMax;
  }

  revisionAt(wallMs: number): StoreRevision {
    const sql = "SELECT coalesce(max(rev), 0) AS rev FROM rev WHERE ts <= :ts";
    return integer(this.#one(sql, { ts: BigInt(Math.floor(wallMs)) })?.["rev"]);
  }

  /** Writes and removes as much as a usual request, so that success means space again. */
  probe(): void {
    const v = "x".repeat(probeBytes);
    this.atomically(() => this.#run("INSERT OR REPLACE INTO meta(k, v) VALUES('probe', :v)", { v }));
    this.atomically(() => this.#run("DELETE FROM meta WHERE k = 'probe'"));
  }

  /** Copies the store as it is to a new file at `path`, complete without a write-ahead log beside it, and checks the copy. */
  async copyTo(path: string): Promise<void> {
    await backup(this.#db, path, { rate: copyRate });
    const copy = new DatabaseSync(path);
    try {
      copy.exec("PRAGMA journal_mode=DELETE");
      const verdict = copy.prepare("PRAGMA quick_check").get()?.["quick_check"];
      if (verdict !== "ok") throw new Error(`the snapshot is damaged: ${String(verdict)}`);
    } finally {
      copy.close();
    }
  }

  close(): void {
    this.#db.close();
  }

  #create(newStoreId: string): void {
    this.#db.exec(schema);
    const known = this.#one("SELECT v FROM meta WHERE k = 'schema'")?.["v"];
    if (known !== undefined && known !== schemaVersion) {
      throw new Error(
        `the file has schema ${String(known)}, this program reads ${schemaVersion}; use the newer program`,
      );
    }
    if (known !== undefined) return;
    const insert = "INSERT INTO meta(k, v) VALUES(:k, :v)";
    this.#run(insert, { k: "schema", v: schemaVersion });
    this.#run(insert, { k: "store_id", v: newStoreId });
    this.#run(insert, { k: "compact_rev", v: "0" });
    this.#run("INSERT INTO rev(rev, ts) VALUES(1, 0)");
  }

  #newestRevision(): StoreRevision {
    return integer(this.#one("SELECT coalesce(max(rev), 1) AS rev FROM rev")?.["rev"]);
  }

  #meta(k: string): string {
    return String(this.#one("SELECT v FROM meta WHERE k = :k", { k })?.["v"]);
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      statement.setReadBigInts(true);
      statement.setAllowUnknownNamedParameters(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #all(sql: string, parameters: Parameters = {}): Row[] {
    return this.#statement(sql).all(parameters);
  }

  #one(sql: string, parameters: Parameters = {}): Row | undefined {
    return this.#statement(sql).get(parameters);
  }

  #run(sql: string, parameters: Parameters = {}): number {
    return Number(this.#statement(sql).run(parameters).changes);
  }
}

/** A single key is the range up to its least follower. */
function boundsOf(range: Range): { start: string; end: string } {
  return { start: range.start, end: range.end ?? `${range.start}!` };
}

function limitOf(limit: number): bigint {
  return Number.isFinite(limit) ? BigInt(limit) : noLimit;
}

function isLeaseId(id: LeaseId): boolean {
  return /^[0-9]{1,18}$/.test(id);
}

function toRows(rows: readonly Row[]): LogRow[] {
  return rows.flatMap((row) => toRow(row) ?? []);
}

function toRow(row: Row | undefined): LogRow | undefined {
  if (row === undefined) return undefined;
  const key = row["key"];
  const value = row["value"];
  const lease = row["lease"];
  invariant(typeof key === "string" && value instanceof Uint8Array, "a log row has a key and a value");
  return {
    revision: integer(row["rev"]),
    sub: Number(integer(row["sub"])),
    key,
    kind: row["kind"] === 1n ? "put" : "delete",
    value,
    lease: typeof lease === "bigint" ? String(lease) : null,
    createRevision: integer(row["create_rev"]),
    version: integer(row["version"]),
    prevRevision: integer(row["prev_rev"]),
  };
}

function integer(value: SQLOutputValue | undefined): bigint {
  invariant(typeof value === "bigint", "statements read integers as bigint");
  return value;
}
