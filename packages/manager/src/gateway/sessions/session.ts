/**
 * Sessions of legacy clients. The id is sealed: it carries what is needed to know the session again (principal, view, version,
 * expiry), so that a restarted manager goes on with it. What is kept beside it is small: the log level, the calls in flight, and
 * within bounds what its streams have sent. Idle sessions are reaped; beyond a cap those that are not in use are put aside, and
 * come back to the revisions that they were on when they are used. Upstream sessions belong to replicas, not to clients, and outlive them.
 * Source: specification 2025-11-25, basic/transports ("Session Management").
 */
import { ManagerError } from "@mcp-manager/api";
import { type Placed, SwapList } from "../../base/swap-list.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { Unsubscribe } from "../../base/watched.ts";
import { type ClientProfile, noProfile, profileOfKey } from "../../protocol/client-profile.ts";
import type { Principal } from "../../security/principal.ts";
import type { Sealer } from "../../security/seal.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { OpenStreams } from "./open-streams.ts";
import { Questions } from "../asking/questions.ts";
import { PutAside, type Standing } from "./put-aside.ts";
import { SessionStreams } from "./session-streams.ts";
import { aggregateKey, serverOfKey } from "../view.ts";

/** A call in flight that its session can cancel. */
export interface SessionCall extends Placed {
  /** The id as the client wrote it. */
  readonly callId: Buffer;
  cancel(reason: string): void;
}

export class Session implements Standing {
  readonly id: string;
  readonly principalHash: string;
  /** Who used it last, with the rights of then. */
  principal: Principal | undefined;
  readonly protocolVersion: string;
  /** The endpoint it was opened on; it is unknown anywhere else. */
  readonly viewKey: string;
  /** What its client said in `initialize` that it can be asked. */
  readonly profile: ClientProfile;
  /** What is sent to the client outside the answers to its calls, and what a lost stream is resumed from. */
  readonly streams: SessionStreams;
  /** What the client has been asked. */
  readonly questions: Questions;
  /** Calls in flight. */
  readonly calls: SwapList<SessionCall> = new SwapList();
  /** What its client calls itself. */
  readonly clientName: string | undefined;
  /** By server, the revision that its calls go to: set by its first use of the server. */
  readonly pins: Map<string, string> = new Map();
  readonly #onPinned: SessionsOptions["onPinned"];
  /** Whether its client was shown any list. */
  hasListed = false;
  /** Least level of log messages passed on; everything until the client says. */
  logLevel: string | undefined;
  lastSeenMs: number;

  constructor(id: string, facts: SessionFacts, nowMs: number, firstQuestion: number, hub: SessionHub) {
    this.id = id;
    this.principalHash = facts.p;
    this.protocolVersion = facts.v;
    this.viewKey = facts.w;
    this.profile = profileOfKey(facts.c);
    this.clientName = facts.i;
    if (facts.r !== undefined) this.pins.set(serverOfKey(facts.w), facts.r);
    this.#onPinned = hub.onPinned;
    this.streams = new SessionStreams(hub.streams, facts.v);
    this.questions = new Questions(firstQuestion);
    this.lastSeenMs = nowMs;
  }

  get hasListened(): boolean {
    return this.streams.hasListened;
  }

  /** Whether its client waits for something, or listens. */
  get isInUse(): boolean {
    return this.calls.size > 0 || this.streams.isOpen;
  }

  /** Puts it on a revision of a server, where it stays. */
  pin(server: string, revision: string): void {
    this.pins.set(server, revision);
    this.#onPinned?.(server, revision);
  }

  /** Cancels the call of this id, as its client wrote it; nothing when it is not in flight. */
  cancel(callId: Buffer, reason: string): void {
    const call = [...this.calls].find((each) => each.callId.equals(callId));
    call?.cancel(reason);
  }
}

/** What the sealed id carries; short names because it travels with every request. */
interface SessionFacts {
  readonly p: string;
  readonly v: string;
  readonly w: string;
  /** `ClientProfile.key`. */
  readonly c: string;
  /** The client's name for itself. */
  readonly i?: string | undefined;
  /** The revision that a session of one server is on. */
  readonly r?: string | undefined;
  /** Makes ids differ. */
  readonly n: string;
}

/** What all sessions share. */
interface SessionHub {
  readonly streams: OpenStreams;
  readonly onPinned: SessionsOptions["onPinned"];
}

/** What `initialize` says of a session beside its version. */
export interface Opening {
  readonly profile?: ClientProfile;
  readonly clientName?: string | undefined;
  /** The revision of its endpoint's server that it is on; undefined: that of the first call, or, on a preview, the endpoint's own. */
  readonly revision?: string | undefined;
}

export interface SessionsOptions {
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
  /** A session without a request for this long is reaped. Default 30 min. */
  readonly idleMs: number;
  /** Sessions held in memory at most. `initialize` is refused only when all of them are in use. */
  readonly sessionsMax: number;
  /** Where the number of open sessions is shown, by server; "" is the aggregate. */
  readonly metrics?: Metrics;
  /** Whether a principal's credential is still good: a stream outlives the request that opened it. Default: always. */
  readonly isGood?: (principal: Principal) => boolean;
  /** Whether a revision still serves those who began there. Default: always. */
  readonly serves?: (server: string, revision: string) => boolean;
  /** Hears of each session that is put on a revision of a server; of one that comes back to its own, nobody hears. */
  readonly onPinned?: (server: string, revision: string) => void;
}

/** A session's sealed id is good for this long at most. */
const sessionLifeMs = 24 * 60 * 60_000;
const sweepMs = 30_000;
/** Keys may be changed one after the other: all sessions are looked at once for them. */
const reviewMs = 500;
/** Ended ids are remembered, so that a sealed id does not come back to life; the oldest are forgotten beyond this. */
const endedMax = 20_000;
const sealContext = "mcp-session";
/** Questions that a session has numbers for; all of them are safe integers. */
const questionsMax = 65_536;
/** So many sessions are looked at for the one that was idle longest, when one has to go. */
const candidatesMax = 32;

/** The sessions of this instance. */
export class Sessions implements Disposable {
  readonly #options: SessionsOptions;
  readonly #open = new Map<string, Session>();
  readonly #ended = new Set<string>();
  readonly #aside = new PutAside();
  readonly #listeners = new Set<(session: Session) => void>();
  readonly #streams: OpenStreams;
  readonly #hub: SessionHub;
  /** Those that have ended but for their calls in flight. */
  readonly #retired = new Set<Session>();
  #timer: Timer | undefined;
  #reviewing: Timer | undefined;
  #disposed = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#streams = new OpenStreams(options);
    this.#hub = { streams: this.#streams, onPinned: options.onPinned };
    this.#arm();
    if (options.metrics !== undefined) this.#showIn(options.metrics);
  }

  get count(): number {
    return this.#open.size;
  }

  /** Opens a session, or throws `unavailable` when there is no room. */
  open(principal: Principal, key: string, protocolVersion: string, opening: Opening = {}): Session {
    const { clock, sealer, random, sessionsMax } = this.#options;
    if (!this.#makeRoom()) {
      const message = `there are ${sessionsMax} sessions with calls in flight or open streams, as many as are allowed; try again later`;
      throw new ManagerError("unavailable", message, { reason: "TOO_MANY_SESSIONS", retryAfterMs: 5_000 });
    }
    const facts: SessionFacts = {
      p: principal.hash,
      v: protocolVersion,
      w: key,
      c: (opening.profile ?? noProfile).key,
      i: opening.clientName,
      r: opening.revision,
      n: random.bytes(12).toString("base64url"),
    };
    const id = sealer.seal(sealContext, facts, clock.wallMs() + sessionLifeMs);
    const session = this.#keep(id, facts);
    session.principal = principal;
    if (opening.revision !== undefined) session.pin(serverOfKey(key), opening.revision);
    return session;
  }

  /** The session of this principal at this endpoint; undefined when it is unknown, ended, expired or somebody else's. */
  find(id: string, principal: Principal, key: string): Session | undefined {
    const session = this.#open.get(id) ?? this.#reopen(id);
    if (session === undefined || session.principalHash !== principal.hash || session.viewKey !== key) return undefined;
    session.lastSeenMs = this.#options.clock.nowMs();
    session.principal = principal;
    return session;
  }

  /** Those that are held. */
  all(): Iterable<Session> {
    return this.#open.values();
  }

  /** Those that are held, and where those stood that were put aside. */
  *standings(): Iterable<Standing> {
    yield* this.#open.values();
    yield* this.#aside.all();
  }

  /** Calls `listener` with every session that ends or is put aside: what is kept for it elsewhere goes. */
  onGone(listener: (session: Session) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Whether an id that was not found is good, but another principal's: worth an entry in the audit. */
  isForeign(id: string, principal: Principal): boolean {
    const session = this.#open.get(id);
    return session !== undefined && session.principalHash !== principal.hash;
  }

  /** Ends a session: its calls are cancelled and its id is never good again. */
  end(session: Session, reason: string): void {
    this.#bury(session);
    for (const call of [...session.calls]) call.cancel(reason);
    this.#gone(session);
  }

  /** Ends a session as `end` does, but for its calls in flight: those come to their own end, and what is kept for it goes then. */
  retire(session: Standing): void {
    this.#bury(session);
    if (!(session instanceof Session)) return;
    session.streams.end();
    this.#retired.add(session);
    this.#forgetRetired();
  }

  /** Credentials have changed: sessions whose principal has none that is good any more end within a second, streams and all. */
  review(): void {
    this.#reviewing ??= this.#options.clock.after(reviewMs, () => {
      this.#reviewing = undefined;
      this.#endBad();
    });
  }

  /** Ends the streams on which clients listen, and opens none any more: whoever waits for requests to end would wait for ever. */
  endStreams(): void {
    this.#streams.endAll();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#timer?.cancel();
    this.#reviewing?.cancel();
    this.#streams[Symbol.dispose]();
    this.#open.clear();
    this.#aside.clear();
  }

  #forgetRetired(): void {
    for (const session of this.#retired) {
      if (session.calls.size > 0) continue;
      this.#retired.delete(session);
      this.#gone(session);
    }
  }

  #bury({ id }: Standing): void {
    this.#open.delete(id);
    this.#aside.take(id);
    this.#ended.add(id);
    const [oldest] = this.#ended;
    if (this.#ended.size > endedMax && oldest !== undefined) this.#ended.delete(oldest);
  }

  #isServed({ w, r }: SessionFacts): boolean {
    return r === undefined || this.#options.serves?.(serverOfKey(w), r) !== false;
  }

  #reopen(id: string): Session | undefined {
    if (this.#ended.has(id)) return undefined;
    const facts = this.#options.sealer.open(sealContext, id);
    if (!isFacts(facts) || !this.#isServed(facts) || !this.#makeRoom()) return undefined;
    const session = this.#keep(id, facts);
    const { pins, hasListed } = this.#aside.take(id) ?? session;
    for (const [server, revision] of pins) session.pins.set(server, revision);
    session.hasListed = hasListed;
    return session;
  }

  /**
   * Puts the longest idle of the older sessions aside when the cap is reached. Most sessions are never ended by their clients
   * and never used again; one that is used again loses its log level and subscriptions.
   */
  #makeRoom(): boolean {
    if (this.#open.size < this.#options.sessionsMax) return true;
    let idlest: Session | undefined;
    let lookedAt = 0;
    for (const session of this.#open.values()) {
      if (!session.isInUse && (idlest === undefined || session.lastSeenMs < idlest.lastSeenMs)) idlest = session;
      if (++lookedAt >= candidatesMax && idlest !== undefined) break;
    }
    if (idlest === undefined) return false;
    this.#open.delete(idlest.id);
    this.#aside.keep(idlest);
    this.#gone(idlest);
    return true;
  }

  #endBad(): void {
    const { isGood = () => true } = this.#options;
    const judged = new Map<Principal, boolean>();
    for (const session of [...this.#open.values()]) {
      const { principal } = session;
      if (principal === undefined) continue;
      let good = judged.get(principal);
      if (good === undefined) judged.set(principal, (good = isGood(principal)));
      if (!good) this.end(session, "the credential is no longer good");
    }
  }

  #gone(session: Session): void {
    session.streams.end();
    for (const listener of this.#listeners) listener(session);
  }

  #showIn(metrics: Metrics): void {
    const gauge = metrics.gauge("mcp_manager_sessions", "Open sessions of legacy clients.", ["server"]);
    metrics.onScrape(() => {
      gauge.clear();
      for (const { viewKey: key } of this.#open.values())
        gauge.child([key === aggregateKey ? "" : serverOfKey(key)]).add(1);
    });
  }

  #keep(id: string, facts: SessionFacts): Session {
    const { clock, random } = this.#options;
    // So that an answer to a question of an earlier life, or of another session, finds nothing.
    const firstQuestion = random.bytes(4).readUInt32BE() * questionsMax + 1;
    const session = new Session(id, facts, clock.nowMs(), firstQuestion, this.#hub);
    this.#open.set(id, session);
    return session;
  }

  #arm(): void {
    this.#timer = this.#options.clock.after(sweepMs, () => {
      if (this.#disposed) return;
      const nowMs = this.#options.clock.nowMs();
      for (const session of this.#open.values()) {
        session.streams.forget();
        if (session.isInUse) session.lastSeenMs = nowMs;
        else if (session.lastSeenMs < nowMs - this.#options.idleMs) this.end(session, "the session was idle too long");
      }
      this.#forgetRetired();
      // Keys also expire.
      this.#endBad();
      this.#arm();
    });
  }
}

function isFacts(value: unknown): value is SessionFacts {
  if (typeof value !== "object" || value === null) return false;
  const { p, v, w, c } = value as Partial<SessionFacts>;
  return [p, v, w, c].every((fact) => typeof fact === "string");
}
