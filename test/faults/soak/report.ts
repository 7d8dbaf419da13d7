/** A soak in words: a line of how far it is, and the tables at its end. Pure text. */

type Counts = readonly (readonly [name: string, count: number])[];

interface Held {
  readonly rssBytes: number;
  readonly descriptors: number;
  readonly processes: number;
}

/** How far a run is. */
export interface Progress {
  readonly leftMs: number;
  readonly calls: Counts;
  readonly faults: number;
  /** Of the manager; undefined while it is away. */
  readonly held: Omit<Held, "processes"> | undefined;
}

/** One line. */
export function progressLine({ leftMs, calls, faults, held }: Progress): string {
  const total = calls.reduce((sum, [, count]) => sum + count, 0);
  const endings = calls.slice(0, 5).map(([name, count]) => `${count} ${name}`);
  const of = endings.length === 0 ? "" : ` (${endings.join(", ")})`;
  const holds =
    held === undefined ? "the manager is away" : `rss ${mebibytes(held.rssBytes)}, ${held.descriptors} descriptors`;
  return `${clockText(leftMs)} left: ${total} calls${of}; ${faults} faults; ${holds}`;
}

/** Lines of a table with two columns; without a row it says so. */
export function tableOf(title: string, counts: Counts): string {
  const width = Math.max(...counts.map(([name]) => name.length), 0);
  const rows = counts.map(([name, count]) => `  ${name.padEnd(width)}  ${String(count).padStart(7)}`);
  return [title, ...(rows.length === 0 ? ["  none"] : rows)].join("\n");
}

/** What is held at the end against what was held before. */
export function heldText(before: Held, after: Held): string {
  const { descriptors, processes } = before;
  const memory = `rss ${mebibytes(before.rssBytes)} before, ${mebibytes(after.rssBytes)} after`;
  return `${memory}; descriptors ${descriptors}, ${after.descriptors}; processes ${processes}, ${after.processes}`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MiB`;
}

/** `9:05` */
function clockText(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
