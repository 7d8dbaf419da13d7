/**
 * One run of the command line: words in, exit status out. What goes wrong ends in one line that says what to do; only mistakes in a
 * file, of which there may be many, take a line each.
 */
import { readFileSync } from "node:fs";
import { errorCodes, ManagerError } from "@mcp-manager/api";
import { Client } from "@mcp-manager/client";
import type { Command, Invocation } from "./command.ts";
import { commands } from "./commands.ts";
import { helpFor } from "./help.ts";
import type { Io } from "./io.ts";
import { formats, Printer, printable, printableText } from "./output.ts";
import type { Format } from "./output.ts";
import { findTarget } from "./target.ts";
import { parseCommandLine, UsageError } from "./usage.ts";
import type { Values } from "./usage.ts";

/** Resolves with 0 (done), 1 (failed) or 2 (wrong usage or input). Never rejects. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  try {
    const parsed = parseCommandLine(commands, args);
    if (parsed.kind === "help") {
      io.stdout.write(helpFor(commands, parsed.words, io.columns));
      return 0;
    }
    if (parsed.kind === "version") {
      io.stdout.write(`${version()}\n`);
      return 0;
    }
    return await runCommand(parsed.command, parsed.values, parsed.positionals, io);
  } catch (error) {
    if (io.signal.aborted) return 130;
    const { message, exit } = explain(error);
    io.stderr.write(`mcp-manager: ${message}\n`);
    return exit;
  }
}

async function runCommand(command: Command, values: Values, positionals: readonly string[], io: Io): Promise<number> {
  const option = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  const invocation: Invocation = {
    io,
    positionals,
    option,
    all: (name) => {
      const value = values[name];
      return Array.isArray(value) ? (value as readonly string[]) : [];
    },
    flag: (name) => values[name] === true,
    print: new Printer(io, formatOf(option("output"), command)),
    // Who types a command hears at once what is wrong, and decides.
    client: () => new Client({ ...findTarget(io, { url: option("url"), data: option("data") }), retries: 0 }),
  };
  try {
    return await command.run(invocation);
  } catch (error) {
    throw withHint(error, () => findTarget(io, { url: option("url"), data: option("data") }).keyHint);
  }
}

function formatOf(text: string | undefined, command: Command): Format {
  const format = formats.find((known) => known === (text ?? "table"));
  if (format !== undefined) return format;
  throw new UsageError(`--output takes ${formats.join(", ")}, not "${text}"`, command.words);
}

/** Adds what to do to failures that only the command line knows a remedy for. */
function withHint(error: unknown, keyHint: () => string): unknown {
  if (!(error instanceof ManagerError)) return error;
  if (error.code === "unauthenticated") return new ManagerError(error.code, `${error.message}; ${keyHint()}`);
  if (error.reason !== "MANAGER_UNREACHABLE") return error;
  return new ManagerError(error.code, `${error.message}; start one with mcp-manager up, or name it with --url`);
}

function explain(error: unknown): { readonly message: string; readonly exit: number } {
  if (error instanceof UsageError) {
    const help = ["mcp-manager", ...error.words, "--help"].join(" ");
    return { message: printable(`${error.message} (see ${help})`), exit: 2 };
  }
  const failure = ManagerError.from(error);
  return { message: messageOf(failure), exit: errorCodes[failure.code].exit };
}

/** The mistakes in a configuration or in a file of Servers, each on its line; anything else on one. */
function messageOf({ message, reason, fields }: ManagerError): string {
  if (reason === "INVALID_CONFIG") return printableText(message);
  const first = fields[0];
  const subject = message.slice(0, first === undefined ? 0 : message.indexOf(`: ${first.path}: given `));
  if (fields.length < 2 || subject === "") return printable(message);
  const lines = fields.map(
    ({ path, given, expected }) => `\n  ${printable(`${path}: given ${given}, expected ${expected}`)}`,
  );
  return `${printable(subject)}:${lines.join("")}`;
}

/** The package's version. */
function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return (manifest as { readonly version: string }).version;
}
