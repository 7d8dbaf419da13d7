/** `diff`: what a configuration file would change on the manager that runs. The manager reads it; nothing is changed. */
import type { ConfigDiff, FieldChange, ServerDifference } from "@mcp-manager/api";
import type { Command } from "../command.ts";
import type { Colour, Printer } from "../output.ts";
import { printable } from "../output.ts";
import { readText } from "./file-items.ts";

export const diffCommand: Command = {
  words: ["diff"],
  summary: "Show what a configuration file would change on the manager",
  positionals: [{ name: "FILE" }],
  options: {
    "exit-code": { type: "boolean", summary: "Exit with 1 when something would change. Default: 0 either way" },
  },
  notes: [
    "FILE is read as what the manager's own configuration file would say from then on; - reads stdin. What was changed through the API and not in the file since counts as unchanged, as it does when the file is read. Values of env and headers are not shown.",
  ],
  examples: [
    "mcp-manager diff servers.yaml",
    "mcp-manager diff servers.yaml --exit-code",
    "mcp-manager diff servers.yaml -o json",
  ],
  async run({ io, client, print, flag, positionals: [file = ""] }) {
    const text = await readText(io, file);
    const diff = await client().diffConfig(file === "-" ? { text } : { text, filename: file }, { signal: io.signal });
    print.result(diff, () => printDiff(print, diff));
    const isSame = diff.servers.every(({ change }) => change === "unchanged") && diff.restart.length === 0;
    return flag("exit-code") && !isSame ? 1 : 0;
  },
};

type Change = ServerDifference["change"];

const signs: Readonly<Record<Change, { readonly sign: string; readonly colour: Colour }>> = {
  created: { sign: "+", colour: "green" },
  changed: { sign: "~", colour: "yellow" },
  deleted: { sign: "-", colour: "red" },
  unchanged: { sign: "=", colour: "dim" },
};

function printDiff(print: Printer, { servers, restart }: ConfigDiff): void {
  for (const server of servers)
    if (server.change !== "unchanged" || server.message !== undefined) printServer(print, server);
  if (restart.length > 0) print.line(print.paint(`! a restart is needed for ${restart.join(", ")}`, "yellow"));
  const counts = (Object.keys(signs) as Change[]).flatMap((change) => {
    const count = servers.filter((server) => server.change === change).length;
    return count === 0 ? [] : [`${count} ${change}`];
  });
  print.line(counts.length === 0 ? "no servers, there or in the file" : counts.join(", "));
}

function printServer(print: Printer, { name, change, fields, deployment, message }: ServerDifference): void {
  const { sign, colour } = signs[change];
  const begun = deployment ? ", which begins a deployment" : "";
  const why = message === undefined ? "" : `: ${printable(message)}`;
  print.line(print.paint(`${sign} ${name} ${change}${begun}${why}`, colour));
  for (const field of fields) print.line(`    ${printable(field.path)}: ${fieldText(field)}`);
}

function fieldText({ from, to }: FieldChange): string {
  if (from === undefined) return valueText(to);
  return `${valueText(from)} → ${to === undefined ? "(none)" : valueText(to)}`;
}

function valueText(value: unknown): string {
  return printable(typeof value === "string" ? value : JSON.stringify(value));
}
