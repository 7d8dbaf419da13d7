/** Stand-in until the comparison comes. */
import type { SchemaDiff } from "@mcp-manager/api";

/** What clients see otherwise. */
export function compareCatalogues(from: string, to: string): SchemaDiff {
  return { class: from === to ? "none" : "additive", changes: [] };
}
