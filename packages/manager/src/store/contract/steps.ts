/** The few steps that every case of the contract is made of: short ways to write, and to wait for what a watch delivers. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Key, Op, Range, Store, TxnResult, WatchItem, WatchOptions } from "../store.ts";

/** The keys that cases use. */
export const everything: Range = { start: "a", end: "{" };

/** Bytes of a text. */
export function bytes(value: string): Uint8Array {
  return Buffer.from(value);
}

/** A put. */
export function put(key: Key, value: string, lease?: string): Op {
  return { op: "put", key, value: bytes(value), ...(lease === undefined ? {} : { lease }) };
}

/** A deletion of one key. */
export function remove(key: Key): Op {
  return { op: "delete", range: { start: key } };
}

/** Writes without a condition. */
export async function write(store: Store, ...success: Op[]): Promise<TxnResult> {
  return await store.txn({ compare: [], success });
}

/** The value of a key; undefined when there is none. */
export async function valueOf(store: Store, key: Key): Promise<string | undefined> {
  const { kv } = await store.get(key);
  return kv === null ? undefined : Buffer.from(kv.value).toString();
}

/** Keys of a range in order. */
export async function keysOf(store: Store, range: Range = everything): Promise<Key[]> {
  return (await store.list(range)).kvs.map((kv) => kv.key);
}

/** Waits until `reached` holds, letting other work go on; fails after far too many turns. */
export async function until(what: string, reached: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 200_000; turn += 1) {
    if (await reached()) return;
    await setImmediate();
  }
  assert.fail(`never came: ${what}`);
}

/** A watch that runs beside the case and keeps what it delivers. */
export class Recorder implements AsyncDisposable {
  readonly items: WatchItem[] = [];
  /** What the watch ended with, if it failed. */
  error: unknown;
  ended = false;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(store: Store, range: Range, options: Omit<WatchOptions, "signal">) {
    this.#done = this.#run(store.watch(range, { ...options, signal: this.#stop.signal }));
  }

  /** One line per change: `<revision> put|delete <key>[=<value>]`. */
  get lines(): string[] {
    return this.items.flatMap((item) => {
      if (item.kind !== "events") return [];
      return item.events.map((event) =>
        event.type === "put"
          ? `${item.revision} put ${event.kv.key}=${Buffer.from(event.kv.value).toString()}`
          : `${item.revision} delete ${event.key}`,
      );
    });
  }

  async untilLines(count: number): Promise<void> {
    await until(`${count} changes, not ${this.lines.length}`, () => this.lines.length >= count || this.ended);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(watch: AsyncIterable<WatchItem>): Promise<void> {
    try {
      for await (const item of watch) this.items.push(item);
    } catch (error) {
      this.error = error;
    }
    this.ended = true;
  }
}
