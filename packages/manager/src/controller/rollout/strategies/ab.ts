/** Two revisions side by side at fixed weights, some callers by name; it has no end but a person's word. */
import type { AbStrategy } from "@mcp-manager/api";
import { type RolloutStrategy, sideBySide } from "./strategy.ts";

/** A comparison. */
export function ab({ variants, match }: AbStrategy): RolloutStrategy {
  const share = variants.find(({ revision }) => revision === "next")?.weight ?? 0;
  return {
    ...sideBySide,
    match,
    move(situation, { status }) {
      const isUp = situation.new.ready.length >= situation.desired;
      return {
        counts: sideBySide.trying(situation),
        weight: isUp ? share : status.traffic.target,
        verdict: { kind: isUp ? "holding" : "starting" },
      };
    },
  };
}
