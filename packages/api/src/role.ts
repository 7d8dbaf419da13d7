/**
 * Who may do what on the control plane and on MCP endpoints: the built-in roles and the permissions they hold. Rules per
 * server and tool are not here yet: a role holds for all servers.
 */

/** One thing a principal may be allowed to do. Closed; every operation names one. */
export type Permission =
  /** See servers, revisions, replicas and their state. */
  | "servers:read"
  /** Register, change, restart and delete servers. */
  | "servers:write"
  /** Register servers that run a command on this machine: whoever holds it can run anything the manager can. */
  | "processes:write"
  /** Read what servers write to stderr; it may tell more than it should. */
  | "logs:read"
  /** See tools, prompts and resources through the MCP endpoints and the API. */
  | "tools:list"
  /** Use them. */
  | "tools:call"
  | "api-keys:read"
  | "api-keys:write"
  /** Read metrics. */
  | "metrics:read"
  /** Hear what happens: the event stream. */
  | "events:read"
  /** See which secrets there are and who uses them; their values are shown to nobody. */
  | "secrets:read"
  /** Set secrets, and have them sent to servers: a source that refers to one needs it. */
  | "secrets:write"
  /** See webhooks and what could not be delivered. */
  | "webhooks:read"
  /** Have events sent to an address, and decide about what could not be delivered. */
  | "webhooks:write";

/**
 * - `admin`: everything
 * - `operator`: runs what is there and registers remote servers; starts no new commands, makes no keys
 * - `caller`: uses tools, prompts and resources; what an MCP client needs
 * - `viewer`: looks, calls nothing
 */
export type RoleName = "admin" | "operator" | "caller" | "viewer";

/** What each built-in role holds. */
export const rolePermissions: Readonly<Record<RoleName, readonly Permission[]>> = {
  admin: [
    "servers:read",
    "servers:write",
    "processes:write",
    "logs:read",
    "tools:list",
    "tools:call",
    "api-keys:read",
    "api-keys:write",
    "metrics:read",
    "events:read",
    "secrets:read",
    "secrets:write",
    "webhooks:read",
    "webhooks:write",
  ],
  operator: [
    "servers:read",
    "servers:write",
    "logs:read",
    "tools:list",
    "tools:call",
    "metrics:read",
    "events:read",
    "secrets:read",
    "webhooks:read",
  ],
  caller: ["tools:list", "tools:call"],
  viewer: ["servers:read", "tools:list", "metrics:read", "events:read"],
};

/** The built-in roles, strongest first. */
export const roleNames: readonly RoleName[] = ["admin", "operator", "caller", "viewer"];

/** Who asks, as the listener found out from the credential. */
export interface Principal {
  /** `key:ci`, `admin` … */
  readonly name: string;
  /** Names of roles; an unknown one grants nothing. */
  readonly roles: readonly string[];
}

/** Whether one of the principal's roles holds the permission. */
export function isAllowed(principal: Principal, permission: Permission): boolean {
  return roleNames.some((role) => principal.roles.includes(role) && rolePermissions[role].includes(permission));
}
