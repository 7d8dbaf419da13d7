/**
 * What a person's word does to a deployment, as a pure function from one status to the next. It only notes what was said: the
 * controller acts on what it then reads. Too late is too late: what is being promoted, goes back, or is over is left alone.
 */
import type {
  Deployment,
  DeploymentProgress,
  DeploymentReason,
  DeploymentStatus,
  PromoteRequest,
  StrategyKind,
} from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";

/** What a person can say about a deployment that is under way. */
export type Verb =
  | ({ readonly kind: "promote" } & PromoteRequest)
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  | { readonly kind: "abort" };

const fresh: DeploymentProgress = { elapsedMs: 0, stalledMs: 0 };

/** Whose word it is, and when it came. */
export interface Said {
  /** Name of the principal. */
  readonly by: string;
  /** RFC 3339. */
  readonly at: string;
}

/** The status after the word, or `failed_precondition` with the phase and what to do instead. Saying what is so already changes nothing. */
export function applyVerb(deployment: Deployment, verb: Verb, said: Said): DeploymentStatus | ManagerError {
  const { status } = deployment;
  if (verb.kind === "abort" && status.phase === "Aborting") return status;
  const late = tooLate(status);
  if (late !== undefined) return refusal(deployment, `cannot ${verb.kind}`, late);
  switch (verb.kind) {
    case "abort":
      return abort(status, said);
    case "pause":
      return pause(status, said);
    case "resume":
      return resume(deployment, said);
    case "promote":
      return promote(deployment, verb, said);
  }
}

/** What is to be done instead, where no word helps any more. */
function tooLate({ phase }: DeploymentStatus): string | undefined {
  switch (phase) {
    case "Promoting":
      return "all traffic goes over to the new revision: once it is there, go back with a rollback of the server";
    case "Draining":
      return "all traffic goes to the new revision: go back with a rollback of the server";
    case "Aborting":
      return "it goes back already: wait until it has, then retry it or apply another spec";
    case "Completed":
      return "it is over: go back with a rollback of the server, or deploy anew";
    case "Aborted":
    case "Failed":
      return "it is over: retry it, or apply another spec";
    default:
      return undefined;
  }
}

function abort(status: DeploymentStatus, { by, at }: Said): DeploymentStatus {
  const message = `${by} aborted it: apply another spec, or retry it`;
  return { ...status, phase: "Aborting", reason: "AbortedByUser", message, since: at, progress: going(status) };
}

function pause(status: DeploymentStatus, { by, at }: Said): DeploymentStatus {
  if (status.phase === "Paused") return status;
  const progress = { ...(status.progress ?? fresh), resumeTo: status.phase };
  const message = `${by} paused it: resume it, or abort it`;
  return { ...status, phase: "Paused", reason: "PausedByUser", message, since: at, progress };
}

function resume(deployment: Deployment, said: Said): DeploymentStatus | ManagerError {
  const { status } = deployment;
  if (status.phase !== "Paused") return refusal(deployment, "cannot resume", "it is not paused");
  if (status.reason === "SchemaBreaking")
    return refusal(deployment, "cannot resume", `what breaks for clients is accepted by promote: ${accepting}`);
  return onward(status, said, { ...going(status), ...resumed(status.reason, said) });
}

/** What a resume says beside going on: a wait for a person is over, a look that did not satisfy is taken again. */
function resumed(reason: DeploymentReason | undefined, { by }: Said): Partial<DeploymentProgress> {
  switch (reason) {
    case "SchemaSemantic":
      return { accepted: "semantic", acceptedBy: by };
    case "AwaitingPromotion":
      return { promoted: "step" };
    case "Inconclusive":
    case "ExposureNotMet":
    case "AnalysisFailed":
    case "CrashLoop":
      return { elapsedMs: 0, failures: {}, errors: {} };
    default:
      return {};
  }
}

/** Whether there is something to go past: a weight, or a wait. */
const hasSteps: Readonly<Record<StrategyKind, boolean>> = {
  rolling: false,
  recreate: false,
  "blue-green": true,
  canary: true,
  ab: false,
};

const accepting = "promote it with acceptBreaking";

function promote(
  deployment: Deployment,
  { full = false, acceptBreaking = false }: PromoteRequest,
  said: Said,
): DeploymentStatus | ManagerError {
  const { status } = deployment;
  const { phase, reason } = status;
  if (phase === "Paused" && reason === "SchemaBreaking" && !acceptBreaking)
    return refusal(
      deployment,
      "cannot promote",
      `its difference breaks clients: ${accepting} if that is meant, or abort it`,
    );
  const { kind } = deployment.spec.strategy;
  if (!full && phase === "Progressing" && !hasSteps[kind])
    return refusal(
      deployment,
      "cannot promote",
      `${kind} has no steps: promote it with full to send everybody to the new revision, or abort it`,
    );
  const isAtGate = phase === "Paused" && (reason === "SchemaBreaking" || reason === "SchemaSemantic");
  // Who accepts a difference has not said yet that the steps are to be skipped.
  const isAcceptance = !full && (isAtGate || (acceptBreaking && !isMoving(status)));
  const progress: DeploymentProgress = {
    ...going(status),
    ...(acceptBreaking || isAtGate
      ? { accepted: acceptBreaking ? ("breaking" as const) : ("semantic" as const), acceptedBy: said.by }
      : {}),
    ...(isAcceptance ? {} : { promoted: full ? ("full" as const) : ("step" as const) }),
  };
  return phase === "Paused" ? onward(status, said, progress) : { ...status, progress };
}

/** Whether it has come to its steps. */
function isMoving({ phase, progress }: DeploymentStatus): boolean {
  return (phase === "Paused" ? progress?.resumeTo : phase) === "Progressing";
}

/** Out of a pause, to where it was. */
function onward(status: DeploymentStatus, { at }: Said, progress: DeploymentProgress): DeploymentStatus {
  const phase = status.progress?.resumeTo ?? "Progressing";
  return { ...unexplained(status), phase, since: at, progress };
}

/** What is remembered of the way, but for the pause in it. */
function going({ progress = fresh }: DeploymentStatus): DeploymentProgress {
  const { resumeTo: _, ...rest } = progress;
  return { ...rest, stalledMs: 0 };
}

/** Without the words for where it was. */
function unexplained(status: DeploymentStatus): DeploymentStatus {
  const { reason: _, message: __, ...rest } = status;
  return rest;
}

function refusal({ metadata, spec, status }: Deployment, what: string, why: string): ManagerError {
  const { phase, reason } = status;
  const where = reason === undefined ? phase : `${phase} (${reason})`;
  return new ManagerError("failed_precondition", `${what} deployment "${metadata.name}" in phase ${where}: ${why}`, {
    server: spec.server,
    reason: "WRONG_PHASE",
    details: { phase, ...(reason === undefined ? {} : { reason }) },
  });
}
