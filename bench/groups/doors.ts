/** What REST and gRPC cost: a list of many servers, and a tool call beside the same call through MCP. */
import { manager, type StartedManager, startManager } from "../peers/manager.ts";
import type { DoorKind } from "../rig/contestant.ts";
import { bench } from "../rig/paths.ts";
import { cpuSeconds, start, waitForLine } from "../rig/process.ts";
import { median } from "../rig/rows.ts";
import { startUpstream } from "../rig/upstream.ts";
import {
  type CallGroup,
  contestantCore,
  costAndAlone,
  type FigureGroup,
  loadCore,
  remote,
  serversOf,
} from "./group.ts";
import { manyPath, manyServers, untilAllReady } from "./many.ts";

const pairs = 3;
const seconds = 2;
const warmUpSeconds = 5;
const mcp = "manager, MCP";

export const doorCalls: CallGroup = {
  kind: "calls",
  name: "doors-call",
  title: "A small call through MCP, REST and gRPC",
  baseline: mcp,
  withChildren: false,
  extent: costAndAlone,
  remark:
    "MCP is a modern client at `/servers/{name}/mcp`. gRPC clients have one connection with sixteen calls in flight, the others sixteen connections. `Struct`: arguments and result are protobuf's own JSON types; `JSON`: they are bytes (`arguments_json`, `raw`).",
  goals: [],
  async prepare() {
    const upstream = await startUpstream("modern", loadCore);
    const row = (name: string, door?: DoorKind): ReturnType<typeof manager> =>
      manager({
        name,
        servers: { bench: remote(upstream) },
        era: "modern",
        endpoint: "server",
        core: contestantCore,
        ...(door === undefined ? {} : { door }),
      });
    const contestants = [
      row(mcp),
      row("manager, REST", "rest"),
      row("manager, gRPC, Struct", "grpc"),
      row("manager, gRPC, JSON", "grpc-raw"),
    ];
    return { contestants, stop: () => upstream.stop() };
  },
};

export const doorLists: FigureGroup = {
  kind: "figures",
  name: "doors-list",
  title: "1,000 servers, listed over gRPC and REST",
  remark: `All of them ready. gRPC's stream, and REST's pages of 500, one list at a time for ${seconds} seconds each, in turn, ${pairs} times. The clients count what comes and do not decode it; the time is that of a whole list.`,
  figures: [
    { name: "gRPC, CPU per server", unit: "µs" },
    { name: "REST, CPU per server", unit: "µs" },
    { name: "gRPC over REST", unit: "×" },
    { name: "gRPC, 1,000 servers", unit: "ms" },
    { name: "REST, 1,000 servers", unit: "ms" },
  ],
  async measure(say) {
    const upstream = await startUpstream("both", loadCore);
    const started = await startManager({ servers: serversOf(upstream, manyServers, manyPath), core: contestantCore });
    try {
      await untilAllReady(started);
      return await figuresOf(started, say);
    } finally {
      await started.stop();
      await upstream.stop();
    }
  },
};

/** What a list costs by one door. */
interface Cost {
  /** Per server. */
  readonly cpuUs: number;
  readonly tookMs: number;
}

async function figuresOf(
  started: StartedManager,
  say: (text: string) => void,
): Promise<readonly (number | undefined)[]> {
  const costs = { grpc: [] as Cost[], rest: [] as Cost[] };
  for (const door of ["grpc", "rest"] as const) await costOf(started, door, warmUpSeconds);
  for (let pair = 0; pair < pairs; pair++) {
    // The one that comes first is not always the same.
    const order = pair % 2 === 0 ? (["grpc", "rest"] as const) : (["rest", "grpc"] as const);
    for (const door of order) costs[door].push(await costOf(started, door, seconds));
  }
  const { grpc, rest } = costs;
  const ratios = grpc.map(({ cpuUs }, at) => cpuUs / (rest[at]?.cpuUs ?? cpuUs));
  say(`gRPC over REST: ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}`);
  const middle = (of: readonly Cost[], what: keyof Cost): number | undefined => median(of.map((cost) => cost[what]));
  return [middle(grpc, "cpuUs"), middle(rest, "cpuUs"), median(ratios), middle(grpc, "tookMs"), middle(rest, "tookMs")];
}

async function costOf(started: StartedManager, door: "grpc" | "rest", forSeconds: number): Promise<Cost> {
  const url = door === "grpc" ? started.grpcUrl() : started.url;
  const options = [door, url, started.authorization, String(manyServers), String(forSeconds)];
  const before = cpuSeconds(started.pid, false);
  const program = start({ command: process.execPath, args: [`${bench}/doors/lists.ts`, ...options], core: loadCore });
  try {
    const [line] = await waitForLine(program, /^\{.*\}$/m);
    const { lists, p50Ms } = JSON.parse(line) as { readonly lists: number; readonly p50Ms: number };
    const cpuUs = ((cpuSeconds(started.pid, false) - before) * 1e6) / (lists * manyServers);
    return { cpuUs, tookMs: p50Ms };
  } finally {
    await program.stop();
  }
}
