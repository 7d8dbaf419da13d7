/** What a group of the bench is, and on which cores its parts run. Contestants run on core 0; upstreams and load on core 1. */
import { manager, type ManagerEndpoint, managerName, type Source } from "../peers/manager.ts";
import type { Contestant, Era } from "../rig/contestant.ts";
import { type RunningUpstream, stdioServer } from "../rig/upstream.ts";

export const contestantCore = 0;
export const loadCore = 1;

/** What a manager's row of a group has to reach. */
export interface Goal {
  readonly contestant: string;
  /** Its CPU per call over the baseline's, at most. */
  readonly ratioMax: number;
}

/** What is measured of a contestant beside its cost and its calls per second under full load. */
export interface Extent {
  /** Latency with one call at a time. */
  readonly alone: boolean;
  /** Latency at half load. */
  readonly paced: boolean;
}

export const everything: Extent = { alone: true, paced: true };
export const costAndAlone: Extent = { alone: true, paced: false };
export const costOnly: Extent = { alone: false, paced: false };

/** Contestants that do the same work in the same rounds, and the one among them whose cost counts as 1. */
export interface CallGroup {
  readonly kind: "calls";
  /** Parts before a `-` are families: `--group http` takes both of `http-legacy` and `http-modern`. */
  readonly name: string;
  readonly title: string;
  /** The contestant whose CPU per call counts as 1. */
  readonly baseline: string;
  /** Whether the ratio is of the contestant with all that it started: a stdio server's processes. */
  readonly withChildren: boolean;
  readonly extent: Extent;
  readonly remark: string;
  readonly goals: readonly Goal[];
  prepare(): Promise<PreparedGroup>;
}

export interface PreparedGroup {
  readonly contestants: readonly Contestant[];
  stop(): Promise<void>;
}

export type Unit = "MB" | "s" | "ms" | "µs" | "ns" | "×";

/** Digits after the point that say something. */
export const unitDigits: Readonly<Record<Unit, number>> = { MB: 1, s: 1, ms: 0, µs: 0, ns: 0, "×": 2 };

/** One thing that is measured of the manager alone. */
export interface Figure {
  readonly name: string;
  readonly unit: Unit;
  /** The goal: at most this. */
  readonly max?: number;
}

/** Figures of the manager alone, each round with one that was just started. */
export interface FigureGroup {
  readonly kind: "figures";
  readonly name: string;
  readonly title: string;
  readonly remark: string;
  readonly figures: readonly Figure[];
  /** One value for each figure, in their order; undefined where there was none to be had. */
  measure(say: (text: string) => void): Promise<readonly (number | undefined)[]>;
}

export type Group = CallGroup | FigureGroup;

export const endpoints: readonly ManagerEndpoint[] = ["aggregate", "server"];

/** The manager with one server, called through both of its endpoints. */
export function managers(source: Source, era: Era): Contestant[] {
  return endpoints.map((endpoint) => manager({ servers: { bench: source }, era, endpoint, core: contestantCore }));
}

/** The same goal for both of them. */
export function goals(ratioMax: number): Goal[] {
  return endpoints.map((endpoint) => ({ contestant: managerName(endpoint), ratioMax }));
}

/** An HTTP server behind the manager. */
export function remote(upstream: RunningUpstream, path = "/mcp"): Source {
  return { kind: "remote", url: `http://127.0.0.1:${upstream.port}${path}` };
}

/** A stdio server that the manager starts. */
export function stdioSource(eras: Era | "both"): Source {
  const [command = "", ...args] = stdioServer(eras);
  return { kind: "process", command, args };
}

/** `count` servers of one upstream process; `pathOf` says where each is. Their names sort as their numbers do. */
export function serversOf(
  upstream: RunningUpstream,
  count: number,
  pathOf: (number: number) => string,
): Readonly<Record<string, Source>> {
  const digits = String(count - 1).length;
  const names = Array.from({ length: count }, (_, number) => `s${String(number).padStart(digits, "0")}`);
  return Object.fromEntries(names.map((name, number) => [name, remote(upstream, pathOf(number))]));
}
