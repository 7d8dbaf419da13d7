/**
 * Some principals at a time: each step has its copies first, then its weight, then its time; and it is left only when enough was
 * asked of the new revision and nothing speaks against it. No traffic is never a pass and never a failure.
 */
import type { CanaryStep, CanaryStrategy } from "@mcp-manager/api";
import { durationMs } from "@mcp-manager/api";
import type { Situation } from "../situation.ts";
import { type Move, type Position, type RolloutStrategy, sideBySide, type Verdict } from "./strategy.ts";

/** How often it is looked for more requests. */
const exposureMs = 1_000;
/** A step without a least time waits so long for its requests. */
const defaultWaitMs = 60_000;

/** Step by step. */
export function canary({ steps }: CanaryStrategy): RolloutStrategy {
  const copies = ({ desired }: Situation, weight: number): number =>
    Math.min(desired, Math.max(1, Math.ceil((desired * weight) / 100)));
  return {
    ...sideBySide,
    trying: (situation) => ({ from: situation.desired, to: copies(situation, steps[0]?.weight ?? 0) }),
    move(situation, position): Move {
      const { status } = position;
      const index = status.step?.index ?? 1;
      const step = steps[index - 1];
      const counts = { from: situation.desired, to: copies(situation, step?.weight ?? 100) };
      if (step === undefined) return { counts, weight: status.traffic.target, verdict: { kind: "done" } };
      const at = { counts, step: { index, of: steps.length, weight: step.weight } };
      if (situation.new.ready.length < counts.to)
        return { ...at, weight: status.traffic.target, verdict: { kind: "starting" } };
      // Its time begins with its weight.
      const isThere = status.step !== undefined && status.traffic.target === step.weight;
      const elapsedMs = isThere ? (status.progress?.elapsedMs ?? 0) : 0;
      const found = outcome(situation, position, step, elapsedMs);
      const isLast = index === steps.length;
      const verdict = found !== undefined ? found : isLast ? done : ({ kind: "stepping", index: index + 1 } as const);
      return { ...at, weight: step.weight, verdict };
    },
  };
}

const done = { kind: "done" } as const;

/** What a step waits for; undefined when it may be left. */
function outcome(situation: Situation, position: Position, step: CanaryStep, elapsedMs: number): Verdict | undefined {
  if (position.status.progress?.promoted !== undefined) return undefined;
  const { minRequests, weight } = step;
  if (step.pause === undefined) {
    const message = `at ${weight} % until somebody says so: resume or promote, or abort`;
    return { kind: "pausing", reason: "AwaitingPromotion", message };
  }
  const pauseMs = durationMs(step.pause);
  if (elapsedMs < pauseMs) return { kind: "holding", leftMs: pauseMs - elapsedMs };
  const requests = situation.measured?.requests ?? 0;
  if (requests < minRequests) {
    const waitMs = step.maxWait !== undefined ? durationMs(step.maxWait) : pauseMs * 10 || defaultWaitMs;
    if (elapsedMs < waitMs) return { kind: "holding", leftMs: Math.min(exposureMs, waitMs - elapsedMs) };
    const message = `${requests} of ${minRequests} requests came at ${weight} %: resume to wait on, promote, or abort`;
    return { kind: "pausing", reason: "ExposureNotMet", message };
  }
  return judged(position, step);
}

/** What the measurements say at the end of a step. */
function judged({ results }: Position, { weight }: CanaryStep): Verdict | undefined {
  const counting = results.filter(({ dryRun }) => dryRun !== true);
  const failed = counting.find(({ result }) => result === "failed");
  if (failed !== undefined) return { kind: "failing", message: failed.message ?? `${failed.name} failed` };
  if (counting.some(({ result }) => result === "error")) return { kind: "holding" };
  const open = counting.find(({ result }) => result === "inconclusive");
  if (open === undefined) return undefined;
  const message = `at ${weight} % ${open.message ?? open.name}: resume to measure on, promote, or abort`;
  return { kind: "pausing", reason: "Inconclusive", message };
}
