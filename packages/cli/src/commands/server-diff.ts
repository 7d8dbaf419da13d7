/** `server diff`: what two revisions of a server differ in, what runs and what clients see of it. */
import type { FieldChange, RevisionDiff } from "@mcp-manager/api";
import type { Command } from "../command.ts";
import type { Printer } from "../output.ts";
import { printable } from "../output.ts";
import { printSchemaChanges, printSigned, schemaDiffCell } from "./schema-diff-view.ts";

export const serverDiff: Command = {
  words: ["server", "diff"],
  summary: "Compare two revisions of a server: what runs, and what clients see of it",
  positionals: [{ name: "NAME" }, { name: "FROM", optional: true }, { name: "TO", optional: true }],
  notes: [
    "FROM and TO are names of revisions, or their numbers: weather-6 or 6. Default: the stable revision and the newest. What clients see can be told once both ran.",
  ],
  examples: ["mcp-manager server diff weather", "mcp-manager server diff weather 6 7"],
  async run({ client, print, positionals: [name = "", from, to], io }) {
    const diff = await client().servers.diff(name, {
      ...(from === undefined ? {} : { from: revisionOf(name, from) }),
      ...(to === undefined ? {} : { to: revisionOf(name, to) }),
      signal: io.signal,
    });
    print.result(diff, () => printRevisionDiff(print, diff));
    return 0;
  },
};

/** `7` is `weather-7`. */
export function revisionOf(server: string, text: string): string {
  return /^[0-9]+$/.test(text) ? `${server}-${text}` : text;
}

/** The fields that differ as they were and are, then what clients see. */
function printRevisionDiff(print: Printer, { from, to, spec, schema }: RevisionDiff): void {
  print.line(print.paint(`${from} → ${to}`, "bold"));
  print.line("");
  if (spec.length === 0) print.line("What runs: the same");
  else print.line("What runs:");
  for (const change of spec) printField(print, change);
  print.line("");
  if (schema === undefined) {
    print.line("What clients see: not known until both have run");
    return;
  }
  const { text, colour } = schemaDiffCell(schema);
  print.line(`What clients see: ${print.paint(text, colour)}`);
  printSchemaChanges(print, schema);
}

function printField(print: Printer, { path, from, to }: FieldChange): void {
  print.line(`  ${printable(path)}`);
  const before = from === undefined ? [] : [`- ${valueText(from)}`];
  const after = to === undefined ? [] : [`+ ${valueText(to)}`];
  for (const line of [...before, ...after]) printSigned(print, line);
}

function valueText(value: unknown): string {
  return printable(typeof value === "string" ? value : JSON.stringify(value));
}
