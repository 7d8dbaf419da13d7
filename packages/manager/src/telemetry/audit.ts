/**
 * Who did what, with which outcome: JSON lines in a file that is only appended to, and replaced by the next when it is full. Owns
 * the files and their bound. Writing never delays the one who records: entries wait in memory, bounded, and what does not fit is
 * counted in the next line. Never holds arguments, results or credentials.
 */
import { chmod, mkdir, open, rename, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname, extname } from "node:path";
import type { Clock, Timer } from "../base/clock.ts";
import { LineBuffer } from "./line-buffer.ts";
import type { Logger } from "./logger.ts";

/** One thing that somebody did or tried to. */
export interface AuditEntry {
  /** Name of the principal; absent when the credential was refused. */
  readonly who?: string;
  /** How they proved it: `api-key`, `admin-key`. */
  readonly authMethod?: string;
  /** What was asked for: an operation's or a method's name, `applyServer`, `tools/call`. */
  readonly action: string;
  /** To what: `servers/weather`, `servers/weather/tools/forecast`. */
  readonly target?: string;
  readonly outcome: "allowed" | "denied" | "failed";
  /** Why not, in a code or a few words; never what was sent. */
  readonly reason?: string;
  /** The peer's address. */
  readonly address?: string;
}

/** Takes entries. Recording never throws and never waits. */
export interface Audit extends AsyncDisposable {
  record(entry: AuditEntry): void;
  /** Resolves when everything recorded before is in the file. */
  flush(): Promise<void>;
}

/** Keeps nothing; for when auditing is switched off. */
export const noAudit: Audit = {
  record: () => undefined,
  flush: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** The same audit; `denied` hears of who was refused, too. Must not throw. */
export function withDenials(audit: Audit, denied: (entry: AuditEntry) => void): Audit {
  return {
    record(entry) {
      audit.record(entry);
      if (entry.outcome === "denied") denied(entry);
    },
    flush: () => audit.flush(),
    [Symbol.asyncDispose]: () => audit[Symbol.asyncDispose](),
  };
}

export interface AuditOptions {
  /** The file that is written to; full ones are beside it, `audit.1.jsonl` the newest. */
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Bytes after which a new file is begun. Default 10 MiB. */
  readonly fileBytesMax?: number;
  /** Files kept, the current one included; at least 1. Default 5. */
  readonly filesMax?: number;
  /** Bytes that may wait for the disk; entries beyond it are counted as lost. Default 2 MiB. */
  readonly waitingBytesMax?: number;
}

/** What may wait for the disk: about 10,000 entries, a second or two at full load. */
const waitingBytesMaxDefault = 2 * 1024 ** 2;
/** Least time between two writes. Each costs wake-ups of other threads: at full load they would cost more than the entries. */
const pauseMs = 200;

/** Opens (or goes on with) the file, mode 0600. Rejects when it can't be written. */
export async function openAudit(options: AuditOptions): Promise<Audit> {
  await mkdir(dirname(options.path), { recursive: true, mode: 0o700 });
  const file = await open(options.path, "a", 0o600);
  // A file that was made by hand, or under another umask, is narrowed too.
  await chmod(options.path, 0o600);
  const { size } = await file.stat();
  return new AuditFile(options, file, size, size > 0 && !(await endsWithNewline(options.path, size)));
}

async function endsWithNewline(path: string, size: number): Promise<boolean> {
  await using file = await open(path, "r");
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === 0x0a;
}

class AuditFile implements Audit {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #fileBytesMax: number;
  readonly #filesMax: number;
  #file: FileHandle | undefined;
  #bytes: number;
  readonly #waiting: LineBuffer;
  #dropped = 0;
  #writing: Promise<void> | undefined;
  #pause: Timer | undefined;
  #writtenMs = -Infinity;
  #stampMs = Number.NaN;
  #stamp = "";
  /** The last line was cut off, by a crash or a full disk. */
  #torn: boolean;
  #closed = false;

  constructor(options: AuditOptions, file: FileHandle, bytes: number, torn: boolean) {
    this.#path = options.path;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#fileBytesMax = options.fileBytesMax ?? 10 * 1024 ** 2;
    this.#filesMax = Math.max(1, options.filesMax ?? 5);
    this.#file = file;
    this.#bytes = bytes;
    this.#torn = torn;
    this.#waiting = new LineBuffer(options.waitingBytesMax ?? waitingBytesMaxDefault);
  }

  record(entry: AuditEntry): void {
    if (this.#closed) return;
    if (!this.#waiting.add(this.#lineOf(entry))) this.#dropped += 1;
    this.#writeSoon();
  }

  async flush(): Promise<void> {
    await this.#writing;
    if (this.#waiting.isEmpty && this.#dropped === 0) return;
    await this.#writeNow();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.flush();
    this.#pause?.cancel();
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    await file.datasync().catch(() => undefined); // what is on the disk is as good as it gets
    await file.close();
  }

  #lineOf(entry: AuditEntry): string {
    const wallMs = this.#clock.wallMs();
    // At full load dozens of lines have the same time.
    if (wallMs !== this.#stampMs) {
      this.#stampMs = wallMs;
      this.#stamp = new Date(wallMs).toISOString();
    }
    return `{"at":"${this.#stamp}",${JSON.stringify(entry).slice(1)}\n`;
  }

  /** At once when the last write is a while ago, so that what happens seldom is on the disk before anything else does. */
  #writeSoon(): void {
    if (this.#writing !== undefined || this.#pause !== undefined) return;
    const leftMs = this.#writtenMs + pauseMs - this.#clock.nowMs();
    if (leftMs <= 0) void this.#writeNow();
    else this.#pause = this.#clock.after(leftMs, () => void this.#writeNow());
  }

  #writeNow(): Promise<void> {
    this.#pause?.cancel();
    this.#pause = undefined;
    this.#writtenMs = this.#clock.nowMs();
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
      if (!this.#waiting.isEmpty && !this.#closed) this.#writeSoon();
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    await Promise.resolve(); // entries of the same tick go into one write
    const { bytes, lines } = this.#waiting.take();
    const dropped = this.#dropped;
    const lossLine = this.#lineOf({ action: "audit", ...lost(dropped) });
    try {
      await this.#append(dropped === 0 ? bytes : Buffer.concat([bytes, Buffer.from(lossLine)]));
      this.#dropped -= dropped;
    } catch (error) {
      this.#dropped += lines;
      this.#logger.error("audit entries cannot be written", { path: this.#path, dropped: this.#dropped, error });
    }
  }

  async #append(bytes: Buffer): Promise<void> {
    if (this.#bytes > 0 && this.#bytes + bytes.length > this.#fileBytesMax) await this.#rotate();
    this.#file ??= await open(this.#path, "a", 0o600);
    if (this.#torn) await this.#file.appendFile("\n");
    this.#torn = true;
    await this.#file.appendFile(bytes);
    this.#torn = false;
    this.#bytes += bytes.length;
  }

  async #rotate(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    await rm(this.#numbered(this.#filesMax - 1), { force: true });
    for (let number = this.#filesMax - 2; number >= 0; number -= 1) {
      await rename(this.#numbered(number), this.#numbered(number + 1)).catch(ignoreMissing);
    }
    this.#bytes = 0;
    this.#torn = false;
  }

  /** The current file is number 0. */
  #numbered(number: number): string {
    const extension = extname(this.#path);
    return number === 0
      ? this.#path
      : `${this.#path.slice(0, this.#path.length - extension.length)}.${number}${extension}`;
  }
}

function lost(count: number): { readonly outcome: "failed"; readonly reason: string } {
  return { outcome: "failed", reason: `${count} entries were lost` };
}

function ignoreMissing(error: unknown): void {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
  throw error;
}
