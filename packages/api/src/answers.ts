/** What operations ask and answer beside resources. */
import type { SchemaDiff } from "./deployment.ts";
import type { LastFailure } from "./resource.ts";
import type { BreakerState, ServerSource, ServerSourceInput, ServerState } from "./server.ts";
import type { Strategy, StrategyInput } from "./strategy.ts";

/** One line of the health summary. */
export interface ServerHealth {
  readonly name: string;
  readonly state: ServerState;
  readonly replicas: { readonly desired: number; readonly ready: number };
  /** On the instance that answers; only when it is not closed. */
  readonly breaker?: BreakerState;
  /** Why somebody should look, in a sentence; absent when nobody has to. */
  readonly attention?: string;
  readonly lastFailure?: LastFailure;
}

/** How much of what the instance has is used, and what it gives up for it. */
export interface OverloadStage {
  /** 0: nothing; the higher, the more is refused. */
  readonly stage: number;
  /** In words: `heap at 93 %: new sessions are refused`. */
  readonly message?: string;
}

/** What became of the configuration file when it was read last. */
export interface ConfigHealth {
  /** As it was named at the start. */
  readonly file: string;
  /** `invalid`: it says something wrong, so that what it said before holds on. */
  readonly state: "ok" | "invalid";
  /** What is wrong and where (`servers.yaml:4:9`), or what of it is not in force yet. */
  readonly message?: string;
  /** RFC 3339. */
  readonly at: string;
}

/** How the manager and its servers are. */
export interface Health {
  /** `ok`: every server does what is wanted of it; `degraded`: some do not; `failed`: the store cannot be written. */
  readonly status: "ok" | "degraded" | "failed";
  readonly version: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly store: "ok" | "read-only" | "unavailable";
  /** Of the instance that answers. */
  readonly overload?: OverloadStage;
  /** Of the instance that answers; absent when it was started without a file. */
  readonly config?: ConfigHealth;
  /** How many servers are in which state; states without any are left out. */
  readonly states?: Readonly<Partial<Record<ServerState, number>>>;
  readonly servers: readonly ServerHealth[];
}

/** A tool as its server describes it (MCP `Tool`), with all it has beside the name. */
export interface Tool {
  readonly name: string;
  readonly [member: string]: unknown;
}

/** The body of a tool call. */
export interface ToolCall {
  readonly arguments?: Readonly<Record<string, unknown>>;
}

/**
 * The body of a decision about a server's breaker: held open, held closed, or left to itself again. `reason`: 1 to 500 characters,
 * for whoever wonders later.
 */
export type BreakerRequest =
  | { readonly state: "open" | "closed"; readonly reason: string }
  | { readonly state: "auto"; readonly reason?: string };

/** The body of a restart; without a replica all are restarted, one after the other. */
export interface RestartRequest {
  readonly replica?: string;
}

/** The body of a deploy, as written: what is absent stays as it is. */
export interface DeployRequestInput {
  /** The whole source that is to run. */
  readonly source?: ServerSourceInput;
  readonly strategy?: StrategyInput;
  /** What breaks for clients is accepted before it was seen. */
  readonly acceptBreaking?: boolean;
}

/** The same with every default. */
export interface DeployRequest extends DeployRequestInput {
  readonly source?: ServerSource;
  readonly strategy?: Strategy;
}

/** The body of a rollback. */
export interface RollbackRequest {
  /** Name of a revision that was stable before. Default: the one before the present. */
  readonly to?: string;
}

/** The body of a promotion. */
export interface PromoteRequest {
  /** To the end, whatever steps are left. Default: past the present step. */
  readonly full?: boolean;
  /** What breaks for clients is accepted. */
  readonly acceptBreaking?: boolean;
}

/** One field of the runnable part that two revisions have otherwise. */
export interface FieldChange {
  /** `source.args`, `limits.memory` */
  readonly path: string;
  /** Absent: there was none. Values that the caller may not see are hidden. */
  readonly from?: unknown;
  /** Absent: there is none any more. */
  readonly to?: unknown;
}

/** What two revisions of a server differ in. */
export interface RevisionDiff {
  readonly from: string;
  readonly to: string;
  readonly spec: readonly FieldChange[];
  /** What they offer to clients; absent until both ran and were asked. */
  readonly schema?: SchemaDiff;
}
