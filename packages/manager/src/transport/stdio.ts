/**
 * An open connection to a server on stdio, of either era: the shared channel and what the server said of itself. Opening is in
 * `stdio-open.ts`; the process, and the end of its stdin, are the runtime's.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Connection, Exchange, OutboundRequest, ReplySink, ServerFacts } from "./connection.ts";
import { Drain } from "./drain.ts";
import type { StdioChannel } from "./stdio-channel.ts";

export class StdioConnection implements Connection {
  readonly facts: ServerFacts;
  readonly #channel: StdioChannel;
  /** Set when no new requests are taken. */
  #closing: ManagerError | undefined;
  #closed: Promise<void> | undefined;
  readonly #drain: Drain;

  constructor(channel: StdioChannel, facts: ServerFacts) {
    this.#channel = channel;
    this.#drain = new Drain(channel.clock);
    this.facts = facts;
  }

  get inFlight(): number {
    return this.#channel.inFlight;
  }

  get closeReason(): ManagerError | undefined {
    return this.#channel.closeReason;
  }

  get closed(): Promise<ManagerError> {
    return this.#channel.closed;
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
    if (channel.closeReason === undefined) {
      const { server } = channel;
      const reason = new ManagerError("unavailable", `the connection to server "${server}" was closed`, {
        reason: "CONNECTION_CLOSED",
        server,
      });
      this.#closing = reason;
      channel.onIdle = () => this.#drain.end();
      if (channel.inFlight > 0) await this.#drain.over;
      channel.destroy(reason);
    }
    this.#drain.end();
  }
}
