/** Small calls to HTTP servers, same era on both sides. */
import { envoy } from "../peers/envoy.ts";
import { nginx } from "../peers/nginx.ts";
import { relay } from "../peers/relay.ts";
import { direct, startUpstream } from "../rig/upstream.ts";
import { type CallGroup, contestantCore, everything, goals, loadCore, managers, remote } from "./group.ts";

export const httpLegacy: CallGroup = {
  kind: "calls",
  name: "http-legacy",
  title: "HTTP to HTTP, legacy era",
  baseline: "Envoy mcp_router",
  withChildren: false,
  extent: everything,
  remark: "nginx passes bytes on and is the floor; the relay is the least that an MCP gateway in Node can do.",
  goals: goals(0.8),
  async prepare() {
    const upstream = await startUpstream("legacy", loadCore);
    const contestants = [
      direct(upstream.port, "legacy"),
      nginx(upstream.port, "legacy", contestantCore),
      envoy({ upstreamPort: upstream.port, era: "legacy", mode: "router", core: contestantCore }),
      relay(upstream.port, "legacy", "net", contestantCore),
      ...managers(remote(upstream), "legacy"),
    ];
    return { contestants, stop: () => upstream.stop() };
  },
};

export const httpModern: CallGroup = {
  kind: "calls",
  name: "http-modern",
  title: "HTTP to HTTP, modern era",
  baseline: "Envoy mcp_router",
  withChildren: false,
  extent: everything,
  remark:
    "Envoy's mcp_router does not speak the modern era. It is the measure all the same, with legacy calls to a legacy upstream in the same rounds; Envoy's pass-through, which looks into nothing, takes the modern calls.",
  goals: goals(0.8),
  async prepare() {
    const upstream = await startUpstream("modern", loadCore);
    const legacy = await startUpstream("legacy", loadCore);
    const contestants = [
      direct(upstream.port, "modern"),
      nginx(upstream.port, "modern", contestantCore),
      envoy({ upstreamPort: legacy.port, era: "legacy", mode: "router", core: contestantCore }),
      envoy({ upstreamPort: upstream.port, era: "modern", mode: "pass", core: contestantCore }),
      relay(upstream.port, "modern", "net", contestantCore),
      ...managers(remote(upstream), "modern"),
    ];
    return {
      contestants,
      async stop() {
        await upstream.stop();
        await legacy.stop();
      },
    };
  },
};
