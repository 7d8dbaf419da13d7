/**
 * What is compared with what. A group is a set of contestants that do the same work in the same rounds, and the one among them
 * whose cost counts as 1. Contestants run on core 0; upstreams and load on core 1.
 */
import { envoy } from "./peers/envoy.ts";
import { manager, type ManagerEndpoint, managerName, type Source } from "./peers/manager.ts";
import { mcpProxy } from "./peers/mcp-proxy.ts";
import { nginx } from "./peers/nginx.ts";
import { relay } from "./peers/relay.ts";
import { supergateway } from "./peers/supergateway.ts";
import type { Contestant, Era } from "./rig/contestant.ts";
import { direct, directPipe, type RunningUpstream, startUpstream, stdioServer } from "./rig/upstream.ts";

export const contestantCore = 0;
export const loadCore = 1;

/** What a manager's row of a group has to reach. */
export interface Goal {
  readonly contestant: string;
  /** Its CPU per call over the baseline's, at most. */
  readonly ratioMax: number;
}

export interface Group {
  readonly name: string;
  readonly title: string;
  /** The contestant whose CPU per call counts as 1. */
  readonly baseline: string;
  /** Whether the ratio is of the contestant with all that it started: a stdio server's processes. */
  readonly withChildren: boolean;
  readonly remark: string;
  readonly goals: readonly Goal[];
  prepare(): Promise<PreparedGroup>;
}

export interface PreparedGroup {
  readonly contestants: readonly Contestant[];
  stop(): Promise<void>;
}

const endpoints: readonly ManagerEndpoint[] = ["aggregate", "server"];

function managers(source: Source, era: Era): Contestant[] {
  return endpoints.map((endpoint) => manager({ source, era, endpoint, core: contestantCore }));
}

function goals(ratioMax: number): Goal[] {
  return endpoints.map((endpoint) => ({ contestant: managerName(endpoint), ratioMax }));
}

/** An HTTP server behind the manager. */
export function remote(upstream: RunningUpstream): Source {
  return { kind: "remote", url: `http://127.0.0.1:${upstream.port}/mcp` };
}

/** A stdio server that the manager starts. */
export function stdioSource(eras: Era | "both"): Source {
  const [command = "", ...args] = stdioServer(eras);
  return { kind: "process", command, args };
}

const httpLegacy: Group = {
  name: "http-legacy",
  title: "HTTP to HTTP, legacy era",
  baseline: "Envoy mcp_router",
  withChildren: false,
  remark: "nginx passes bytes on and is the floor; the relay is the least that an MCP gateway in Node can do.",
  goals: goals(0.8),
  async prepare() {
    const upstream = await startUpstream("legacy", loadCore);
    const contestants = [
      direct(upstream.port, "legacy"),
      nginx(upstream.port, "legacy", contestantCore),
      envoy(upstream.port, "legacy", "router", contestantCore),
      relay(upstream.port, "legacy", "net", contestantCore),
      ...managers(remote(upstream), "legacy"),
    ];
    return { contestants, stop: () => upstream.stop() };
  },
};

const httpModern: Group = {
  name: "http-modern",
  title: "HTTP to HTTP, modern era",
  baseline: "Envoy mcp_router",
  withChildren: false,
  remark:
    "Envoy's mcp_router does not speak the modern era. It is the measure all the same, with legacy calls to a legacy upstream in the same rounds; Envoy's pass-through, which looks into nothing, takes the modern calls.",
  goals: goals(0.8),
  async prepare() {
    const upstream = await startUpstream("modern", loadCore);
    const legacy = await startUpstream("legacy", loadCore);
    const contestants = [
      direct(upstream.port, "modern"),
      nginx(upstream.port, "modern", contestantCore),
      envoy(legacy.port, "legacy", "router", contestantCore),
      envoy(upstream.port, "modern", "pass", contestantCore),
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

const stdioLegacy: Group = {
  name: "stdio-legacy",
  title: "HTTP to stdio, legacy era",
  baseline: "supergateway",
  withChildren: true,
  remark: "The ratio is of the contestant and the stdio servers that it started together.",
  goals: goals(1 / 9),
  async prepare() {
    const contestants = [
      directPipe(contestantCore),
      supergateway(contestantCore),
      mcpProxy("legacy", contestantCore),
      ...managers(stdioSource("legacy"), "legacy"),
    ];
    return { contestants, stop: async () => {} };
  },
};

const stdioModern: Group = {
  name: "stdio-modern",
  title: "HTTP to stdio, modern era",
  baseline: "supergateway",
  withChildren: true,
  remark:
    "Modern calls to a legacy stdio server, as published ones are. supergateway would start a process for each; it is the measure with legacy calls in the same rounds.",
  goals: goals(1 / 9),
  async prepare() {
    const contestants = [
      directPipe(contestantCore),
      supergateway(contestantCore),
      mcpProxy("modern", contestantCore),
      ...managers(stdioSource("legacy"), "modern"),
    ];
    return { contestants, stop: async () => {} };
  },
};

export const groups: readonly Group[] = [httpLegacy, httpModern, stdioLegacy, stdioModern];
