/** A strategy by flags: its kind, and the steps of a canary. All else of one is written into a file. */
import type { CanaryStepInput, Duration, StrategyInput } from "@mcp-manager/api";
import { durationPattern } from "@mcp-manager/api";
import type { Invocation, Option } from "../command.ts";
import { UsageError } from "../usage.ts";

/** The options. */
export const strategyOptions: Readonly<Record<"strategy" | "step", Option>> = {
  strategy: {
    type: "string",
    value: "KIND",
    summary: "rolling, recreate, blue-green, canary or ab, from now on; more of it in a file",
  },
  step: {
    type: "string",
    value: "PERCENT[:PAUSE]",
    many: true,
    summary: "A step of a canary, as 10:5m; without a pause it waits for a promotion",
  },
};

/** The strategy that was asked for; undefined when none was. */
export function strategyOf({ option, all }: Invocation, words: readonly string[]): StrategyInput | undefined {
  const kind = option("strategy");
  const steps = all("step");
  if (kind !== "canary" && steps.length > 0)
    throw new UsageError("--step is of a canary: --strategy canary --step 10:5m --step 50:10m", words);
  switch (kind) {
    case undefined:
      return undefined;
    case "rolling":
    case "recreate":
    case "blue-green":
    case "ab":
      return { kind };
    case "canary":
      if (steps.length === 0)
        throw new UsageError("--strategy canary needs its steps: --step 10:5m --step 50:10m", words);
      return { kind, steps: steps.map((text) => stepOf(text, words)) };
    default:
      throw new UsageError(`--strategy takes rolling, recreate, blue-green, canary or ab, not "${kind}"`, words);
  }
}

function stepOf(text: string, words: readonly string[]): CanaryStepInput {
  const [weight = "", pause, ...more] = text.split(":");
  const isPause = pause === undefined || durationPattern.test(pause);
  if (!/^[0-9]{1,3}$/.test(weight) || !isPause || more.length > 0)
    throw new UsageError(`--step takes a percentage and a pause, as 10:5m, not "${text}"`, words);
  return { weight: Number(weight), ...(pause === undefined ? {} : { pause: pause as Duration }) };
}
