/**
 * `npm run soak`: everything that the fault suite knows to go wrong, at random under a steady load, for ten minutes or as long as it is
 * told (`--minutes N --seed N --servers N`). Ends with 0 when every invariant held all the time and all is as it was before, else with 1
 * and the breaches. The seed decides what happens when; how it falls together is the machine's.
 */
import { randomInt } from "node:crypto";
import { commandOf, optionsFrom, type SoakOptions } from "./soak/options.ts";
import { heldText, progressLine, tableOf } from "./soak/report.ts";
import { SoakRun } from "./soak/run.ts";

const isTerminal = process.stdout.isTTY;
const progressMs = isTerminal ? 1_000 : 10_000;

process.exitCode = await main();

async function main(): Promise<number> {
  let options: SoakOptions;
  try {
    options = optionsFrom(process.argv.slice(2), randomInt(2 ** 32));
  } catch (error) {
    process.stderr.write(`soak: ${(error as Error).message}\n`);
    return 2;
  }
  const { minutes, seed, servers } = options;
  print(`soak: seed ${seed}, ${minutes} minutes, ${servers} servers`);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  const run = await SoakRun.start(options, stop);
  const status = await outcomeOf(run);
  print(`\nagain: ${commandOf(options)}`);
  return status;
}

async function outcomeOf(run: SoakRun): Promise<number> {
  const timer = setInterval(() => show(run), progressMs);
  const outcome = await run.run().catch((error: Error) => error);
  clearInterval(timer);
  print(`${isTerminal ? "\n" : ""}\n${tableOf("faults", run.faults.counts)}`);
  if (run.missed.total > 0) print(tableOf("faults that found nobody there", run.missed.counts));
  print(tableOf("calls", run.calls.counts));
  if (outcome instanceof Error) {
    print(`\nFAILED: ${outcome.message}`);
    return 1;
  }
  const { before, after, settledMs } = outcome;
  print(`\n${heldText(before, after)}`);
  print(`Every invariant held; all was well again after ${(settledMs / 1_000).toFixed(1)} s.`);
  return 0;
}

function show(run: SoakRun): void {
  const { held, leftMs, calls, faults } = run;
  const line = progressLine({ leftMs, calls: calls.counts, faults: faults.total, held });
  process.stdout.write(isTerminal ? `\r${line}\u001B[K` : `${line}\n`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
