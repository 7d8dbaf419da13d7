/**
 * The bench. Measures the groups one after the other and reports; `npm run bench` sets up what it needs and calls it.
 *
 *   --quick            fewer and shorter rounds, to see that everything runs
 *   --group NAME       only this group, or those whose names begin with NAME and a hyphen; may be repeated
 *   --rounds N         rounds of each group (3)
 *   --seconds N        seconds of each measurement (2)
 *   --write            put the tables into docs/guides/performance.md
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { parseArgs } from "node:util";
import type { Group } from "./groups/group.ts";
import { groups, groupsNamed } from "./groups.ts";
import { goalLines, type Report, tables, writeGuide } from "./report.ts";
import { type GroupResult, measureGroup } from "./rig/measure.ts";
import { bench, cache } from "./rig/paths.ts";

const say = (text: string): void => void process.stderr.write(`${text}\n`);
/** A load average from which on others disturb the figures. */
const disturbedFrom = 0.5;

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly chosen: readonly Group[];
  readonly write: boolean;
}

try {
  await main(options());
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

function options(): Options {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      group: { type: "string", multiple: true },
      rounds: { type: "string" },
      seconds: { type: "string" },
      write: { type: "boolean", default: false },
    },
  });
  const names = groups.map(({ name }) => name).join(", ");
  for (const name of values.group ?? []) {
    if (groupsNamed(name).length === 0) throw new Error(`there is no group "${name}": choose from ${names}`);
  }
  const wanted = values.group?.flatMap(groupsNamed);
  return {
    rounds: whole("--rounds", values.rounds, values.quick ? 1 : 3, 50),
    seconds: whole("--seconds", values.seconds, values.quick ? 1 : 2, 60),
    chosen: groups.filter((group) => wanted === undefined || wanted.includes(group)),
    write: values.write,
  };
}

function whole(name: string, text: string | undefined, fallback: number, max: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new Error(`${name} is a whole number from 1 to ${max}, not "${text}"`);
}

async function main({ rounds, seconds, chosen, write }: Options): Promise<void> {
  const startedAt = new Date().toISOString();
  const [loadAverage = 0] = loadavg();
  if (loadAverage > disturbedFrom) {
    say(`the machine is busy (load average ${loadAverage.toFixed(2)}): this run shows that the bench works, no more`);
  }
  mkdirSync(cache, { recursive: true });
  const results: GroupResult[] = [];
  for (const group of chosen) {
    say(`\n${group.title}`);
    results.push(await measureGroup(group, { rounds, seconds }, (text) => say(`  ${text}`)));
  }
  const machine = {
    processor: cpus()[0]?.model ?? "unknown processor",
    cores: cpus().length,
    kernel: release(),
    node: process.versions.node,
  };
  const report: Report = { startedAt, machine, loadAverage, rounds, seconds, groups: results };
  const file = `${bench}/results/${startedAt.slice(0, 19).replaceAll(":", "-")}.json`;
  mkdirSync(`${bench}/results`, { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(`\n${tables(report)}\n\n${goalLines(report).join("\n")}\n\nkept in ${file}\n`);
  if (write) writeGuide(report);
  // A contestant that failed fails the run; one that is not installed does not.
  if (results.some(({ absent }) => absent.some(({ isFailure }) => isFailure))) process.exitCode = 1;
}
