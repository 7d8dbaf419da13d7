/**
 * The worker thread of the SQLite store: takes calls in order, answers each, holds no state but the open log. It is started
 * by `sqlite.ts` and never by anybody else.
 */
import type { Transferable } from "node:worker_threads";
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

/** One call: which, with what. The answer bears the same id. */
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

/** SQLite's result codes (sqlite.org/rescode.html). */
const sqliteBusy = 5;
const sqliteFull = 13;

function serve(port: NonNullable<typeof parentPort>, options: SqliteLogOptions): void {
  const answer = (message: WorkerAnswer, transfer: Transferable[] = []): void => port.postMessage(message, transfer);
  let log: SqliteLog;
  try {
    log = new SqliteLog(options);
  } catch (error) {
    return answer({ id: 0, ok: false, error: toData(error) });
  }
  const mvcc = new Mvcc(log);
  port.on("message", (message: WorkerCall) => {
    const { id } = message;
    void perform(log, mvcc, message).then(
      (value) => answer({ id, ok: true, value }),
      (error: unknown) => answer({ id, ok: false, error: toData(error) }),
    );
  });
  answer({ id: 0, ok: true, value: undefined });
}

/** Async only for the copy; everything else is done when this returns, so calls are served in order. */
async function perform(log: SqliteLog, mvcc: Mvcc, message: WorkerCall): Promise<unknown> {
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
    case "copyTo":
      return await log.copyTo(...message.args);
    case "close":
      return log.close();
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
