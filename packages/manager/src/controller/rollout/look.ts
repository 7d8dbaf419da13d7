/** When a deployment has to be looked at again because time alone may change something. Pure. */
import type { DeploymentStatus } from "@mcp-manager/api";
import { durationMs, isOver } from "@mcp-manager/api";
import { stanceOf } from "./changes.ts";
import { clampLeftMs } from "./gate.ts";
import { moveOf } from "./progressing.ts";
import { isBare, progressOf, type Situation } from "./situation.ts";
import type { RolloutStrategy } from "./strategies/strategy.ts";
import { nextLookMs } from "./watch.ts";

/** What is counted is written at least so often, so that a restart loses no more. */
const writeMs = 5_000;
/** What still depends on a revision is told by nobody. */
const drainMs = 1_000;

/** Milliseconds; undefined: it waits for something that is told. */
export function lookAgainMs(
  situation: Situation,
  strategy: RolloutStrategy,
  status: DeploymentStatus,
): number | undefined {
  const { draining, keptMs } = progressOf(status);
  const times = [
    draining === undefined ? undefined : Math.min(drainMs, ...Object.values(draining)),
    keptMs === undefined ? undefined : Math.min(keptMs, writeMs),
    isOver(status) ? undefined : phaseMs(situation, strategy, status),
  ].filter((ms) => ms !== undefined);
  return times.length === 0 ? undefined : Math.max(1, Math.min(...times));
}

function phaseMs(situation: Situation, strategy: RolloutStrategy, status: DeploymentStatus): number | undefined {
  if (status.phase === "Paused") return situation.gate.kind === "unstable" ? writeMs : watchMs(situation, status);
  if (status.phase === "TtlClamp") return Math.min(clampLeftMs(situation, status), writeMs);
  if (status.phase !== "Progressing" || isBare(situation)) return deadlineMs(situation, status);
  const { verdict } = moveOf(situation, strategy, status);
  const left = [
    watchMs(situation, status) ?? writeMs,
    verdict.kind === "holding" ? (verdict.leftMs ?? writeMs) : deadlineMs(situation, status),
    ...Object.values(progressOf(status).ready ?? {}).flatMap((ms) =>
      ms < strategy.minReadyMs ? strategy.minReadyMs - ms : [],
    ),
  ];
  return Math.min(...left, writeMs);
}

/** Until a measurement is due; undefined when nothing is measured. */
function watchMs(situation: Situation, status: DeploymentStatus): number | undefined {
  if (status.traffic.target === 0 || stanceOf(status) !== "Progressing") return undefined;
  const ms = nextLookMs(situation, status);
  return ms === undefined ? undefined : Math.min(ms, writeMs);
}

function deadlineMs({ server }: Situation, status: DeploymentStatus): number {
  const leftMs = durationMs(server.spec.deployment.progressDeadline) - progressOf(status).stalledMs;
  return Math.min(Math.max(1, leftMs), writeMs);
}
