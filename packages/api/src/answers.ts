/** What operations ask and answer beside resources. */
import type { LastFailure } from "./resource.ts";
import type { BreakerState, ServerState } from "./server.ts";

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
