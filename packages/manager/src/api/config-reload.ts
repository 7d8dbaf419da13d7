/**
 * The configuration file while the manager runs: read again when asked to, and what it says of servers applied. Owns that one reading
 * goes on at a time, that what cannot be applied now is tried again, and what is said of it. When the file is wrong, what it said
 * before holds on. Never watches the file, and never changes a setting: those need a restart, and it says so.
 */
import type { ConfigHealth } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import { backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { EventSink } from "../events/event.ts";
import { admissionText, problemText } from "./config-words.ts";
import type { Admission } from "./configured.ts";
import type { ConfiguredServer, FileReading } from "./file-reading.ts";

/** The file that the manager was started with. */
export interface ReadableFile {
  /** As it was named at the start. */
  readonly name: string;
  /** What it says now; undefined when that is what it said the last time. Rejects with `invalid_argument`, with places. */
  read(signal: AbortSignal): Promise<FileReading | undefined>;
}

export interface ConfigReloadOptions {
  readonly file: ReadableFile;
  /** Makes the servers be so; rejects with ManagerError when the store is away, and is called again then. */
  readonly admit: (servers: readonly ConfiguredServer[]) => Promise<readonly Admission[]>;
  /** What became of the servers at the start. */
  readonly admitted: readonly Admission[];
  readonly events: EventSink;
  readonly clock: Clock;
  readonly random: Random;
}

/** Between two attempts to apply what could not be applied: the store is away, or a server of the name is still going. */
const again = { baseMs: 1_000, capMs: 30_000 };

export class ConfigReload implements AsyncDisposable {
  readonly #options: ConfigReloadOptions;
  readonly #ended = new AbortController();
  #state: ConfigHealth;
  /** What was read and is not applied yet. */
  #due: FileReading | undefined;
  /** Whether the file is wrong as it stands, whatever is still applied of what it said before. */
  #isWrong = false;
  #isAsked = false;
  /** Whether the file is to be read once more by itself: it could not be, for a reason that is not in it. */
  #isUnread = false;
  /** Cuts the waiting for another attempt short. */
  #pause = new AbortController();
  #working: Promise<void> | undefined;

  constructor(options: ConfigReloadOptions) {
    this.#options = options;
    const { text } = admissionText(options.admitted.filter(({ outcome }) => outcome === "refused"));
    this.#state = this.#stateOf("ok", text);
  }

  /** What became of the file when it was read last. */
  get state(): ConfigHealth {
    return this.#state;
  }

  /** Asks for it to be read again. Returns at once; however often it is called, one reading begins after the last call. */
  ask(): void {
    if (this.#ended.signal.aborted) return;
    this.#isAsked = true;
    this.#pause.abort();
    this.#working ??= this.#work();
  }

  /** Nothing is written any more when it resolves. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    this.#pause.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    for (let attempt = 0; !this.#ended.signal.aborted; attempt += 1) {
      if (this.#isAsked) {
        this.#isAsked = false;
        this.#pause = new AbortController();
        attempt = 0;
        await this.#read(true);
      } else if (this.#isUnread) await this.#read(false);
      if (this.#due !== undefined) await this.#apply(this.#due, attempt === 0);
      if (this.#isAsked) continue;
      if (this.#due === undefined && !this.#isUnread) {
        // In the same turn: who asks after it begins anew.
        this.#working = undefined;
        return;
      }
      const { clock, random } = this.#options;
      const signal = AbortSignal.any([this.#ended.signal, this.#pause.signal]);
      await clock.sleep(backoffMs(again, attempt, random), signal).catch(() => undefined);
    }
  }

  async #read(isFirst: boolean): Promise<void> {
    const wasUnread = this.#isUnread;
    this.#isUnread = false;
    try {
      const reading = await this.#options.file.read(this.#ended.signal);
      if (reading === undefined) return;
      this.#due = reading;
      this.#isWrong = false;
    } catch (error) {
      if (this.#ended.signal.aborted) return;
      const failure = ManagerError.from(error);
      this.#isUnread = failure.code !== "invalid_argument";
      if (wasUnread && this.#isUnread && !isFirst) return;
      const message = `${problemText(failure)}; what it said before holds on`;
      this.#isWrong = true;
      this.#state = this.#stateOf("invalid", message);
      this.#publish(message, false);
    }
  }

  /** Says what came of it the first time, and when there is no more to be done. */
  async #apply(reading: FileReading, isFirst: boolean): Promise<void> {
    const parts: string[] = [];
    let isDone = true;
    let isWell = reading.restart.length === 0;
    try {
      const { text, retry, refused } = admissionText(await this.#options.admit(reading.servers));
      parts.push(text ?? "no server changed");
      isDone = !retry;
      isWell &&= !refused;
    } catch (error) {
      parts.push(`its servers are not applied yet, which is tried again: ${problemText(ManagerError.from(error))}`);
      isDone = isWell = false;
    }
    if (this.#ended.signal.aborted) return;
    if (reading.restart.length > 0) parts.push(`a restart is needed for ${reading.restart.join(", ")}`);
    if (isDone) this.#due = undefined;
    const message = parts.join("; ");
    if (!this.#isWrong) this.#state = this.#stateOf("ok", isWell ? undefined : message);
    if (isFirst || isDone) this.#publish(message, isWell);
  }

  #publish(message: string, isWell: boolean): void {
    const { file, events } = this.#options;
    const { state } = this.#state;
    const severity = isWell ? "info" : "warning";
    events.publish({ topic: "config.file", severity, message: `${file.name}: ${message}`, data: { state } });
  }

  #stateOf(state: ConfigHealth["state"], message: string | undefined): ConfigHealth {
    const { file, clock } = this.#options;
    const at = new Date(clock.wallMs()).toISOString();
    return { file: file.name, state, at, ...(message === undefined ? {} : { message }) };
  }
}
