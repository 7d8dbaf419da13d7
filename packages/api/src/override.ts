/** The Override resource: what a person decided about a running server against the manager's own judgement. One per server, of its name. */
import type { Resource } from "./resource.ts";

export interface OverrideSpec {
  /** Name of the Server. */
  readonly server: string;
  /** Holds the server's breaker there, whatever happens. */
  readonly breaker: "open" | "closed";
  /** Why, in that person's words. */
  readonly reason: string;
  /** Name of the principal who decided it. */
  readonly by: string;
  /** RFC 3339. */
  readonly at: string;
}

export type Override = Resource<"Override", OverrideSpec, Readonly<Record<string, never>>>;
