/** What a soak is told on its command line. Pure. */
import { parseArgs } from "node:util";

/** How long, how much, and which faults. */
export interface SoakOptions {
  /** Of load, the warm-up included. */
  readonly minutes: number;
  /** From 0 to 2^32 - 1. */
  readonly seed: number;
  readonly servers: number;
}

/** Reads the arguments; `seed` is for a run that was given none. Throws with what is wrong with them. */
export function optionsFrom(args: readonly string[], seed: number): SoakOptions {
  const string = { type: "string" } as const;
  const { values } = parseArgs({ args: [...args], options: { minutes: string, seed: string, servers: string } });
  const number = (name: keyof SoakOptions, by: number, min: number, max: number): number => {
    const text = values[name];
    const value = text === undefined ? by : Number(text);
    if (text?.trim() !== "" && value >= min && value <= max) return value;
    throw new Error(`--${name} takes a number from ${min} to ${max}, not "${text}"`);
  };
  const whole = (name: keyof SoakOptions, by: number, min: number, max: number): number => {
    const value = number(name, by, min, max);
    if (Number.isInteger(value)) return value;
    throw new Error(`--${name} takes a whole number, not "${value}"`);
  };
  return {
    minutes: number("minutes", 10, 1, 10_080),
    seed: whole("seed", seed, 0, 0xff_ff_ff_ff),
    servers: whole("servers", 12, 1, 60),
  };
}

/** The command that does the same again. */
export function commandOf({ minutes, seed, servers }: SoakOptions): string {
  return `npm run soak -- --minutes ${minutes} --seed ${seed} --servers ${servers}`;
}
