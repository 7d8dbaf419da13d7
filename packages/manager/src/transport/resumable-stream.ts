/**
 * One event stream of a server, over as many connections as it takes: the body of a response that has begun, or one that is asked
 * for by GET. A legacy server's stream that breaks off is taken up again after the last event id that it gave, when the server's own
 * `retry` has passed (2025-11-25, basic/transports, "Resumability and Redelivery"). It knows no JSON-RPC: its owner reads the events.
 */
import { ManagerError } from "@mcp-manager/api";
import { backoffMs, type BackoffRule } from "../base/backoff.ts";
import type { Timer } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { type EventParts, type SseEvent, SseParser, type SseParserOptions } from "../protocol/sse.ts";
import type { HttpExchange, HttpResponseHandler } from "./http-exchange.ts";
import { type HttpHeaders, mediaTypeOf } from "./http-head.ts";
import type { HttpOrigin } from "./http-origin.ts";

/** Whose stream it is. */
export interface StreamOwner {
  readonly origin: HttpOrigin;
  /** The most bytes that one event may have. */
  readonly eventBytesMax: number;
  /** Request line and headers of the GET that asks for it, each line ended by CRLF, without the closing line. */
  streamHead(): string;
  /** The data of one event of type `message`, never empty. */
  onEvent(data: Buffer): void;
  /** A long one has begun like this. Answers who takes the rest in parts; undefined: it comes whole. */
  onLongEvent?(head: Buffer): LongEvent | undefined;
  /** It is over for good, and has closed itself. */
  onStreamOver(end: StreamEnd): void;
  /** The server has answered a GET for it, whether with the stream or not. */
  onStreamAnswered?(): void;
}

/** Takes the data of a long event in parts, after its head. */
export interface LongEvent {
  /** False asks for a pause until `resume`; what has been read already still comes. */
  onPart(part: Buffer): boolean;
  onWhole(): void;
}

/** Why a stream is over. */
export interface StreamEnd {
  /** What broke it; undefined when the server ended it in order. */
  readonly error: ManagerError | undefined;
  /** The status of the answer that refused it; undefined when none did. */
  readonly refusedWith: number | undefined;
  /** Whether any of it had come before. */
  readonly hadBegun: boolean;
}

/** When a stream that broke off is taken up again. */
export interface ResumeRule {
  /** Whether only a stream that gave event ids can be. */
  readonly needsEventId: boolean;
  /** Attempts in vain, one after the other, before it is given up. */
  readonly attemptsMax: number;
  /** The pause before attempt `attempt` (0 is the first); `retryMs` is what the server asked for. */
  delayMs(retryMs: number | undefined, attempt: number): number;
}

/** A server that asks for less gets this, so that a stream which ends at once costs little. */
const retryMsMin = 100;
/** A longer pause than this is nobody's honest one, and would overflow a timer. */
const retryMsMax = 3_600_000;

function retryWithin(retryMs: number): number {
  return Math.min(Math.max(retryMs, retryMsMin), retryMsMax);
}

/** For the answer to a request: the server's own pause, or a second; the caller's deadline ends it anyway. */
export const answerRule: ResumeRule = {
  needsEventId: true,
  attemptsMax: 5,
  delayMs: (retryMs = 1_000) => retryWithin(retryMs),
};

const standingBackoff: BackoffRule = { baseMs: 1_000, capMs: 60_000 };

/** For a stream that is meant to stay open: growing pauses with jitter, so that a server's restart does not bring all at once. */
export function standingRule(random: Random): ResumeRule {
  return {
    needsEventId: false,
    attemptsMax: 20,
    delayMs(retryMs, attempt) {
      const pauseMs = retryMs === undefined ? 0 : retryWithin(retryMs);
      return pauseMs > 0 && attempt === 0 ? pauseMs : pauseMs + backoffMs(standingBackoff, attempt, random);
    },
  };
}

/** An attempt that lasted this long was not in vain, even if nothing came: proxies cut idle streams. */
const steadyMs = 10_000;
/** A server that has said all but not closed its stream gets this long before the manager closes it. */
const lingerMs = 2_000;

export class ResumableStream implements HttpResponseHandler, SseParserOptions, EventParts {
  readonly eventBytesMax: number;
  readonly #owner: StreamOwner;
  /** Undefined: it is never taken up again. */
  readonly #rule: ResumeRule | undefined;
  #exchange: HttpExchange | undefined;
  #parser: SseParser;
  #timer: Timer | undefined;
  #retryMs: number | undefined;
  #attempts = 0;
  /** The event id at the beginning of this connection; another one at its end is progress. */
  #idBefore: string | undefined;
  /** When this connection, asked for by GET, gave the stream. */
  #begunMs: number | undefined;
  #hadBegun: boolean;
  /** The answer to a GET that gave no stream. */
  #status = 0;
  #over = false;
  #longEvent: LongEvent | undefined;
  #isPaused = false;

  /** `exchange`: its answer is the beginning of the stream, and is handed on to `onData`, `onEnd`, `onError`. Else call `open`. */
  constructor(owner: StreamOwner, rule: ResumeRule | undefined, exchange?: HttpExchange) {
    this.#owner = owner;
    this.#rule = rule;
    this.#exchange = exchange;
    this.#hadBegun = exchange !== undefined;
    this.eventBytesMax = owner.eventBytesMax;
    this.#parser = new SseParser(this);
  }

  /** Asks for the stream. */
  open(): void {
    if (this.#over) return;
    const { origin } = this.#owner;
    this.#status = 0;
    this.#parser = new SseParser(this, this.#parser.lastEventId);
    this.#exchange = origin.request(`${this.#owner.streamHead()}${this.#lastEventIdLine()}\r\n`, noBody, this);
  }

  /** Nothing more is wanted: closes at once. */
  close(): void {
    this.#over = true;
    this.#timer?.cancel();
    this.#exchange?.abort();
  }

  /** All has come: the server gets a moment to end the stream by itself, because a stream that is cut costs its connection. */
  finish(): void {
    this.#over = true;
    this.#timer?.cancel();
    if (this.#exchange === undefined) return;
    this.#timer = this.#owner.origin.clock.after(lingerMs, () => this.#exchange?.abort());
  }

  resume(): void {
    this.#isPaused = false;
    this.#exchange?.resume();
  }

  onHead(status: number, headers: HttpHeaders): void {
    if (this.#over) return;
    this.#owner.onStreamAnswered?.();
    const isStream = status === 200 && mediaTypeOf(headers.get("content-type")) === "events";
    if (isStream) {
      this.#hadBegun = true;
      this.#begunMs = this.#owner.origin.clock.nowMs();
      return;
    }
    this.#status = status;
    if (!mayPass(status)) this.#end(undefined);
  }

  onData(chunk: Buffer): boolean {
    if (this.#over || this.#status !== 0) return true;
    try {
      this.#parser.push(chunk);
    } catch (error) {
      this.#exchange?.abort();
      this.#exchange = undefined;
      this.#end(ManagerError.from(error));
    }
    return this.#over || !this.#isPaused;
  }

  onEnd(): void {
    this.#broke(undefined);
  }

  onError(error: ManagerError): void {
    this.#broke(error);
  }

  onEvent({ data, event }: SseEvent): void {
    if (this.#over) return;
    this.#attempts = 0;
    // Other event types are something else's: keep-alives, mostly.
    if (data.length > 0 && (event ?? "message") === "message") this.#owner.onEvent(data);
  }

  onLongEvent(head: Buffer): EventParts | undefined {
    this.#longEvent = this.#over ? undefined : this.#owner.onLongEvent?.(head);
    return this.#longEvent === undefined ? undefined : this;
  }

  onPart(part: Buffer): void {
    if (!this.#over && this.#longEvent?.onPart(part) === false) this.#isPaused = true;
  }

  onWhole(): void {
    const event = this.#longEvent;
    this.#longEvent = undefined;
    this.#attempts = 0;
    if (!this.#over) event?.onWhole();
  }

  onRetry(retryMs: number): void {
    this.#retryMs = retryMs;
  }

  /** This connection has ended. */
  #broke(error: ManagerError | undefined): void {
    this.#exchange = undefined;
    if (this.#over) return this.#timer?.cancel();
    this.#parser.end();
    const { clock } = this.#owner.origin;
    const { lastEventId } = this.#parser;
    const wasSteady = this.#begunMs !== undefined && clock.nowMs() - this.#begunMs >= steadyMs;
    if (wasSteady || lastEventId !== this.#idBefore) this.#attempts = 0;
    if (!this.#mayGoOn()) return this.#end(error);
    this.#idBefore = lastEventId;
    this.#begunMs = undefined;
    const delayMs = this.#rule?.delayMs(this.#retryMs, this.#attempts++) ?? 0;
    this.#timer = clock.after(delayMs, () => this.open());
  }

  #mayGoOn(): boolean {
    const rule = this.#rule;
    // A long event of which parts have been taken would come again from its beginning.
    if (rule === undefined || this.#longEvent !== undefined || this.#attempts >= rule.attemptsMax) return false;
    return !rule.needsEventId || this.#lastEventIdLine() !== "";
  }

  #end(error: ManagerError | undefined): void {
    const refusedWith = this.#status === 0 ? undefined : this.#status;
    this.finish();
    this.#owner.onStreamOver({ error, refusedWith, hadBegun: this.#hadBegun });
  }

  #lastEventIdLine(): string {
    const id = this.#parser.lastEventId;
    // In UTF-8 (WHATWG HTML, "Server-sent events"), and never with what would end the header or be refused in it.
    const bytes = Buffer.from(id ?? "");
    const fits = bytes.length > 0 && bytes.every(isHeaderByte);
    return fits ? `Last-Event-ID: ${bytes.toString("latin1")}\r\n` : "";
  }
}

function isHeaderByte(byte: number): boolean {
  return (byte >= 0x20 && byte !== 0x7f) || byte === 0x09;
}

const noBody = Buffer.alloc(0);

/** Whether a server that answers so may give the stream later. */
function mayPass(status: number): boolean {
  return (status >= 500 && status !== 501) || status === 408 || status === 429;
}
