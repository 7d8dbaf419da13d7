/** The report: tables in Markdown, for the terminal and for the guide; which goals were reached. Decides nothing. */
import { readFileSync, writeFileSync } from "node:fs";
import { groups } from "./groups.ts";
import type { GroupResult, Row } from "./rig/measure.ts";
import { root } from "./rig/paths.ts";

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

function tableOf(result: GroupResult): string {
  const group = groups.find(({ name }) => name === result.name);
  const whole = (value: number | undefined): string => (value === undefined ? "–" : value.toFixed(0));
  const head = [
    "contestant",
    "CPU µs per call",
    ...(group?.withChildren === true ? ["with children"] : []),
    `× ${group?.baseline}`,
    "calls/s",
    "1 connection: p50 / p99 µs over direct",
    "half load: calls/s",
    "p50 µs",
    "p99 µs",
    "disturbed / left out",
    "MiB",
  ];
  const cells = (row: Row): string[] => [
    row.name,
    row.cpuUs?.toFixed(1) ?? "–",
    ...(group?.withChildren === true ? [row.cpuWithChildrenUs?.toFixed(1) ?? "–"] : []),
    row.ratio?.toFixed(row.ratio < 0.2 ? 3 : 2) ?? "–",
    whole(row.perSecond),
    row.overDirectP50Us === undefined
      ? `(${whole(row.onePerTimeP50Us)} / ${whole(row.onePerTimeP99Us)})`
      : `${whole(row.overDirectP50Us)} / ${whole(row.overDirectP99Us)}`,
    whole(row.paced?.perSecond),
    whole(row.paced?.p50Us),
    whole(row.paced?.p99Us),
    row.paced === undefined ? "–" : `${percent(row.paced.disturbed)} / ${percent(row.paced.leftOut)}`,
    whole(row.residentMiB),
  ];
  const absent = result.absent.map(
    ({ name, reason }) => `${name} took no part: ${reason.replaceAll(/\s+/g, " ").slice(0, 200)}`,
  );
  return [`### ${group?.title}`, group?.remark, ...absent, aligned([head, ...result.rows.map(cells)])].join("\n\n");
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(" | ")} |`;
  const rule = `| ${widths.map((width, at) => (at === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(rows[0] ?? []), rule, ...rows.slice(1).map(line)].join("\n");
}

/** One line for each goal of the groups that ran. */
export function goalLines(report: Report): string[] {
  return report.groups.flatMap((result) => {
    const group = groups.find(({ name }) => name === result.name);
    return (group?.goals ?? []).flatMap(({ contestant, ratioMax }) => {
      const row = result.rows.find(({ name }) => name === contestant);
      const what = `${result.name}, ${contestant}`;
      return [
        verdict(`${what}: × ${group?.baseline}`, row?.ratio, ratioMax, 3),
        verdict(`${what}: p99 µs at half load`, row?.paced?.p99Us, pacedP99UsMax, 0),
      ];
    });
  });
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

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
