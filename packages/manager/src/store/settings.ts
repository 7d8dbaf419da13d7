/** What can be set about the store: schema, defaults, meaning. Read by `config` only. */
import { sizeBytes, sizePattern } from "@mcp-manager/api";
import type { Size } from "@mcp-manager/api";
import { z } from "zod";
import type { StoreKind } from "./open.ts";

/** Settings of this room, as written in the configuration. */
export interface StoreSettings {
  readonly store: { readonly kind: StoreKind; readonly maxSize: Size };
}

const kinds: readonly StoreKind[] = ["sqlite", "memory"];
const sizeRule = "a size from 16MiB to 64GiB";

const size = z
  .string()
  .regex(sizePattern, { error: sizeRule, abort: true })
  .refine((text) => sizeBytes(text) >= 16 * 1024 ** 2 && sizeBytes(text) <= 64 * 1024 ** 3, sizeRule);

/** Their schemas by name; the defaults are in them. */
export const storeSettings: { readonly [K in keyof StoreSettings]: z.ZodType<StoreSettings[K]> } = {
  store: z
    .strictObject({
      kind: z
        .enum(kinds)
        .default("sqlite")
        .describe("Where state is kept. `sqlite`: `<data>/store.db`; `memory`: nowhere, it is gone after a stop."),
      maxSize: (size as unknown as z.ZodType<Size, Size>)
        .default("2GiB")
        .describe("Size over which the store's file does not grow; changes are refused then, and calls go on."),
    })
    .prefault({}),
};
