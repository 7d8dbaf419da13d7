/** Deployments under trial for longer: more events in more orders than beside the code. */
import { test } from "node:test";
import fc from "fast-check";
import { endsWell } from "../../packages/manager/src/controller/rollout/testing/rollout-trial.ts";
import { fuzzRuns } from "./runs.ts";

test("whatever people say, replicas do and controllers lose, deployments keep their rules and end well", () => {
  fc.assert(endsWell, { numRuns: fuzzRuns });
});
