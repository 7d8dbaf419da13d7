/** The tools of fifty servers as one list, warm. */
import { envoy } from "../peers/envoy.ts";
import { manager } from "../peers/manager.ts";
import type { Era, Work } from "../rig/contestant.ts";
import { startUpstream } from "../rig/upstream.ts";
import { type CallGroup, contestantCore, costAndAlone, loadCore, serversOf } from "./group.ts";

/** Where each server is: servers with twenty tools each. */
export const longPath = (number: number): string => `/long/${number}`;
/** 1,000 tools of nearly 250 bytes each, which the prefixes bring to it. */
export const mergedList: Work = { path: "", method: "tools/list", tool: "echo", answerBytesMin: 240_000 };
export const listServers = 50;
const eras: readonly Era[] = ["legacy", "modern"];
const rowName = (era: Era): string => `manager /mcp, ${era} client`;

export const list: CallGroup = {
  kind: "calls",
  name: "list",
  title: "tools/list merged over 50 servers with 20 tools each",
  baseline: "Envoy mcp_router",
  withChildren: false,
  extent: costAndAlone,
  remark:
    "1,000 tools in 250 KB. Envoy asks all fifty servers for each list; the manager asks when a list changes or is old.",
  goals: eras.map((era) => ({ contestant: rowName(era), ratioMax: 0.1 })),
  async prepare() {
    const upstream = await startUpstream("both", loadCore);
    const servers = serversOf(upstream, listServers, longPath);
    const backends = Object.fromEntries(Object.keys(servers).map((name, number) => [name, longPath(number)]));
    const common = { core: contestantCore, work: mergedList };
    const contestants = [
      envoy({ ...common, upstreamPort: upstream.port, era: "legacy", mode: "router", backends }),
      ...eras.map((era) =>
        // All are called once before the load, so that all are there.
        manager({ ...common, servers, era, endpoint: "aggregate", name: rowName(era), called: listServers }),
      ),
    ];
    return { contestants, stop: () => upstream.stop() };
  },
};
