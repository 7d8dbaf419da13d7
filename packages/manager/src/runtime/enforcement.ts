/** What is in force for a run, in the words of its status. Pure. */
import type { Isolation } from "@mcp-manager/api";
import { formatSize } from "@mcp-manager/api";
import type { Boundary } from "./boundary.ts";
import { watchIntervalMs } from "./limit-watch.ts";
import type { RunLimits } from "./runtime.ts";
import type { EffectiveSandbox } from "./sandbox-level.ts";

/** What a run was given. */
export interface InForce {
  readonly boundary: Boundary;
  readonly sandbox: EffectiveSandbox;
  readonly limits: RunLimits;
  /** Whether the manager can see how much the tree takes. */
  readonly isWatched: boolean;
}

/** `Running.isolation`. */
export function isolationOf({ boundary, sandbox, isWatched }: InForce): Isolation {
  const { level, network } = sandbox;
  const isInNamespace = boundary.kind === "pid-namespace" || level !== "trusted";
  return {
    level,
    boundary: boundary.kind === "cgroup" ? "cgroup" : isInNamespace ? "pid-namespace" : "process-group",
    limits: boundary.memoryUnbounded === undefined ? "cgroup2" : isWatched ? "rlimit" : "none",
    network,
  };
}

/** `Running.memory`. */
export function memoryOf({ boundary, limits, isWatched }: InForce): string {
  const size = formatSize(limits.memoryBytes);
  if (boundary.memoryUnbounded === undefined) return size;
  const instead = isWatched ? `; looked at every ${watchIntervalMs / 1000} s, and ended above ${size}` : "";
  return `not enforced: ${boundary.memoryUnbounded}${instead}`;
}
