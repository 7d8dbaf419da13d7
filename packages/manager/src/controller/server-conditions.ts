/**
 * What a server's conditions say, each as a fact that a script can wait for. `Available` and `FullyEnforced` are always there, the
 * others only while there is something to say: `CrashLoop`, and `Healthy`, which is then `False`. Pure.
 */
import type { Condition, LastFailure, Replica, Server, ServerState } from "@mcp-manager/api";
import { notYetEnforced } from "@mcp-manager/api";

/** A condition before it is known since when it holds. */
export type Fact = Omit<Condition, "since">;

/** What conditions are made from, at one moment. */
export interface ConditionInput {
  readonly server: Server;
  /** Those that do not drain. */
  readonly replicas: readonly Replica[];
  readonly state: ServerState;
  readonly ready: number;
  readonly desired: number;
  readonly failure: LastFailure | undefined;
}

/** The conditions that hold, `Available` first. */
export function serverFacts(input: ConditionInput): readonly Fact[] {
  return [available(input), enforced(input.server), ...crashLoop(input), ...unhealthy(input)];
}

function available(input: ConditionInput): Fact {
  const { state, ready, desired } = input;
  const type = "Available";
  switch (state) {
    case "ready":
      return { type, status: "True", reason: "ReplicasReady", message: `${ready} of ${desired} replicas are ready` };
    case "degraded":
      return {
        type,
        status: "True",
        reason: "SomeReplicasReady",
        message: `${ready} of ${desired} replicas are ready`,
      };
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

function whyFailed({ replicas, failure }: ConditionInput): Pick<Fact, "reason" | "message"> {
  const message = failure?.message ?? "no replica could be started";
  const lacking = replicas.find(({ status }) => status.health?.state === "needs-authorization");
  if (lacking !== undefined)
    return { reason: "NeedsAuthorization", message: lacking.status.health?.message ?? message };
  if (replicas.some(({ status }) => status.crashLoop === true)) return { reason: "CrashLoop", message };
  return { reason: failure?.stage === "health" ? "ProbesFailed" : "StartFailed", message };
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

/** Which of the things asked for are kept without effect, so that nobody believes in a protection that is not there. */
function enforced({ spec }: Server): Fact {
  const fields = notYetEnforced(spec);
  const type = "FullyEnforced";
  if (fields.length === 0)
    return { type, status: "True", reason: "AllInForce", message: "all that differs from the defaults is in force" };
  return { type, status: "False", reason: "NotYetAvailable", message: `kept without effect: ${fields.join(", ")}` };
}
