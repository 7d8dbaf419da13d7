/** Small calls to stdio servers. */
import { mcpProxy } from "../peers/mcp-proxy.ts";
import { supergateway } from "../peers/supergateway.ts";
import { directPipe } from "../rig/upstream.ts";
import { type CallGroup, contestantCore, everything, goals, managers, stdioSource } from "./group.ts";

export const stdioLegacy: CallGroup = {
  kind: "calls",
  name: "stdio-legacy",
  title: "HTTP to stdio, legacy era",
  baseline: "supergateway",
  withChildren: true,
  extent: everything,
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

export const stdioModern: CallGroup = {
  kind: "calls",
  name: "stdio-modern",
  title: "HTTP to stdio, modern era",
  baseline: "supergateway",
  withChildren: true,
  extent: everything,
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
