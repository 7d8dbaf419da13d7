/**
 * An open connection over a channel that all callers share (a pipe, or one stream of events): the channel, and what the server said
 * of itself. Opening and framing are each transport's own; what it adds is an end in order, which lets calls in flight end first.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Connection, Exchange, OutboundRequest, ReplySink, ServerFacts } from "./connection.ts";
import type { Correlation } from "./correlation.ts";
import { Drain } from "./drain.ts";

/** Messages to and from one server, correlated; the members it has in common with `Connection` promise the same. */
export interface SharedChannel {
  readonly calls: Correlation;
  /** As `Connection.send`; `refusal` refuses the request, as a closed channel does. */
  send(request: OutboundRequest, sink: ReplySink, refusal?: ManagerError): Exchange;
  notify(message: Buffer): void;
  destroy(reason: ManagerError): void;
}

export class SharedConnection implements Connection {
  readonly facts: ServerFacts;
  readonly #channel: SharedChannel;
  /** Set when no new requests are taken. */
  #closing: ManagerError | undefined;
  #closed: Promise<void> | undefined;
  readonly #drain: Drain;

  constructor(channel: SharedChannel, facts: ServerFacts) {
    this.#channel = channel;
    this.#drain = new Drain(channel.calls.clock);
    this.facts = facts;
    channel.calls.era = facts.era;
  }

  get inFlight(): number {
    return this.#channel.calls.inFlight;
  }

  get heard(): number {
    return this.#channel.calls.heard;
  }

  get closeReason(): ManagerError | undefined {
    return this.#channel.calls.closeReason;
  }

  get closed(): Promise<ManagerError> {
    return this.#channel.calls.closed;
  }

  send(request: OutboundRequest, sink: ReplySink): Exchange {
    return this.#channel.send(request, sink, this.#closing);
  }

  notify(message: Buffer): void {
    this.#channel.notify(message);
  }

  close(graceMs: number): Promise<void> {
    this.#drain.within(graceMs);
    this.#closed ??= this.#close();
    return this.#closed;
  }

  destroy(reason: ManagerError): void {
    this.#channel.destroy(reason);
  }

  async #close(): Promise<void> {
    const channel = this.#channel;
    const { calls } = channel;
    if (calls.closeReason === undefined) {
      const { server } = calls;
      const reason = new ManagerError("unavailable", `the connection to server "${server}" was closed`, {
        reason: "CONNECTION_CLOSED",
        server,
      });
      this.#closing = reason;
      calls.endSubscriptions(reason);
      calls.onIdle = () => this.#drain.end();
      if (calls.inFlight > 0) await this.#drain.over;
      channel.destroy(reason);
    }
    this.#drain.end();
  }
}
