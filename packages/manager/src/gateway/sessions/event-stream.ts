/**
 * One stream of a session, whatever connection it is on: the answer to a POST, or the session's own. Gives every event an id that
 * says its stream and its place there, and keeps what was sent for as long as its log lets it. Knows nothing of what is in a message.
 * Source: specification 2025-11-25, basic/transports ("Resumability and Redelivery").
 *
 *   live ──▶ finished
 *     └────▶ lost        its end could not be kept: there is nothing to come back for
 */
import type { ServerResponse } from "node:http";
import type { Placed } from "../../base/swap-list.ts";
import { sseEvent } from "../../protocol/sse.ts";

/** Whoever fills a stream, and can go on with it on another connection. */
export interface StreamOwner {
  /** Takes the connection, sends what came after event `after`, and goes on live. */
  resume(response: ServerResponse, after: number): void;
}

/** Where a stream of events is opened that outlives its connection. */
export interface StreamOpener {
  open(owner: StreamOwner): EventStream;
}

/** What holds the streams of one session and bounds what they keep. */
export interface StreamKeeper {
  /** Which life of the session: ids of one that a restart ended mean nothing. */
  readonly life: string;
  /** Whether the client takes events without data, which give it an id to come back with before there is a message. */
  readonly primes: boolean;
  nowMs(): number;
  /** Makes room for an event, or a piece of one, and counts it; false when there is none. */
  reserve(bytes: number, events: number): boolean;
  /** Gives back what was reserved. `isDropped`: of a message that was never sent. */
  release(bytes: number, events: number, isDropped: boolean): void;
  /** Nothing more comes; `isKept` says whether there is anything to come back for. */
  finish(stream: EventStream, isKept: boolean): void;
}

/** An event's id, taken apart. */
export interface EventId {
  readonly life: string;
  readonly stream: number;
  readonly event: number;
}

/** A piece of so much belongs to an answer that is not kept. */
const longPieceBytes = 32_768;
/** How long a client waits before it comes back. */
const retryMs = 1_000;
const idPattern = /^([a-z0-9]{1,16})-(\d{1,9})-(\d{1,9})$/;
const eventEnd = Buffer.from("\n\n");

/** Takes an event's id apart; undefined for a text that is none of ours. */
export function readEventId(text: string): EventId | undefined {
  const [, life, stream, event] = idPattern.exec(text) ?? [];
  return life === undefined ? undefined : { life, stream: Number(stream), event: Number(event) };
}

interface KeptEvent {
  readonly number: number;
  /** As it is written. */
  readonly bytes: Buffer;
}

export class EventStream implements Placed {
  readonly number: number;
  /** Among the streams of its log that are live. */
  place = -1;
  /** Undefined once nothing more comes. */
  owner: StreamOwner | undefined;
  finishedMs = 0;
  /** Bytes of whole events that are kept. */
  keptBytes = 0;
  readonly #log: StreamKeeper;
  #last = 0;
  /** The number of the last event that was written to a connection. */
  #sent = 0;
  #kept: KeptEvent[] = [];
  /** Of an event that comes in pieces. */
  #pieces: Buffer[] | undefined;
  #piecesBytes = 0;
  #isLost = false;

  constructor(log: StreamKeeper, number: number, owner: StreamOwner) {
    this.#log = log;
    this.number = number;
    this.owner = owner;
  }

  get lastEvent(): number {
    return this.#last;
  }

  /** The last event that was written to a connection. */
  get sentEvent(): number {
    return this.#sent;
  }

  /** Whether a client that loses its connection now can come back: it has an id, and what comes next will be kept. */
  get isResumable(): boolean {
    return !this.#isLost && (this.#log.primes || this.#sent > 0);
  }

  /** Its end cannot be sent again. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** The bytes of the next event. `isSent`: they go to a connection now. */
  add(message: Buffer, isSent: boolean): Buffer {
    const number = this.#count(isSent);
    const bytes = sseEvent(message, this.#id(number));
    if (this.#isLost) return bytes;
    if (this.#log.reserve(bytes.length, 1)) this.#keep({ number, bytes });
    else if (!isSent) this.#log.release(0, 0, true);
    return bytes;
  }

  /** The bytes of the last event; when it cannot be kept the stream is lost. */
  addLast(message: Buffer, isSent: boolean): Buffer {
    const bytes = this.add(message, isSent);
    if (this.#kept.at(-1)?.number !== this.#last) this.lose();
    else this.finish();
    return bytes;
  }

  /** The first bytes of an event that comes in pieces. */
  begin(isSent: boolean): Buffer {
    const start = Buffer.from(`id: ${this.#id(this.#count(isSent))}\ndata: `);
    this.#pieces = [];
    this.piece(start);
    return start;
  }

  /** More bytes of that event, line ends and all. */
  piece(bytes: Buffer): void {
    if (this.#pieces === undefined) return;
    // What comes in long pieces would hardly fit, and their memory is to be used again.
    if (bytes.length >= longPieceBytes || !this.#log.reserve(bytes.length, 0)) return this.lose();
    this.#pieces.push(bytes);
    this.#piecesBytes += bytes.length;
  }

  /** That event is whole, and the last one. */
  complete(): void {
    const pieces = this.#pieces;
    this.piece(eventEnd);
    if (this.#isLost || pieces === undefined || !this.#log.reserve(0, 1)) return this.lose();
    this.#pieces = undefined;
    this.#piecesBytes = 0;
    this.#keep({ number: this.#last, bytes: Buffer.concat(pieces) });
    this.finish();
  }

  /** That event does not come to its end. */
  breakOff(): void {
    this.#log.release(this.#piecesBytes, 0, false);
    this.#pieces = undefined;
    this.#piecesBytes = 0;
  }

  /**
   * What a connection is sent first: an event that only carries the id to come back with, for clients that take such, and what was
   * kept of the events after `after`.
   */
  opening(after: number): readonly Buffer[] {
    this.#sent = this.#last;
    const primer = Buffer.from(`retry: ${retryMs}\nid: ${this.#id(after)}\ndata: \n\n`);
    const events = this.#kept.filter(({ number }) => number > after).map(({ bytes }) => bytes);
    return [...(this.#log.primes ? [primer] : []), ...events, ...(this.#pieces ?? [])];
  }

  /** Nothing more comes. */
  finish(): void {
    if (this.owner === undefined) return;
    this.owner = undefined;
    this.breakOff();
    this.finishedMs = this.#log.nowMs();
    if (!this.#isLost) this.#log.finish(this, this.#kept.length > 0);
  }

  /** Nothing of it is kept any more, now or later. */
  lose(): void {
    if (this.#isLost) return;
    this.empty();
    this.#isLost = true;
    this.#log.finish(this, false);
  }

  /** For the log: forgets what is kept. */
  empty(): void {
    this.breakOff();
    while (this.forgetOldest());
  }

  /** For the log: forgets the oldest event; false when there is none. */
  forgetOldest(): boolean {
    const oldest = this.#kept.shift();
    if (oldest === undefined) return false;
    this.keptBytes -= oldest.bytes.length;
    this.#log.release(oldest.bytes.length, 1, oldest.number > this.#sent);
    return true;
  }

  #keep(event: KeptEvent): void {
    this.#kept.push(event);
    this.keptBytes += event.bytes.length;
  }

  #count(isSent: boolean): number {
    this.#last++;
    if (isSent) this.#sent = this.#last;
    return this.#last;
  }

  #id(event: number): string {
    return `${this.#log.life}-${this.number}-${event}`;
  }
}
