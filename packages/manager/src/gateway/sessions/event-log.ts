/**
 * What the streams of one session have sent or still have to send, so that a client that lost a connection gets the rest on the
 * next. Bounded: finished streams are forgotten first, then the oldest events of the stream that holds most. Knows no sockets.
 */
import { SwapList } from "../../base/swap-list.ts";
import { type EventId, EventStream, type StreamKeeper, type StreamOwner } from "./event-stream.ts";

/** What the logs of all sessions share. */
export interface EventMemory {
  /** Bytes that all logs hold; changed by the logs. */
  bytes: number;
  readonly bytesMax: number;
  nowMs(): number;
  /** A message was forgotten before it was sent on any connection. */
  onDropped(): void;
}

/** What one session's log keeps at most. */
const bytesMax = 256 * 1024;
const eventsMax = 200;
/** A client that did not come back for the end of a stream by now does not want it. */
const finishedMsMax = 60_000;

export class EventLog implements StreamKeeper {
  readonly life: string;
  readonly primes: boolean;
  readonly #memory: EventMemory;
  readonly #live = new SwapList<EventStream>();
  /** In the order in which they finished. */
  readonly #finished: EventStream[] = [];
  #opened = 0;
  #events = 0;
  #bytes = 0;
  #isClosed = false;

  constructor(life: string, primes: boolean, memory: EventMemory) {
    this.life = life;
    this.primes = primes;
    this.#memory = memory;
  }

  /** A new stream; the first one has number 0. */
  open(owner: StreamOwner): EventStream {
    const stream = new EventStream(this, this.#opened++, owner);
    this.#live.add(stream);
    return stream;
  }

  /** The stream of an id that was given out, as long as what follows the id can still be sent. */
  find({ life, stream, event }: EventId): EventStream | undefined {
    this.forget();
    if (life !== this.life) return undefined;
    const isMeant = ({ number, lastEvent }: EventStream): boolean => number === stream && event <= lastEvent;
    return [...this.#live].find(isMeant) ?? this.#finished.find(isMeant);
  }

  /** Lets go of streams that finished long ago. */
  forget(): void {
    const sinceMs = this.#memory.nowMs() - finishedMsMax;
    for (let oldest = this.#finished[0]; oldest !== undefined; oldest = this.#finished[0]) {
      if (oldest.finishedMs > sinceMs) return;
      this.#finished.shift();
      oldest.empty();
    }
  }

  /** Forgets everything, and keeps nothing more. */
  close(): void {
    this.#isClosed = true;
    for (const stream of [...this.#live, ...this.#finished.splice(0)]) stream.lose();
  }

  reserve(bytes: number, events: number): boolean {
    if (this.#isClosed || bytes > bytesMax) return false;
    const memory = this.#memory;
    const isOver = (): boolean =>
      this.#events + events > eventsMax || this.#bytes + bytes > bytesMax || memory.bytes + bytes > memory.bytesMax;
    while (isOver()) if (!this.#forgetOne()) return false;
    this.#bytes += bytes;
    this.#events += events;
    memory.bytes += bytes;
    return true;
  }

  release(bytes: number, events: number, isDropped: boolean): void {
    this.#bytes -= bytes;
    this.#events -= events;
    this.#memory.bytes -= bytes;
    if (isDropped) this.#memory.onDropped();
  }

  finish(stream: EventStream, isKept: boolean): void {
    this.forget();
    this.#live.remove(stream);
    if (isKept) this.#finished.push(stream);
  }

  nowMs(): number {
    return this.#memory.nowMs();
  }

  #forgetOne(): boolean {
    const finished = this.#finished.shift();
    if (finished !== undefined) {
      finished.empty();
      return true;
    }
    let fullest: EventStream | undefined;
    for (const stream of this.#live) {
      if (stream.keptBytes > (fullest?.keptBytes ?? 0)) fullest = stream;
    }
    return fullest?.forgetOldest() ?? false;
  }
}
