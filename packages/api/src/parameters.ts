/** Parameters and headers that several groups of operations have in common. */
import type { Parameter } from "./operation.ts";

/** Which labels the items of a list must carry. */
export const labels: Parameter = {
  name: "labels",
  in: "query",
  type: "string",
  summary: "Only resources that carry all of these labels.",
  example: "team=forecast,tier=1",
};

/** Compare-and-swap. */
export const ifMatch: Parameter = {
  name: "If-Match",
  in: "header",
  type: "string",
  summary:
    "The ETag that was read: the change is made only if nobody made another since; else 412 with the resource as it is.",
  example: '"42"',
};

/** Trying without doing. */
export const dryRun: Parameter = {
  name: "dryRun",
  in: "query",
  type: "boolean",
  summary: "Check and answer as if, change nothing.",
};

/** The header of answers that are one resource. */
export const etag: Readonly<Record<"ETag", string>> = { ETag: 'The revision of the spec in quotes: `"42"`.' };
