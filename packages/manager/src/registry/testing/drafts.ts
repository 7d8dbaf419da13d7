/** Resources for the registry's tests. */
import type { Replica, ReplicaSpec, Server, ServerSpec } from "@mcp-manager/api";
import { serverDefaults } from "@mcp-manager/api";
import type { Draft } from "../transaction.ts";

/** A server's spec; the command tells one from another. */
export function serverSpec(command = "weather-mcp", more: Partial<ServerSpec> = {}): ServerSpec {
  return { ...serverDefaults, source: { kind: "process", command, args: [], env: {} }, ...more };
}

/** A server to be. */
export function serverDraft(name: string, labels: Readonly<Record<string, string>> = {}): Draft<Server> {
  return { name, labels, spec: serverSpec() };
}

/** A replica to be, of the revision `weather-1`. */
export function replicaDraft(name: string): Draft<Replica> {
  const spec: ReplicaSpec = { server: "weather", revision: "weather-1", node: "n1", restartRound: 0 };
  return { name, spec };
}
