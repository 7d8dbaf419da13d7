/** What a server's breaker, load and isolation are, in words. Pure. */
import type { BreakerState, Replica, ServerLoad, ServerStatus } from "@mcp-manager/api";
import type { Cell, Colour } from "../output.ts";
import { age, until } from "./describe.ts";

const breakerColours: Readonly<Record<BreakerState, Colour>> = { closed: "green", "half-open": "yellow", open: "red" };

/** `open for 3s: 12 of 20 calls failed within 30 s; a call is let through in 2s`. Undefined where nobody watches. */
export function breakerCell({ breaker, breakerDetail }: ServerStatus, nowMs: number): Cell | undefined {
  if (breaker === undefined) return undefined;
  const colour = breakerColours[breaker];
  if (breakerDetail === undefined) return { text: breaker, colour };
  const { reason, since, retryAt, forcedBy, tools = [] } = breakerDetail;
  // Of one that is held the reason begins so.
  const where =
    forcedBy === undefined
      ? `${breaker} for ${age(since, nowMs)}: ${reason}`
      : `${reason} (${forcedBy}, ${age(since, nowMs)} ago)`;
  const retry = retryAt === undefined ? "" : `; a call is let through in ${until(retryAt, nowMs)}`;
  const single = tools.map(({ tool, state, reason: why }) => `; tool ${tool} is ${state}: ${why}`);
  const isForced = forcedBy !== undefined && breaker === "closed";
  return {
    text: `${where}${retry}${single.join("")}`,
    colour: isForced || (breaker === "closed" && tools.length > 0) ? "yellow" : colour,
  };
}

/** `3 of 64 calls in flight, 1 waiting; since the start 5 refused by the breaker, 2 tried again`. */
export function loadText(load: ServerLoad): string {
  const { inFlight, concurrency, waiting, refused, retries, ejected, heldOff } = load;
  const since = counted([
    [refused.breaker, "refused by the breaker"],
    [refused.heldOff, "refused as the server asked for"],
    [refused.queue, "refused for want of a place"],
    [refused.rate, "refused by the rate"],
    [retries, "tried again"],
  ]);
  return [
    [`${inFlight} of ${concurrency} calls in flight`, ...counted([[waiting, "waiting"]])].join(", "),
    ...(since.length === 0 ? [] : [`since the start ${since.join(", ")}`]),
    ...(ejected.length === 0 ? [] : [`put aside: ${ejected.join(", ")}`]),
    ...(heldOff.length === 0 ? [] : [`left alone as the server asked for: ${heldOff.join(", ")}`]),
  ].join("; ");
}

function counted(counts: readonly (readonly [number, string])[]): readonly string[] {
  return counts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
}

/** What holds the processes in, one text for each way that there is: `trusted, cgroup, limits by cgroup2, memory 512MiB`. */
export function isolationText(replicas: readonly Replica[]): string | undefined {
  const texts = replicas.flatMap(({ status: { isolation, memory } }) => {
    if (isolation === undefined) return [];
    const { level, boundary, limits, network } = isolation;
    const parts = [
      level,
      boundary,
      limits === undefined ? undefined : `limits by ${limits === "none" ? "nobody" : limits}`,
      network === "none" ? "no network" : undefined,
      memory === undefined ? undefined : `memory ${memory}`,
    ];
    return [parts.filter((part) => part !== undefined).join(", ")];
  });
  return texts.length === 0 ? undefined : [...new Set(texts)].join("; ");
}
