/** How the difference between what two revisions offer is shown to people: the worst first, with the words that changed. */
import type { SchemaChange, SchemaClass, SchemaDiff } from "@mcp-manager/api";
import type { Cell, Colour, Printer } from "../output.ts";
import { printable, printableText } from "../output.ts";

const colours: Readonly<Record<SchemaClass, Colour>> = {
  none: "dim",
  additive: "green",
  semantic: "yellow",
  breaking: "red",
};

/** `1 breaking, 2 additive changes`, in the colour of the worst. */
export function schemaDiffCell({ class: worst, changes }: SchemaDiff): Cell {
  if (worst === "none") return { text: "none: both offer the same", colour: colours.none };
  const classes = (["breaking", "semantic", "additive"] as const).flatMap((name) => {
    const count = changes.filter((change) => change.class === name).length;
    return count === 0 ? [] : [`${count} ${name}`];
  });
  if (classes.length === 0) return { text: worst, colour: colours[worst] };
  return { text: `${classes.join(", ")} ${changes.length === 1 ? "change" : "changes"}`, colour: colours[worst] };
}

/** A line on each of at most `max` changes, and below it the lines of a text that differ. */
export function printSchemaChanges(print: Printer, { changes }: SchemaDiff, max = 200): void {
  for (const change of changes.slice(0, max)) printChange(print, change);
  const left = changes.length - max;
  if (left > 0) print.line(`  … and ${left} more`);
}

function printChange(print: Printer, change: SchemaChange): void {
  const { subject, message, diff = [] } = change;
  const name = print.paint(change.class.padEnd(8), colours[change.class]);
  print.hanging(`  ${name}  `, 12, `${printable(subject)}: ${printable(message)}`);
  for (const line of diff) printSigned(print, line);
}

/** A line that begins with `-` (what was, red) or `+` (what comes, green). */
export function printSigned(print: Printer, line: string): void {
  const colour = line.startsWith("-") ? "red" : line.startsWith("+") ? "green" : undefined;
  const text = printableText(line.slice(1).replace(/^ /, ""));
  print.hanging(`    ${print.paint(line.slice(0, 1), colour)} `, 6, text, colour);
}
