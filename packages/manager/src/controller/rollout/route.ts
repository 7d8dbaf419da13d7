/** Where calls go, as a deployment's status says it: the route that every instance follows. Pure. */
import type { DeploymentStatus, NextRoute, Route } from "@mcp-manager/api";
import { stanceOf } from "./changes.ts";
import { isBare, progressOf, type Situation } from "./situation.ts";
import type { RolloutStrategy } from "./strategies/strategy.ts";

/** The route that fits; undefined while nothing was ever ready. */
export function routeOf(situation: Situation, strategy: RolloutStrategy, status: DeploymentStatus): Route | undefined {
  const { server } = situation;
  if (server.metadata.deletedAt !== undefined) return server.status.route;
  const stable = stableOf(situation, status);
  if (stable === undefined) return undefined;
  const next = nextOf(situation, strategy, status);
  const draining = Object.keys(progressOf(status).draining ?? {})
    .filter((revision) => revision !== stable && revision !== next?.revision)
    .toSorted();
  const tasksOnly = draining.filter((revision) => progressOf(status).callsMs?.[revision] === 0);
  return {
    stable,
    ...(next === undefined ? {} : { next }),
    draining,
    ...(tasksOnly.length === 0 ? {} : { tasksOnly }),
  };
}

/** The switch is the only thing that changes what is stable: no gate is passed because something else crashed. */
export function stableOf(situation: Situation, { phase }: DeploymentStatus): string | undefined {
  const { server, from, to } = situation;
  const { route } = server.status;
  const isUp = situation.new.ready.length > 0;
  if (phase === "Draining" || phase === "Completed") return route !== undefined || isUp ? to : undefined;
  return route?.stable ?? from ?? (isUp ? to : undefined);
}

/** Absent before the gate is passed and after the switch. */
function nextOf(situation: Situation, strategy: RolloutStrategy, status: DeploymentStatus): NextRoute | undefined {
  const { deployment, to } = situation;
  const stance = stanceOf(status);
  const isUnderWay = stance === "TtlClamp" || stance === "Progressing" || stance === "Promoting";
  if (!isUnderWay || isBare(situation) || deployment.spec.rollback === true) return undefined;
  const { schemaDiff, traffic } = status;
  return {
    revision: to,
    weight: traffic.target,
    salt: deployment.metadata.uid,
    match: stance === "TtlClamp" ? [] : strategy.match,
    // What was not compared may differ.
    differs: schemaDiff?.class !== "none",
  };
}
