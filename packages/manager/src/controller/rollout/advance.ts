/**
 * The next state of a deployment, as a pure function of what is: phases, weights, and how many replicas there should be of each
 * revision.
 */
import type { RolloutDecision, RolloutInput } from "./rollout.ts";

/** What is to be so from now on. Given its own decision and no time, it decides the same again. */
export function advance(input: RolloutInput): RolloutDecision {
  return { status: input.deployment.status, route: input.server.status.route, wanted: new Map() };
}
