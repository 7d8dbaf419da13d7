/**
 * Servers from the configuration file on their way into the registry. A server is applied when the file's text for it is not the
 * one that was applied last, so that a restart undoes nothing that was changed since by other ways (resources.md, "Desired state").
 */
import type { ServerDraft } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import { kinds } from "../registry/kinds.ts";
import type { Registry } from "../registry/registry.ts";
import type { ServerWrites } from "./operations/server-writes.ts";

/** A server as the file has it. */
export interface ConfiguredServer {
  readonly draft: ServerDraft;
  /** Stands for the file's text for this server: equal exactly when that did not change. */
  readonly digest: string;
}

/** What became of one of them. */
export interface Admission {
  readonly name: string;
  /**
   * - `applied`: created, changed or found to be so already
   * - `kept`: the file says what it said the last time; what is registered stays as it is
   * - `deleted`: the same, and it was deleted since: it stays deleted until its text changes
   * - `refused`: it cannot be applied now; `error` says why
   */
  readonly outcome: "applied" | "kept" | "deleted" | "refused";
  readonly error?: ManagerError;
}

/** Admits all of them, one after the other. Rejects only when the store is away. */
export async function admitConfigured(
  registry: Registry,
  writes: ServerWrites,
  configured: readonly ConfiguredServer[],
): Promise<readonly Admission[]> {
  const marks = registry.marks("configured");
  const admissions: Admission[] = [];
  for (const { draft, digest } of configured) {
    const { name } = draft;
    if ((await marks.get(name)) === digest) {
      const exists = (await registry.resources(kinds.Server).get(name)) !== undefined;
      admissions.push({ name, outcome: exists ? "kept" : "deleted" });
      continue;
    }
    try {
      await writes.apply(draft);
      await marks.put(name, digest);
      admissions.push({ name, outcome: "applied" });
    } catch (error) {
      const failure = ManagerError.from(error);
      if (failure.code === "unavailable" || failure.code === "internal") throw failure;
      admissions.push({ name, outcome: "refused", error: failure });
    }
  }
  return admissions;
}
