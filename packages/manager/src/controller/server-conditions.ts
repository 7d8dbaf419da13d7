/**
 * What a server's conditions say, each as a fact that a script can wait for. `Available` is always there, the others
 * only while there is something to say: `Progressing` of a deployment that is under way or did not arrive, `CrashLoop`, and
 * `Healthy`, which is then `False`. Pure.
 */
import type { Condition, Deployment, LastFailure, Replica, ServerState } from "@mcp-manager/api";

/** A condition before it is known since when it holds. */
export type Fact = Omit<Condition, "since">;

/** What conditions are made from, at one moment. */
export interface ConditionInput {
  /** Those that do not drain. */
  readonly replicas: readonly Replica[];
  readonly state: ServerState;
  readonly ready: number;
  readonly desired: number;
  readonly failure: LastFailure | undefined;
  /** The newest. */
  readonly deployment: Deployment | undefined;
  /** Why the stable revision serves in place of the one that the spec asks for. */
  readonly back: string | undefined;
}

/** The conditions that hold, `Available` first. */
export function serverFacts(input: ConditionInput): readonly Fact[] {
  return [available(input), ...progressing(input), ...crashLoop(input), ...unhealthy(input)];
}

function available(input: ConditionInput): Fact {
  const { state, ready, desired } = input;
  const type = "Available";
  switch (state) {
    case "ready":
      return { type, status: "True", reason: "ReplicasReady", message: `${ready} of ${desired} replicas are ready` };
    case "degraded": {
      const reason = ready < desired ? "SomeReplicasReady" : "WentBack";
      const message = `${ready} of ${desired} replicas are ready`;
      return {
        type,
        status: "True",
        reason,
        message: input.back === undefined ? message : `${message}; ${input.back}`,
      };
    }
    case "pending":
    case "starting":
      return { type, status: "False", reason: "Starting", message: "no replica is ready yet" };
    case "idle":
      return desired === 0
        ? { type, status: "False", reason: "NoReplicasWanted", message: "spec.replicas is 0" }
        : { type, status: "True", reason: "Idle", message: "nobody called for a while; the next call starts it" };
    case "draining":
      return { type, status: "False", reason: "Deleted", message: "the server is being deleted" };
    case "failed":
      return { type, status: "False", ...whyFailed(input) };
  }
}

function whyFailed({ replicas, failure, deployment }: ConditionInput): Pick<Fact, "reason" | "message"> {
  if (replicas.length === 0 && deployment?.status.reason === "ResourceExhausted")
    return { reason: "ResourceExhausted", message: deployment.status.message ?? "there is no room for it" };
  const message = failure?.message ?? "no replica could be started";
  const lacking = replicas.find(({ status }) => status.health?.state === "needs-authorization");
  if (lacking !== undefined)
    return { reason: "NeedsAuthorization", message: lacking.status.health?.message ?? message };
  if (replicas.some(({ status }) => status.crashLoop === true)) return { reason: "CrashLoop", message };
  return { reason: failure?.stage === "health" ? "ProbesFailed" : "StartFailed", message };
}

/** Where the newest deployment is; nothing of one that arrived, or that another took the place of. */
function progressing({ deployment }: ConditionInput): readonly Fact[] {
  if (deployment === undefined || deployment.status.phase === "Completed") return [];
  const { phase, reason = phase, message } = deployment.status;
  const isGoing = phase !== "Paused" && phase !== "Aborted" && phase !== "Failed";
  const text = `deployment ${deployment.metadata.name} is ${phase}${message === undefined ? "" : `: ${message}`}`;
  return [{ type: "Progressing", status: isGoing ? "True" : "False", reason, message: text }];
}

/** What fails, how often, and when it is tried again. */
function crashLoop({ replicas }: ConditionInput): readonly Fact[] {
  const looping = replicas.filter(({ status }) => status.crashLoop === true);
  if (looping.length === 0) return [];
  const message = looping.map(({ metadata, status }) => {
    const again = status.retryAt === undefined ? "" : `; it is tried again at ${status.retryAt}`;
    return `replica ${metadata.name}: ${status.lastFailure?.message ?? "it keeps failing"}${again}`;
  });
  return [{ type: "CrashLoop", status: "True", reason: "KeepsFailing", message: message.join("; ") }];
}

function unhealthy({ replicas }: ConditionInput): readonly Fact[] {
  const ill = replicas.filter(({ status }) => status.health !== undefined && status.health.state !== "healthy");
  const [first] = ill;
  if (first?.status.health === undefined) return [];
  const { reason = "ProbesFailed" } = first.status.health;
  const message = ill.map(
    ({ metadata, status }) => `replica ${metadata.name}: ${status.health?.message ?? "unhealthy"}`,
  );
  return [{ type: "Healthy", status: "False", reason, message: message.join("; ") }];
}
