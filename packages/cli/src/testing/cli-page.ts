/** The reference of the command line, written from the command table. `reference.test.ts` compares it with `docs/reference/cli.md`. */
import type { Command, Option } from "../command.ts";
import { commonOptions } from "../command.ts";
import { commands } from "../commands.ts";
import { optionHead, signature } from "../help.ts";

/** The page, in Markdown. */
export function cliPage(): string {
  const rows = commands.map((command) => `| [\`${signature(command)}\`](#${anchor(command)}) | ${command.summary} |`);
  return [intro, "| command | what it does |", "| --- | --- |", ...rows, "", common(), ...commands.map(section)].join(
    "\n",
  );
}

function section(command: Command): string {
  const { summary, notes = [], options = {}, examples } = command;
  return [
    `## ${command.words.join(" ")}`,
    "",
    `${summary}.`,
    "",
    `\`mcp-manager ${signature(command)} [options]\``,
    "",
    ...notes.flatMap((note) => [note, ""]),
    ...(Object.keys(options).length === 0 ? [] : [optionTable(options), ""]),
    "```",
    ...examples,
    "```",
    "",
  ].join("\n");
}

function common(): string {
  return [
    "## Options of every command",
    "",
    "`up` and `completion` ask no manager: of these they have only `--help`; `up` has a `--data` of its own.",
    "",
    optionTable(commonOptions),
    "",
  ].join("\n");
}

function optionTable(options: Readonly<Record<string, Option>>): string {
  const rows = Object.entries(options).map(([name, option]) => {
    const head = optionHead(name, option).replaceAll("|", String.raw`\|`);
    return `| \`${head}\` | ${option.summary} |`;
  });
  return ["| option | meaning |", "| --- | --- |", ...rows].join("\n");
}

function anchor({ words }: Command): string {
  return words.join("-");
}

const intro = `# Command line

<!-- Written from the table of commands. To change it, change that and run
UPDATE_REFERENCE=1 node --conditions=mcp-manager-source --test packages/cli/src/reference.test.ts -->

\`mcp-manager <noun> <verb>\`; \`--help\` behind any words says the same as this page.

- **Which manager**: \`--url\`, else \`MCP_MANAGER_URL\`, else this machine, port \`MCP_MANAGER_PORT\` or 8080.
- **Which key**: \`MCP_MANAGER_API_KEY\`, else \`MCP_MANAGER_ADMIN_KEY\`, else \`admin.key\` in the data directory (\`--data\`, else
  \`MCP_MANAGER_DATA\`, else \`./data\`), which is only shown to a manager on this machine.
- **Results** go to stdout, anything said beside them to stderr. \`-o json\` and \`-o yaml\` are the resources as the REST API has
  them, for programs. A table in a pipe has no colours and is never cut; \`NO_COLOR\` takes the colours from a terminal too.
- **Exit status**: 0 done; 1 it failed, or a tool said so; 2 wrong usage or wrong input, and nothing was changed; 130 after Ctrl-C.
- **Errors** are one line that says what to do. Mistakes in a file take a line each.
`;
