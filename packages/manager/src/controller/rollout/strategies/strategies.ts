/** The strategies there are, by the word of the spec. */
import type { Strategy } from "@mcp-manager/api";
import { ab } from "./ab.ts";
import { blueGreen } from "./blue-green.ts";
import { canary } from "./canary.ts";
import { recreate } from "./recreate.ts";
import { rolling } from "./rolling.ts";
import type { RolloutStrategy } from "./strategy.ts";

/** The strategy that a spec asks for. */
export function strategyOf(strategy: Strategy): RolloutStrategy {
  switch (strategy.kind) {
    case "rolling":
      return rolling(strategy);
    case "recreate":
      return recreate;
    case "blue-green":
      return blueGreen(strategy);
    case "canary":
      return canary(strategy);
    case "ab":
      return ab(strategy);
  }
}
