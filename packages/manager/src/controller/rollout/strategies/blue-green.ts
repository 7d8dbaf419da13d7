/** The new revision complete beside the old one, looked at under its own address, then one switch; the old is kept for a while. */
import type { BlueGreenStrategy } from "@mcp-manager/api";
import { durationMs } from "@mcp-manager/api";
import type { Situation } from "../situation.ts";
import { type Position, type RolloutStrategy, sideBySide, type Verdict } from "./strategy.ts";

/** One switch, at once or when somebody says so. */
export function blueGreen({ autoPromote, previewFor, scaleDownDelay }: BlueGreenStrategy): RolloutStrategy {
  const previewMs = durationMs(previewFor);
  const verdict = (situation: Situation, position: Position): Verdict => {
    const { to, server, desired } = situation;
    if (situation.new.ready.length < desired) return { kind: "starting" };
    if (position.status.progress?.promoted !== undefined) return { kind: "done" };
    const leftMs = previewMs - (position.status.progress?.elapsedMs ?? 0);
    if (leftMs > 0) return { kind: "holding", leftMs };
    if (autoPromote) return { kind: "done" };
    const preview = `/servers/${server.metadata.name}@${to}/mcp`;
    const message = `${to} is ready beside the old revision: look at it under ${preview}, then promote or abort`;
    return { kind: "pausing", reason: "AwaitingPromotion", message };
  };
  return {
    ...sideBySide,
    keepMs: durationMs(scaleDownDelay),
    move: (situation, position) => ({
      counts: sideBySide.trying(situation),
      weight: 0,
      verdict: verdict(situation, position),
    }),
  };
}
