/** What can be set about running servers on this machine: schema, defaults, meaning. Read by `config` only. */
import { z } from "zod";

/** Settings of this room, as written in the configuration. */
export interface AgentSettings {
  readonly agent: {
    /** 0: as many as there are processors, at least 4. */
    readonly startConcurrency: number;
  };
}

const rule = "a whole number from 0 to 256";

/** Their schemas by name; the defaults are in them. */
export const agentSettings: { readonly [K in keyof AgentSettings]: z.ZodType<AgentSettings[K]> } = {
  agent: z
    .strictObject({
      // Starting a server keeps a processor busy for about a second (`npx`); more at a time only makes each slower.
      startConcurrency: z
        .int(rule)
        .min(0, rule)
        .max(256, rule)
        .default(0)
        .describe("Servers that are started at a time. 0: as many as there are processors, at least 4."),
    })
    .prefault({}),
};
