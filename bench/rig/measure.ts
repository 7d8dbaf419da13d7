/**
 * Runs a group: starts its contestants, warms them up, and measures them in turn, round after round, so that what the machine does
 * beside hits all alike. Each figure is the median of the rounds; ratios are made within a round first.
 */
import type { Group } from "../groups.ts";
import { loadCore } from "../groups.ts";
import { type Contestant, Missing, type RunningContestant } from "./contestant.ts";
import { type Load, pace, saturate } from "./load.ts";
import { cpuSeconds, residentMiB, waitedSeconds } from "./process.ts";
import { openSessions, tryCall } from "./session.ts";

export interface Effort {
  readonly rounds: number;
  /** Of each measurement; one round of a contestant takes about three times as long. */
  readonly seconds: number;
}

/** Latency at half load. */
export interface Paced {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Share of the time in which the contestant or the generator wanted its core and did not get it. */
  readonly disturbed: number;
  /** Share of the requests that are not counted, because the load generator was held up when they were due or under way. */
  readonly leftOut: number;
}

/** What one round says about one contestant. CPU is per call and absent for the direct call. */
export interface Sample {
  readonly cpuUs?: number;
  readonly cpuWithChildrenUs?: number;
  readonly perSecond: number;
  readonly onePerTimeP50Us: number;
  readonly onePerTimeP99Us: number;
  readonly paced?: Paced;
}

export interface Row extends Sample {
  readonly name: string;
  /** CPU per call over that of the group's baseline. */
  readonly ratio?: number;
  /** Latency at one connection beyond that of the direct call. */
  readonly overDirectP50Us?: number;
  readonly overDirectP99Us?: number;
  readonly residentMiB?: number;
  readonly samples: readonly Sample[];
}

export interface GroupResult {
  readonly name: string;
  readonly rows: readonly Row[];
  /** Contestants that could not take part or gave up, with the reason. */
  readonly absent: readonly { readonly name: string; readonly reason: string; readonly isFailure: boolean }[];
}

/** As many as the issue of a busy client; each has its own session. */
const connections = 16;
/** What the paced load generator keeps up with beside an upstream on the same core. */
const pacedPerSecondMax = 12_000;

interface Racer {
  readonly contestant: Contestant;
  readonly running: RunningContestant;
  readonly sessions: readonly string[];
  readonly samples: Sample[];
  residentMiB?: number;
}

/** `say` is told what is being done. */
export async function measureGroup(group: Group, effort: Effort, say: (text: string) => void): Promise<GroupResult> {
  const prepared = await group.prepare();
  const racers: Racer[] = [];
  const absent: { name: string; reason: string; isFailure: boolean }[] = [];
  const drop = (name: string, error: unknown): void => {
    const reason = error instanceof Error ? error.message : String(error);
    absent.push({ name, reason, isFailure: !(error instanceof Missing) });
    say(`${name} takes no part: ${reason}`);
  };
  const started: RunningContestant[] = [];
  try {
    for (const contestant of prepared.contestants) {
      try {
        const running = await contestant.start();
        started.push(running);
        racers.push(await warmUp(contestant, running, effort));
        say(`${contestant.name} is warm`);
      } catch (error) {
        drop(contestant.name, error);
      }
    }
    for (let round = 0; round < effort.rounds; round++) {
      // Another one begins each time, so that none always follows the same neighbour.
      for (const racer of rotated(racers, round)) {
        try {
          racer.samples.push(await sampleOf(racer, effort, round));
        } catch (error) {
          racers.splice(racers.indexOf(racer), 1);
          drop(racer.contestant.name, error);
        }
      }
      say(`round ${round + 1} of ${effort.rounds} is done`);
    }
    for (const racer of racers) {
      if (racer.running.pid !== undefined) racer.residentMiB = residentMiB(racer.running.pid, group.withChildren);
    }
    return { name: group.name, rows: rowsOf(group, racers), absent };
  } finally {
    for (const running of started) await running.stop();
    await prepared.stop();
  }
}

async function warmUp(contestant: Contestant, running: RunningContestant, effort: Effort): Promise<Racer> {
  const { target } = running;
  const isPipe = target.command !== undefined;
  const sessions = isPipe ? [] : await openSessions(target, connections);
  if (!isPipe) await tryCall(target, sessions[0]);
  // A program that compiles while it runs needs some 100,000 calls until it has.
  const seconds = Math.max(5, effort.seconds);
  if (!isPipe) await saturate({ target, sessions, connections, seconds, core: loadCore, seed: "w" });
  return { contestant, running, sessions, samples: [] };
}

async function sampleOf(racer: Racer, effort: Effort, round: number): Promise<Sample> {
  const { target, pid } = racer.running;
  const load: Load = {
    target,
    sessions: racer.sessions,
    connections,
    seconds: effort.seconds,
    core: loadCore,
    seed: `a${round}x`,
  };
  const before = pid === undefined ? undefined : [cpuSeconds(pid, false), cpuSeconds(pid, true)];
  const full = await saturate(load);
  const after = pid === undefined ? undefined : [cpuSeconds(pid, false), cpuSeconds(pid, true)];
  const one = await saturate({ ...load, connections: 1, sessions: racer.sessions.slice(0, 1), seed: `b${round}x` });
  const perSecond = Math.min(pacedPerSecondMax, Math.round(full.perSecond / 2));
  const waitedBefore = pid === undefined ? 0 : waitedSeconds(pid);
  const paced = target.command === undefined ? await pace({ ...load, seed: `c${round}x` }, perSecond) : undefined;
  const waited = pid === undefined ? 0 : waitedSeconds(pid) - waitedBefore;
  const disturbed = Math.max(waited, paced?.heldUpSeconds ?? 0) / effort.seconds;
  const perCallUs = (at: number): number => (((after?.[at] ?? 0) - (before?.[at] ?? 0)) * 1e6) / full.requests;
  return {
    ...(pid === undefined ? {} : { cpuUs: perCallUs(0), cpuWithChildrenUs: perCallUs(1) }),
    perSecond: full.perSecond,
    onePerTimeP50Us: one.p50Us,
    onePerTimeP99Us: one.p99Us,
    ...(paced === undefined
      ? {}
      : { paced: { perSecond, p50Us: paced.p50Us, p99Us: paced.p99Us, disturbed, leftOut: paced.leftOut } }),
  };
}

function rowsOf(group: Group, racers: readonly Racer[]): Row[] {
  const samplesOf = (name: string): readonly Sample[] =>
    racers.find(({ contestant }) => contestant.name === name)?.samples ?? [];
  const baseline = samplesOf(group.baseline);
  const direct = samplesOf("direct");
  const cost = (sample: Sample | undefined): number | undefined =>
    group.withChildren ? sample?.cpuWithChildrenUs : sample?.cpuUs;
  return racers.map(({ contestant, samples, residentMiB: memory }) => {
    const of = (pick: (sample: Sample, round: number) => number | undefined): number | undefined =>
      median(samples.map(pick).filter((value) => value !== undefined));
    const isDirect = contestant.name === "direct";
    const paced = {
      perSecond: of((sample) => sample.paced?.perSecond),
      p50Us: of((sample) => sample.paced?.p50Us),
      p99Us: of((sample) => sample.paced?.p99Us),
      disturbed: of((sample) => sample.paced?.disturbed),
      leftOut: of((sample) => sample.paced?.leftOut),
    };
    return defined({
      name: contestant.name,
      cpuUs: of((sample) => sample.cpuUs),
      cpuWithChildrenUs: of((sample) => sample.cpuWithChildrenUs),
      ratio: of((sample, round) => quotient(cost(sample), cost(baseline[round]))),
      perSecond: of((sample) => sample.perSecond) ?? 0,
      onePerTimeP50Us: of((sample) => sample.onePerTimeP50Us) ?? 0,
      onePerTimeP99Us: of((sample) => sample.onePerTimeP99Us) ?? 0,
      overDirectP50Us: isDirect
        ? undefined
        : of((sample, round) => difference(sample.onePerTimeP50Us, direct[round]?.onePerTimeP50Us)),
      overDirectP99Us: isDirect
        ? undefined
        : of((sample, round) => difference(sample.onePerTimeP99Us, direct[round]?.onePerTimeP99Us)),
      paced: paced.perSecond === undefined ? undefined : paced,
      residentMiB: memory,
      samples,
    }) as unknown as Row;
  });
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined || sorted.length % 2 === 1) return upper;
  return (upper + (sorted[middle - 1] ?? upper)) / 2;
}

function quotient(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b;
}

function difference(a: number, b: number | undefined): number | undefined {
  return b === undefined ? undefined : a - b;
}

function rotated<T>(list: readonly T[], by: number): T[] {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

/** Without members that are undefined. */
function defined(row: object): object {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));
}
