/** What can be set about the data plane: schema, defaults, meaning. Read by `config` only. */
import { durationMs, durationPattern, sizeBytes, sizePattern } from "@mcp-manager/api";
import type { Duration, Size } from "@mcp-manager/api";
import { z } from "zod";

/** Settings of this room, as written in the configuration. */
export interface GatewaySettings {
  readonly gateway: {
    readonly bodySize: Size;
    readonly connections: number;
    readonly sessions: { readonly idle: Duration; readonly max: number };
    readonly listDeadline: Duration;
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
      // A client keeps one or two, so this is some 2,000 clients. Idle ones cost about 15 KB each, 60 MB in all.
      connections: whole(1, 1_000_000)
        .default(4_096)
        .describe("Client connections open at a time; further ones are closed at once."),
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
        })
        .prefault({}),
      listDeadline: duration("100ms", "60s")
        .default("2s")
        .describe("How long a merged list waits for slow servers; later it is given without them, and says so."),
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
