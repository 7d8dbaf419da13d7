/**
 * Runs a group: starts its contestants, warms them up, and measures them in turn, round after round, so that what the machine does
 * beside hits all alike. Each figure is the median of the rounds; ratios are made within a round first (`rows.ts`).
 */
import { type CallGroup, type Extent, type FigureGroup, type Figure, type Group, loadCore } from "../groups/group.ts";
import { type Contestant, Missing, type RunningContestant } from "./contestant.ts";
import { type Load, pace, saturate } from "./load.ts";
import { cpuSeconds, residentMiB, waitedSeconds } from "./process.ts";
import { median, type Paced, type Row, rowsOf, type Sample } from "./rows.ts";
import { openSessions, tryCall } from "./session.ts";

export interface Effort {
  readonly rounds: number;
  /** Of each measurement; one round of a contestant takes about three times as long. */
  readonly seconds: number;
}

interface Absent {
  readonly name: string;
  readonly reason: string;
  readonly isFailure: boolean;
}

export interface CallResult {
  readonly kind: "calls";
  readonly name: string;
  readonly rows: readonly Row[];
  /** Contestants that could not take part or gave up, with the reason. */
  readonly absent: readonly Absent[];
}

export interface MeasuredFigure extends Figure {
  /** Absent when no round could say it. */
  readonly value?: number;
  readonly samples: readonly number[];
}

export interface FigureResult {
  readonly kind: "figures";
  readonly name: string;
  readonly figures: readonly MeasuredFigure[];
  /** The manager, when a round failed. */
  readonly absent: readonly Absent[];
}

export type GroupResult = CallResult | FigureResult;

/** As many as the issue of a busy client; each has its own session. */
const connections = 16;
/** What the paced load generator keeps up with beside an upstream on the same core. */
const pacedPerSecondMax = 12_000;

/** More rounds than these say nothing new of starts and of memory. */
const figureRoundsMax = 3;

interface Racer {
  readonly contestant: Contestant;
  readonly running: RunningContestant;
  readonly sessions: readonly string[];
  readonly samples: Sample[];
  residentMiB?: number;
}

/** `say` is told what is being done. */
export function measureGroup(group: Group, effort: Effort, say: (text: string) => void): Promise<GroupResult> {
  return group.kind === "calls" ? measureCalls(group, effort, say) : measureFigures(group, effort, say);
}

async function measureFigures(group: FigureGroup, effort: Effort, say: (text: string) => void): Promise<FigureResult> {
  const rounds: (readonly (number | undefined)[])[] = [];
  const absent: Absent[] = [];
  const wanted = Math.min(effort.rounds, figureRoundsMax);
  for (let round = 0; round < wanted; round++) {
    try {
      rounds.push(await group.measure(say));
      say(`round ${round + 1} of ${wanted} is done`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      absent.push({ name: "manager", reason, isFailure: true });
      say(`a round failed: ${reason}`);
    }
  }
  const figures = group.figures.map((figure, at) => {
    const samples = rounds.map((values) => values[at]).filter((value) => value !== undefined);
    const value = median(samples);
    return { ...figure, samples, ...(value === undefined ? {} : { value }) };
  });
  return { kind: "figures", name: group.name, figures, absent };
}

async function measureCalls(group: CallGroup, effort: Effort, say: (text: string) => void): Promise<CallResult> {
  const prepared = await group.prepare();
  const racers: Racer[] = [];
  const absent: Absent[] = [];
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
          racer.samples.push(await sampleOf(racer, group.extent, effort, round));
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
    const measured = racers.map(({ contestant, ...racer }) => ({ name: contestant.name, ...racer }));
    return { kind: "calls", name: group.name, rows: rowsOf(group, measured), absent };
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

async function sampleOf(racer: Racer, extent: Extent, effort: Effort, round: number): Promise<Sample> {
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
  const perCallUs = (at: number): number => (((after?.[at] ?? 0) - (before?.[at] ?? 0)) * 1e6) / full.requests;
  const pacedPerSecond = Math.min(pacedPerSecondMax, Math.round(full.perSecond / 2));
  return {
    ...(pid === undefined ? {} : { cpuUs: perCallUs(0), cpuWithChildrenUs: perCallUs(1) }),
    perSecond: full.perSecond,
    ...(extent.alone ? await aloneOf({ ...load, seed: `b${round}x` }) : {}),
    ...(extent.paced && target.command === undefined
      ? { paced: await pacedOf({ ...load, seed: `c${round}x` }, pid, pacedPerSecond) }
      : {}),
  };
}

/** One call at a time. */
async function aloneOf(load: Load): Promise<Pick<Sample, "onePerTimeP50Us" | "onePerTimeP99Us">> {
  const { p50Us, p99Us } = await saturate({ ...load, connections: 1, sessions: load.sessions.slice(0, 1) });
  return { onePerTimeP50Us: p50Us, onePerTimeP99Us: p99Us };
}

async function pacedOf(load: Load, pid: number | undefined, perSecond: number): Promise<Paced> {
  const waitedBefore = pid === undefined ? 0 : waitedSeconds(pid);
  const { p50Us, p99Us, heldUpSeconds, leftOut } = await pace(load, perSecond);
  const waited = pid === undefined ? 0 : waitedSeconds(pid) - waitedBefore;
  return { perSecond, p50Us, p99Us, disturbed: Math.max(waited, heldUpSeconds) / load.seconds, leftOut };
}

function rotated<T>(list: readonly T[], by: number): T[] {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
