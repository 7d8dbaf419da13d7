/**
 * Whether the instance has what a deployment needs at its widest, before it begins: replicas, processes and memory against what the
 * instance allows. Pure; it knows nothing of how the figures are found.
 */
import type { Strategy } from "@mcp-manager/api";
import { formatSize } from "@mcp-manager/api";
import type { Room } from "./rollout.ts";

/** What an instance allows, or what is taken of it. A figure that is absent is unbounded, or unknown and counted as nothing. */
export interface Capacity {
  readonly replicas?: number;
  readonly processes?: number;
  readonly memoryBytes?: number;
}

/** What a deployment needs at its widest, beyond what runs already. */
export interface Need {
  readonly replicas: number;
  /** Of each replica: `limits.processes` and `limits.memory`, where they are kept. */
  readonly each: { readonly processes?: number; readonly memoryBytes?: number };
}

/** How many replicas a deployment has at its widest beyond `desired`, of a server that has so many. A way back is taken whole. */
export function replicasBeyond(strategy: Strategy, desired: number, isRollback = false): number {
  if (strategy.kind === "recreate") return 0;
  return strategy.kind === "rolling" && !isRollback ? Math.min(desired, strategy.maxSurge) : desired;
}

/** Whether it fits; if not, which figure does not, and what to do. */
export function roomFor(server: string, need: Need, allowed: Capacity, taken: Capacity): Room {
  const lacking = [
    short("replicas", need.replicas, allowed.replicas, taken.replicas, String),
    short("processes", need.replicas * (need.each.processes ?? 0), allowed.processes, taken.processes, String),
    short("memory", need.replicas * (need.each.memoryBytes ?? 0), allowed.memoryBytes, taken.memoryBytes, formatSize),
  ].filter((one) => one !== undefined);
  if (lacking.length === 0) return { kind: "enough" };
  const what = `${need.replicas} more replicas of server ${server} do not fit: ${lacking.join("; ")}`;
  return { kind: "lacking", message: `${what}; lower its replicas or limits, or stop another server, then retry` };
}

function short(
  what: string,
  needed: number,
  allowed: number | undefined,
  taken = 0,
  format: (amount: number) => string,
): string | undefined {
  if (allowed === undefined || needed <= 0 || taken + needed <= allowed) return undefined;
  return `${what}: ${format(needed)} more needed, ${format(taken)} of ${format(allowed)} taken`;
}
