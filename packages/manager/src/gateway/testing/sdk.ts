/**
 * The official SDKs' clients, loaded so that they run beside sources: packages they depend on have a condition `source` of their
 * own, which leads to TypeScript that Node does not run there.
 */
import { registerHooks } from "node:module";
import type { Client as V2Client, StreamableHTTPClientTransport as V2Http } from "@modelcontextprotocol/client";
import type { Client as V1Client } from "@modelcontextprotocol/sdk/client/index.js";
import type { StreamableHTTPClientTransport as V1Http } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (!specifier.startsWith("eventsource")) return nextResolve(specifier, context);
    return nextResolve(specifier, { ...context, conditions: context.conditions.filter((name) => name !== "source") });
  },
});

const { Client: LegacyClient } = await import("@modelcontextprotocol/sdk/client/index.js");
const { StreamableHTTPClientTransport: LegacyHttp } =
  await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
const { Client, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");

/** Version 1: the legacy era only. */
export const sdk1: { readonly Client: typeof V1Client; readonly Http: typeof V1Http } = {
  Client: LegacyClient,
  Http: LegacyHttp,
};

/** Version 2: both eras. */
export const sdk2: { readonly Client: typeof V2Client; readonly Http: typeof V2Http } = {
  Client,
  Http: StreamableHTTPClientTransport,
};
