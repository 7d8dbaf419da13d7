/** A thousand registered servers: how long the start takes, what lists do meanwhile, and what a call costs. */
import { setTimeout as sleep } from "node:timers/promises";
import { manager, type StartedManager, startManager } from "../peers/manager.ts";
import { residentMb } from "../rig/process.ts";
import { send, modernMeta } from "../rig/session.ts";
import { startUpstream } from "../rig/upstream.ts";
import { type CallGroup, contestantCore, costAndAlone, type FigureGroup, loadCore, serversOf } from "./group.ts";

export const manyServers = 1_000;
/** All of one process, each with one tool, in whichever era the manager wants. */
export const manyPath = (number: number): string => `/mcp/${number}`;
const few = "manager, 3 servers";
const same = "manager, 1,000 servers, 3 of them called";
const all = "manager, 1,000 servers, all called in turn";

export const manyCalls: CallGroup = {
  kind: "calls",
  name: "many-calls",
  title: "Small call with 1,000 servers registered, modern era",
  baseline: few,
  withChildren: false,
  extent: costAndAlone,
  remark: "Through `/mcp`. With all called in turn, each has its own connection to the one upstream process.",
  goals: [{ contestant: same, ratioMax: 1.05 }],
  async prepare() {
    const upstream = await startUpstream("both", loadCore);
    const row = (name: string, registered: number, called: number): ReturnType<typeof manager> => {
      const servers = serversOf(upstream, registered, manyPath);
      return manager({ name, servers, called, era: "modern", endpoint: "aggregate", core: contestantCore });
    };
    const contestants = [row(few, 3, 3), row(same, manyServers, 3), row(all, manyServers, manyServers)];
    return { contestants, stop: () => upstream.stop() };
  },
};

export const manyStart: FigureGroup = {
  kind: "figures",
  name: "many-start",
  title: "Start with 1,000 servers in the configuration file",
  remark:
    "From the start of the process. A client asks for the merged list again and again meanwhile; a list waits at most 2 s for what is missing.",
  figures: [
    { name: "start to `/ready`", unit: "s", max: 10 },
    { name: "start to 1,000 servers ready", unit: "s", max: 10 },
    // The deadline of 2 s is that of the wait; the list then has to be put together and sent.
    { name: "slowest merged list until then", unit: "ms", max: 2_200 },
    { name: "first list with all 1,000 tools, from the start", unit: "s", max: 12 },
    { name: "slowest of 20 merged lists after that", unit: "ms", max: 2_000 },
    { name: "resident memory after that", unit: "MB" },
  ],
  async measure(say) {
    const upstream = await startUpstream("both", loadCore);
    const startMs = performance.now();
    const started = await startManager({ servers: serversOf(upstream, manyServers, manyPath), core: contestantCore });
    try {
      return await figuresOf(started, startMs, say);
    } finally {
      await started.stop();
      await upstream.stop();
    }
  },
};

/** Beyond this a start is not slow but stuck. */
const startMsMax = 120_000;

async function figuresOf(
  started: StartedManager,
  startMs: number,
  say: (text: string) => void,
): Promise<readonly (number | undefined)[]> {
  const sinceStart = (): number => (performance.now() - startMs) / 1_000;
  await until(started, "answer /ready", 20, async () => (await fetch(`${started.url}/ready`)).ok);
  const readyS = sinceStart();
  let allReadyS: number | undefined;
  const allReady = untilAllReady(started).then(() => {
    allReadyS = sinceStart();
    say(`all are ready after ${allReadyS.toFixed(1)} s`);
  });
  let slowestMs = 0;
  let wholeS: number | undefined;
  const lists = until(started, "list 1,000 tools", 100, async () => {
    const list = await timedList(started);
    if (allReadyS === undefined) slowestMs = Math.max(slowestMs, list.ms);
    if (list.tools >= manyServers) wholeS ??= sinceStart();
    return allReadyS !== undefined && wholeS !== undefined;
  });
  await Promise.all([allReady, lists]);
  let slowestAfterMs = 0;
  for (let i = 0; i < 20; i++) slowestAfterMs = Math.max(slowestAfterMs, (await timedList(started)).ms);
  return [readyS, allReadyS, slowestMs, wholeS, slowestAfterMs, residentMb(started.pid)];
}

/** Resolves when all servers are; rejects when that does not come. */
export function untilAllReady(started: StartedManager): Promise<void> {
  // Looked for seldom, because to tell a thousand states is work too.
  return until(started, "have 1,000 servers ready", 400, () => areReady(started));
}

async function until(
  started: StartedManager,
  what: string,
  everyMs: number,
  isSo: () => Promise<boolean>,
): Promise<void> {
  for (const end = performance.now() + startMsMax; performance.now() < end; await sleep(everyMs)) {
    if (await isSo().catch(() => false)) return;
  }
  throw new Error(`the manager did not ${what} within ${startMsMax / 1_000} s; it said:\n${started.output()}`);
}

async function areReady({ url, authorization }: StartedManager): Promise<boolean> {
  const response = await fetch(`${url}/api/v1/servers?limit=${manyServers}`, { headers: { authorization } });
  const { items } = (await response.json()) as {
    readonly items: readonly { readonly status: { readonly state: string } }[];
  };
  return items.filter(({ status }) => status.state === "ready").length === manyServers;
}

async function timedList({
  url,
  authorization,
}: StartedManager): Promise<{ readonly ms: number; readonly tools: number }> {
  const target = { url: `${url}/mcp`, era: "modern", authorization } as const;
  const fromMs = performance.now();
  const response = await send(target, { jsonrpc: "2.0", id: 1, method: "tools/list", params: { _meta: modernMeta } });
  const text = await response.text();
  return { ms: performance.now() - fromMs, tools: text.split('__echo"').length - 1 };
}
