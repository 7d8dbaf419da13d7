/** What operations ask and answer beside resources. */
import type { LastFailure } from "./resource.ts";
import type { ServerState } from "./server.ts";

/** One line of the health summary. */
export interface ServerHealth {
  readonly name: string;
  readonly state: ServerState;
  readonly replicas: { readonly desired: number; readonly ready: number };
  readonly lastFailure?: LastFailure;
}

/** How the manager and its servers are. */
export interface Health {
  /** `ok`: every server does what is wanted of it; `degraded`: some do not; `failed`: the store cannot be written. */
  readonly status: "ok" | "degraded" | "failed";
  readonly version: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly store: "ok" | "read-only" | "unavailable";
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

/** The body of a restart; without a replica all are restarted, one after the other. */
export interface RestartRequest {
  readonly replica?: string;
}
