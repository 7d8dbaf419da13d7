/** Help texts, written from the command table alone. */
import { commonOptions } from "./command.ts";
import type { Command, Option } from "./command.ts";
import { commonOptionsOf } from "./usage.ts";
import { hang, wrap } from "./wrap.ts";

const program = "mcp-manager";
/** Longer lines are hard to read, however wide the terminal is. */
const widthMax = 100;

/** Help for the words given (the program, a noun, or one command), in lines that fit `columns`. */
export function helpFor(commands: readonly Command[], words: readonly string[], columns: number): string {
  const width = Math.min(columns, widthMax);
  const fitting = commands.filter((command) => words.every((word, index) => command.words[index] === word));
  const [only] = fitting;
  if (words.length > 0 && only !== undefined && fitting.length === 1) return commandHelp(only, width);
  return overview(fitting, words, width);
}

function overview(commands: readonly Command[], words: readonly string[], width: number): string {
  const rows = commands.map((command) => [signature(command), command.summary] as const);
  const examples =
    words.length === 0 ? firstExamples(commands) : commands.flatMap(({ examples: lines }) => lines.slice(0, 1));
  const title = words.length === 0 ? "Registers, runs and serves MCP servers.\n\n" : "";
  return [
    `${title}Usage: ${program} ${words.length === 0 ? "" : `${words.join(" ")} `}<command> [options]`,
    section("Commands", table(rows, width)),
    section("Options of every command", optionLines(commonOptions, width)),
    section("Examples", indented(examples)),
    paragraph(
      `${program} <command> --help says more about one command. Exit status: 0 done, 1 failed, 2 wrong usage or input.\n`,
      width,
    ),
  ].join("\n\n");
}

function firstExamples(commands: readonly Command[]): readonly string[] {
  const wanted = ["up", "server apply", "server list", "tool call", "connect"];
  return commands
    .filter(({ words }) => wanted.includes(words.join(" ")))
    .flatMap(({ examples }) => examples.slice(0, 1));
}

function commandHelp(command: Command, width: number): string {
  const { summary, options = {}, notes = [], examples } = command;
  return [
    paragraph(`${summary}.`, width),
    `Usage: ${program} ${signature(command)} [options]`,
    ...notes.map((note) => paragraph(note, width)),
    ...(Object.keys(options).length === 0 ? [] : [section("Options", optionLines(options, width))]),
    section("Options of every command", optionLines(commonOptionsOf(command), width)),
    `${section("Examples", indented(examples))}\n`,
  ].join("\n\n");
}

/** The words of a command with its arguments: `tool list [SERVER]`. */
export function signature(command: Command): string {
  const names = (command.positionals ?? []).map(({ name, optional, many }) => {
    const text = many === true ? `${name}...` : name;
    return optional === true ? `[${text}]` : text;
  });
  return [...command.words, ...names].join(" ");
}

/** An option as it is typed: `-o, --output table|json|yaml`, `--arg TEXT ...`. */
export function optionHead(name: string, { short, type, value, many }: Option): string {
  const head = short === undefined ? `--${name}` : `-${short}, --${name}`;
  return type === "string" ? `${head} ${value ?? "TEXT"}${many === true ? " ..." : ""}` : head;
}

function optionLines(options: Readonly<Record<string, Option>>, width: number): string {
  return table(
    Object.entries(options).map(([name, option]) => {
      const head = optionHead(name, option);
      return [option.short === undefined ? `    ${head}` : head, option.summary] as const;
    }),
    width,
  );
}

function table(rows: readonly (readonly [string, string])[], width: number): string {
  const left = Math.max(...rows.map(([head]) => head.length)) + 4;
  return rows.map(([head, text]) => `  ${head.padEnd(left - 2)}${hang(text, left, width)}`).join("\n");
}

function paragraph(text: string, width: number): string {
  return wrap(text, width).join("\n");
}

/** Commands are not wrapped, so that they can be copied. */
function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join("\n");
}

function section(title: string, body: string): string {
  return `${title}:\n${body}`;
}
