/**
 * Whether a history of concurrent calls on one register can be put into an order that a register would have answered, each
 * call between its begin and its end (Wing and Gong, 1993). For small histories.
 */

/** One call that was answered. Times are any numbers that grow. */
export interface RegisterCall {
  readonly kind: "read" | "write" | "cas";
  /** What is written. */
  readonly value: string;
  /** What a `cas` must find. */
  readonly expected: string;
  /** What was read, or whether the write was made. */
  readonly result: string | boolean;
  readonly begin: number;
  readonly end: number;
}

/** The register begins with the empty text. */
export function isLinearizable(calls: readonly RegisterCall[]): boolean {
  return search(calls, "");
}

/** Tries as next each call that began before every other one ended. */
function search(calls: readonly RegisterCall[], state: string): boolean {
  if (calls.length === 0) return true;
  const firstEnd = Math.min(...calls.map((call) => call.end));
  return calls.some((call) => {
    if (call.begin > firstEnd) return false;
    const next = apply(call, state);
    return (
      next !== undefined &&
      search(
        calls.filter((other) => other !== call),
        next,
      )
    );
  });
}

/** The state after the call; undefined when the register would have answered otherwise. */
function apply(call: RegisterCall, state: string): string | undefined {
  if (call.kind === "read") return call.result === state ? state : undefined;
  const made = call.kind === "write" || state === call.expected;
  if (call.result !== made) return undefined;
  return made ? call.value : state;
}
