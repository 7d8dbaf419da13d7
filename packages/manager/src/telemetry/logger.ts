/**
 * Structured logs: one line per event, JSON where a program reads it and short coloured text where a person does. Owns how a line
 * looks and how often it may repeat; never decides what is worth saying, and never lets a secret through: field names that
 * announce one are masked here, texts go through the redactor that was handed in.
 */
import type { Clock } from "../base/clock.ts";
import type { LogFields, LogLevel } from "./log-line.ts";
import { jsonLine, textLine } from "./log-line.ts";
import { RepeatLimit } from "./repeat-limit.ts";

/** The levels, least severe first. */
const logLevels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Writes events. A message is constant text; what varies goes into `fields`, so that lines can be searched and counted. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every event; a field of the event wins over one of the same name here. */
  child(fields: LogFields): Logger;
}

/** Where lines go: `process.stderr`, or a test's collector. Whole lines, with their newline. */
export interface LogSink {
  write(text: string): unknown;
}

export interface LoggerOptions {
  readonly sink: LogSink;
  readonly clock: Clock;
  /** Events below it cost one comparison. Default `info`. */
  readonly level?: LogLevel;
  /** Default `json`. */
  readonly format?: "json" | "text";
  /** Colours for `text`. Default false. */
  readonly color?: boolean;
  /** Masks secrets inside texts. */
  readonly redact: (text: string) => string;
}

/** What renders and writes, shared by a logger and its children. */
type Emit = (level: LogLevel, message: string, fields: LogFields) => void;

/** A logger that writes to `sink`. The same event more than 20 times in 10 s is left out, and said so afterwards. */
export function createLogger(options: LoggerOptions): Logger {
  const { sink, clock, redact, level = "info", format = "json", color = false } = options;
  const repeats = new RepeatLimit(clock);
  const emit: Emit = (at, message, fields) => {
    const event = { level: at, message, fields, wallMs: clock.wallMs() };
    const body = format === "json" ? jsonLine(event) : textLine(event, color);
    const verdict = repeats.admit(body.key);
    if (verdict.kind === "drop") return;
    sink.write(`${redact(body.render(verdict.dropped))}\n`);
  };
  return new LevelLogger(emit, logLevels.indexOf(level), {});
}

class LevelLogger implements Logger {
  readonly #emit: Emit;
  readonly #least: number;
  readonly #fields: LogFields;

  constructor(emit: Emit, least: number, fields: LogFields) {
    this.#emit = emit;
    this.#least = least;
    this.#fields = fields;
  }

  debug(message: string, fields?: LogFields): void {
    this.#log("debug", 0, message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#log("info", 1, message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#log("warn", 2, message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#log("error", 3, message, fields);
  }

  child(fields: LogFields): Logger {
    return new LevelLogger(this.#emit, this.#least, { ...this.#fields, ...fields });
  }

  #log(level: LogLevel, rank: number, message: string, fields: LogFields | undefined): void {
    if (rank < this.#least) return;
    this.#emit(level, message, fields === undefined ? this.#fields : { ...this.#fields, ...fields });
  }
}

/** Says nothing: for parts that are used without a log, tests above all. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
