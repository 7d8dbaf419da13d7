/** What protects a server from its callers, and them from it: what it costs a small call. */
import { type StartedManager, startManager, untilServed } from "../peers/manager.ts";
import type { Target } from "../rig/contestant.ts";
import { saturate } from "../rig/load.ts";
import { bench } from "../rig/paths.ts";
import { cpuSeconds, start, waitForLine } from "../rig/process.ts";
import { median } from "../rig/rows.ts";
import { startUpstream } from "../rig/upstream.ts";
import { contestantCore, type FigureGroup, loadCore, remote } from "./group.ts";

const pairs = 7;
const seconds = 3;
const warmUpSeconds = 10;
const plenty = 1_000_000;
/** Of the guard alone: rounds, and calls in each with it and without. */
const aloneRounds = 9;
const aloneCalls = 1_000_000;
const aloneMsMax = 120_000;

/** The same server under two names, in one manager, so that nothing else differs. */
const specs = {
  bare: { breaker: { enabled: false }, limits: { concurrency: 10_000, queue: 10_000 } },
  guarded: { limits: { rate: { perSecond: plenty, burst: plenty } } },
} as const;

export const guard: FigureGroup = {
  kind: "figures",
  name: "guard",
  title: "Breaker, limits and rate, modern era, through `/servers/{name}/mcp`",
  remark: `The guard alone: ${aloneCalls.toLocaleString("en")} calls past a real guard with everything on to a replica that answers at once, and as many without one, ${aloneRounds} times in turn, in one process without sockets (\`bench/guard/calls.ts\`). Then small calls with 16 connections at full load, to a server as it is by default, with a rate as well, and to one without a breaker and with limits that nothing reaches: both in one manager, in turn, ${pairs} times. A call to the second still passes its guard, which has less to do there.`,
  figures: [
    { name: "the guard's own CPU per call", unit: "ns", max: 3_000 },
    { name: "CPU per call: with, less without", unit: "µs", max: 3 },
    { name: "CPU per call without", unit: "µs" },
    { name: "CPU per call with", unit: "µs" },
  ],
  async measure(say) {
    const aloneUs = await guardAloneUs(say);
    const upstream = await startUpstream("modern", loadCore);
    const source = remote(upstream);
    const started = await startManager({ servers: { bare: source, guarded: source }, specs, core: contestantCore });
    try {
      return [aloneUs * 1_000, ...(await figuresOf(started, say))];
    } finally {
      await started.stop();
      await upstream.stop();
    }
  },
};

/** What a guard adds to a call where there is nothing else. */
async function guardAloneUs(say: (text: string) => void): Promise<number> {
  const program = start({
    command: process.execPath,
    args: ["--conditions=mcp-manager-source", `${bench}/guard/calls.ts`, String(aloneRounds), String(aloneCalls)],
    core: contestantCore,
  });
  try {
    const [text] = await waitForLine(program, /^\[.*\]$/m, aloneMsMax);
    const rounds = JSON.parse(text) as readonly { readonly bareUs: number; readonly guardedUs: number }[];
    const added = rounds.map(({ bareUs, guardedUs }) => guardedUs - bareUs);
    say(`µs more with it, alone: ${added.map((us) => us.toFixed(3)).join(", ")}`);
    return known(median(added));
  } finally {
    await program.stop();
  }
}

/** CPU µs per call through the gateway: with the guard at work less without, without, and with it. */
async function figuresOf(
  started: StartedManager,
  say: (text: string) => void,
): Promise<readonly [number, number, number]> {
  const [bare, guarded] = [targetOf(started, "bare"), targetOf(started, "guarded")];
  for (const target of [bare, guarded]) {
    await untilServed(target, started);
    // A program that compiles while it runs is slow at first.
    await cpuUs(started, target, "w", warmUpSeconds);
  }
  const without: number[] = [];
  const withIt: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    // The one that comes first is not always the same.
    if (pair % 2 === 1) withIt.push(await cpuUs(started, guarded, `a${pair}`, seconds));
    without.push(await cpuUs(started, bare, `b${pair}`, seconds));
    if (pair % 2 === 0) withIt.push(await cpuUs(started, guarded, `c${pair}`, seconds));
  }
  const differences = withIt.map((us, i) => us - (without[i] ?? us));
  say(`µs more with it: ${differences.map((us) => us.toFixed(2)).join(", ")}`);
  return [known(median(differences)), known(median(without)), known(median(withIt))];
}

function known(figure: number | undefined): number {
  if (figure === undefined) throw new Error("nothing was measured");
  return figure;
}

/** Of the manager, for one call. */
async function cpuUs(started: StartedManager, target: Target, seed: string, forSeconds: number): Promise<number> {
  const before = cpuSeconds(started.pid, false);
  const load = { target, sessions: [], connections: 16, seconds: forSeconds, core: loadCore, seed: `${seed}x` };
  const { requests } = await saturate(load);
  return ((cpuSeconds(started.pid, false) - before) / requests) * 1e6;
}

function targetOf({ url, authorization }: StartedManager, server: string): Target {
  return { name: server, url: `${url}/servers/${server}/mcp`, era: "modern", tool: "echo", authorization };
}
