/**
 * What a shell offers when the tab key is pressed, written from the command table alone: the words of commands, then their options.
 * Names of servers are not asked for: the manager may be away, and a shell must not wait.
 */
import type { Command } from "./command.ts";
import { commonOptionsOf } from "./usage.ts";

/** The shells that there is a script for. */
export const shells = ["bash", "zsh", "fish"] as const;

/** One of them. */
export type Shell = (typeof shells)[number];

/** The script of a shell. */
export function completionScript(commands: readonly Command[], shell: Shell): string {
  switch (shell) {
    case "bash":
      return bashScript(commands);
    case "zsh":
      return `autoload -U +X bashcompinit && bashcompinit\n${bashScript(commands)}`;
    case "fish":
      return fishScript(commands);
  }
}

/** What may follow the words: `server` is followed by `list` and others, `server list` by its options. */
function followers(commands: readonly Command[]): ReadonlyMap<string, readonly string[]> {
  const after = new Map<string, Set<string>>();
  for (const command of commands) {
    for (const [index, word] of command.words.entries()) {
      const before = command.words.slice(0, index).join(" ");
      after.set(before, (after.get(before) ?? new Set()).add(word));
    }
    after.set(command.words.join(" "), new Set(optionsOf(command).map(({ name }) => `--${name}`)));
  }
  return new Map([...after].map(([words, next]) => [words, [...next]]));
}

interface Named {
  readonly name: string;
  readonly short?: string;
  readonly summary: string;
  readonly type: "string" | "boolean";
}

function optionsOf(command: Command): readonly Named[] {
  return Object.entries({ ...command.options, ...commonOptionsOf(command) }).map(([name, option]) => ({
    name,
    ...option,
  }));
}

/** Two words at most are a command; what follows it, options and names, changes nothing of what is offered. File names are the shell's. */
function bashScript(commands: readonly Command[]): string {
  const cases = [...followers(commands)].map(([words, next]) => `    "${words}") next="${next.join(" ")}" ;;`);
  return `_mcp_manager() {
  local current="\${COMP_WORDS[COMP_CWORD]}" next=""
  local words="\${COMP_WORDS[*]:1:2}"
  [ "$COMP_CWORD" -eq 1 ] && words=""
  [ "$COMP_CWORD" -eq 2 ] && words="\${COMP_WORDS[1]}"
  case "$words" in
${cases.join("\n")}
    *) case "\${COMP_WORDS[1]}" in
${oneWordCases(commands).join("\n")}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$next" -- "$current"))
}
complete -o default -F _mcp_manager mcp-manager
`;
}

/** A command of one word keeps its options, whatever stands second. */
function oneWordCases(commands: readonly Command[]): readonly string[] {
  const next = followers(commands);
  return commands
    .filter(({ words }) => words.length === 1)
    .map(({ words: [word = ""] }) => `      ${word}) next="${(next.get(word) ?? []).join(" ")}" ;;`);
}

function fishScript(commands: readonly Command[]): string {
  const nouns = [...new Set(commands.map(({ words }) => words[0] ?? ""))];
  const lines = commands.flatMap((command) => {
    const [noun = "", verb] = command.words;
    const verbs = commands.filter(({ words }) => words[0] === noun).flatMap(({ words }) => words[1] ?? []);
    const isThere = verb === undefined ? seen(noun) : `${seen(noun)}; and ${seen(verb)}`;
    const word =
      verb === undefined
        ? offer(`not ${seen(...nouns)}`, `-f -a ${noun} -d ${quoted(command.summary)}`)
        : offer(`${seen(noun)}; and not ${seen(...verbs)}`, `-f -a ${verb} -d ${quoted(command.summary)}`);
    return [word, ...optionsOf(command).map((option) => offer(isThere, fishOption(option)))];
  });
  const plain = nouns.filter((noun) => commands.every(({ words }) => words[0] !== noun || words.length > 1));
  return [...plain.map((noun) => offer(`not ${seen(...nouns)}`, `-f -a ${noun}`)), ...lines, ""].join("\n");
}

function offer(condition: string, what: string): string {
  return `complete -c mcp-manager -n ${quoted(condition)} ${what}`;
}

function seen(...words: readonly string[]): string {
  return `__fish_seen_subcommand_from ${words.join(" ")}`;
}

function fishOption({ name, short, summary, type }: Named): string {
  const letter = short === undefined ? "" : ` -s ${short}`;
  return `-l ${name}${letter}${type === "string" ? " -r" : ""} -d ${quoted(summary)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", String.raw`\'`)}'`;
}
