/** From the words on the command line to one command and its options. Whatever does not fit is said with what would. */
import { parseArgs } from "node:util";
import type { ParseArgsOptionsConfig } from "node:util";
import { nearest } from "@mcp-manager/api";
import { commonOptions } from "./command.ts";
import type { Command, Option } from "./command.ts";

/** The command line makes no sense: exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** Words of the command that was meant, for the hint at help. */
  readonly words: readonly string[];

  constructor(message: string, words: readonly string[] = []) {
    super(message);
    this.words = words;
  }
}

/** What the words of a command line ask for. */
export type Parsed =
  | { readonly kind: "help"; readonly words: readonly string[] }
  | { readonly kind: "version" }
  | {
      readonly kind: "run";
      readonly command: Command;
      readonly values: Values;
      readonly positionals: readonly string[];
    };

/** What was given for each option; a list for those that may be given again and again. */
export type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** Throws UsageError. */
export function parseCommandLine(commands: readonly Command[], args: readonly string[]): Parsed {
  if (["--version", "-v", "version"].includes(args[0] ?? "")) return { kind: "version" };
  const command = findCommand(commands, args);
  if (command === undefined) return withoutCommand(commands, args);
  const rest = args.slice(command.words.length);
  const { values, positionals } = parseOptions(command, rest);
  if (values["help"] === true) return { kind: "help", words: command.words };
  checkPositionals(command, positionals);
  return { kind: "run", command, values, positionals };
}

function findCommand(commands: readonly Command[], args: readonly string[]): Command | undefined {
  return commands.find(({ words }) => words.every((word, index) => args[index] === word));
}

/** No command fits: help was asked for, or a word is wrong. */
function withoutCommand(commands: readonly Command[], args: readonly string[]): Parsed {
  const isHelp = args.length === 0 || args.some((arg) => ["-h", "--help", "help"].includes(arg));
  const words = args.filter((arg) => arg !== "help" && !arg.startsWith("-"));
  const [noun, verb] = words;
  const siblings = commands.filter((command) => command.words[0] === noun);
  const isKnown = words.length === 0 || siblings.length > 0;
  if (isHelp && isKnown) return { kind: "help", words };
  const before = args.slice(0, 2).find((arg) => arg.startsWith("-"));
  if (before !== undefined)
    throw new UsageError(`${before} has to come after the command: mcp-manager server list ${before}`);
  if (siblings.length > 0 && noun !== undefined) throw unknownVerb(noun, verb, siblings);
  const nouns = [...new Set(commands.map((command) => command.words[0] ?? ""))];
  const given = noun ?? args[0] ?? "";
  const close = nearest(given, nouns);
  throw new UsageError(`unknown command "${given}"${close === undefined ? "" : `; did you mean ${close}?`}`);
}

function unknownVerb(noun: string, verb: string | undefined, siblings: readonly Command[]): UsageError {
  const verbs = siblings.map(({ words }) => words[1] ?? "");
  if (verb === undefined) return new UsageError(`${noun} needs one of: ${verbs.join(", ")}`, [noun]);
  const close = nearest(verb, verbs);
  const hint = close === undefined ? `it is one of ${verbs.join(", ")}` : `did you mean ${close}?`;
  return new UsageError(`unknown command "${noun} ${verb}"; ${hint}`, [noun]);
}

/** The common options that a command takes; its own come before those of the same name. */
export function commonOptionsOf({ isLocal, options = {} }: Command): Readonly<Record<string, Option>> {
  const names = isLocal === true ? ["help"] : Object.keys(commonOptions);
  return Object.fromEntries(
    Object.entries(commonOptions).filter(([name]) => names.includes(name) && !Object.hasOwn(options, name)),
  );
}

function parseOptions(
  command: Command,
  args: readonly string[],
): { readonly values: Values; readonly positionals: readonly string[] } {
  const options: Readonly<Record<string, Option>> = { ...command.options, ...commonOptionsOf(command) };
  const config: ParseArgsOptionsConfig = Object.fromEntries(
    Object.entries(options).map(([name, { type, short }]) => [name, short === undefined ? { type } : { type, short }]),
  );
  const { tokens, positionals } = parseArgs({ args: [...args], options: config, strict: false, tokens: true });
  const values: Record<string, string | boolean | readonly string[]> = {};
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (option === undefined) throw unknownOption(command, token.rawName, Object.keys(options));
    const before = values[token.name];
    if (before !== undefined && option.many !== true)
      throw new UsageError(`${token.rawName} is given twice`, command.words);
    const value = valueOf(command, option, token);
    const earlier = Array.isArray(before) ? (before as readonly string[]) : [];
    values[token.name] = option.many === true ? [...earlier, String(value)] : value;
  }
  return { values, positionals };
}

interface Given {
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function valueOf({ words }: Command, option: Option, { rawName, value, inlineValue }: Given): string | boolean {
  if (option.type === "boolean") {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value`, words);
    return true;
  }
  if (value === undefined || value === "")
    throw new UsageError(`${rawName} needs a value: ${option.value ?? "TEXT"}`, words);
  if (inlineValue !== true && /^-./.test(value))
    throw new UsageError(
      `${rawName} needs a value, and ${value} looks like an option: ${rawName}=${value} if it is meant`,
      words,
    );
  return value;
}

function unknownOption(command: Command, rawName: string, known: readonly string[]): UsageError {
  const close = rawName.startsWith("--") ? nearest(rawName.slice(2), known) : undefined;
  const hint = close === undefined ? "" : `; did you mean --${close}?`;
  return new UsageError(`unknown option ${rawName}${hint}`, command.words);
}

function checkPositionals(command: Command, given: readonly string[]): void {
  const expected = command.positionals ?? [];
  const missing = expected.find(({ optional }, index) => optional !== true && given[index] === undefined);
  if (missing !== undefined) throw new UsageError(`${command.words.join(" ")} needs ${missing.name}`, command.words);
  const isOpen = expected.at(-1)?.many === true;
  const extra = isOpen ? undefined : given[expected.length];
  if (extra !== undefined) throw new UsageError(`${command.words.join(" ")} does not take "${extra}"`, command.words);
}
