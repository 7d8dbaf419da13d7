/**
 * Events of the loop: one for each change of a server's state and of a deployment's phase, reason and step, whoever wrote it. What was
 * over before this instance looked is no news. Remembers what it said last of each server; writes nothing.
 */
import type { Deployment, DeploymentReason, Server, ServerState } from "@mcp-manager/api";
import { isOver } from "@mcp-manager/api";
import type { EventSink, ManagerEvent } from "../events/event.ts";
import { byPeople } from "./went-back.ts";

interface Said {
  readonly name: string;
  readonly phase: string;
  readonly reason: string | undefined;
  readonly step: number | undefined;
}

export class Announcer {
  readonly #events: EventSink;
  readonly #states = new Map<string, ServerState>();
  readonly #deployments = new Map<string, Said>();

  constructor(events: EventSink) {
    this.#events = events;
  }

  server({ metadata: { name }, status }: Server): void {
    const { state } = status;
    const before = this.#states.get(name);
    if (before === state) return;
    this.#states.set(name, state);
    const condition = status.conditions.find(({ type }) => type === "Available");
    this.#events.publish(stateChange(name, before, state, condition?.message ?? ""));
  }

  /** The newest of its server. */
  deployment(deployment: Deployment): void {
    const { metadata, spec, status } = deployment;
    const { phase, reason } = status;
    const said = { name: metadata.name, phase, reason, step: status.step?.index };
    const before = this.#deployments.get(spec.server);
    const isSame = before?.name === said.name && before.phase === phase && before.reason === reason;
    if (isSame && before.step === said.step) return;
    this.#deployments.set(spec.server, said);
    const isFirst = before?.name !== said.name;
    if (isFirst && isOver(status)) return;
    this.#events.publish(phaseChange(deployment, isFirst ? undefined : before.phase));
  }

  /** The server is gone. */
  gone(server: string): void {
    this.#deployments.delete(server);
    const from = this.#states.get(server);
    if (!this.#states.delete(server) || from === undefined) return;
    this.#events.publish(stateChange(server, from, "gone", "it was deleted"));
  }
}

/** The fact that a server went from one state to another, and why; `from` is not known after a start of the manager. */
function stateChange(
  server: string,
  from: ServerState | undefined,
  to: ServerState | "gone",
  why: string,
): ManagerEvent {
  return {
    topic: "server.state",
    server,
    message: `${from === undefined ? "" : `${from} → `}${to}${why === "" ? "" : `: ${why}`}`,
    severity: to === "failed" || to === "degraded" ? "warning" : "info",
    data: { ...(from === undefined ? {} : { from }), to },
  };
}

/** `weather-7-1: Progressing → Paused (Inconclusive): too few calls …` */
function phaseChange({ metadata, spec, status }: Deployment, from: string | undefined): ManagerEvent {
  const { phase, reason, message, step, traffic } = status;
  const isAtStep = step !== undefined && (phase === "Progressing" || phase === "Paused");
  const where = isAtStep ? `, step ${step.index} of ${step.of} at ${step.weight} %` : "";
  const why = `${reason === undefined ? "" : ` (${reason})`}${message === undefined ? "" : `: ${message}`}`;
  const change = from === undefined || from === phase ? phase : `${from} → ${phase}`;
  return {
    topic: "deployment.phase",
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

/** What somebody asked for, or waits for as it was told to. */
const expected: ReadonlySet<DeploymentReason> = new Set([...byPeople, "AwaitingPromotion", "PausedByUser"]);
