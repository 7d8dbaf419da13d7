/** Whole numbers within bounds, for every schema. */
import { z } from "zod";

/** A whole number within bounds, which the message names. */
export function whole(min: number, max: number): z.ZodInt {
  const rule = `a whole number from ${min} to ${max}`;
  return z.int(rule).min(min, rule).max(max, rule);
}
