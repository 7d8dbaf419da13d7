/**
 * Notices that a file is another than it was: written in place, replaced by a rename, reached through a link that was swapped (as
 * Kubernetes does with a ConfigMap), or gone. The directory is watched, since a watch of the file would stay with what was replaced;
 * and it is looked at now and then all the same, for file systems that tell nobody. It reads no content.
 */
import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "../base/clock.ts";

export interface FileWatchOptions {
  /** Absolute. */
  readonly path: string;
  readonly clock: Clock;
  /** The file is another, and has been the same for 200 ms. Must not throw. */
  readonly onChange: () => void;
}

/** Whoever writes a file in several goes is done after so long without one. */
const settleMs = 200;
/** How often it is looked at when nothing was heard. */
const pollMs = 10_000;

export class FileWatch implements AsyncDisposable {
  readonly #options: FileWatchOptions;
  readonly #ended = new AbortController();
  readonly #done: Promise<void>;
  #watcher: FSWatcher | undefined;
  /** Which directory the watcher is on; one of the same name may have taken its place. */
  #watched: string | undefined;
  #stirred = Promise.withResolvers<void>();

  /** Watches from here on. */
  constructor(options: FileWatchOptions) {
    this.#options = options;
    // Only its end rejects.
    this.#done = this.#follow().catch(() => undefined);
  }

  async #follow(): Promise<void> {
    const { path, onChange } = this.#options;
    let known = await look(path);
    for (;;) {
      await this.#watchDirectory();
      const seen = await this.#settled();
      if (seen !== known) onChange();
      known = seen;
      await this.#stir();
    }
  }

  /** How the file looks once it looks the same twice. */
  async #settled(): Promise<string> {
    const { path, clock } = this.#options;
    let seen = await look(path);
    for (;;) {
      await clock.sleep(settleMs, this.#ended.signal);
      const again = await look(path);
      if (again === seen) return seen;
      seen = again;
    }
  }

  /** Resolves when something happened in the directory, or it is time to look anyway. */
  async #stir(): Promise<void> {
    const poll = this.#options.clock.after(pollMs, () => this.#stirred.resolve());
    await this.#stirred.promise;
    poll.cancel();
    this.#ended.signal.throwIfAborted();
    this.#stirred = Promise.withResolvers();
  }

  /** Without a watcher (too many are open, no such directory) there is the poll. */
  async #watchDirectory(): Promise<void> {
    const directory = dirname(this.#options.path);
    const identity = await identityOf(directory);
    if (this.#watcher !== undefined && identity === this.#watched) return;
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#watched = identity;
    if (this.#ended.signal.aborted) return;
    try {
      this.#watcher = watch(directory, { persistent: false }, () => this.#stirred.resolve());
      this.#watcher.on("error", () => {
        this.#watcher?.close();
        this.#watcher = undefined;
      });
    } catch {
      this.#watcher = undefined;
    }
  }

  /** Nothing is called any more when it resolves. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    this.#stirred.resolve();
    await this.#done;
    this.#watcher?.close();
  }
}

/** Another text for anything that another content would come with. */
async function look(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

async function identityOf(directory: string): Promise<string> {
  const { dev, ino } = await stat(directory, { bigint: true }).catch(() => ({ dev: 0, ino: 0 }));
  return `${dev} ${ino}`;
}
