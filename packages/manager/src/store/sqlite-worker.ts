/**
 * The worker thread of the SQLite store: takes calls in order, answers each, holds no state but the open log. Calls that come in
 * one message share one commit, and so one wait for the disk. It is started by `sqlite.ts` and never by anybody else.
 */
import { parentPort, workerData } from "node:worker_threads";
import { invariant, unreachable } from "../base/invariant.ts";
import { Mvcc } from "./mvcc.ts";
import type { SqliteLogOptions } from "./sqlite-log.ts";
import { SqliteLog } from "./sqlite-log.ts";
import type { StoreErrorCode } from "./store.ts";
import { CompactedError, StoreError } from "./store.ts";

/** Calls of the log itself, beside those of `Mvcc`. */
interface LogCalls {
  probe(): void;
  copyTo(path: string): Promise<void>;
  close(): void;
}

type Calls = Pick<Mvcc, keyof Mvcc> & LogCalls;

/** One call: which, with what. The answer bears the same id. Calls and answers are sent as arrays. */
export type WorkerCall = {
  [K in keyof Calls]: { readonly id: number; readonly call: K; readonly args: Parameters<Calls[K]> };
}[keyof Calls];

/** Errors cross threads as data. */
export interface WorkerError {
  /** `LOCKED`: another process has the file; `INTERNAL`: SQLite or the disk failed, nothing was applied. */
  readonly code: StoreErrorCode | "LOCKED" | "INTERNAL";
  readonly message: string;
  readonly compactRevision?: bigint;
}

/** Id 0 answers the opening itself. */
export type WorkerAnswer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: WorkerError };

type Perform = (call: WorkerCall) => unknown;

/** SQLite's result codes (sqlite.org/rescode.html). */
const sqliteBusy = 5;
const sqliteFull = 13;

function serve(port: NonNullable<typeof parentPort>, options: SqliteLogOptions): void {
  const answer = (answers: readonly WorkerAnswer[]): void => port.postMessage(answers, []);
  let log: SqliteLog;
  try {
    log = new SqliteLog(options);
  } catch (error) {
    return answer([{ id: 0, ok: false, error: toData(error) }]);
  }
  const mvcc = new Mvcc(log);
  const perform = (call: WorkerCall): unknown => performOn(log, mvcc, call);
  port.on("message", (calls: readonly WorkerCall[]) => {
    const [first] = calls;
    if (first?.call === "copyTo") void copy(log, first).then((copied) => answer([copied]));
    else answer(together(log, calls, perform) ?? calls.map((call) => verdictOn(call, perform)));
  });
  answer([{ id: 0, ok: true, value: undefined }]);
}

/** All of them in order and in one commit; undefined when one failed: then nothing was kept, and each has to be tried by itself. */
function together(log: SqliteLog, calls: readonly WorkerCall[], perform: Perform): WorkerAnswer[] | undefined {
  if (calls.length === 1) return undefined;
  try {
    return log.atomically(() => calls.map((call) => ({ id: call.id, ok: true, value: perform(call) })));
  } catch {
    return undefined;
  }
}

function verdictOn(call: WorkerCall, perform: Perform): WorkerAnswer {
  try {
    return { id: call.id, ok: true, value: perform(call) };
  } catch (error) {
    return { id: call.id, ok: false, error: toData(error) };
  }
}

/** Async, so that others get their turn; it comes alone. */
async function copy(log: SqliteLog, { id, args }: Extract<WorkerCall, { call: "copyTo" }>): Promise<WorkerAnswer> {
  try {
    return { id, ok: true, value: await log.copyTo(...args) };
  } catch (error) {
    return { id, ok: false, error: toData(error) };
  }
}

/** Everything but the copy is done when this returns. */
function performOn(log: SqliteLog, mvcc: Mvcc, message: WorkerCall): unknown {
  switch (message.call) {
    case "status":
      return mvcc.status();
    case "read":
      return mvcc.read(...message.args);
    case "txn":
      return mvcc.txn(...message.args);
    case "events":
      return mvcc.events(...message.args);
    case "leases":
      return mvcc.leases();
    case "grant":
      return mvcc.grant(...message.args);
    case "revoke":
      return mvcc.revoke(...message.args);
    case "compact":
      return mvcc.compact(...message.args);
    case "sweep":
      return mvcc.sweep();
    case "horizon":
      return mvcc.horizon(...message.args);
    case "probe":
      return log.probe();
    case "close":
      return log.close();
    case "copyTo":
      throw new Error("a copy comes alone");
    default:
      return unreachable(message);
  }
}

function toData(error: unknown): WorkerError {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof CompactedError) return { code: error.code, message, compactRevision: error.compactRevision };
  if (error instanceof StoreError) return { code: error.code, message };
  const sqlite = error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : 0;
  if (sqlite === sqliteFull) return { code: "NO_SPACE", message };
  return { code: sqlite === sqliteBusy ? "LOCKED" : "INTERNAL", message };
}

invariant(parentPort !== null, "sqlite-worker.ts runs as a worker thread");
const options: SqliteLogOptions = workerData;
serve(parentPort, options);
