/** What can be set about logs and the audit: schema, defaults, meaning. Read by `config` only. */
import { z } from "zod";

/** Settings of this room, as written in the configuration. */
export interface TelemetrySettings {
  readonly log: { readonly level: "debug" | "info" | "warn" | "error"; readonly format: "auto" | "json" | "text" };
  readonly audit: { readonly enabled: boolean; readonly fileSize: string; readonly files: number };
}

const size = z.string().regex(/^[1-9][0-9]{0,8}(KiB|MiB|GiB)$/, "a size such as 512KiB, 10MiB or 1GiB");
const filesRule = "a whole number from 1 to 100";

/** Their schemas by name; the defaults are in them. */
export const telemetrySettings: { readonly [K in keyof TelemetrySettings]: z.ZodType<TelemetrySettings[K]> } = {
  log: z
    .strictObject({
      level: z
        .enum(["debug", "info", "warn", "error"])
        .default("info")
        .describe("The least severe events that are logged."),
      format: z
        .enum(["auto", "json", "text"])
        .default("auto")
        .describe("How lines look. `auto`: text on a terminal, JSON elsewhere."),
    })
    .prefault({}),
  audit: z
    .strictObject({
      enabled: z.boolean().default(true).describe("Whether to write who did what to `<data>/audit/audit.jsonl`."),
      fileSize: size.default("10MiB").describe("Size after which the audit begins a new file."),
      files: z
        .int(filesRule)
        .min(1, filesRule)
        .max(100, filesRule)
        .default(5)
        .describe("Audit files that are kept; the oldest goes first."),
    })
    .prefault({}),
};
