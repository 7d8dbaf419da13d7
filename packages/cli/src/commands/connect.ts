/** `connect`: the exact line or file entry that connects a client to the manager. Nothing is written and nothing is run. */
import type { Command } from "../command.ts";
import { clientEntryOptions, printClientEntry } from "./client-entry.ts";

export const connectCommand: Command = {
  words: ["connect"],
  summary: "Print what connects a client to the manager",
  positionals: [{ name: "CLIENT" }],
  options: clientEntryOptions,
  examples: [
    "mcp-manager connect claude --new-key my-laptop",
    "mcp-manager connect cursor",
    "mcp-manager connect vscode --server weather",
    "mcp-manager connect inspector",
  ],
  async run(invocation) {
    await printClientEntry(invocation, invocation.positionals[0] ?? "", connectCommand.words);
    return 0;
  },
};
