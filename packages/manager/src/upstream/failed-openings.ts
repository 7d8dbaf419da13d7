/**
 * Openings that failed a moment ago, by profile: while one is remembered no other of its profile is tried, so that a server that cannot
 * be opened is not started again for every call.
 */
import type { ManagerError } from "@mcp-manager/api";

/** How long a failure stands for the next attempt. */
export const failureHoldsMs = 1_000;
/** Profiles are their clients' choice; more failures than this within the time are not remembered. */
const remembered = 100;

interface FailedOpening {
  readonly key: string;
  readonly error: ManagerError;
  readonly untilMs: number;
}

export class FailedOpenings {
  #all: readonly FailedOpening[] = [];

  add(key: string, error: ManagerError, nowMs: number): void {
    const others = this.#all.filter((failed) => failed.key !== key && failed.untilMs > nowMs);
    this.#all = [...others, { key, error, untilMs: nowMs + failureHoldsMs }].slice(-remembered);
  }

  /** Why a connection of this profile is not tried now. */
  of(key: string, nowMs: number): ManagerError | undefined {
    return this.#all.find((failed) => failed.key === key && failed.untilMs > nowMs)?.error;
  }
}
