/**
 * Reading a configuration without anybody waiting for it: a short one at once, a long one in a thread of its own, since a thousand
 * servers take a quarter of a second. One at a time, within bounds of time and memory.
 */
import { Worker } from "node:worker_threads";
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import { Semaphore } from "../base/semaphore.ts";
import { loadConfig } from "./load.ts";
import type { ParseAnswer, ParsedConfig, ParseTask } from "./parse-worker.ts";

/** Characters that are read in a few milliseconds. */
const shortMax = 16_384;
/** Texts that may wait for the one that is being read. */
const waitingMax = 8;
const timeMsMax = 30_000;
const memoryMbMax = 512;

export class ParseThread {
  readonly #clock: Clock;
  readonly #place = new Semaphore(1);
  #inHand = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * What the text says. Rejects with `invalid_argument` as `loadConfig` does; with `resource_exhausted` when it takes more than there
   * is, or too many wait; with the signal's reason.
   */
  async parse(task: ParseTask, signal?: AbortSignal): Promise<ParsedConfig> {
    signal?.throwIfAborted();
    const { text, ...options } = task;
    if (text.length <= shortMax) return loadConfig({ ...options, readFile: () => text });
    if (this.#inHand > waitingMax) throw exhausted("too many configurations are being read: try again in a moment");
    this.#inHand += 1;
    try {
      const release = await this.#place.acquire(signal);
      try {
        return await this.#inThread(task, signal);
      } finally {
        release();
      }
    } finally {
      this.#inHand -= 1;
    }
  }

  async #inThread(task: ParseTask, signal: AbortSignal | undefined): Promise<ParsedConfig> {
    const file = import.meta.url.endsWith(".ts") ? "./parse-worker.ts" : "./parse-worker.js";
    const resourceLimits = { maxOldGenerationSizeMb: memoryMbMax };
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: task,
      name: "configuration",
      resourceLimits,
    });
    const done = Promise.withResolvers<ParseAnswer>();
    const onAbort = (): void => done.reject(signal?.reason as Error);
    const expiry = this.#clock.after(timeMsMax, () =>
      done.reject(exhausted(`the configuration takes longer than ${timeMsMax / 1000} s to read: make it smaller`)),
    );
    signal?.addEventListener("abort", onAbort, { once: true });
    worker.once("message", (answer: ParseAnswer) => done.resolve(answer));
    worker.once("error", (cause) => done.reject(threadError(cause)));
    worker.once("exit", () => done.reject(exhausted("the configuration could not be read: its thread ended")));
    try {
      const answer = await done.promise;
      if (answer.kind === "read") return answer.config;
      const { code, message, reason, fields } = answer;
      throw new ManagerError(code, message, { reason, fields });
    } finally {
      expiry.cancel();
      signal?.removeEventListener("abort", onAbort);
      await worker.terminate();
    }
  }
}

function threadError(cause: unknown): ManagerError {
  const isMemory = cause instanceof Error && "code" in cause && cause.code === "ERR_WORKER_OUT_OF_MEMORY";
  return isMemory
    ? exhausted(`the configuration takes more than ${memoryMbMax} MiB to read: make it smaller`)
    : ManagerError.from(cause);
}

function exhausted(message: string): ManagerError {
  return new ManagerError("resource_exhausted", message, { retryAfterMs: 1_000 });
}
