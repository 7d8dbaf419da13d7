/**
 * How much of its heap, its descriptors and its time this process has used up, as the stages of overload take it. It measures, and
 * knows nothing of what follows.
 */
import process from "node:process";
import { getHeapSpaceStatistics, getHeapStatistics } from "node:v8";
import { LoopDelay } from "../../base/loop-delay.ts";
import type { Pressures } from "../../resilience/overload.ts";
import { descriptorsOpen } from "./descriptors.ts";

/** Where the figures come from. */
export interface PressureSource extends Disposable {
  /** Everything; read about once a second. */
  read(): Pressures;
  /** What can be used up between two of those. Costs some microseconds. */
  readUse(): Pick<Pressures, "heap" | "fds">;
}

export interface PressureOptions {
  /** How many descriptors the process may have open; undefined: they are not watched. */
  readonly descriptors: number | undefined;
  /** What NODE_OPTIONS says. */
  readonly nodeOptions: string | undefined;
}

/** The delay at which the event loop counts as fully used (reliability.md 2.4). */
const delayMsMax = 250;

/** This process. */
export function processPressure({ descriptors, nodeOptions = "" }: PressureOptions): PressureSource {
  const delay = new LoopDelay();
  const heapMax = oldGenerationMax(`${nodeOptions} ${process.execArgv.join(" ")}`);
  let smooth = 0;
  const readUse = (): Pick<Pressures, "heap" | "fds"> => ({
    heap: oldGenerationUsed() / heapMax,
    fds: descriptors === undefined ? 0 : descriptorsOpen(descriptors) / descriptors,
  });
  return {
    readUse,
    read() {
      const [lateMs = 0] = delay.look([0.99]);
      smooth = smoothed(smooth, lateMs / delayMsMax);
      return { ...readUse(), eventLoopDelay: smooth };
    },
    [Symbol.dispose]: () => delay[Symbol.dispose](),
  };
}

/**
 * How many bytes the old generation may have: a process ends when that is full, whatever is left of the young one, which
 * `heap_size_limit` counts as well: 96 MiB where a limit was given, and a few hundredths where Node chose it by the machine's memory.
 */
export function oldGenerationMax(nodeOptions: string): number {
  const given = [...nodeOptions.matchAll(/--max[-_]old[-_]space[-_]size[= ](\d+)/g)].at(-1)?.[1];
  const { heap_size_limit: limit } = getHeapStatistics();
  return given === undefined ? limit : Math.min(limit, Number(given) * 1_048_576);
}

function oldGenerationUsed(): number {
  let used = 0;
  for (const { space_name: name, space_used_size: bytes } of getHeapSpaceStatistics())
    if (!name.startsWith("new_")) used += bytes;
  return used;
}

/** Of the newest figure, the rest stays: within a second, one long pause is the 99th percentile. */
const share = 0.2;
/** One pause of minutes (a suspended machine) counts as much as one of 300 ms. */
const pressureMax = 1.25;

/**
 * The next value of a pressure that comes and goes: it takes seconds of it, one after the other, to get anywhere. At one figure a
 * second the first stage comes after 6 s of a loop that is held up all the time.
 */
export function smoothed(before: number, now: number): number {
  return before + share * (Math.min(pressureMax, Math.max(0, now)) - before);
}
