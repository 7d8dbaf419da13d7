/**
 * What went wrong with a run, in a form that people can act on: the stage, the cause, how the process ended and the last lines it
 * wrote. Pure.
 */
import type { FailureStage, LastFailure } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Exit } from "../runtime/runtime.ts";

/** Lines of stderr kept with a failure. */
const stderrLinesKept = 20;

/** The reason of who was refused for want of a credential. */
const unauthorized = "UPSTREAM_UNAUTHORIZED";

/** An opening or a run that failed. `exit` is set when the process ended by itself. */
export class RunFailure extends Error {
  override readonly name = "RunFailure";
  readonly stage: FailureStage;
  readonly exit: Exit | undefined;

  constructor(stage: FailureStage, cause: unknown, exit?: Exit) {
    super(sentence(stage, cause, exit), { cause });
    this.stage = stage;
    this.exit = exit;
  }

  /** The same without what `redact` masks: a server quotes what it was given in its answers as it does in what it prints. */
  masked(redact: (text: string) => string): RunFailure {
    if (redact(this.message) === this.message) return this;
    const cause = ManagerError.from(this.cause);
    const reason = this.neededAuthorization === undefined ? cause.reason : unauthorized;
    return new RunFailure(this.stage, maskedError(cause, redact, reason), this.exit);
  }

  /** What was said of the credential, when that is all that was lacking: then it is no crash. */
  get neededAuthorization(): string | undefined {
    for (let cause: unknown = this.cause; cause instanceof Error; cause = cause.cause) {
      if (cause instanceof ManagerError && cause.reason === unauthorized) return this.message;
    }
    return undefined;
  }
}

/** The error without what `redact` masks, and without whatever else belonged to it. */
export function maskedError(
  { code, message, reason: told }: ManagerError,
  redact: (text: string) => string,
  reason: string = told,
): ManagerError {
  return new ManagerError(code, redact(message), { reason });
}

function sentence(stage: FailureStage, cause: unknown, exit: Exit | undefined): string {
  const ended = exit === undefined ? undefined : exitText(exit);
  if (ended === undefined) return withoutSubject(ManagerError.from(cause).message);
  return stage === "initialize" ? `the process ${ended} before it answered initialize` : `the process ${ended}`;
}

/** A failure stands beside the server it happened to: `server "weather": no such command` is `no such command` there. */
export function withoutSubject(message: string): string {
  return message.replace(/^server "[^"]*": /, "").replace(/^server "[^"]*" /, "it ");
}

/** `exited with status 1`, `was ended by SIGKILL`. */
function exitText({ code, signal, outOfMemory, tooManyProcesses }: Exit): string {
  if (outOfMemory === true) return "was ended because it used more memory than spec.limits.memory allows";
  if (tooManyProcesses === true) return "was ended because it had more processes than spec.limits.processes allows";
  if (signal !== undefined) return `was ended by ${signal}`;
  return code === undefined ? "ended" : `exited with status ${code}`;
}

export interface FailureFacts {
  readonly failure: RunFailure;
  /** RFC 3339. */
  readonly at: string;
  /** Redacted, oldest first. */
  readonly stderr: readonly string[];
  /** How often it failed within the window in which failures count as one series. */
  readonly recentFailures: number;
}

/** So many failures within ten minutes are called a crash loop (reliability.md §4.2). */
const crashLoopFailures = 5;

/** The failure as a status shows it. */
export function lastFailureOf({ failure, at, stderr, recentFailures }: FailureFacts): LastFailure {
  const { stage, exit } = failure;
  const loop = recentFailures < crashLoopFailures ? "" : `; it keeps failing (${recentFailures} times in 10 minutes)`;
  return {
    stage,
    message: `${failure.message}${loop}`,
    at,
    ...(stderr.length === 0 ? {} : { stderr: stderr.slice(-stderrLinesKept) }),
    ...(exit?.code === undefined ? {} : { exitCode: exit.code }),
    ...(exit?.signal === undefined ? {} : { signal: exit.signal }),
  };
}
