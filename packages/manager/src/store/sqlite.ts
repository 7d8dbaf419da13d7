/**
 * The store in one SQLite file: the default of a single manager. SQLite is synchronous, so it works in a thread of its own
 * and a slow disk never stalls a call that passes through. This file talks to that thread; what requests mean is in
 * `mvcc.ts`, watches and leases in `local-store.ts`.
 */
import { createReadStream } from "node:fs";
import { chmod, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import { shortId, uuid } from "../base/ids.ts";
import type { Random } from "../base/random.ts";
import type { Engine, KeepAliveLink } from "./local-store.ts";
import { LocalStore } from "./local-store.ts";
import type { SqliteLogOptions } from "./sqlite-log.ts";
import type { WorkerAnswer, WorkerCall, WorkerError } from "./sqlite-worker.ts";
import * as errors from "./store.ts";

/** What a store in a file is opened with. */
export interface SqliteStoreOptions {
  /** The data directory; made with mode 0700 when it is not there. The store is `store.db` in it. */
  readonly directory: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Size over which the file does not grow; writes then fail with NoSpaceError. Default 2 GiB, as etcd's. */
  readonly bytesMax?: number;
  /** Hears that the thread died. Every request is refused from then on; the owner should stop the process. */
  readonly onFatal?: (error: Error) => void;
  /** Where keep-alives can get lost; tests and simulation only. Default: they never do. */
  readonly link?: KeepAliveLink;
}

const bytesMaxDefault = 2 * 1024 ** 3;

/**
 * Opens the store, making it when it is new. Rejects with ManagerError `failed_precondition` (reason DATA_DIRECTORY_IN_USE)
 * when another manager has the directory, `unavailable` when the file cannot be used.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<LocalStore> {
  const { directory } = options;
  const path = join(directory, "store.db");
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if (await wasEmptied(directory, path)) throw new Error(emptied);
    await (await open(path, "a", 0o600)).close(); // SQLite gives its other files the mode of this one
    await chmod(path, 0o600);
  } catch (cause) {
    throw unusable(directory, cause);
  }
  const thread = new Thread({
    path,
    newStoreId: uuid(options.random),
    bytesMax: options.bytesMax ?? bytesMaxDefault,
  });
  try {
    await thread.opened;
  } catch (error) {
    await thread.stop();
    throw error instanceof LockedError ? inUse(directory) : unusable(directory, error);
  }
  thread.onFatal = options.onFatal;
  return LocalStore.open({ ...options, engine: engineOn(thread, options) });
}

const emptied =
  "store.db is empty, and the directory has been in use; put a copy of the store there, or remove the file to begin with nothing";

/**
 * Whether a file was cut off to nothing, which SQLite would take for a new one. A first start that was cut short leaves such a file
 * too, but nothing beside it.
 */
async function wasEmptied(directory: string, path: string): Promise<boolean> {
  const size = await stat(path).then(
    (stats) => stats.size,
    () => undefined,
  );
  return size === 0 && (await readdir(directory)).some((name) => !name.startsWith("store.db"));
}

function inUse(directory: string): ManagerError {
  return new ManagerError(
    "failed_precondition",
    `the data directory ${directory} is in use by another manager; stop that one, or give this one another directory with --data`,
    { reason: "DATA_DIRECTORY_IN_USE", details: { directory } },
  );
}

function unusable(directory: string, cause: unknown): ManagerError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new ManagerError("unavailable", `the store in ${directory} cannot be opened: ${text}`, {
    reason: "STORE_UNUSABLE",
    details: { directory },
    cause,
  });
}

function engineOn(thread: Thread, options: SqliteStoreOptions): Engine {
  return {
    status: () => thread.call("status"),
    read: (...args) => thread.call("read", ...args),
    txn: (...args) => thread.call("txn", ...args),
    events: (...args) => thread.call("events", ...args),
    leases: () => thread.call("leases"),
    grant: (...args) => thread.call("grant", ...args),
    revoke: (...args) => thread.call("revoke", ...args),
    compact: (...args) => thread.call("compact", ...args),
    sweep: () => thread.call("sweep"),
    horizon: (...args) => thread.call("horizon", ...args),
    probe: () => thread.call("probe"),
    snapshot: () => snapshot(thread, options),
    close: () => thread.close(),
  };
}

/** The copy is a file beside the store for as long as it is read. */
async function* snapshot(thread: Thread, options: SqliteStoreOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const path = join(options.directory, `snapshot-${shortId(options.random, 12)}.tmp`);
  try {
    await thread.call("copyTo", path);
    yield* createReadStream(path) as AsyncIterable<Buffer>;
  } finally {
    await rm(path, { force: true });
  }
}

type CallName = WorkerCall["call"];
type CallOf<K extends CallName> = Extract<WorkerCall, { readonly call: K }>;
type AnswerOf<K extends CallName> = K extends keyof Engine ? Awaited<ReturnType<Engine[K]>> : void;

interface Pending {
  readonly call: CallName;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

class LockedError extends Error {
  override readonly name = "LockedError";
}

/** Calls that change something: when the thread dies under one, nobody knows whether it was applied. */
const writes: ReadonlySet<CallName> = new Set(["txn", "grant", "revoke", "compact", "sweep", "probe"]);

/** Calls that share no commit with others: they are about the file, not about what is in it. */
const alone: ReadonlySet<CallName> = new Set(["probe", "copyTo", "close"]);
/** Calls in one message; more are sent as several. */
const groupMax = 256;

/** The worker thread as a list of calls under way. It keeps the process alive only while there are some. */
class Thread {
  readonly opened: Promise<unknown>;
  onFatal: ((error: Error) => void) | undefined;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  /** Called in this turn and not sent yet. */
  #calls: WorkerCall[] = [];
  #sending: NodeJS.Immediate | undefined;
  #lastId = 0;
  #dead: Error | undefined;

  constructor(options: SqliteLogOptions) {
    const file = import.meta.url.endsWith(".ts") ? "./sqlite-worker.ts" : "./sqlite-worker.js";
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData: options, name: "store" });
    this.#worker.on("message", (answers: readonly WorkerAnswer[]) => this.#settle(answers));
    this.#worker.on("error", (error) => this.#die(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on("exit", (status) => this.#die(new Error(`the store's thread ended with status ${status}`)));
    this.opened = this.#expect(0, "status");
  }

  async call<K extends CallName>(call: K, ...args: CallOf<K>["args"]): Promise<AnswerOf<K>> {
    if (this.#dead !== undefined) throw new errors.UnavailableError(`the store is away: ${this.#dead.message}`);
    this.#lastId += 1;
    const answer = this.#expect(this.#lastId, call);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `call` and `args` belong together
    this.#enqueue({ id: this.#lastId, call, args } as WorkerCall);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the thread answers each call with that call's result
    return (await answer) as AnswerOf<K>;
  }

  #enqueue(call: WorkerCall): void {
    const isAlone = alone.has(call.call);
    if (isAlone || this.#calls.length >= groupMax) this.#send();
    this.#calls.push(call);
    if (isAlone) this.#send();
    else this.#sending ??= setImmediate(() => this.#send());
  }

  /** What was called in one turn goes as one message: the thread commits it in one go. */
  #send(): void {
    clearImmediate(this.#sending);
    this.#sending = undefined;
    if (this.#calls.length > 0 && this.#dead === undefined) this.#worker.postMessage(this.#calls, []);
    this.#calls = [];
  }

  /** Lets calls under way finish, then closes the file and ends the thread. */
  async close(): Promise<void> {
    if (this.#dead === undefined) await this.call("close").catch(() => undefined);
    await this.stop();
  }

  async stop(): Promise<void> {
    this.#dead ??= new Error("it was closed");
    await this.#worker.terminate();
  }

  #expect(id: number, call: CallName): Promise<unknown> {
    if (this.#pending.size === 0) this.#worker.ref();
    return new Promise((resolve, reject) => this.#pending.set(id, { call, resolve, reject }));
  }

  #settle(answers: readonly WorkerAnswer[]): void {
    for (const answer of answers) {
      const pending = this.#pending.get(answer.id);
      this.#pending.delete(answer.id);
      if (answer.ok) pending?.resolve(answer.value);
      else pending?.reject(toError(answer.error));
    }
    if (this.#pending.size === 0) this.#worker.unref();
  }

  #die(error: Error): void {
    for (const { call, reject } of this.#pending.values()) {
      const text = `the store's thread died during ${call}: ${error.message}`;
      reject(writes.has(call) ? new errors.UncertainError(text) : new errors.UnavailableError(text));
    }
    this.#pending.clear();
    if (this.#dead !== undefined) return;
    this.#dead = error;
    this.onFatal?.(error);
  }
}

function toError(error: WorkerError): Error {
  const { code, message } = error;
  switch (code) {
    case "COMPACTED":
      return new errors.CompactedError(error.compactRevision ?? 0n);
    case "FUTURE_REVISION":
      return new errors.FutureRevisionError(message);
    case "LEASE_GONE":
      return new errors.LeaseGoneError(message);
    case "LIMIT":
      return new errors.LimitError(message);
    case "NO_SPACE":
      return new errors.NoSpaceError(`the store has no space left: ${message}`);
    case "LOCKED":
      return new LockedError(message);
    default:
      return new errors.UnavailableError(`the store failed: ${message}`);
  }
}
