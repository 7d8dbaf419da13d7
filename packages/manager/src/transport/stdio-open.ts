/**
 * Opens a connection to a server on stdio. The era is found by `probeStdio` on a process that may be lost: servers exist that exit
 * on any message before `initialize`, so a process that is to serve the legacy era is never asked `server/discover`. It owns
 * nothing: processes are started and stopped by its caller, also the one that was probed.
 *
 *   probeStdio(sibling) ─▶ a connection: a modern server, and the sibling may stay and serve
 *                       └▶ undefined: a legacy one; stop the sibling, then initializeStdio(serving process)
 *
 * Source: specification 2026-07-28, basic/versioning and basic/transports/stdio; 2025-11-25, basic/lifecycle.
 */
import { ManagerError } from "@mcp-manager/api";
import { initializedNotification, initializeRequest, parseInitializeResult } from "../protocol/legacy.ts";
import { discoverRequest } from "../protocol/modern.ts";
import type { Connection } from "./connection.ts";
import { type DiscoverVerdict, judgeDiscover } from "./discover.ts";
import { abandoned, askOnce } from "./opening.ts";
import { SharedConnection } from "./shared-connection.ts";
import { StdioChannel, type StdioChannelOptions } from "./stdio-channel.ts";

export interface StdioOpenOptions extends StdioChannelOptions {
  /** The most that `initialize` may take, in milliseconds. */
  readonly openTimeoutMs: number;
  /** The most that `server/discover` may take before silence counts as legacy, in milliseconds. */
  readonly probeTimeoutMs: number;
  /** Legacy: what the server is told that its client can be asked. Default: nothing. */
  readonly clientCapabilities?: Readonly<Record<string, unknown>>;
}

/**
 * Asks a process for `server/discover`: an open connection to a modern server, or undefined for a legacy one, which silence and the
 * end of the process count as too. Rejects when a modern server refuses the manager (`protocol_error`): that is no verdict.
 */
export async function probeStdio(options: StdioOpenOptions): Promise<Connection | undefined> {
  const channel = new StdioChannel(options);
  const { probeTimeoutMs } = options;
  for (let attempt = 0; ; attempt++) {
    const answer = await askOnce(channel, discoverRequest(0), probeTimeoutMs);
    const verdict = answer.kind === "message" ? judgeDiscover(answer.message) : legacyVerdict;
    switch (verdict.kind) {
      case "modern":
        return new SharedConnection(channel, verdict.facts);
      case "legacy":
        channel.destroy(probeIsOver(channel.calls.server));
        return undefined;
      case "again":
        if (attempt === 0) break;
        throw abandoned(channel, "server/discover", answer, probeTimeoutMs, channel.calls.recentNoise);
      case "refused":
        throw abandoned(channel, "server/discover", answer, probeTimeoutMs, channel.calls.recentNoise);
    }
  }
}

const legacyVerdict: DiscoverVerdict = { kind: "legacy" };

/**
 * Initializes a legacy server on the process that will serve. Rejects with a ManagerError that names the server, the stage and
 * what came instead: `deadline_exceeded` for silence, `unavailable` when the process ended, else `protocol_error`.
 */
export async function initializeStdio(options: StdioOpenOptions): Promise<Connection> {
  const channel = new StdioChannel(options);
  const answer = await askOnce(channel, initializeRequest(0, options.clientCapabilities), options.openTimeoutMs);
  const facts = answer.kind === "message" ? parseInitializeResult(answer.message) : undefined;
  if (facts === undefined)
    throw abandoned(channel, "initialize", answer, options.openTimeoutMs, channel.calls.recentNoise);
  channel.notify(initializedNotification());
  return new SharedConnection(channel, facts);
}

function probeIsOver(server: string): ManagerError {
  return new ManagerError("unavailable", `the probe of server "${server}" is over`, {
    server,
    reason: "CONNECTION_CLOSED",
  });
}
