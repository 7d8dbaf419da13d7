/**
 * The contract between the control plane and its store: revisioned keys, multi-key transactions, watches, leases and
 * leadership, with the same meaning on every implementation. It is the intersection of what etcd v3 and one SQLite file can
 * do alike. This file owns types and errors only; it never touches a store.
 */

/** Store-wide number of a committed write transaction: strictly increasing, one per transaction that changed something. */
export type StoreRevision = bigint;

/** Names a lease at the store; an opaque decimal string. */
export type LeaseId = string;

/** 1 to 512 characters of `[A-Za-z0-9._~%/-]`, so that byte order, UTF-16 order and SQLite's BINARY order are one. */
export type Key = string;

/** One key as it stands at some revision. The value belongs to the store: read it, never write into it. */
export interface KeyValue {
  readonly key: Key;
  readonly value: Uint8Array;
  /** Revision that made the key; a key that is deleted and made again gets a new one. */
  readonly createRevision: StoreRevision;
  /** Revision of the last put. */
  readonly modRevision: StoreRevision;
  /** 1 when made, one more with each put. */
  readonly version: bigint;
  /** The lease the key dies with. */
  readonly lease: LeaseId | null;
}

/** The keys from `start` up to, not including, `end`; without `end` the one key `start`. `prefix()` in `key.ts` builds one. */
export interface Range {
  readonly start: Key;
  readonly end?: Key;
}

/**
 * A condition of a transaction. An absent key has mod, create and version 0 and no lease; a comparison of its value never
 * holds, whichever the operator.
 */
export type Compare =
  | {
      readonly key: Key;
      readonly target: "mod" | "create" | "version";
      readonly op: "=" | "!=" | "<" | ">";
      readonly value: bigint;
    }
  | { readonly key: Key; readonly target: "lease"; readonly op: "=" | "!="; readonly value: LeaseId | null }
  | { readonly key: Key; readonly target: "value"; readonly op: "=" | "!="; readonly value: Uint8Array };

/** One step of a transaction. Steps run in order and see the writes of those before them. */
export type Op =
  | { readonly op: "get"; readonly range: Range; readonly limit?: number; readonly keysOnly?: boolean }
  | {
      readonly op: "put";
      readonly key: Key;
      readonly value: Uint8Array;
      /** Absent or null detaches the key from its lease. */
      readonly lease?: LeaseId | null;
      readonly prevKv?: boolean;
    }
  | { readonly op: "delete"; readonly range: Range; readonly prevKv?: boolean };

/** What one step answered, in the order of the steps. */
export type OpResult =
  | { readonly op: "get"; readonly kvs: readonly KeyValue[]; readonly count: number; readonly more: boolean }
  | { readonly op: "put"; readonly prevKv?: KeyValue }
  | { readonly op: "delete"; readonly deleted: number; readonly prevKvs?: readonly KeyValue[] };

/** All or nothing, at one revision. */
export interface TxnRequest {
  /** All must hold for `success` to run; otherwise `failure` runs. */
  readonly compare: readonly Compare[];
  /** In one branch a key may be put once, and not be put when a delete of the branch covers it: LimitError. */
  readonly success: readonly Op[];
  readonly failure?: readonly Op[];
}

/** Which branch ran, at which revision the store stands after it, and the answers of its steps. */
export interface TxnResult {
  readonly succeeded: boolean;
  readonly revision: StoreRevision;
  readonly results: readonly OpResult[];
}

/** How to read. Default: the newest state, agreed with the majority. */
export interface ReadOptions {
  /** `linearizable` (default) sees every write acknowledged before; `local` may be older. */
  readonly consistency?: "linearizable" | "local";
  /** Read as of exactly this revision; CompactedError or FutureRevisionError when that cannot be. */
  readonly revision?: StoreRevision;
  /** Keys at most; at least 1. Default: all. */
  readonly limit?: number;
  /** Leave the values out (they come back empty). */
  readonly keysOnly?: boolean;
  readonly signal?: AbortSignal;
}

/** Keys in order. `more` says that `limit` cut the list; `revision` is where to watch from, plus one. */
export interface ListResult {
  readonly revision: StoreRevision;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
}

/** One change of one key. `prevKv` only when asked for, and when it is not compacted away. */
export type WatchEvent =
  | { readonly type: "put"; readonly kv: KeyValue; readonly prevKv?: KeyValue }
  | { readonly type: "delete"; readonly key: Key; readonly modRevision: StoreRevision; readonly prevKv?: KeyValue };

/** What a watch yields. */
export type WatchItem =
  /** Every event of one revision inside the range, together and in step order; revisions strictly increase. */
  | { readonly kind: "events"; readonly revision: StoreRevision; readonly events: readonly WatchEvent[] }
  /** Everything up to this revision has been delivered. */
  | { readonly kind: "progress"; readonly revision: StoreRevision }
  /** State of the link to the store; what was delivered stays valid. */
  | { readonly kind: "link"; readonly state: "live" | "stale"; readonly sinceMs: number };

/** How to watch. */
export interface WatchOptions {
  /** Delivers every event of this revision and later; usually a list's revision plus one. There is no implicit "now". */
  readonly from: StoreRevision;
  readonly prevKv?: boolean;
  readonly signal?: AbortSignal;
  /** Events held for a slow reader before reading on waits for it; nothing is dropped. Default 1000. */
  readonly maxBuffered?: number;
}

/** A lease that is kept alive by its holder's process until it is revoked, lost or the store is closed. */
export interface Lease {
  readonly id: LeaseId;
  readonly ttlMs: number;
  /** Monotonic milliseconds until the holder must have stopped acting on it: last acknowledged keep-alive, plus TTL, less a margin. */
  remainingMs(): number;
  /** Resolves once, when `remainingMs()` reaches 0 or the store says that it is gone, whichever is first: before its keys can vanish. */
  readonly lost: Promise<LeaseLost>;
  /** Ends the lease and deletes its keys. A lease already gone is no error. */
  revoke(): Promise<void>;
}

/** Why a lease, or what hung on it, is no longer held. */
export interface LeaseLost {
  readonly reason: "expired-locally" | "expired-remotely" | "revoked" | "closed";
}

/** Proof of leadership. The guard goes into every write made as leader; the token fences effects outside the store. */
export interface Leadership {
  readonly role: string;
  readonly holder: string;
  /** Revision that made the leader's key: strictly increases from leader to leader. */
  readonly token: bigint;
  readonly guard: Compare;
  readonly lost: Promise<LeaseLost>;
  /** Gives the role to the next candidate; resigning twice, or after the loss, is no error. */
  resign(): Promise<void>;
}

/** Who leads a role. */
export interface Leader {
  readonly holder: string;
  readonly token: bigint;
}

/** What one request may hold. */
export interface StoreLimits {
  /** Steps of both branches together, and compares, each. */
  readonly maxOps: number;
  readonly maxValueBytes: number;
  /** Keys and values of a transaction together. */
  readonly maxTxnBytes: number;
  readonly minLeaseTtlMs: number;
}

/** How the store is. */
export interface StoreStatus {
  /** `read-only`: no space left; reads and watches go on, and it heals by itself when there is space again. */
  readonly state: "ok" | "read-only" | "unavailable";
  /** Another id than before means another store: drop caches and list again. */
  readonly storeId: string;
  readonly revision: StoreRevision;
  /** Reads below this revision are refused; 0 when nothing was compacted. */
  readonly compactRevision: StoreRevision;
  readonly sizeBytes: number;
  /** Monotonic age of the last proof of life; 0 for a store in this process. */
  readonly lastContactMs: number;
}

/** The store. Every method but `close` rejects with a StoreError. */
export interface Store {
  readonly limits: StoreLimits;
  get(key: Key, options?: ReadOptions): Promise<{ readonly revision: StoreRevision; readonly kv: KeyValue | null }>;
  list(range: Range, options?: ReadOptions): Promise<ListResult>;
  txn(request: TxnRequest, options?: { readonly signal?: AbortSignal }): Promise<TxnResult>;
  /**
   * Hides reconnects; never skips, repeats or reorders. Ends by the signal or `close()` (quietly), or by CompactedError or
   * StoreResetError (list again, then watch on).
   */
  watch(range: Range, options: WatchOptions): AsyncIterable<WatchItem>;
  /** A lease, kept alive from now on. LimitError below `limits.minLeaseTtlMs`. */
  grantLease(ttlMs: number, options?: { readonly signal?: AbortSignal }): Promise<Lease>;
  /**
   * Waits until elected. `role` is the key prefix that the candidates' keys stand under (`…/leaders/scheduler`). Aborting
   * removes the candidacy; an aborted or expired candidacy never resolves. LeaseGoneError when the lease ends meanwhile.
   */
  campaign(
    role: string,
    holder: string,
    lease: Lease,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Leadership>;
  /** The leader now and after each change; null while there is none. */
  observeLeader(role: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<Leader | null>;
  /** Forgets what was overwritten or deleted before `revision`. CompactedError when done already, FutureRevisionError when not yet reached. */
  compact(revision: StoreRevision): Promise<void>;
  /** A consistent copy at one revision, in the implementation's own format. */
  snapshot(options?: { readonly signal?: AbortSignal }): AsyncIterable<Uint8Array>;
  status(): Promise<StoreStatus>;
  /** Ends every watch and timer. Leases stay at the store until their TTL is over. May be called twice. */
  close(): Promise<void>;
}

/** Codes of the store's errors. */
export type StoreErrorCode =
  | "COMPACTED"
  | "FUTURE_REVISION"
  | "STORE_RESET"
  | "UNAVAILABLE"
  | "UNCERTAIN"
  | "NO_SPACE"
  | "LEASE_GONE"
  | "LIMIT";

/** What a store rejects with. `retryable`: the same request may succeed later as it is. */
export abstract class StoreError extends Error {
  abstract readonly code: StoreErrorCode;
  abstract readonly retryable: boolean;
}

/** What was asked for lies below the compacted revision: list again. */
export class CompactedError extends StoreError {
  override readonly name = "CompactedError";
  readonly code = "COMPACTED";
  readonly retryable = false;
  readonly compactRevision: StoreRevision;

  constructor(compactRevision: StoreRevision) {
    super(`the store forgot what was before revision ${compactRevision}; list again and go on from there`);
    this.compactRevision = compactRevision;
  }
}

/** The revision asked for does not exist yet. */
export class FutureRevisionError extends StoreError {
  override readonly name = "FutureRevisionError";
  readonly code = "FUTURE_REVISION";
  readonly retryable = true;
}

/** The store's revision went back, or it is another store (restored from a backup): list from scratch. */
export class StoreResetError extends StoreError {
  override readonly name = "StoreResetError";
  readonly code = "STORE_RESET";
  readonly retryable = false;
}

/** The store cannot be reached; the request was definitely not applied. */
export class UnavailableError extends StoreError {
  override readonly name = "UnavailableError";
  readonly code = "UNAVAILABLE";
  readonly retryable = true;
}

/** The request may or may not have been applied: read back before trying again. */
export class UncertainError extends StoreError {
  override readonly name = "UncertainError";
  readonly code = "UNCERTAIN";
  readonly retryable = false;
}

/** No space left to write; not applied. */
export class NoSpaceError extends StoreError {
  override readonly name = "NoSpaceError";
  readonly code = "NO_SPACE";
  readonly retryable = false;
}

/** The lease has ended; not applied. */
export class LeaseGoneError extends StoreError {
  override readonly name = "LeaseGoneError";
  readonly code = "LEASE_GONE";
  readonly retryable = false;
}

/** The request breaks a rule or a limit of the contract; not applied. */
export class LimitError extends StoreError {
  override readonly name = "LimitError";
  readonly code = "LIMIT";
  readonly retryable = false;
}
