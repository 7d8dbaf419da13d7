/**
 * How an event becomes a line. Values are cut and nesting is shallow, so that one event cannot fill a disk; control characters
 * are escaped, so that what a server said cannot forge a line or move a terminal's cursor.
 */
import { styleText } from "node:util";

/** Least to most severe. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Facts beside the message. Errors are written with their message, code and cause; functions are left out. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What happened, before it is a line. */
export interface LogEvent {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
  readonly wallMs: number;
}

/** A line without its time. */
export interface LineBody {
  /** The same for events that differ only in their time. */
  readonly key: string;
  /** The whole line, without its newline; `dropped` equal ones were left out before it. */
  render(dropped: number): string;
}

const textLengthMax = 4_096;
const itemsMax = 32;
const depthMax = 4;
const secretName = /authorization|cookie|credential|password|passwd|secret|token|api[-_]?key|private[-_]?key/i;

/** One JSON object with `at`, `level`, `message` and the fields; a field may not take one of those three names. */
export function jsonLine({ level, message, fields, wallMs }: LogEvent): LineBody {
  const { at: _at, level: _level, message: _message, ...shown } = plainFields(fields);
  const key = JSON.stringify({ level, message: cut(message), ...shown }).slice(1);
  const at = `{"at":${JSON.stringify(new Date(wallMs).toISOString())}`;
  return { key, render: (dropped) => (dropped === 0 ? `${at},${key}` : `${at},"dropped":${dropped},${key}`) };
}

/** `12:30:01 warn  replica failed  server=weather attempt=3`, for people. */
export function textLine({ level, message, fields, wallMs }: LogEvent, color: boolean): LineBody {
  const shown = Object.entries(plainFields(fields)).map(([name, value]) => `${name}=${wordOf(value)}`);
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    color ? styleText(style, text, { validateStream: false }) : text;
  const label = paint(levelStyles[level], level.padEnd(5));
  const key = [label, printable(cut(message)), ...(shown.length === 0 ? [] : [paint("dim", shown.join(" "))])].join(
    " ",
  );
  const time = paint("dim", new Date(wallMs).toISOString().slice(11, 19));
  return {
    key,
    render: (dropped) => `${time} ${key}${dropped === 0 ? "" : ` (${dropped} more like this were left out)`}`,
  };
}

const levelStyles: Readonly<Record<LogLevel, "gray" | "green" | "yellow" | "red">> = {
  debug: "gray",
  info: "green",
  warn: "yellow",
  error: "red",
};

function plainFields(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => {
      const plain = secretName.test(name) && value !== undefined ? "(hidden)" : plainValue(value, 0);
      return plain === undefined ? [] : [[name, plain]];
    }),
  );
}

/** Only what JSON can say, of bounded size. */
function plainValue(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case "string":
      return cut(value);
    case "bigint":
      return value.toString();
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
      return value;
    case "object":
      return value === null ? null : plainObject(value, depth);
    default:
      return undefined;
  }
}

function plainObject(value: object, depth: number): unknown {
  if (value instanceof Error) return plainError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "an invalid date" : value.toISOString();
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  if (depth >= depthMax) return "…";
  if (Array.isArray(value)) return value.slice(0, itemsMax).map((item) => plainValue(item, depth + 1) ?? null);
  return plainMembers(value, depth);
}

function plainMembers(value: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, itemsMax)
      .map(([name, member]) => [name, secretName.test(name) ? "(hidden)" : plainValue(member, depth + 1)]),
  );
}

/** Message, code and cause; the stack only of errors that are no ManagerError, since those are our own bugs. */
function plainError(error: Error, depth: number): unknown {
  if (depth >= depthMax) return cut(error.message);
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const isExpected = error.name === "ManagerError";
  return {
    message: cut(error.message),
    ...(code === undefined ? {} : { code }),
    ...(error.cause === undefined ? {} : { cause: plainValue(error.cause, depth + 1) }),
    ...(isExpected || error.stack === undefined || code !== undefined ? {} : { stack: cut(error.stack) }),
  };
}

function cut(text: string): string {
  return text.length <= textLengthMax ? text : `${text.slice(0, textLengthMax)}… (${text.length} characters)`;
}

function wordOf(value: unknown): string {
  if (typeof value === "string") return /^[^\s"=\p{C}]+$/u.test(value) ? value : escaped(value);
  return printable(JSON.stringify(value));
}

/** In quotes that the text does not hold, where there are such: nobody likes to read backslashes. */
function escaped(text: string): string {
  const isPlain = text.includes('"') && !/['\\\p{C}]/u.test(text);
  return printable(isPlain ? `'${text}'` : JSON.stringify(text));
}

/** Control and format characters, line separators included, as their escapes. */
function printable(text: string): string {
  return text.replace(/[\p{C}\u2028\u2029]/gu, (character) => {
    const point = character.codePointAt(0) ?? 0;
    return point > 0xffff ? `\\u{${point.toString(16)}}` : `\\u${point.toString(16).padStart(4, "0")}`;
  });
}
