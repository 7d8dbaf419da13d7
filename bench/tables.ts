/** The tables of a report in Markdown: of calls, with a column for each thing that the group measures, and of figures. */
import { type CallGroup, type Group, unitDigits } from "./groups/group.ts";
import { groups } from "./groups.ts";
import type { CallResult, FigureResult, GroupResult } from "./rig/measure.ts";
import type { Row } from "./rig/rows.ts";

/** A column: its heading, and what stands in it. */
interface Column {
  readonly head: string;
  readonly cell: (row: Row) => string;
}

/** One group's table with its heading and remark, and who took no part. */
export function tableOf(result: GroupResult): string {
  const group: Group | undefined = groups.find(({ name }) => name === result.name);
  if (group === undefined) throw new Error(`there is no group "${result.name}" any more`);
  const absent = result.absent.map(
    ({ name, reason }) => `${name} took no part: ${reason.replaceAll(/\s+/g, " ").slice(0, 200)}`,
  );
  return [`### ${group.title}`, group.remark, ...absent, aligned(cellsOf(group, result))].join("\n\n");
}

function cellsOf(group: Group, result: GroupResult): readonly (readonly string[])[] {
  if (group.kind === "calls" && result.kind === "calls") return callCells(group, result);
  if (group.kind === "figures" && result.kind === "figures") return figureCells(result);
  throw new Error(`group "${result.name}" is measured otherwise now`);
}

function callCells(group: CallGroup, { rows }: CallResult): readonly (readonly string[])[] {
  const columns = columnsOf(group, rows);
  return [columns.map(({ head }) => head), ...rows.map((row) => columns.map(({ cell }) => cell(row)))];
}

function columnsOf({ baseline, withChildren, extent }: CallGroup, rows: readonly Row[]): readonly Column[] {
  const children: Column = { head: "with children", cell: (row) => row.cpuWithChildrenUs?.toFixed(1) ?? "–" };
  const hasDirect = rows.some((row) => row.overDirectP50Us !== undefined);
  const alone: Column = {
    head: hasDirect ? "1 connection: p50 / p99 µs over direct" : "1 connection: p50 / p99 µs",
    cell: (row) => aloneText(row, hasDirect),
  };
  const paced: readonly Column[] = [
    { head: "half load: calls/s", cell: (row) => whole(row.paced?.perSecond) },
    { head: "p50 µs", cell: (row) => whole(row.paced?.p50Us) },
    { head: "p99 µs", cell: (row) => whole(row.paced?.p99Us) },
    {
      head: "disturbed / left out",
      cell: ({ paced: at }) => (at === undefined ? "–" : `${percent(at.disturbed)} / ${percent(at.leftOut)}`),
    },
  ];
  return [
    { head: "contestant", cell: (row) => row.name },
    { head: "CPU µs per call", cell: (row) => row.cpuUs?.toFixed(1) ?? "–" },
    ...(withChildren ? [children] : []),
    { head: `× ${baseline}`, cell: ({ ratio }) => ratio?.toFixed(ratio < 0.2 ? 3 : 2) ?? "–" },
    { head: "calls/s", cell: (row) => whole(row.perSecond) },
    ...(extent.alone ? [alone] : []),
    ...(extent.paced ? paced : []),
    { head: "MiB", cell: (row) => whole(row.residentMiB) },
  ];
}

/** In brackets what is not a difference, in a column of differences. */
function aloneText(row: Row, hasDirect: boolean): string {
  if (row.overDirectP50Us !== undefined) return `${whole(row.overDirectP50Us)} / ${whole(row.overDirectP99Us)}`;
  const text = `${whole(row.onePerTimeP50Us)} / ${whole(row.onePerTimeP99Us)}`;
  return hasDirect ? `(${text})` : text;
}

function figureCells({ figures }: FigureResult): readonly (readonly string[])[] {
  const rows = figures.map(({ name, unit, value, max, samples }) => [
    `${name}, ${unit}`,
    value?.toFixed(unitDigits[unit]) ?? "–",
    max?.toFixed(unit === "×" ? 1 : 0) ?? "–",
    samples.map((sample) => sample.toFixed(unitDigits[unit])).join(" · "),
  ]);
  return [["figure", "median", "at most", "of the rounds"], ...rows];
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(" | ")} |`;
  const rule = `| ${widths.map((width, at) => (at === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(rows[0] ?? []), rule, ...rows.slice(1).map(line)].join("\n");
}

function whole(value: number | undefined): string {
  return value === undefined ? "–" : value.toFixed(0);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
