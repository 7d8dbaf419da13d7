/** Help texts, written from the command table alone. */
import { commonOptions } from "./command.ts";
import type { Command, Option } from "./command.ts";
import { optionsOf } from "./usage.ts";

const program = "mcp-manager";

/** Help for the words given: the program, a noun, or one command. */
export function helpFor(commands: readonly Command[], words: readonly string[]): string {
  const fitting = commands.filter((command) => words.every((word, index) => command.words[index] === word));
  const [only] = fitting;
  if (words.length > 0 && only !== undefined && fitting.length === 1) return commandHelp(only);
  return overview(fitting, words);
}

function overview(commands: readonly Command[], words: readonly string[]): string {
  const rows = commands.map((command) => [signature(command), command.summary] as const);
  const examples =
    words.length === 0 ? firstExamples(commands) : commands.flatMap(({ examples: lines }) => lines.slice(0, 1));
  const title = words.length === 0 ? "Registers, runs and serves MCP servers.\n\n" : "";
  return [
    `${title}Usage: ${program} ${words.length === 0 ? "" : `${words.join(" ")} `}<command> [options]`,
    section("Commands", columns(rows)),
    section("Options of every command", optionLines(commonOptions)),
    section("Examples", examples.map((line) => `  ${line}`).join("\n")),
    `${program} <command> --help says more about one command. Exit status: 0 done, 1 failed, 2 wrong usage or input.\n`,
  ].join("\n\n");
}

function firstExamples(commands: readonly Command[]): readonly string[] {
  const wanted = ["up", "server apply", "server list", "tool call", "connect"];
  return commands
    .filter(({ words }) => wanted.includes(words.join(" ")))
    .flatMap(({ examples }) => examples.slice(0, 1));
}

function commandHelp(command: Command): string {
  const own = Object.keys(command.options ?? {});
  const all = optionsOf(command);
  const ownOptions = Object.fromEntries(
    own.map((name) => [name, all[name] ?? { type: "boolean" as const, summary: "" }]),
  );
  const common = Object.fromEntries(Object.entries(commonOptions).filter(([name]) => !own.includes(name)));
  return [
    `${command.summary}.`,
    `Usage: ${program} ${signature(command)} [options]`,
    ...(own.length === 0 ? [] : [section("Options", optionLines(ownOptions))]),
    section("Options of every command", optionLines(common)),
    `${section("Examples", command.examples.map((line) => `  ${line}`).join("\n"))}\n`,
  ].join("\n\n");
}

function signature(command: Command): string {
  const names = (command.positionals ?? []).map(({ name, optional, many }) => {
    const text = many === true ? `${name}...` : name;
    return optional === true ? `[${text}]` : text;
  });
  return [...command.words, ...names].join(" ");
}

function optionLines(options: Readonly<Record<string, Option>>): string {
  return columns(
    Object.entries(options).map(([name, { short, type, value, summary }]) => {
      const head = short === undefined ? `    --${name}` : `-${short}, --${name}`;
      return [type === "string" ? `${head} ${value ?? "TEXT"}` : head, summary] as const;
    }),
  );
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}

function section(title: string, body: string): string {
  return `${title}:\n${body}`;
}
