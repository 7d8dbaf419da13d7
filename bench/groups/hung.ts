/** One of fifty servers hangs, with callers waiting for it: what the callers of the others notice. */
import { type StartedManager, startManager, untilServed } from "../peers/manager.ts";
import type { Target } from "../rig/contestant.ts";
import { type Load, pace, saturate } from "../rig/load.ts";
import { bench } from "../rig/paths.ts";
import { type RunningProgram, start, waitForLine } from "../rig/process.ts";
import { median } from "../rig/rows.ts";
import { modernMeta, send } from "../rig/session.ts";
import { startUpstream } from "../rig/upstream.ts";
import { contestantCore, type FigureGroup, loadCore, serversOf } from "./group.ts";
import { manyPath } from "./many.ts";

const good = 49;
/** Well within what one core serves, so that what is seen is waiting and not the load itself. */
const perSecond = 2_000;
const seconds = 3;
const pairs = 5;
const warmUpSeconds = 10;
/** Callers that wait for the hung server all the time. */
const waiting = 32;

export const hung: FigureGroup = {
  kind: "figures",
  name: "hung",
  title: "One of 50 servers hung, modern era, through `/mcp`",
  remark: `${perSecond} calls a second to the other 49 in turn, with all 50 well and with one that takes requests and does not answer, five times. Meanwhile ${waiting} callers want something of the fiftieth, again a second after it answered, or was refused for it. Then merged lists, one after the other.`,
  figures: [
    { name: "p99 of calls to the other 49, with the hung one over without", unit: "×", max: 1.2 },
    { name: "p99 without", unit: "µs" },
    { name: "p99 with", unit: "µs" },
    // The wait is 2 s; the list then has to be put together and sent.
    { name: "slowest of 10 merged lists with it", unit: "ms", max: 2_200 },
  ],
  async measure(say) {
    const upstream = await startUpstream("both", loadCore);
    const server = await startHung();
    const servers = {
      ...serversOf(upstream, good, manyPath),
      zz: { kind: "remote", url: `http://127.0.0.1:${server.port}/mcp` },
    } as const;
    const started = await startManager({ servers, core: contestantCore });
    try {
      return await figuresOf(started, Object.keys(servers), server, say);
    } finally {
      await started.stop();
      await server.program.stop();
      await upstream.stop();
    }
  },
};

interface HungServer {
  readonly port: number;
  readonly program: RunningProgram;
}

async function startHung(): Promise<HungServer> {
  const program = start({ command: process.execPath, args: [`${bench}/upstream/hung.ts`, "modern"], core: loadCore });
  return { port: Number((await waitForLine(program, /listening (\d+)/))[1]), program };
}

async function figuresOf(
  started: StartedManager,
  names: readonly string[],
  server: HungServer,
  say: (text: string) => void,
): Promise<readonly (number | undefined)[]> {
  const tools = names.map((name) => `${name}__echo`);
  const [tool = "", ...otherTools] = tools.slice(0, good);
  const { url, authorization } = started;
  const target: Target = { name: "manager", url: `${url}/mcp`, era: "modern", tool, otherTools, authorization };
  await untilServed({ ...target, otherTools: tools.slice(1) }, started);
  // A program that compiles while it runs is slow at first.
  await saturate({ ...loadOf(target, "w"), seconds: warmUpSeconds });
  const without: number[] = [];
  const withIt: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    without.push(await p99Beside(target, tools.at(-1) ?? "", `a${pair}`));
    await tell(server, "hang");
    withIt.push(await p99Beside(target, tools.at(-1) ?? "", `b${pair}`));
    if (pair < pairs - 1) await tell(server, "well");
  }
  say(`p99 in µs, without and with: ${without.map((us, i) => `${us} ${withIt[i]}`).join(", ")}`);
  let slowestMs = 0;
  for (let list = 0; list < 10; list++) slowestMs = Math.max(slowestMs, await listMs(target));
  // Within a pair the machine is likely to be as it was.
  return [median(withIt.map((us, i) => us / (without[i] ?? us))), median(without), median(withIt), slowestMs];
}

/** Of calls to the good servers, while callers of the other one come again and again, whether it answers or not. */
async function p99Beside(target: Target, name: string, seed: string): Promise<number> {
  const over = new AbortController();
  const callers = Array.from({ length: waiting }, () => callAgain(target, name, over.signal));
  const { p99Us } = await pace(loadOf(target, seed), perSecond);
  over.abort();
  await Promise.all(callers);
  return p99Us;
}

function loadOf(target: Target, seed: string): Load {
  return { target, sessions: [], connections: 16, seconds, core: loadCore, seed: `${seed}x` };
}

async function tell({ port }: HungServer, what: "hang" | "well"): Promise<void> {
  await fetch(`http://127.0.0.1:${port}/${what}`, { method: "POST" });
}

/** However it ends, once a second: a refusal is waited out, and callers who came more often would be what is measured. */
async function callAgain(target: Target, name: string, signal: AbortSignal): Promise<void> {
  const params = { name, arguments: { n: "1" }, _meta: modernMeta };
  while (!signal.aborted) {
    await Promise.race([
      send(target, { jsonrpc: "2.0", id: 1, method: "tools/call", params })
        .then((response) => response.text())
        .catch(() => undefined),
      aborted(signal),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

async function listMs(target: Target): Promise<number> {
  const fromMs = performance.now();
  await (await send(target, { jsonrpc: "2.0", id: 1, method: "tools/list", params: { _meta: modernMeta } })).text();
  return performance.now() - fromMs;
}
