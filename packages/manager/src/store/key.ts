/**
 * Keys, ranges and the checks that every implementation makes before a request leaves: charset, sizes, counts, duplicate
 * writes. Pure; it never reads a store.
 */
import type { Compare, Key, Op, Range, ReadOptions, StoreLimits, TxnRequest } from "./store.ts";
import { LimitError } from "./store.ts";

/**
 * The limits of the embedded stores. They lie inside etcd's defaults (128 operations, 1.5 MiB a request, lease of at least
 * 2 s), so that what fits here fits there.
 */
export const storeLimits: StoreLimits = {
  maxOps: 128,
  maxValueBytes: 256 * 1024,
  maxTxnBytes: 1024 * 1024,
  minLeaseTtlMs: 2000,
};

const keyLengthMax = 512;
const keyPattern = /^[A-Za-z0-9._~%/-]+$/;
/** A bound may stand just beyond a key: one more character, or the last one raised by one. */
const boundPattern = /^[\x21-\x7f]+$/;

/** Throws LimitError unless `key` is one that every store takes. */
export function checkKey(key: Key): void {
  if (key.length === 0 || key.length > keyLengthMax || !keyPattern.test(key)) {
    throw new LimitError(
      `key ${JSON.stringify(key.slice(0, 80))} is not 1 to ${keyLengthMax} characters of [A-Za-z0-9._~%/-]`,
    );
  }
}

/** Throws LimitError unless the range's bounds can stand beside keys. */
export function checkRange(range: Range): void {
  if (range.end === undefined) return checkKey(range.start);
  for (const bound of [range.start, range.end]) {
    if (bound.length === 0 || bound.length > keyLengthMax + 1 || !boundPattern.test(bound)) {
      throw new LimitError(`range bound ${JSON.stringify(bound.slice(0, 80))} is not 1 to 513 printable characters`);
    }
  }
}

/** The keys that begin with `start`. */
export function prefix(start: Key): Range {
  checkKey(start);
  return { start, end: start.slice(0, -1) + String.fromCharCode(start.charCodeAt(start.length - 1) + 1) };
}

/** The least bound above `key`: `{start: after(lastKey), end}` is the next page of a list. */
export function after(key: Key): Key {
  return `${key}!`;
}

/** Whether `key` lies in `range`. */
export function inRange(range: Range, key: Key): boolean {
  return range.end === undefined ? key === range.start : key >= range.start && key < range.end;
}

/** Throws LimitError unless the options can be served. */
export function checkRead(options: ReadOptions | undefined): void {
  checkLimit(options?.limit);
  if (options?.revision !== undefined && options.revision < 1n) {
    throw new LimitError(`revision ${options.revision} does not exist; revisions begin at 1`);
  }
}

function checkLimit(limit: number | undefined): void {
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 1)) {
    throw new LimitError(`limit ${limit} is not a whole number of at least 1`);
  }
}

/** Throws LimitError when the transaction breaks a rule of the contract or a limit. */
export function checkTxn(request: TxnRequest, limits: StoreLimits): void {
  const failure = request.failure ?? [];
  const opsCount = request.success.length + failure.length;
  if (opsCount > limits.maxOps || request.compare.length > limits.maxOps) {
    throw new LimitError(
      `a transaction may have ${limits.maxOps} operations and as many compares, not ${opsCount} and ${request.compare.length}`,
    );
  }
  for (const compare of request.compare) checkKey(compare.key);
  for (const branch of [request.success, failure]) checkBranch(branch, limits);
  const bytes =
    sum(request.compare, compareBytes) + sum(request.success, (op) => opBytes(op)) + sum(failure, (op) => opBytes(op));
  if (bytes > limits.maxTxnBytes) {
    throw new LimitError(`a transaction may hold ${limits.maxTxnBytes} bytes, not ${bytes}`);
  }
}

function checkBranch(branch: readonly Op[], limits: StoreLimits): void {
  const puts = new Set<Key>();
  for (const op of branch) {
    if (op.op === "put") {
      checkKey(op.key);
      checkValue(op.key, op.value, limits);
      if (puts.has(op.key)) throw new LimitError(`key ${op.key} is put twice in one transaction`);
      puts.add(op.key);
    } else {
      checkRange(op.range);
      if (op.op === "get") checkLimit(op.limit);
    }
  }
  for (const op of branch) {
    if (op.op !== "delete") continue;
    for (const key of puts) {
      if (inRange(op.range, key)) throw new LimitError(`key ${key} is put and deleted in one transaction`);
    }
  }
}

function checkValue(key: Key, value: Uint8Array, limits: StoreLimits): void {
  if (value.byteLength > limits.maxValueBytes) {
    throw new LimitError(`value of ${key} has ${value.byteLength} bytes; at most ${limits.maxValueBytes} are stored`);
  }
}

function compareBytes(compare: Compare): number {
  return compare.key.length + (compare.target === "value" ? compare.value.byteLength : 0);
}

function opBytes(op: Op): number {
  return op.op === "put" ? op.key.length + op.value.byteLength : op.range.start.length + (op.range.end?.length ?? 0);
}

function sum<T>(items: readonly T[], measure: (item: T) => number): number {
  return items.reduce((total, item) => total + measure(item), 0);
}
