/** What can be set about running servers on this machine: schema, defaults, meaning. Read by `config` only. */
import { z } from "zod";

/** Settings of this room, as written in the configuration. */
export interface AgentSettings {
  readonly agent: {
    /** 0: as many as there are processors, at least 4. */
    readonly startConcurrency: number;
    /** Processes of each replica that are kept started for the next client. */
    readonly spares: number;
    /** Of all replicas together; those used last have them. */
    readonly sparesMax: number;
  };
}

const rule = "a whole number from 0 to 256";
const sparesRule = "a whole number from 0 to 16";

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
      // Each is a process that does nothing yet; without one the first call of a client that can be asked something waits for a start.
      spares: z
        .int(sparesRule)
        .min(0, sparesRule)
        .max(16, sparesRule)
        .default(1)
        .describe("Processes of each stdio server kept started for a client that needs one for itself."),
      sparesMax: z
        .int(rule)
        .min(0, rule)
        .max(256, rule)
        .default(64)
        .describe("Such processes in all; the servers that were used last have them."),
    })
    .prefault({}),
};
