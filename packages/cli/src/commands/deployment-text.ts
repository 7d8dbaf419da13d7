/** What a deployment is and where it is, in words and on one line. Pure. */
import type { Deployment, DeploymentPhase, DeploymentStatus, Strategy } from "@mcp-manager/api";
import type { Cell, Colour } from "../output.ts";

/** Phases in which something moves by itself have none. */
const phaseColours: Readonly<Partial<Record<DeploymentPhase, Colour>>> = {
  Paused: "yellow",
  Aborting: "yellow",
  Draining: "green",
  Completed: "green",
  Aborted: "red",
  Failed: "red",
};

/** A phase in its colour, with the reason when there is one: `Paused (SchemaBreaking)`. */
export function phaseCell({ status: { phase, reason } }: Deployment): Cell {
  const text = reason === undefined ? phase : `${phase} (${reason})`;
  const colour = phaseColours[phase];
  return colour === undefined ? { text } : { text, colour };
}

/** What goes on in this phase: `weather-7 starts and is compared with weather-6`. */
export function phaseText({ spec: { from, to }, status: { phase } }: Deployment): string {
  switch (phase) {
    case "Pending":
      return "it has not begun";
    case "SchemaCheck":
      return `${to} starts and is compared with ${from ?? "nothing"}`;
    case "TtlClamp":
      return "clients' copies of the old lists run out, for at most 30s";
    case "Progressing":
      return from === null ? `${to} starts` : `traffic moves from ${from} to ${to}`;
    case "Paused":
      return "it waits for a person";
    case "Promoting":
      return `all traffic goes over to ${to}`;
    case "Draining":
      return `all new traffic is on ${to}, what began on ${from ?? "the old revision"} finishes`;
    case "Completed":
      return `all traffic is on ${to}`;
    case "Aborting":
      return from === null ? `${to} is taken away` : `all traffic goes back to ${from}`;
    case "Aborted":
      return from === null ? "nothing serves" : `all traffic is on ${from}`;
    case "Failed":
      return from === null ? `${to} is tried on` : `${from} serves on`;
    default:
      return unheardOf(phase);
  }
}

/** Of a newer manager. */
function unheardOf(phase: never): string {
  return `it is in phase ${String(phase)}`;
}

/** `weather-6 → weather-7`. */
export function wayText({ spec: { from, to } }: Deployment): string {
  return from === null ? `${to}, the first` : `${from} → ${to}`;
}

/** `canary 10 % → 50 % → 100 %`. */
export function strategyText({ spec: { strategy, from, rollback } }: Deployment): string {
  if (rollback === true) return "rollback, at once";
  if (from === null) return "none: it is the first";
  return describeStrategy(strategy);
}

function describeStrategy(strategy: Strategy): string {
  switch (strategy.kind) {
    case "rolling":
      return `rolling, ${strategy.maxSurge} more and ${strategy.maxUnavailable} fewer at a time`;
    case "recreate":
      return "recreate, the old stops before the new starts";
    case "blue-green":
      return `blue-green, one switch ${strategy.autoPromote ? "by itself" : "by promotion"}`;
    case "canary":
      return `canary ${[...strategy.steps.map(({ weight }) => weight), 100].map((weight) => `${weight} %`).join(" → ")}`;
    case "ab": {
      const next = strategy.variants.find(({ revision }) => revision === "next")?.weight ?? 0;
      return `ab, ${next} % to the new one${strategy.match.length === 0 ? "" : " and all who match"}`;
    }
  }
}

/** `1/2 of weather-6, 1/1 of weather-7 ready`. */
export function replicasText({ spec: { from, to }, status: { replicas } }: Deployment): string {
  const old = from === null ? "" : `${replicas.from.ready}/${replicas.from.desired} of ${from}, `;
  return `${old}${replicas.to.ready}/${replicas.to.desired} of ${to} ready`;
}

/** `weather-7-1: Progressing, step 1 of 2, 10 % to weather-7, 2/2 of weather-6, 1/1 of weather-7 ready`. */
export function summaryText(deployment: Deployment): string {
  const { metadata, spec, status } = deployment;
  const { message, traffic } = status;
  const step = stepOf(deployment);
  const head = `${metadata.name}: ${phaseCell(deployment).text}`;
  if (message !== undefined && status.reason !== undefined) return `${head}: ${message}`;
  if (isAtRest(status.phase)) return `${head}: ${phaseText(deployment)}`;
  const parts = [
    head,
    ...(step === undefined ? [] : [`step ${step.index} of ${step.of}`]),
    ...(spec.from === null ? [] : [`${percent(traffic.target)} to ${spec.to}`]),
    replicasText(deployment),
  ];
  return parts.join(", ");
}

/** The step that it is at; none before the first and after the last. */
export function stepOf({ status: { phase, step } }: Deployment): DeploymentStatus["step"] {
  return phase === "Progressing" || phase === "Paused" ? step : undefined;
}

/** Where counts of replicas say nothing any more. */
function isAtRest(phase: DeploymentPhase): boolean {
  return phase === "Draining" || phase === "Completed" || phase === "Aborted" || phase === "Failed";
}

/** With at most one decimal. */
export function percent(value: number): string {
  return `${Math.round(value * 10) / 10} %`;
}
