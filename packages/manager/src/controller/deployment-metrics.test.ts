import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment, DeploymentStatus, Server } from "@mcp-manager/api";
import { pendingDeploymentStatus, pendingServerStatus } from "@mcp-manager/api";
import { serverDraft } from "../registry/testing/drafts.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { collectDeploymentMetrics } from "./deployment-metrics.ts";

const common = { uid: "", generation: 1, revision: "1", createdAt: "", labels: {} };

function server(name: string, newest?: string): Server {
  const status = { ...pendingServerStatus, ...(newest === undefined ? {} : { deployment: newest }) };
  return { kind: "Server", metadata: { name, ...common }, spec: serverDraft(name).spec, status };
}

function deployment(name: string, status: Partial<DeploymentStatus>): Deployment {
  const spec = {
    server: "weather",
    from: "weather-1",
    to: "weather-2",
    strategy: { kind: "recreate" },
    generation: 2,
  } as const;
  return { kind: "Deployment", metadata: { name, ...common }, spec, status: { ...pendingDeploymentStatus, ...status } };
}

test("the newest deployment of each server shows its phase, weight and step, as they are at the scrape", () => {
  const step = { index: 2, of: 3, weight: 25, since: "" };
  const known = new Map([
    ["weather-2-1", deployment("weather-2-1", { phase: "Failed" })],
    ["weather-2-2", deployment("weather-2-2", { phase: "Paused", traffic: { target: 25 }, step })],
  ]);
  const servers = [server("weather", "weather-2-2"), server("time"), server("gone", "gone-1-1")];
  const metrics = new Metrics();
  collectDeploymentMetrics(metrics, { list: () => servers }, { get: (name) => known.get(name) });
  const shown = (): readonly string[] =>
    metrics
      .text()
      .split("\n")
      .filter((line) => line.startsWith("mcp_"))
      .map((line) => line.replace("mcp_manager_deployment_", ""));
  assert.deepEqual(shown(), [
    'phase{server="weather",phase="Paused"} 1',
    'weight{server="weather"} 25',
    'step{server="weather"} 2',
  ]);
  known.set("weather-2-2", deployment("weather-2-2", { phase: "Completed", traffic: { target: 100 } }));
  assert.deepEqual(shown(), [
    'phase{server="weather",phase="Completed"} 1',
    'weight{server="weather"} 100',
    'step{server="weather"} 0',
  ]);
});
