/** What can be set about the data plane: schema, defaults, meaning. Read by `config` only. */
import { durationMs, durationPattern, sizeBytes, sizePattern } from "@mcp-manager/api";
import type { Duration, Size } from "@mcp-manager/api";
import { z } from "zod";

/** Settings of this room, as written in the configuration. */
export interface GatewaySettings {
  readonly gateway: {
    readonly bodySize: Size;
    readonly connections: number;
    readonly connectionsPerAddress: number;
    readonly requestsPerPrincipal: number;
    readonly timeouts: {
      readonly headers: Duration;
      readonly request: Duration;
      readonly idle: Duration;
      readonly stalled: Duration;
    };
    readonly sessions: {
      readonly idle: Duration;
      readonly max: number;
      readonly perSecond: number;
      readonly burst: number;
    };
    readonly listDeadline: Duration;
    readonly readinessDelay: Duration;
    readonly drainTimeout: Duration;
  };
}

/** Their schemas by name; the defaults are in them. */
export const gatewaySettings: { readonly [K in keyof GatewaySettings]: z.ZodType<GatewaySettings[K]> } = {
  gateway: z
    .strictObject({
      // As large as the frames that servers on stdio are read with.
      bodySize: size("1KiB", "256MiB")
        .default("4MiB")
        .describe("The largest request that is read; a larger one gets 413."),
      // A client keeps one or two, so this is some 5,000 clients. Idle ones cost about 15 KB each, 150 MB in all.
      connections: whole(1, 1_000_000)
        .default(10_000)
        .describe(
          "Client connections open at a time, and never more than half of the descriptors. Beyond it idle ones are closed, then new ones get 503; probes and those who manage servers still come in.",
        ),
      // This machine's own are not counted: behind a proxy on it all clients are one address.
      connectionsPerAddress: whole(1, 1_000_000)
        .default(1_024)
        .describe(
          "Connections from one address (IPv6: one /64) at a time; further ones are closed at once. 127.0.0.1 and ::1 may have more.",
        ),
      // Less than all connections, so that one key cannot take the whole door.
      requestsPerPrincipal: whole(1, 1_000_000)
        .default(8_000)
        .describe("MCP requests of one principal in flight, open streams included; further ones get 429 or 503."),
      timeouts: z
        .strictObject({
          headers: duration("100ms", "5m")
            .default("10s")
            .describe("How long the head of a request may take from its first byte, or from the connection's start."),
          request: duration("100ms", "1h").default("30s").describe("How long a request may take to come in whole."),
          idle: duration("100ms", "1h")
            .default("75s")
            .describe("How long a connection is kept open without a request."),
          stalled: duration("100ms", "1h")
            .default("60s")
            .describe("A client that takes nothing of what it is being sent for this long is let go."),
        })
        .prefault({}),
      sessions: z
        .strictObject({
          idle: duration("1s", "24h")
            .default("30m")
            .describe("How long a session of a legacy client may go unused before it ends."),
          // About 1 KB each. Most are idle, so there may be more of them than connections.
          max: whole(1, 1_000_000)
            .default(10_000)
            .describe(
              "Sessions of legacy clients held at a time; beyond it the idlest is put aside, and 503 when all are busy.",
            ),
          // After a restart all clients come at once; those that have a session go on with it and are not counted.
          perSecond: whole(1, 1_000_000)
            .default(1_000)
            .describe("New sessions a second; beyond it and the burst `initialize` gets 503 with Retry-After."),
          burst: whole(1, 1_000_000).default(5_000).describe("New sessions that may come at once after a quiet time."),
        })
        .prefault({}),
      listDeadline: duration("100ms", "60s")
        .default("2s")
        .describe("How long a merged list waits for slow servers; later it is given without them, and says so."),
      // For load balancers that ask for readiness now and then, and send clients here until they have heard.
      readinessDelay: duration("0s", "10m")
        .default("0s")
        .describe(
          "How long connections are still accepted after the manager was told to stop; `/ready` says 503 from the first moment on.",
        ),
      drainTimeout: duration("0s", "1h")
        .default("30s")
        .describe("How long calls in flight may go on after the manager was told to stop."),
    })
    .prefault({}),
};

function whole(min: number, max: number): z.ZodInt {
  const rule = `a whole number from ${min} to ${max}`;
  return z.int(rule).min(min, rule).max(max, rule);
}

function duration(min: Duration, max: Duration): z.ZodType<Duration, Duration> {
  const error = `a duration from ${min} to ${max}, such as 250ms, 30s, 10m or 1h`;
  const isWithin = (text: string): boolean =>
    durationMs(text) >= durationMs(min) && durationMs(text) <= durationMs(max);
  const schema = z.string().regex(durationPattern, { error, abort: true }).refine(isWithin, error);
  return schema as unknown as z.ZodType<Duration, Duration>;
}

function size(min: Size, max: Size): z.ZodType<Size, Size> {
  const error = `a size from ${min} to ${max}, such as 512KiB or 10MiB`;
  const isWithin = (text: string): boolean => sizeBytes(text) >= sizeBytes(min) && sizeBytes(text) <= sizeBytes(max);
  const schema = z.string().regex(sizePattern, { error, abort: true }).refine(isWithin, error);
  return schema as unknown as z.ZodType<Size, Size>;
}
