/** Who takes part in a soak: servers of each kind in turn, and guests that come and go. Pure. */
import type { ServerPlan } from "../testing/scenario.ts";
import { chosen, type Target } from "./schedule.ts";

const pair = { spec: { replicas: 2 } };
const turns: readonly ServerPlan[] = [
  { over: "stdio", era: "legacy", ...pair },
  { over: "proxied", era: "legacy" },
  { over: "stdio", era: "modern" },
  { over: "http", era: "modern" },
  { over: "stdio", era: "legacy", spec: { sharing: "per-principal" } },
  { over: "proxied", era: "modern" },
  { over: "stdio", era: "modern", ...pair },
  { over: "http", era: "legacy" },
];

/** What hangs is found out within the run. */
const health = { interval: "2s", timeout: "1s", failures: 3 };
/** Half of them have none: an open one keeps calls and faults away, and doubles its time with each opening. */
const breakers = [{ enabled: false }, { openFor: "1s" }];

/** So many servers by their names. */
export function serversOf(count: number): Readonly<Record<string, ServerPlan>> {
  const plans = Array.from({ length: count }, (_, at): readonly [string, ServerPlan] => {
    const plan = turns[at % turns.length] ?? {};
    const breaker = breakers[Math.floor(at / 2) % 2];
    return [`${plan.over}-${plan.era}-${at}`, { ...plan, spec: { ...plan.spec, health, breaker } }];
  });
  return Object.fromEntries(plans);
}

export const guests: readonly string[] = ["guest-0", "guest-1", "guest-2"];

/** A guest as it comes, another one for each number in [0, 1). */
export function guestOf(pick: number): ServerPlan {
  const plan = chosen(
    turns.filter(({ over }) => over === "stdio"),
    pick,
  );
  // What it is started with is another each time: a new revision.
  return { ...plan, set: { drift: `As of ${pick}.` } };
}

/** Everything that something can be done to. */
export function targetsOf(servers: Readonly<Record<string, ServerPlan>>): readonly Target[] {
  return [
    ...Object.entries(servers).map(([name, { over = "stdio" }]): Target => ({ name, place: over })),
    ...guests.map((name): Target => ({ name, place: "guest" })),
    { name: "manager", place: "manager" },
  ];
}
