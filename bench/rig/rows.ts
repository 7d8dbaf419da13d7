/** From what the rounds say of each contestant to the rows of a table: medians of rounds, and of ratios made within a round. */
import type { CallGroup } from "../groups/group.ts";

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
  readonly onePerTimeP50Us?: number;
  readonly onePerTimeP99Us?: number;
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

/** A contestant and what was measured of it. */
export interface Measured {
  readonly name: string;
  readonly samples: readonly Sample[];
  readonly residentMiB?: number;
}

/** A row for each contestant that was measured to the end. */
export function rowsOf(group: CallGroup, measured: readonly Measured[]): Row[] {
  const samplesOf = (name: string): readonly Sample[] => measured.find((each) => each.name === name)?.samples ?? [];
  const baseline = samplesOf(group.baseline);
  const direct = samplesOf("direct");
  const cost = (sample: Sample | undefined): number | undefined =>
    group.withChildren ? sample?.cpuWithChildrenUs : sample?.cpuUs;
  return measured.map(({ name, samples, residentMiB }) => {
    const of = (pick: (sample: Sample, round: number) => number | undefined): number | undefined =>
      median(samples.map(pick).filter((value) => value !== undefined));
    const isDirect = name === "direct";
    const paced = {
      perSecond: of((sample) => sample.paced?.perSecond),
      p50Us: of((sample) => sample.paced?.p50Us),
      p99Us: of((sample) => sample.paced?.p99Us),
      disturbed: of((sample) => sample.paced?.disturbed),
      leftOut: of((sample) => sample.paced?.leftOut),
    };
    return defined({
      name,
      cpuUs: of((sample) => sample.cpuUs),
      cpuWithChildrenUs: of((sample) => sample.cpuWithChildrenUs),
      ratio: of((sample, round) => quotient(cost(sample), cost(baseline[round]))),
      perSecond: of((sample) => sample.perSecond) ?? 0,
      onePerTimeP50Us: of((sample) => sample.onePerTimeP50Us),
      onePerTimeP99Us: of((sample) => sample.onePerTimeP99Us),
      overDirectP50Us: isDirect
        ? undefined
        : of((sample, round) => difference(sample.onePerTimeP50Us, direct[round]?.onePerTimeP50Us)),
      overDirectP99Us: isDirect
        ? undefined
        : of((sample, round) => difference(sample.onePerTimeP99Us, direct[round]?.onePerTimeP99Us)),
      paced: paced.perSecond === undefined ? undefined : paced,
      residentMiB,
      samples,
    }) as unknown as Row;
  });
}

/** Of an even number, between the two in the middle; undefined of none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined || sorted.length % 2 === 1) return upper;
  return (upper + (sorted[middle - 1] ?? upper)) / 2;
}

function quotient(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b;
}

function difference(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a - b;
}

/** Without members that are undefined. */
function defined(row: object): object {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));
}
