/** Figures of a deployment that people look at and nothing is decided by: shares of traffic, and how two variants fare. Pure. */
import type { DeploymentStatus, VariantResult } from "@mcp-manager/api";
import { isOver } from "@mcp-manager/api";
import { type Changes, changed } from "./changes.ts";
import type { RevisionMeasures } from "../../telemetry/revision-measures.ts";
import type { Situation } from "./situation.ts";

/** The status with the figures of this moment; those of a deployment that is over stay as they were. */
export function shown(situation: Situation, status: DeploymentStatus): DeploymentStatus {
  const { measured, baseline, deployment, from, to } = situation;
  if (isOver(status) || measured === undefined || baseline === undefined) return status;
  const traffic = changed(status.traffic, {
    newSessions: share(began(measured), began(baseline)),
    requests: share(measured.requests, baseline.requests),
  } satisfies Changes<DeploymentStatus["traffic"]>);
  const isComparison = deployment.spec.strategy.kind === "ab" && from !== null && status.phase === "Progressing";
  const variants = isComparison ? [variant(from, baseline), variant(to, measured)] : status.variants;
  return changed(status, { traffic, variants });
}

function began({ sessions, principals }: RevisionMeasures): number {
  return sessions + principals;
}

/** Percent with one decimal; undefined when there were none. */
function share(part: number, rest: number): number | undefined {
  const percent = Math.round((1000 * part) / (part + rest)) / 10;
  return Number.isFinite(percent) ? percent : undefined;
}

function variant(revision: string, { requests, failures, tools }: RevisionMeasures): VariantResult {
  const slowest = tools.reduce((worst, { p95Ms }) => Math.max(worst, p95Ms), 0);
  const errorRate = requests > 0 ? failures / requests : 0;
  return { revision, requests, errorRate, ...(tools.length === 0 ? {} : { p95Ms: slowest }) };
}
