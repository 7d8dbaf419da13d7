/** Small calls between the eras, beside the same client's calls to a server of its own era. */
import { manager } from "../peers/manager.ts";
import type { Era } from "../rig/contestant.ts";
import { startUpstream } from "../rig/upstream.ts";
import { type CallGroup, contestantCore, costAndAlone, loadCore, remote } from "./group.ts";

const eras: readonly Era[] = ["legacy", "modern"];

export const bridgeLegacy: CallGroup = bridgeGroup("legacy");
export const bridgeModern: CallGroup = bridgeGroup("modern");

function bridgeGroup(client: Era): CallGroup {
  const rowName = (server: Era): string => `manager, ${client} client, ${server} server`;
  return {
    kind: "calls",
    name: `bridge-${client}`,
    title: `Small call of a ${client} client, bridged and not`,
    baseline: rowName(client),
    withChildren: false,
    extent: costAndAlone,
    remark: "Through `/servers/{name}/mcp`.",
    goals: [],
    async prepare() {
      const upstreams = await Promise.all(eras.map((server) => startUpstream(server, loadCore)));
      const contestants = upstreams.map((upstream, at) => {
        const name = rowName(eras[at] ?? client);
        const servers = { bench: remote(upstream) };
        return manager({ name, servers, era: client, endpoint: "server", core: contestantCore });
      });
      const stop = async (): Promise<void> => void (await Promise.all(upstreams.map((upstream) => upstream.stop())));
      return { contestants, stop };
    },
  };
}
