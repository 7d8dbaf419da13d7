/** What can be set about access: schema, defaults, meaning. Read by `config` only. */
import { z } from "zod";

/** Settings of this room, as written in the configuration. */
export interface SecuritySettings {
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
}

const entriesMax = 64;

/** Their schemas by name; the defaults are in them. */
export const securitySettings: { readonly [K in keyof SecuritySettings]: z.ZodType<SecuritySettings[K]> } = {
  allowedHosts: z
    .array(
      z
        .string()
        .regex(/^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/, "a host name, with or without :port"),
    )
    .max(entriesMax, `at most ${entriesMax} names`)
    .default([])
    .describe(
      "Names under which the manager is reached besides localhost; checked against each request's Host header.",
    ),
  allowedOrigins: z
    .array(
      z
        .string()
        .regex(/^[a-z][a-z0-9+.-]*:\/\/[^\s/]+$/i, "an origin such as https://console.example.com, without a path"),
    )
    .max(entriesMax, `at most ${entriesMax} origins`)
    .default([])
    .describe("Origins of web pages that may call the manager; others get 403."),
};
