/**
 * Durations and sizes as people write them, in files and in JSON alike: a whole number and a unit, no space. Nothing here
 * knows what a quantity is for; bounds belong to the field that holds it.
 */
import { ManagerError } from "./error.ts";

type DurationUnit = "ms" | "s" | "m" | "h";
type SizeUnit = "B" | "KiB" | "MiB" | "GiB";

const durationUnits: Readonly<Record<DurationUnit, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const sizeUnits: Readonly<Record<SizeUnit, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** A length of time: `"250ms"`, `"30s"`, `"10m"`, `"1h"`. */
export type Duration = `${number}${DurationUnit}`;

/** An amount of memory: `"512B"`, `"64KiB"`, `"256MiB"`, `"2GiB"`. */
export type Size = `${number}${SizeUnit}`;

/** What a duration looks like. Nine digits keep every value a safe integer. */
export const durationPattern: RegExp = /^(0|[1-9][0-9]{0,8})(ms|s|m|h)$/;

/** What a size looks like. */
export const sizePattern: RegExp = /^(0|[1-9][0-9]{0,5})(GiB)$|^(0|[1-9][0-9]{0,8})(B|KiB|MiB)$/;

/** The rule for durations in words, for error messages. */
export const durationRule = "a duration such as 250ms, 30s, 10m or 1h";

/** The rule for sizes in words, for error messages. */
export const sizeRule = "a size such as 512KiB, 256MiB or 2GiB";

/** Milliseconds of a duration. Throws `invalid_argument` on any other text. */
export function durationMs(text: string): number {
  const match = durationPattern.exec(text);
  if (match === null) throw new ManagerError("invalid_argument", `"${text}" is not ${durationRule}`);
  return Number(match[1]) * durationUnits[match[2] as DurationUnit];
}

/** The shortest duration that says exactly `ms` (a whole, non-negative number of milliseconds): 90000 is `"90s"`. */
export function formatDuration(ms: number): Duration {
  if (ms === 0) return "0s";
  const unit = (["h", "m", "s"] as const).find((candidate) => ms % durationUnits[candidate] === 0) ?? "ms";
  return `${ms / durationUnits[unit]}${unit}`;
}

/** Bytes of a size. Throws `invalid_argument` on any other text. */
export function sizeBytes(text: string): number {
  const match = sizePattern.exec(text);
  if (match === null) throw new ManagerError("invalid_argument", `"${text}" is not ${sizeRule}`);
  return Number(match[1] ?? match[3]) * sizeUnits[(match[2] ?? match[4]) as SizeUnit];
}

/** The shortest size that says exactly `bytes` (a whole, non-negative number): 524288 is `"512KiB"`. */
export function formatSize(bytes: number): Size {
  if (bytes === 0) return "0B";
  const unit = (["GiB", "MiB", "KiB"] as const).find((candidate) => bytes % sizeUnits[candidate] === 0) ?? "B";
  return `${bytes / sizeUnits[unit]}${unit}`;
}
