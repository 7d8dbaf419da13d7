/** Schemas of the question what a configuration file would change, and of its answer. */
import { z } from "zod";
import type { ConfigDiff, ConfigDiffRequest } from "../config-diff.ts";
import { fieldChangeSchema } from "./deploy.ts";
import { exactly } from "./exact.ts";

const textMax = 4 * 1024 * 1024;
const filenameRule = "a name of 1 to 1024 characters";

export const configDiffRequestSchema: z.ZodType<ConfigDiffRequest, ConfigDiffRequest> = exactly<ConfigDiffRequest>()(
  z.strictObject({
    text: z.string().max(textMax, "a text of at most 4 MiB"),
    filename: z
      .string()
      .min(1, filenameRule)
      .max(1024, filenameRule)
      .regex(/^\P{Cc}*$/u, filenameRule)
      .exactOptional(),
  }),
);

export const configDiffSchema: z.ZodType<ConfigDiff, ConfigDiff> = exactly<ConfigDiff>()(
  z.strictObject({
    servers: z.array(
      z.strictObject({
        name: z.string(),
        change: z.enum(["created", "changed", "deleted", "unchanged"]),
        fields: z.array(fieldChangeSchema),
        deployment: z.boolean(),
        message: z.string().exactOptional(),
      }),
    ),
    restart: z.array(z.string()),
  }),
);
