/** What can be set about where the manager sends events: schema, defaults, meaning. Read by `config` only. */
import { z } from "zod";
import { parseAllowEntry } from "./egress/allow-list.ts";

/** Settings of this room, as written in the configuration. */
export interface DeliverySettings {
  readonly egress: { readonly allow: readonly string[] };
}

const entriesMax = 256;
const entryRule = "a host name, host:port, an address or a block such as 10.1.0.0/16";

/** Their schemas by name; the defaults are in them. */
export const deliverySettings: { readonly [K in keyof DeliverySettings]: z.ZodType<DeliverySettings[K]> } = {
  egress: z
    .strictObject({
      allow: z
        .array(z.string().refine((text) => parseAllowEntry(text) !== undefined, entryRule))
        .max(entriesMax, `at most ${entriesMax} entries`)
        .default([])
        .describe(
          "Where webhooks may go beside the public internet, and without https: host names, `host:port`, addresses, blocks (`10.1.0.0/16`).",
        ),
    })
    .prefault({}),
};
