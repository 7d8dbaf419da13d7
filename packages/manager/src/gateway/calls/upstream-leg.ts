/**
 * A call's side towards its server: the replica, the connection (the shared one, or one that the call has for itself), and what was
 * sent on it: the client's request, a retry with answers, or the same once more under other headers. Hears nothing; the answers go
 * to the call itself.
 */
import type { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import type { TimerWheel } from "../../base/timer-wheel.ts";
import type { Envelope } from "../../protocol/envelope.ts";
import type { Era } from "../../protocol/era.ts";
import type { Edit } from "../../protocol/splice.ts";
import type { Connection, Exchange, ReplySink } from "../../transport/connection.ts";
import type { ReadyReplica } from "../../upstream/upstream-set.ts";
import { CallLease, type LeaseHost, wishOf } from "./call-lease.ts";
import type { Call } from "./call.ts";
import { askedInOtherEra } from "./failure.ts";
import { editsFor, retryOf } from "./outgoing.ts";
import type { ServerRoute } from "../routing/routing-table.ts";
import type { TaskOfCall } from "../tasks/task-ids.ts";

/** Where a call goes: the server, its own name for what is asked, and what that changes in the request's bytes. */
export interface Destination {
  readonly route: ServerRoute;
  readonly name: string | undefined;
  readonly edits: readonly Edit[];
  /** `Mcp-Param-*` headers that a client of the legacy era cannot write; undefined: the call's own. */
  readonly paramHeaders: readonly string[] | undefined;
  /** The revision that it goes to; undefined: any. */
  readonly revision: string | undefined;
  /** The replica of that revision that it goes to while there is one of this name. */
  readonly replica?: string;
  /** The task that it is about. */
  readonly task?: TaskOfCall;
  /** That revision asked for input, and gets it now. */
  readonly isRetry?: boolean;
}

/** What a leg needs of the data plane. */
export interface LegDependencies {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** The headers that a tool wants of its arguments by its list after a renewal, beside others that the client sent (`own`). */
  readonly renewedHeaders: (
    server: string,
    tool: string,
    args: Buffer | undefined,
    own: readonly string[],
    revision: string | undefined,
  ) => Promise<readonly string[]>;
}

/** The call, which hears what comes back. */
export interface LegHost extends ReplySink {
  readonly call: Call;
  /** It has a connection for itself, for which it may have waited. */
  onOwnConnection(): void;
}

export class UpstreamLeg implements LeaseHost {
  /** The request that the next response answers: the client's own, or a retry. */
  sent: Envelope;
  readonly #dependencies: LegDependencies;
  readonly #destination: Destination;
  readonly #host: LegHost;
  #replica: ReadyReplica | undefined;
  #lease: CallLease | undefined;
  #connection: Connection | undefined;
  #exchange: Exchange | undefined;
  /** The headers that the server's list wanted after a renewal, for this request and its retries. */
  #renewedHeaders: readonly string[] | undefined;

  constructor(dependencies: LegDependencies, destination: Destination, host: LegHost) {
    this.#dependencies = dependencies;
    this.#destination = destination;
    this.#host = host;
    this.sent = host.call.envelope;
  }

  /** The revision that serves the call; undefined before a replica was picked. */
  get revision(): string | undefined {
    return this.#replica?.revision;
  }

  get replica(): ReadyReplica | undefined {
    return this.#replica;
  }

  /** The era of the connection; undefined before there is one. */
  get era(): Era | undefined {
    return this.#connection?.facts.era;
  }

  /** Whether the call has a connection with others, on which nobody can be asked anything. */
  get isShared(): boolean {
    const replica = this.#replica;
    if (replica?.leases === undefined || replica.connection.facts.era === "modern") return false;
    return this.#lease?.isPlain !== false;
  }

  /** Sends the client's request to a replica as soon as there is a connection for it. What an earlier one had was given back. */
  open(replica: ReadyReplica): void {
    this.#replica = replica;
    this.#lease = undefined;
    const { call } = this.#host;
    if (this.#destination.revision === undefined) this.#pin(replica);
    const wish = wishOf(call, replica);
    if (wish === undefined) return this.onLeased(replica.connection);
    const { wheel, clock } = this.#dependencies;
    // What the call has left: its own end would not say that nothing was sent.
    const leftMs = call.startedMs + this.#destination.route.callTimeoutMs - clock.nowMs();
    this.#lease = new CallLease(wish, this, { wheel, clock, waitMs: Math.max(0, Math.floor(leftMs)) });
    this.#lease.take();
  }

  onLeased(connection: Connection): void {
    const { isRetry, route } = this.#destination;
    // Found anew at the same place, a server may be of the other era, which has no use for its state.
    if (isRetry === true && connection.facts.era === "legacy")
      return this.#host.onFailure(askedInOtherEra(route.name), false);
    if (this.#lease !== undefined) this.#host.onOwnConnection();
    this.#connection = connection;
    this.#send(connection, this.#host.call.envelope);
  }

  onFailure(error: ManagerError, written: boolean): void {
    this.#host.onFailure(error, written);
  }

  /** The server waits for the call's client, or does no more. */
  waitForClient(isWaiting: boolean): void {
    this.#lease?.waitForClient(isWaiting);
  }

  /** Sends the call again, with what its client answered and the server's state as written. */
  retry(answers: ReadonlyMap<string, Buffer>, state: Buffer | undefined): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const again = retryOf(this.#host.call.envelope, this.#edits(connection), answers, state);
    if (again !== undefined) this.#send(connection, again);
  }

  /**
   * Sends what was sent last once more under the headers that the server's list, as it is after a renewal, wants. False when that was
   * done before, or changes nothing; then nothing was sent. `isOpen` is asked when the list has come.
   */
  async renewHeaders(isOpen: () => boolean): Promise<boolean> {
    const { route, name, paramHeaders } = this.#destination;
    const { envelope, paramHeaders: own } = this.#host.call;
    if (this.#renewedHeaders !== undefined || name === undefined || envelope.method !== "tools/call") return false;
    const args = envelope.raw("arguments");
    const sent = paramHeaders ?? own;
    const headers = await this.#dependencies.renewedHeaders(route.name, name, args, own, this.revision);
    this.#renewedHeaders = headers;
    const isSame = headers.length === sent.length && headers.every((text, i) => text === sent[i]);
    const connection = this.#connection;
    if (isSame || connection === undefined) return false;
    if (isOpen()) this.#send(connection, this.sent);
    return true;
  }

  /** Sends an answer to the server's question. */
  answer(message: Buffer): void {
    this.#connection?.notify(message);
  }

  cancel(reason: string): void {
    this.#exchange?.cancel(reason);
  }

  resume(): void {
    this.#exchange?.resume();
  }

  /** Gives a connection of the call's own back. `clean`: the server has answered. */
  release(clean: boolean): void {
    this.#lease?.release(clean);
  }

  /** There was no route to say where its session goes: that is on the revision that it came to. */
  #pin({ revision }: ReadyReplica): void {
    const { session } = this.#host.call;
    const { name } = this.#destination.route;
    if (session?.pins.has(name) === false) session.pin(name, revision);
  }

  #edits({ facts }: Connection): readonly Edit[] {
    const { edits } = this.#destination;
    const { call } = this.#host;
    return facts.era === call.era ? edits : editsFor(call, edits, facts.era);
  }

  /** A retry has its edits in it already. */
  #send(connection: Connection, envelope: Envelope): void {
    const { call } = this.#host;
    this.sent = envelope;
    this.#exchange = connection.send(
      {
        bytes: envelope.bytes,
        edits: envelope === call.envelope ? this.#edits(connection) : [],
        idStart: envelope.start("id"),
        idEnd: envelope.end("id"),
        progressTokenStart: envelope.start("progressToken"),
        progressTokenEnd: envelope.end("progressToken"),
        method: envelope.method,
        name: this.#destination.name,
        // A connection of the call's own was quiet for a while before it came here from another principal.
        principal: this.#lease === undefined ? call.principal.hash : undefined,
        paramHeaders: this.#renewedHeaders ?? this.#destination.paramHeaders ?? call.paramHeaders,
      },
      this.#host,
    );
  }
}
