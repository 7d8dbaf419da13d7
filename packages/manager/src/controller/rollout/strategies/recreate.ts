/** The old copies end before new ones start, for servers of which there must not be two at once; nothing serves in between. */
import type { Situation } from "../situation.ts";
import { type Counts, type RolloutStrategy, sideBySide } from "./strategy.ts";

/** All or nothing: it has no settings. */
export const recreate: RolloutStrategy = {
  ...sideBySide,
  trying: alone,
  promoting: alone,
  floor: () => 0,
  isExclusive: true,
  move(situation) {
    const isUp = situation.new.ready.length >= situation.desired;
    return { counts: alone(situation), weight: 0, verdict: { kind: isUp ? "done" : "starting" } };
  },
};

/** None of the new before the last of the old is gone. */
function alone({ hasOthers, desired, new: { present } }: Situation): Counts {
  return { from: 0, to: hasOthers ? present.length : desired };
}
