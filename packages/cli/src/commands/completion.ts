/** `completion`: the script that teaches a shell the commands. */
import type { Command } from "../command.ts";
import type { Shell } from "../completion.ts";
import { completionScript, shells } from "../completion.ts";
import { UsageError } from "../usage.ts";

/** The command; it writes of all `commands`, which it is one of. */
export function completionCommand(commands: () => readonly Command[]): Command {
  const command: Command = {
    words: ["completion"],
    summary: "Print what teaches a shell the commands and their options",
    positionals: [{ name: "SHELL" }],
    isLocal: true,
    notes: [`SHELL is ${shells.join(", ")}. Put the line into what the shell reads when it starts.`],
    examples: ["source <(mcp-manager completion bash)", "mcp-manager completion fish | source"],
    run({ print, positionals: [text = ""] }) {
      const shell: Shell | undefined = shells.find((known) => known === text);
      if (shell === undefined)
        throw new UsageError(`completion knows ${shells.join(", ")}, not "${text}"`, command.words);
      print.line(completionScript(commands(), shell).trimEnd());
      return Promise.resolve(0);
    },
  };
  return command;
}
