/** What an ended call tells a breaker: the table of `ending.ts`, read from the side of one that decides whether calls may go on. */
import { type Ending, type EndingRow, endings } from "./ending.ts";

/**
 * - `none`: nothing
 * - `answered`: the server is there; of its working it says nothing
 * - `success`, `failure`: counts as one
 * - `slow`: a success that took too long
 * - `transport-failure`: a failure before or beneath any answer
 */
export type Verdict = "none" | "answered" | "success" | "slow" | "failure" | "transport-failure";

/** For a server's own breaker. Slowness is no matter of its: tools of one server take from milliseconds to minutes. */
export const serverVerdicts: Readonly<Record<Ending, Verdict>> = verdicts((row) => {
  if (row.server === "success") return "success";
  if (row.server === "failure") return row.isTransport ? "transport-failure" : "failure";
  return row.replica === "success" ? "answered" : "none";
});

/** For the breaker of the tool that was called, when it was not slow. */
export const toolVerdicts: Readonly<Record<Ending, Verdict>> = verdicts((row) => {
  if (row.tool === "success") return "success";
  return row.tool === "failure" ? "failure" : "none";
});

function verdicts(of: (row: EndingRow) => Verdict): Readonly<Record<Ending, Verdict>> {
  const found = Object.entries(endings).map(([ending, row]) => [ending, of(row)] as const);
  return Object.fromEntries(found) as Record<Ending, Verdict>;
}
