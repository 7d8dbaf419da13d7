/** What a change of a deployment is to the world: each change of its phase, its reason and its step, whoever wrote it. Pure. */
import type { Deployment, DeploymentReason } from "@mcp-manager/api";
import { byPeople, isOver } from "@mcp-manager/api";
import type { Fact } from "./fact.ts";

/** What somebody asked for, or waits for as it was told to. */
const expected: ReadonlySet<DeploymentReason> = new Set([...byPeople, "AwaitingPromotion", "PausedByUser"]);

/** One that is over when it is first seen is no news, nor is one that is forgotten. */
export function deploymentEvents(before: Deployment | undefined, after: Deployment | undefined): readonly Fact[] {
  if (after === undefined || (before === undefined && isOver(after.status))) return [];
  const [was, is] = [before?.status, after.status];
  if (was?.phase === is.phase && was.reason === is.reason && was.step?.index === is.step?.index) return [];
  return [phaseChange(after, was?.phase, momentOf(before, after))];
}

/** `weather-7-1: Progressing → Paused (Inconclusive): too few calls …` */
function phaseChange({ metadata, spec, status }: Deployment, from: string | undefined, at: string | undefined): Fact {
  const { phase, reason, message, step, traffic } = status;
  const isAtStep = step !== undefined && (phase === "Progressing" || phase === "Paused");
  const where = isAtStep ? `, step ${step.index} of ${step.of} at ${step.weight} %` : "";
  const why = `${reason === undefined ? "" : ` (${reason})`}${message === undefined ? "" : `: ${message}`}`;
  const change = from === undefined || from === phase ? phase : `${from} → ${phase}`;
  return {
    topic: "deployment.phase",
    at,
    server: spec.server,
    message: `${metadata.name}: ${change}${where}${why}`,
    severity: reason === undefined || expected.has(reason) ? "info" : "warning",
    data: {
      deployment: metadata.name,
      ...(from === undefined ? {} : { from }),
      to: phase,
      ...(reason === undefined ? {} : { reason }),
      weight: traffic.target,
    },
  };
}

/** What of its own times this change set, the latest first in its way. */
function momentOf(before: Deployment | undefined, { metadata, status }: Deployment): string | undefined {
  if (before === undefined) return metadata.createdAt;
  const { finishedAt, since, step } = status;
  if (finishedAt !== before.status.finishedAt) return finishedAt;
  if (step?.since !== before.status.step?.since) return step?.since;
  return since === before.status.since ? undefined : since;
}
