/** The report: which goals were reached, and the tables for the terminal and for the guide. Decides nothing. */
import { readFileSync, writeFileSync } from "node:fs";
import { type CallGroup, unitDigits } from "./groups/group.ts";
import { groups } from "./groups.ts";
import type { CallResult, FigureResult, GroupResult } from "./rig/measure.ts";
import { root } from "./rig/paths.ts";
import { tableOf } from "./tables.ts";

/** A whole run, as it is kept in `bench/results`. */
export interface Report {
  /** RFC 3339. */
  readonly startedAt: string;
  readonly machine: {
    readonly processor: string;
    readonly cores: number;
    readonly kernel: string;
    readonly node: string;
  };
  /** Load average when it began: what others did on the machine. */
  readonly loadAverage: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly groups: readonly GroupResult[];
}

const guide = `${root}/docs/guides/performance.md`;
const begin = "<!-- bench:begin -->";
const end = "<!-- bench:end -->";
/** Of the issue: p99 at 16 connections and half load. */
const pacedP99UsMax = 1_000;

/** All tables, each with its group's heading and remark. */
export function tables(report: Report): string {
  const { machine, rounds, seconds } = report;
  const day = report.startedAt.slice(0, 10);
  const where = `${machine.processor}, ${machine.cores} cores, Linux ${machine.kernel}, Node ${machine.node}`;
  const parts = report.groups.map((result) => tableOf(result));
  return [`${day}, ${where}; medians of ${rounds} rounds of ${seconds} s.`, ...parts].join("\n\n");
}

/** One line for each goal of the groups that ran. */
export function goalLines(report: Report): string[] {
  return report.groups.flatMap((result) => {
    const group = groups.find(({ name }) => name === result.name);
    if (group?.kind === "calls" && result.kind === "calls") return callGoals(group, result);
    return result.kind === "figures" ? figureGoals(result) : [];
  });
}

function callGoals({ goals, baseline, extent }: CallGroup, result: CallResult): string[] {
  return goals.flatMap(({ contestant, ratioMax }) => {
    const row = result.rows.find(({ name }) => name === contestant);
    const what = `${result.name}, ${contestant}`;
    const ratio = verdict(`${what}: × ${baseline}`, row?.ratio, ratioMax, 3);
    if (!extent.paced) return [ratio];
    return [ratio, verdict(`${what}: p99 µs at half load`, row?.paced?.p99Us, pacedP99UsMax, 0)];
  });
}

function figureGoals({ name, figures }: FigureResult): string[] {
  return figures.flatMap((figure) =>
    figure.max === undefined
      ? []
      : [verdict(`${name}, ${figure.name}: ${figure.unit}`, figure.value, figure.max, unitDigits[figure.unit])],
  );
}

function verdict(what: string, value: number | undefined, max: number, digits: number): string {
  if (value === undefined) return `not measured  ${what}`;
  return `${value <= max ? "reached     " : "NOT reached "}  ${what}: ${value.toFixed(digits)}, at most ${max.toFixed(digits)}`;
}

/** Puts the tables into the guide, between its two markers. */
export function writeGuide(report: Report): void {
  const text = readFileSync(guide, "utf8");
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${guide} lacks the markers ${begin} and ${end}`);
  writeFileSync(guide, `${text.slice(0, from + begin.length)}\n\n${tables(report)}\n\n${text.slice(to)}`);
}
