/** What can be set about how much deployments may take of this instance: schema, defaults, meaning. Read by `config` only. */
import { sizePattern, sizeRule } from "@mcp-manager/api";
import type { Size } from "@mcp-manager/api";
import { z } from "zod";

/** Settings of this room, as written in the configuration. 0 is no bound. */
export interface ControllerSettings {
  readonly capacity: {
    readonly replicas: number;
    /** Of all replicas that are processes together, each with what its `limits` allow it. */
    readonly processes: number;
    readonly memory: Size;
  };
}

const rule = "a whole number from 0 to 1000000";
const count = z.int(rule).min(0, rule).max(1_000_000, rule).default(0);
const size = z.string().regex(sizePattern, sizeRule) as unknown as z.ZodType<Size, Size>;

/** Their schemas by name; the defaults are in them. */
export const controllerSettings: { readonly [K in keyof ControllerSettings]: z.ZodType<ControllerSettings[K]> } = {
  capacity: z
    .strictObject({
      replicas: count.describe("Replicas of all servers together; a deployment that needs more fails. 0: no bound."),
      processes: count.describe(
        "The same for the sum of `limits.processes` of replicas that are processes. 0: no bound.",
      ),
      memory: size.default("0B").describe("The same for the sum of their `limits.memory`. `0B`: no bound."),
    })
    .prefault({}),
};
