/** `import`: the servers of an MCP client's own file become servers of the manager, their literal secrets Secrets. The file stays as it is. */
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { ImportAnswer, ImportedServer } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Command } from "../command.ts";
import type { Cell, Colour, Printer } from "../output.ts";

/** As the manager has it. */
const fileBytesMax = 1024 * 1024;

export const importCommand: Command = {
  words: ["import"],
  summary: "Register the servers of an MCP client's file, and keep its literal secrets as secrets",
  positionals: [{ name: "FILE" }],
  options: {
    "dry-run": { type: "boolean", summary: "Say what would be done, change nothing" },
    replace: {
      type: "boolean",
      summary: "Change servers and secrets that are registered otherwise. Default: refuse them",
    },
  },
  notes: [
    "Reads the files of Claude Desktop, Claude Code, Cursor, Windsurf, Gemini CLI, VS Code, Zed, opencode and Codex (config.toml); - reads stdin. The file itself is not changed.",
    "One bad entry refuses that entry only; the exit status is 1 then. The same file again changes nothing.",
  ],
  examples: [
    "mcp-manager import ~/.cursor/mcp.json --dry-run",
    "mcp-manager import .vscode/mcp.json",
    "mcp-manager import ~/.codex/config.toml --replace",
  ],
  async run({ client, print, positionals: [file = ""], flag, io }) {
    const filename = file === "-" ? "stdin" : resolve(io.cwd, file);
    const text = file === "-" ? await io.readStdin() : readFile(file, filename);
    const options = { dryRun: flag("dry-run"), replace: flag("replace"), signal: io.signal };
    const answer = await client().importConfig({ text, filename }, options);
    print.result(answer, () => show(print, answer));
    for (const note of answer.notes) print.note(note);
    if (flag("dry-run")) print.note("nothing was changed");
    return answer.servers.some(({ outcome }) => outcome === "refused") ? 1 : 0;
  },
};

function show(print: Printer, { servers, secrets }: ImportAnswer): void {
  print.table({
    head: ["SERVER", "OUTCOME", "WHY"],
    rows: servers.map((server) => [server.name, outcomeCell(server), whyOf(server)]),
    fit: "wrap",
    empty: "there are no servers in it",
  });
  if (secrets.length === 0) return;
  print.line("");
  print.table({
    head: ["SECRET", "SERVER", "TAKEN FROM"],
    rows: secrets.map(({ name, server, field }) => [name, server, field]),
    empty: "",
  });
}

const colours: Readonly<Record<ImportedServer["outcome"], Colour>> = {
  created: "green",
  changed: "green",
  unchanged: "dim",
  refused: "red",
};

function outcomeCell({ outcome }: ImportedServer): Cell {
  return { text: outcome, colour: colours[outcome] };
}

function whyOf({ error, notes = [] }: ImportedServer): string {
  return [...(error === undefined ? [] : [error.message]), ...notes].join("; ") || "-";
}

function readFile(file: string, path: string): string {
  try {
    if (statSync(path).size <= fileBytesMax) return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw invalid(`cannot read ${file}: ${code === "ENOENT" ? "there is no such file" : code}`);
  }
  throw invalid(`${file} is larger than 1 MiB, which no client's configuration is`);
}

function invalid(message: string): ManagerError {
  return new ManagerError("invalid_argument", message);
}
