/** What can be set about the processes that are run: schema, defaults, meaning. Read by `config` only. */
import type { SandboxLevel } from "@mcp-manager/api";
import { z } from "zod";

/** Settings of this room, as written in the configuration. */
export interface RuntimeSettings {
  readonly sandbox: {
    /** What is weaker is raised to it. */
    readonly default: SandboxLevel;
    /** What is still weaker then is not started. */
    readonly minimum: SandboxLevel;
  };
}

const levels: readonly SandboxLevel[] = ["trusted", "default", "strict"];

/** Their schemas by name; the defaults are in them. */
export const runtimeSettings: { readonly [K in keyof RuntimeSettings]: z.ZodType<RuntimeSettings[K]> } = {
  sandbox: z
    .strictObject({
      default: z
        .enum(levels)
        .default("trusted")
        .describe("The sandbox of every server that is a process; a stronger one in a server's spec stays."),
      minimum: z
        .enum(levels)
        .default("trusted")
        .describe("A server whose sandbox is weaker than this, after `sandbox.default`, is not started."),
    })
    .prefault({}),
};
