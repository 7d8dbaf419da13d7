/** What this program calls itself on the wire. Whoever reads it must not decide anything by it (specification, basic, `_meta`). */

/** Name and version as `initialize`, `server/discover` and `_meta` carry them; other members (`title`, …) are optional there. */
export interface Implementation {
  readonly name: string;
  readonly version: string;
}

/** The manager, as client of its servers and as server of its clients. */
export const self: Implementation = { name: "mcp-manager", version: "0.1.0" };
