/**
 * The session of a connection to a legacy server on Streamable HTTP: which one it is now, a new one when the server has forgotten it
 * (once for all who notice), and the stream of its own, which begins and ends with it. It sends nothing of any caller's.
 * Source: specification 2025-11-25, basic/transports ("Session Management").
 */
import type { Timer } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Addressing } from "./addressing.ts";
import type { ConnectionEvents } from "./connection.ts";
import type { HttpCall, HttpTarget } from "./http-call.ts";
import { postNotification } from "./http-post.ts";
import { StandingStream } from "./standing-stream.ts";

/** A session that is open. */
export interface LegacySession {
  /** What the server gave to `initialize`; undefined when it keeps no session. */
  readonly id: string | undefined;
  /** The version that was agreed on. */
  readonly protocolVersion: string;
  /** Resolves when the server has taken `notifications/initialized`, or will not. */
  readonly ready: Promise<void>;
}

/** How a connection to a legacy server begins, and begins again. */
export interface LegacySide {
  readonly session: LegacySession;
  /** Opens a new session, which is ready, after the server forgot the one before. */
  readonly renew: () => Promise<LegacySession>;
}

/** What a session needs from its connection. */
export interface SessionHost {
  readonly target: HttpTarget;
  readonly events: ConnectionEvents;
  readonly addressing: Addressing;
  readonly random: Random;
  callOf(channelId: number): HttpCall | undefined;
  /** Requests carry other headers from now on. */
  onSessionBegun(): void;
  /** It took the place of a forgotten one. */
  onSessionRenewed(): void;
}

/**
 * One that is forgotten sooner than this after it was opened is not renewed before, unless a call needs it: a server that forgets
 * every session at once is asked for few.
 */
const lifeMsMin = 10_000;

export class HttpSession {
  /** Resolves once the server can ask on the stream that belongs to no call, or has none; soon, in any case. */
  listening: Promise<void> = Promise.resolve();
  readonly #host: SessionHost;
  readonly #open: LegacySide["renew"];
  #present: LegacySession;
  #begunMs = 0;
  #standing: StandingStream | undefined;
  #renewing: Promise<void> | undefined;
  #renewLater: Timer | undefined;
  #isClosed = false;

  constructor(host: SessionHost, { session, renew }: LegacySide) {
    this.#host = host;
    this.#open = renew;
    this.#present = session;
    this.#begin(session);
  }

  get id(): string | undefined {
    return this.#present.id;
  }

  /** What every request in it carries, each line ended by CRLF. */
  get headerLines(): string {
    return linesOf(this.#present);
  }

  /** Opens a new one in the place of the lost one, once for all who notice; at once when that has happened. */
  renew(lost: string | undefined): Promise<void> {
    if (lost === this.id) {
      this.#renewing ??= this.#openAnew().finally(() => {
        this.#renewing = undefined;
      });
    }
    return this.#renewing ?? Promise.resolve();
  }

  /** Ends it at the server, whose memory it is: one that is dropped without a DELETE stays there until it expires. */
  end(): void {
    this.#drop(this.#present);
  }

  /** Listens no more, and opens no other. */
  close(): void {
    this.#isClosed = true;
    this.#renewLater?.cancel();
    this.#standing?.close();
  }

  streamHead(): string {
    return `${this.#head("GET", this.#present)}Accept: text/event-stream\r\n`;
  }

  #begin(session: LegacySession): void {
    this.#present = session;
    this.#begunMs = this.#host.target.origin.clock.nowMs();
    this.#renewLater?.cancel();
    this.#standing?.close();
    this.#standing = undefined;
    this.listening = session.ready.then(() => this.#listen(session));
  }

  #listen(session: LegacySession): Promise<void> | undefined {
    if (this.#isClosed || this.#present !== session) return undefined;
    const { target, events, addressing, random } = this.#host;
    this.#standing = new StandingStream({
      target,
      events,
      addressing,
      random,
      head: () => this.streamHead(),
      callOf: (channelId) => this.#host.callOf(channelId),
      onForgotten: () => this.#onForgotten(session),
    });
    this.#standing.open();
    return this.#standing.answered;
  }

  /** No call has noticed yet. Should it not be renewed here, the next one does it. */
  #onForgotten(session: LegacySession): void {
    const { clock } = this.#host.target.origin;
    const waitMs = Math.max(0, this.#begunMs + lifeMsMin - clock.nowMs());
    this.#renewLater = clock.after(waitMs, () => void this.renew(session.id).catch(() => undefined));
  }

  async #openAnew(): Promise<void> {
    const session = await this.#open();
    if (this.#isClosed) return this.#drop(session);
    this.#begin(session);
    this.#host.onSessionBegun();
    await this.listening;
    this.#host.onSessionRenewed();
  }

  #drop(session: LegacySession): void {
    if (session.id !== undefined) postNotification(this.#host.target.origin, this.#head("DELETE", session), undefined);
  }

  #head(verb: "GET" | "DELETE", session: LegacySession): string {
    const { path, headerLines } = this.#host.target;
    return `${verb} ${path} HTTP/1.1\r\n${headerLines}${linesOf(session)}`;
  }
}

function linesOf({ id, protocolVersion }: LegacySession): string {
  const version = `MCP-Protocol-Version: ${protocolVersion}\r\n`;
  return id === undefined ? version : `${version}Mcp-Session-Id: ${id}\r\n`;
}
