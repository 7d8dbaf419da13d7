/**
 * The next state of a deployment, as a pure function of what is: its phase, the route, and how many replicas there should be of each
 * revision. Called for the newest deployment of a server at every look, also when it is over; it may be called late, twice, or by
 * another process after a crash, and comes to the same end. Nothing is remembered but in the status.
 */
import type { DeploymentStatus } from "@mcp-manager/api";
import { changed } from "./changes.ts";
import { lookAgainMs } from "./look.ts";
import { passed } from "./passing.ts";
import { next } from "./phases.ts";
import type { RolloutDecision, RolloutInput } from "./rollout.ts";
import { routeOf } from "./route.ts";
import { shown } from "./shown.ts";
import { type Situation, situationOf } from "./situation.ts";
import { strategyOf } from "./strategies/strategies.ts";
import type { RolloutStrategy } from "./strategies/strategy.ts";
import { countedOf, wantedOf } from "./wanted.ts";

/** More phases and steps than any deployment has. */
const mostTurns = 200;

/** What is to be so from now on. Given its own decision and no time, it decides the same again. */
export function advance(input: RolloutInput): RolloutDecision {
  const situation = situationOf(input);
  const strategy = strategyOf(input.deployment.spec.strategy);
  const settled = settle(situation, strategy, passed(situation, strategy, input.deployment.status));
  const wanted = wantedOf(situation, strategy, settled);
  const status = changed(shown(situation, settled), { replicas: countedOf(situation, settled, wanted) });
  const route = routeOf(situation, strategy, status);
  const lookMs = lookAgainMs(situation, strategy, status);
  return {
    status,
    route,
    wanted,
    ...(lookMs === undefined ? {} : { lookAgainMs: lookMs }),
  };
}

/** As far as it gets at this moment. */
function settle(situation: Situation, strategy: RolloutStrategy, status: DeploymentStatus): DeploymentStatus {
  let [before, after] = [status, next(situation, strategy, status)];
  for (let turn = 0; turn < mostTurns && isElsewhere(before, after); turn++) {
    [before, after] = [after, next(situation, strategy, after)];
  }
  return after;
}

function isElsewhere(before: DeploymentStatus, after: DeploymentStatus): boolean {
  return before.phase !== after.phase || before.step?.index !== after.step?.index;
}
