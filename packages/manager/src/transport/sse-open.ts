/**
 * Opens a connection to a server that speaks HTTP+SSE, the transport of 2024-11-05: its stream, the address for messages that comes
 * on it, `initialize`. Nothing is probed, since a modern server has no such stream.
 * Source: specification 2024-11-05, basic/transports ("HTTP with SSE") and basic/lifecycle.
 */
import { ManagerError } from "@mcp-manager/api";
import { initializedNotification, initializeRequest, parseInitializeResult } from "../protocol/legacy.ts";
import type { Connection } from "./connection.ts";
import { abandoned, askOnce } from "./opening.ts";
import { SharedConnection } from "./shared-connection.ts";
import { SseChannel, type SseChannelOptions } from "./sse-channel.ts";

export interface OpenSseOptions extends SseChannelOptions {
  /** The most that the opening may take, in milliseconds, the stream with its first event and `initialize` each. */
  readonly openTimeoutMs: number;
  /** What the server is told that its client can be asked. Default: nothing. */
  readonly clientCapabilities?: Readonly<Record<string, unknown>>;
}

/** Opens a connection, or rejects with a ManagerError that names the server and what it did instead; nothing is left then. */
export async function openSse(options: OpenSseOptions): Promise<Connection> {
  const { openTimeoutMs, clientCapabilities } = options;
  const channel = new SseChannel(options);
  await endpointKnown(channel, openTimeoutMs);
  const answer = await askOnce(channel, initializeRequest(0, clientCapabilities), openTimeoutMs);
  const facts = answer.kind === "message" ? parseInitializeResult(answer.message) : undefined;
  if (facts === undefined) throw abandoned(channel, "initialize", answer, openTimeoutMs);
  channel.speak(facts.protocolVersion);
  // Each message has a POST of its own, and a request must not overtake this one.
  await new Promise<void>((resolve) => channel.notify(initializedNotification(), resolve));
  return new SharedConnection(channel, facts);
}

async function endpointKnown(channel: SseChannel, timeoutMs: number): Promise<void> {
  const { calls } = channel;
  const { clock, server } = calls;
  const late = clock.after(timeoutMs, () => {
    const message = `server "${server}" did not open: no endpoint event on its stream within ${timeoutMs} ms`;
    channel.destroy(new ManagerError("deadline_exceeded", message, { server, reason: "OPEN_FAILED" }));
  });
  await Promise.race([channel.ready, calls.closed]);
  late.cancel();
  if (calls.closeReason !== undefined) throw calls.closeReason;
}
