/** What a person can do about a deployment where it is: the very commands. Pure. */
import type { Deployment } from "@mcp-manager/api";

/** One thing to do, and how: `to go on`, `mcp-manager deployment resume weather-7-1`. */
export interface Advice {
  readonly aim: string;
  readonly command: string;
}

/** The most useful first; empty when there is nothing to do. */
export function adviceFor(deployment: Deployment): readonly Advice[] {
  const { phase } = deployment.status;
  switch (phase) {
    case "Pending":
    case "SchemaCheck":
    case "TtlClamp":
      return [verb(deployment, "to go back", "abort")];
    case "Progressing":
      return whileProgressing(deployment);
    case "Paused":
      return whilePaused(deployment);
    case "Promoting":
    case "Draining":
    case "Completed":
      return deployment.spec.from === null ? [] : [rollback(deployment)];
    case "Aborting":
      return [];
    case "Aborted":
      return onceAborted(deployment);
    case "Failed":
      return onceFailed(deployment);
    default:
      return [];
  }
}

function whileProgressing(deployment: Deployment): readonly Advice[] {
  const { strategy, from } = deployment.spec;
  if (from === null) return [];
  const back = verb(deployment, "to go back", "abort");
  if (strategy.kind === "ab") return [verb(deployment, "to decide for the new one", "promote", "--full"), back];
  if (strategy.kind === "canary" || strategy.kind === "blue-green")
    return [verb(deployment, "not to wait", "promote"), verb(deployment, "to stop here", "pause"), back];
  return [verb(deployment, "to stop here", "pause"), back];
}

function whilePaused(deployment: Deployment): readonly Advice[] {
  const back = verb(deployment, "to go back", "abort");
  switch (deployment.status.reason) {
    case "SchemaBreaking":
      return [difference(deployment), verb(deployment, "to accept it", "promote", "--accept-breaking"), back];
    case "SchemaSemantic":
      return [difference(deployment), verb(deployment, "to accept it", "resume"), back];
    case "AwaitingPromotion":
      return awaiting(deployment, back);
    case "Inconclusive":
    case "ExposureNotMet":
      return [verb(deployment, "to measure on", "resume"), verb(deployment, "to go on anyhow", "promote"), back];
    case "AnalysisFailed":
    case "CrashLoop":
    case "UnstableLists":
      return [logs(deployment), back, verb(deployment, "to try on", "resume")];
    default:
      return [verb(deployment, "to go on", "resume"), back];
  }
}

function awaiting(deployment: Deployment, back: Advice): readonly Advice[] {
  const { strategy } = deployment.spec;
  const promote = verb(deployment, "to go on", "promote");
  const hasSteps = strategy.kind === "canary" && (deployment.status.step?.index ?? 0) < strategy.steps.length;
  return hasSteps ? [promote, verb(deployment, "to skip the steps", "promote", "--full"), back] : [promote, back];
}

function onceAborted(deployment: Deployment): readonly Advice[] {
  const { server } = deployment.spec;
  switch (deployment.status.reason) {
    case "Superseded":
      return [{ aim: "to see what came instead", command: `mcp-manager deployment list ${server}` }];
    case "ServerDeleted":
      return [];
    case "AnalysisFailed":
    case "CrashLoop":
    case "UnstableLists":
      return [logs(deployment), ...again(deployment)];
    default:
      return again(deployment);
  }
}

function onceFailed(deployment: Deployment): readonly Advice[] {
  const { server } = deployment.spec;
  switch (deployment.status.reason) {
    case "ResourceExhausted":
      return [{ aim: "to see what runs", command: "mcp-manager server list" }, ...again(deployment)];
    case "ProgressDeadline":
      return [{ aim: "to see why", command: `mcp-manager server get ${server}` }, ...again(deployment)];
    default:
      return [logs(deployment), ...again(deployment)];
  }
}

function again(deployment: Deployment): readonly Advice[] {
  return [
    verb(deployment, "to try again", "retry"),
    { aim: "to try something else", command: "mcp-manager server apply -f FILE" },
  ];
}

function verb({ metadata }: Deployment, aim: string, word: string, ...options: readonly string[]): Advice {
  return { aim, command: ["mcp-manager", "deployment", word, metadata.name, ...options].join(" ") };
}

function rollback({ spec: { server, from } }: Deployment): Advice {
  return { aim: "to go back", command: `mcp-manager server rollback ${server} --to ${from ?? ""}` };
}

function logs({ spec: { server } }: Deployment): Advice {
  return { aim: "to see why", command: `mcp-manager server logs ${server}` };
}

function difference({ spec: { server, from, to } }: Deployment): Advice {
  return { aim: "to read the difference", command: `mcp-manager server diff ${server} ${from ?? ""} ${to}` };
}
