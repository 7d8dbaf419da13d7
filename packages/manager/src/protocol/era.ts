/**
 * The two incompatible families of MCP revisions. `legacy` opens with `initialize` and may keep a session; `modern`
 * (2026-07-28 and later) describes itself in every request. Source: specification 2026-07-28, basic/versioning.
 */
export type Era = "legacy" | "modern";

/** Modern revisions this program speaks, newest first. */
export const modernVersions: readonly string[] = ["2026-07-28"];

/** Legacy revisions this program speaks, newest first. */
export const legacyVersions: readonly string[] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/** What the manager offers an upstream in `initialize`. */
export const legacyVersionOffered = "2025-11-25";

/** What the manager speaks to modern upstreams. */
export const modernVersionSpoken = "2026-07-28";
