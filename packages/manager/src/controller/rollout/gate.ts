/**
 * What a new revision has to pass before anything moves: that it starts, that its copies agree, that what it offers may replace what
 * was offered, and that clients' caches of the old lists have run out. Source: reliability.md §1.2, "Schema-diff gate".
 */
import type { DeploymentStatus } from "@mcp-manager/api";
import { changed, entered, paused, withProgress } from "./changes.ts";
import { isBare, progressOf, type Situation } from "./situation.ts";
import { type Counts, type RolloutStrategy, sideBySide } from "./strategies/strategy.ts";
import { crashing, failedToStart, failedWith } from "./trouble.ts";

/** The longest that clients' caches are waited for; the gateway tells them no more than that. */
const longestTtlMs = 30_000;

/** Copies while the new revision is tried; a way back is taken whole. */
export function tried(situation: Situation, strategy: RolloutStrategy): Counts {
  const isWhole = situation.deployment.spec.rollback === true && !strategy.isExclusive;
  return isWhole ? sideBySide.trying(situation) : strategy.trying(situation);
}

/** `SchemaCheck`: until the first copies are ready and may go on. */
export function checked(situation: Situation, strategy: RolloutStrategy, status: DeploymentStatus): DeploymentStatus {
  const { desired, deployment, now } = situation;
  if (isBare(situation)) return entered(status, "Progressing", now);
  // Nobody is served, so there is nothing to look at.
  if (desired === 0) return entered(status, "Promoting", now);
  const needed = strategy.isExclusive ? desired : tried(situation, strategy).to;
  if (situation.new.ready.length < needed) {
    const cause = failedToStart(situation, status);
    return cause === undefined ? status : failedWith(situation, status, cause);
  }
  return deployment.spec.rollback === true ? entered(status, "Promoting", now) : compared(situation, strategy, status);
}

function compared(situation: Situation, strategy: RolloutStrategy, status: DeploymentStatus): DeploymentStatus {
  const { gate, now } = situation;
  switch (gate.kind) {
    case "unknown": {
      const cause = failedToStart(situation, status);
      return cause === undefined ? status : failedWith(situation, status, cause);
    }
    case "unstable":
      return entered(status, "Aborting", now, { reason: "UnstableLists", message: gate.message });
    case "none":
      return entered(unstepped(status), "Progressing", now);
    case "known": {
      const known = changed(status, { schemaDiff: gate.diff });
      const open = objection(situation, known);
      if (open !== undefined) return paused(known, "SchemaCheck", now, open);
      // While nothing serves, caches are the lesser evil.
      const isReady = gate.diff.class === "none" || strategy.isExclusive;
      return entered(unstepped(known), isReady ? "Progressing" : "TtlClamp", now);
    }
  }
}

/** What a person has to agree to first. */
function objection(
  { server, deployment, to }: Situation,
  status: DeploymentStatus,
): { readonly reason: "SchemaBreaking" | "SchemaSemantic"; readonly message: string } | undefined {
  const { acceptBreaking, reviewSemantic } = server.spec.deployment;
  const { accepted } = progressOf(status);
  const { class: worst, changes } = status.schemaDiff ?? { class: "none", changes: [] };
  const first = changes.find((change) => change.class === worst);
  const what = first === undefined ? "" : `: ${first.subject}: ${first.message}`;
  const isAccepted = acceptBreaking || deployment.spec.acceptBreaking === true || accepted === "breaking";
  if (worst === "breaking" && !isAccepted) {
    const message = `${to} breaks what clients rely on${what}; promote with acceptBreaking, or abort`;
    return { reason: "SchemaBreaking", message };
  }
  if (worst !== "semantic" || !reviewSemantic || accepted !== undefined) return undefined;
  const message = `${to} reads otherwise than before${what}; read the difference, then resume or abort`;
  return { reason: "SchemaSemantic", message };
}

/** A word that let it pass the gate is not one for the steps that follow. */
function unstepped(status: DeploymentStatus): DeploymentStatus {
  return progressOf(status).promoted === "step" ? withProgress(status, { promoted: undefined }) : status;
}

/** `TtlClamp`: until nobody relies on a list of before. */
export function clamped(situation: Situation, status: DeploymentStatus): DeploymentStatus {
  const cause = crashing(situation);
  if (cause !== undefined) return failedWith(situation, status, cause);
  return clampLeftMs(situation, status) > 0 ? status : entered(status, "Progressing", situation.now);
}

/** How long clients' caches may still hold. */
export function clampLeftMs({ gate }: Situation, status: DeploymentStatus): number {
  const ttlMs = gate.kind === "known" ? Math.min(gate.ttlMs, longestTtlMs) : longestTtlMs;
  return ttlMs - progressOf(status).elapsedMs;
}
