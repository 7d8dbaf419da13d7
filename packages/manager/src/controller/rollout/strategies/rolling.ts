/**
 * Copy by copy: for each new one that has been ready for long enough an old one goes, and traffic follows. Between `desired -
 * maxUnavailable` ready and `desired + maxSurge` in all.
 */
import type { DeploymentStatus, RollingStrategy } from "@mcp-manager/api";
import { durationMs } from "@mcp-manager/api";
import { progressOf, type Situation } from "../situation.ts";
import { type Counts, type RolloutStrategy, sideBySide } from "./strategy.ts";

/** A rolling change within its bounds. */
export function rolling({ maxSurge, maxUnavailable, minReady }: RollingStrategy): RolloutStrategy {
  const minReadyMs = durationMs(minReady);
  const floor = ({ desired }: Situation): number => Math.max(0, desired - maxUnavailable);
  /** Without a person's say the new revision takes over as soon as it can serve alone. */
  const enough = ({ desired }: Situation): number => Math.min(desired, Math.max(1, desired - maxUnavailable));
  const settled = ({ new: { ready } }: Situation, status: DeploymentStatus): number => {
    if (minReadyMs === 0) return ready.length;
    const times = progressOf(status).ready ?? {};
    return ready.filter(({ metadata }) => (times[metadata.name] ?? -1) >= minReadyMs).length;
  };
  /** A new copy that fails is not taken back: whoever judges it has to see it fail. */
  const counts = (situation: Situation, ready: number): Counts => {
    const { desired } = situation;
    const to = Math.max(situation.new.present.length, ready + maxSurge + maxUnavailable);
    return { from: Math.max(0, floor(situation) - ready), to: Math.min(desired, to) };
  };
  return {
    ...sideBySide,
    minReadyMs,
    floor,
    enough,
    most: ({ desired }) => desired + maxSurge,
    trying(situation) {
      const { desired } = situation;
      const to = Math.min(desired, Math.max(1, maxSurge, situation.new.present.length));
      return { from: Math.min(desired, Math.max(floor(situation), desired + maxSurge - to)), to };
    },
    move(situation, { status, isPaused }) {
      const { desired, old } = situation;
      const ready = settled(situation, status);
      const moving = counts(situation, ready);
      if (isPaused) {
        const from = Math.max(old.present.length, moving.from);
        return { counts: { from, to: situation.new.present.length }, weight: status.traffic.target, verdict: holding };
      }
      const isDone = ready >= enough(situation);
      const weight = Math.max(status.traffic.target, desired === 0 ? 0 : Math.round((100 * ready) / desired));
      return { counts: moving, weight: Math.min(100, weight), verdict: { kind: isDone ? "done" : "starting" } };
    },
    promoting: ({ desired, old: { present } }) => ({ from: present.length, to: desired }),
  };
}

const holding = { kind: "holding" } as const;
