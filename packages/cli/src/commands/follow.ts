/**
 * Follows deployments until each is where it was waited for, and shows them meanwhile. It only looks: to stop following moves nothing.
 * A manager that restarts in between is waited for.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Deployment } from "@mcp-manager/api";
import { isOver, ManagerError } from "@mcp-manager/api";
import type { Client } from "@mcp-manager/client";
import type { Invocation } from "../command.ts";
import type { Ending, Followed, Goal, Wait } from "./deployment-wait.ts";
import type { Audience } from "./follow-display.ts";
import { displayFor } from "./follow-display.ts";

/** Pause between two looks, in milliseconds. */
const pauseMs = 250;
/** How long a manager may be away, as in a restart. */
const awayMsMax = 30_000;

/**
 * Resolves when every one has ended, or was waited for long enough. Rejects with `not_found` for one that there never was, and when the
 * signal aborts, saying first that they go on.
 */
export async function follow(
  invocation: Invocation,
  names: readonly string[],
  wait: Wait,
  audience: Audience = "bystander",
): Promise<readonly Followed[]> {
  const { io, print } = invocation;
  const client = invocation.client();
  const patience = new Patience(wait);
  const display = displayFor(invocation, audience);
  let followed: readonly Followed[] = names.map((name) => ({ name, ending: "going" }));
  try {
    for (;;) {
      const seen = await Promise.all(followed.map((one) => look(client, one, wait.goal, io.signal)));
      const isAway = seen.some((one) => one === undefined);
      followed = seen.map((one, index) => one ?? followed[index]).filter((one) => one !== undefined);
      display.show(followed, isAway);
      if (followed.every(({ ending }) => ending !== "going") || patience.isOver(followed, isAway)) return followed;
      await sleep(pauseMs, undefined, { signal: io.signal });
    }
  } catch (error) {
    if (io.signal.aborted)
      for (const { name } of followed.filter(({ ending }) => ending === "going"))
        print.note(`${name} goes on without you: mcp-manager deployment get ${name} --watch`);
    throw error;
  }
}

/** What it is now; undefined while the manager does not answer. */
async function look(
  { deployments }: Client,
  one: Followed,
  goal: Goal,
  signal: AbortSignal,
): Promise<Followed | undefined> {
  const { name, ending } = one;
  if (ending !== "going") return one;
  try {
    const deployment = await deployments.get(name, { signal });
    return { name, deployment, ending: endingOf(deployment, goal) };
  } catch (error) {
    if (!(error instanceof ManagerError)) throw error;
    if (one.deployment === undefined) throw error;
    if (error.code === "not_found") return { ...one, ending: "gone" };
    if (error.code === "unavailable") return undefined;
    throw error;
  }
}

function endingOf({ status }: Deployment, goal: Goal): Ending {
  if (status.phase === "Completed" || (status.phase === "Draining" && goal === "promoted")) return "there";
  return isOver(status) ? "back" : "going";
}

/** How long is waited: in all, for a person who may not come, and for a manager that is away. */
class Patience {
  readonly #endMs: number;
  readonly #personMs: number;
  #pausedSinceMs: number | undefined;
  #awaySinceMs: number | undefined;

  constructor({ timeoutMs = Number.POSITIVE_INFINITY, personMs = Number.POSITIVE_INFINITY }: Wait) {
    this.#endMs = performance.now() + timeoutMs;
    this.#personMs = personMs;
  }

  /** Whether it is over. Throws `unavailable` when the manager does not come back. */
  isOver(followed: readonly Followed[], isAway: boolean): boolean {
    const nowMs = performance.now();
    this.#awaySinceMs = isAway ? (this.#awaySinceMs ?? nowMs) : undefined;
    if (this.#awaySinceMs !== undefined && nowMs - this.#awaySinceMs > awayMsMax)
      throw new ManagerError("unavailable", `the manager has not answered for ${awayMsMax / 1000} s`, {
        reason: "MANAGER_UNREACHABLE",
      });
    const isPaused = followed.every(
      ({ ending, deployment }) => ending !== "going" || deployment?.status.phase === "Paused",
    );
    this.#pausedSinceMs = isPaused ? (this.#pausedSinceMs ?? nowMs) : undefined;
    const isForsaken = this.#pausedSinceMs !== undefined && nowMs - this.#pausedSinceMs > this.#personMs;
    return nowMs > this.#endMs || isForsaken;
  }
}
