/**
 * Every setting of the program: those of the rooms, each from its `settings.ts`, and the few that belong to none of them. Owns
 * how they fit together; a room's settings are changed in the room.
 */
import { z } from "zod";
import { agentSettings } from "../agent/settings.ts";
import type { AgentSettings } from "../agent/settings.ts";
import { controllerSettings } from "../controller/settings.ts";
import type { ControllerSettings } from "../controller/settings.ts";
import { gatewaySettings } from "../gateway/settings.ts";
import type { GatewaySettings } from "../gateway/settings.ts";
import { runtimeSettings } from "../runtime/settings.ts";
import type { RuntimeSettings } from "../runtime/settings.ts";
import { securitySettings } from "../security/settings.ts";
import type { SecuritySettings } from "../security/settings.ts";
import { storeSettings } from "../store/settings.ts";
import type { StoreSettings } from "../store/settings.ts";
import { telemetrySettings } from "../telemetry/settings.ts";
import type { TelemetrySettings } from "../telemetry/settings.ts";

/** Settings that belong to no single room. */
interface ProcessSettings {
  readonly host: string;
  readonly port: number;
  readonly grpcPort: number | "off";
  /** Paths; empty where there is none. */
  readonly grpcTls: { readonly cert: string; readonly key: string; readonly clientCa: string };
  /** Absolute after loading. */
  readonly data: string;
}

/** All settings. Durations and sizes are kept as written. */
export interface Settings
  extends
    ProcessSettings,
    SecuritySettings,
    GatewaySettings,
    AgentSettings,
    ControllerSettings,
    RuntimeSettings,
    StoreSettings,
    TelemetrySettings {}

const portRule = "a whole number from 0 to 65535";
const grpcRule = `${portRule}, or off`;
const hostRule = "an address or a name to listen on, such as 127.0.0.1, 0.0.0.0 or ::";

function pem(meaning: string): z.ZodDefault<z.ZodString> {
  return z.string().default("").describe(`${meaning} A PEM file.`);
}

const processSettings: { readonly [K in keyof ProcessSettings]: z.ZodType<ProcessSettings[K]> } = {
  host: z
    .string()
    .regex(/^[A-Za-z0-9._:%-]{1,253}$/, hostRule)
    .default("127.0.0.1")
    .describe("Address to listen on. Another one than a loopback address opens the manager to the network."),
  port: z
    .int(portRule)
    .min(0, portRule)
    .max(65_535, portRule)
    .default(8080)
    .describe("HTTP port. 0 takes a free one; the line that says `ready` names it."),
  grpcPort: z
    .union([z.int(grpcRule).min(0, grpcRule).max(65_535, grpcRule), z.literal("off")], grpcRule)
    .default(9090)
    .describe(
      "gRPC port. 0 takes a free one; the line that says `ready` names it. `off`: no gRPC. When nobody chose it and another program has it, the manager runs without gRPC.",
    ),
  grpcTls: z
    .strictObject({
      cert: pem("The certificate, and those that lead to it, of the gRPC port: with it and `key` it speaks TLS 1.3."),
      key: pem("The certificate's private key."),
      clientCa: pem("Whoever calls has to show a certificate that these sign, beside the credential."),
    })
    .prefault({}),
  data: z
    .string()
    .min(1, "a directory")
    .default("./data")
    .describe("Directory of state and keys, made when it is not there. Relative to the working directory."),
};

/** Schemas of all settings by their names at the top level. */
export const settingSchemas: { readonly [K in keyof Settings]: z.ZodType<Settings[K]> } = {
  ...processSettings,
  ...securitySettings,
  ...gatewaySettings,
  ...agentSettings,
  ...controllerSettings,
  ...runtimeSettings,
  ...storeSettings,
  ...telemetrySettings,
};

/** All settings; an empty object gives the defaults. */
export const settingsSchema: z.ZodType<Settings, unknown> = z.strictObject(settingSchemas);

/** The top level of a file of ours. */
export const fileSchema: z.ZodType<Partial<Settings>, unknown> = z.strictObject({
  ...settingSchemas,
  servers: z.unknown().optional(),
  $schema: z.unknown().optional(),
});
