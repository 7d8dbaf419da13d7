/** What can be asked of the configuration file, as rows of the table of operations. */
import type { Operation } from "./operation.ts";
import { configDiffRequestSchema, configDiffSchema } from "./schema/config-diff.ts";

/** The operations under `/api/v1/config`. */
export type ConfigOperationName = "diffConfig";

/** The operations, by name. */
export const configOperations: Readonly<Record<ConfigOperationName, Operation>> = {
  diffConfig: {
    method: "POST",
    path: "/api/v1/config/diff",
    summary: "Tell what would change if the configuration file held this text. Changes nothing.",
    parameters: [],
    body: configDiffRequestSchema,
    // As large as a file may be, with what JSON adds to it.
    bodyBytesMax: 6 * 1024 * 1024,
    answers: [{ status: 200, summary: "The difference.", schema: configDiffSchema }],
    permission: "servers:read",
    errors: ["resource_exhausted"],
    cli: "diff",
  },
};
