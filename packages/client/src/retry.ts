/**
 * When a request that failed is sent again, and after how long: never when it could then be carried out twice, at most so often, and
 * spread, so that clients that failed together do not come back together ("full jitter"). Pure.
 */
/**
 * What became of a request that failed: `unsent` reached nobody; `refused` was turned away before anything was done, with when to come
 * again; `lost` may have been carried out, or not; `answered` has its answer, and another attempt would have the same.
 */
export type Fate = "unsent" | "refused" | "lost" | "answered";

/** What is asked, as far as it matters here. */
export interface Repeatable {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Most retries of one call. */
export const retriesMax = 3;

const firstPauseMs = 200;
const pauseMsMax = 5_000;

/** Whether it may be sent again. `lost` is repeated only where twice is the same as once. */
export function mayRepeat(request: Repeatable, fate: Fate): boolean {
  if (fate === "unsent" || fate === "refused") return true;
  return fate === "lost" && isIdempotent(request);
}

/** Milliseconds until the next attempt, `retries` having been made; `chance` is from [0, 1). Never sooner than the manager said. */
export function pauseMs(retries: number, chance: number, retryAfterMs = 0): number {
  return retryAfterMs + chance * Math.min(pauseMsMax, firstPauseMs * 2 ** retries);
}

/** Whether twice is the same as once, by RFC 9110, section 9.2.2; but what was made under `If-Match` would be refused the second time, as if another had made it. */
export function isIdempotent({ method, headers = {} }: Repeatable): boolean {
  return ["GET", "HEAD", "PUT", "DELETE"].includes(method) && headers["if-match"] === undefined;
}
