/**
 * What a session's client is sent, apart from plain answers: its own stream, and the answers to its calls that became streams. Each
 * outlives its connection, within bounds; a client that comes back with the id of the last event it saw gets the rest of that stream
 * and of no other. Costs nothing until the first event.
 * Source: specification 2025-11-25, basic/transports ("Resumability and Redelivery", "Multiple Connections").
 */
import type { ServerResponse } from "node:http";
import { EventLog } from "./event-log.ts";
import { type EventStream, readEventId, type StreamOpener, type StreamOwner } from "./event-stream.ts";
import type { OpenStreams } from "./open-streams.ts";
import { OwnStream } from "./own-stream.ts";
import { eventHeaders } from "../reply.ts";

/**
 * What became of a client that wants to listen. `taken`: its own stream is open on another connection. `unknown`: the id it came with
 * leads to nothing that can be sent. `closing`: the door closes.
 */
export type Listening = "open" | "taken" | "unknown" | "closing";

/** From this revision on clients take events without data (SEP-1699). */
const primesSince = "2025-11-25";

export class SessionStreams implements StreamOpener {
  readonly #open: OpenStreams;
  readonly #protocolVersion: string;
  #log: EventLog | undefined;
  #own: OwnStream | undefined;
  #hasListened = false;
  #isOver = false;

  constructor(open: OpenStreams, protocolVersion: string) {
    this.#open = open;
    this.#protocolVersion = protocolVersion;
  }

  /** Whether the client listens now. */
  get isOpen(): boolean {
    return this.#own?.isOpen ?? false;
  }

  /** Whether a stream can be come back to before there was a message on it. */
  get primes(): boolean {
    return this.#protocolVersion >= primesSince;
  }

  /** Whether the client ever listened. Most of those that do not ask for what they want to know when they want it. */
  get hasListened(): boolean {
    return this.#hasListened;
  }

  /** Sends a message that belongs to no call: on the stream that the client holds open for it, or kept, within bounds, until it opens one. */
  push(message: Buffer): void {
    if (!this.#isOver) this.#start().own.push(message);
  }

  open(owner: StreamOwner): EventStream {
    return this.#start().log.open(owner);
  }

  /** Gives a client that listens (GET) a stream: the one it lost, when `lastEventId` names it, or its session's own. */
  listen(response: ServerResponse, lastEventId: string | undefined): Listening {
    const { log, own } = this.#start();
    this.#hasListened = true;
    const last = lastEventId === undefined ? undefined : readEventId(lastEventId);
    if (lastEventId !== undefined && last === undefined) return "unknown";
    const lost = last === undefined ? undefined : log.find(last);
    // What an earlier life of the session kept is gone; to go on without it is better than to listen no more.
    const isOwn = last === undefined || last.stream === 0;
    if (!isOwn) return this.#resume(response, lost, last.event);
    if (this.#open.isEnded) return "closing";
    if (last !== undefined && lost !== undefined) own.resume(response, last.event);
    else if (own.isOpen) return "taken";
    else own.listen(response);
    return "open";
  }

  /** Lets go of what nobody came back for in time. */
  forget(): void {
    this.#log?.forget();
  }

  /** The session is over: so is its stream, and nothing is kept any more. */
  end(): void {
    this.#isOver = true;
    this.#own?.hangUp();
    this.#log?.close();
  }

  #resume(response: ServerResponse, lost: EventStream | undefined, after: number): Listening {
    if (lost === undefined) return "unknown";
    if (lost.owner !== undefined) {
      lost.owner.resume(response, after);
      return "open";
    }
    response.writeHead(200, [...eventHeaders]);
    for (const bytes of lost.opening(after)) response.write(bytes);
    response.end();
    return "open";
  }

  #start(): { readonly log: EventLog; readonly own: OwnStream } {
    const log = (this.#log ??= new EventLog(this.#open.newLife(), this.primes, this.#open));
    if (this.#isOver) log.close();
    // The first of the log's streams, so that its number is 0.
    const own = (this.#own ??= new OwnStream(log, this.#open));
    return { log, own };
  }
}
