/** How long, and for what, a command waits that began or moved a deployment; and what can come of it. */
import type { Deployment } from "@mcp-manager/api";
import { durationMs, durationPattern } from "@mcp-manager/api";
import type { Invocation, Option } from "../command.ts";
import { UsageError } from "../usage.ts";

/** `promoted`: until all new traffic is on the new revision; `completed`: until nothing is answered by the old one any more. */
export type Goal = "promoted" | "completed";

/** For what is waited, and how long. */
export interface Wait {
  readonly goal: Goal;
  /** Absent: as long as the deployment's own deadlines let it go on. */
  readonly timeoutMs?: number;
  /** How long for a person to end a pause. Absent: as long as all else. */
  readonly personMs?: number;
}

/** To its end, however long that takes. */
export const toTheEnd: Wait = { goal: "completed" };

/**
 * - `there`: it has come to what was waited for
 * - `back`: it was aborted or has failed
 * - `gone`: it is not there any more, nor its server
 * - `going`: it was not waited for any longer
 */
export type Ending = "there" | "back" | "gone" | "going";

/** A deployment that was followed, and how that ended. */
export interface Followed {
  readonly name: string;
  readonly ending: Ending;
  /** As it was seen last; absent when it never was. */
  readonly deployment?: Deployment;
}

/** Nobody may ever come to a deployment that waits for a person, and a script is to end. */
const personMsMax = 600_000;

/** The options of commands that wait for a deployment. */
export const deploymentWaitOptions: Readonly<Record<"wait" | "no-wait" | "timeout", Option>> = {
  wait: {
    type: "string",
    value: "promoted|completed",
    summary:
      "For what: all new traffic is on the new revision (promoted), or the old one is over (completed). Default: promoted",
  },
  "no-wait": { type: "boolean", summary: "Return as soon as it has begun" },
  timeout: {
    type: "string",
    value: "DURATION",
    summary: "How long at most; it goes on without you. Default: as long as it takes",
  },
};

/** What they leave open, for help. */
export const deploymentWaitNotes: readonly string[] = [
  "While it waits it shows the deployment: drawn in place in a terminal, a line for each change elsewhere (on stderr). Exit status 0 when what it waits for is so, 1 when the" +
    " deployment was aborted or has failed, with the reason and what to do. A deployment that waits for a person is waited for too: in a terminal until Ctrl-C, which only stops the waiting, elsewhere" +
    " for 10 minutes.",
];

/** What was asked for; undefined: not to wait. `--wait 90s` is `--timeout 90s`, and `--wait 0s` is `--no-wait`. */
export function waitOf({ option, flag, io }: Invocation, words: readonly string[]): Wait | undefined {
  const wait = option("wait");
  const timeout = option("timeout");
  if (flag("no-wait")) {
    if (wait === undefined && timeout === undefined) return undefined;
    throw new UsageError(`--no-wait and ${wait === undefined ? "--timeout" : "--wait"} contradict each other`, words);
  }
  const goal: Goal | undefined = wait === "promoted" || wait === "completed" ? wait : undefined;
  if (goal === undefined && wait !== undefined && timeout !== undefined)
    throw new UsageError(`--wait takes promoted or completed beside --timeout, not "${wait}"`, words);
  if (goal === undefined && wait !== undefined && !durationPattern.test(wait))
    throw new UsageError(`--wait takes promoted, completed or a duration such as 90s, not "${wait}"`, words);
  const text = timeout ?? (goal === undefined ? wait : undefined);
  if (text === undefined) return { goal: goal ?? "promoted", ...(io.isTerminal ? {} : { personMs: personMsMax }) };
  const timeoutMs = durationMs(text);
  return timeoutMs === 0 ? undefined : { goal: goal ?? "promoted", timeoutMs };
}
