/**
 * Watches one open run: asks it now and then whether it is there, and says whether it may take calls, what is the matter with it, and
 * when it is past help. It asks only where nothing was heard for an interval, so a server in use costs a comparison. It attaches,
 * ends and starts nothing; that is the runner's.
 *
 * Readiness is not liveness: who does not answer takes no new calls at once, and is ended much later, not before the calls that it
 * may be busy with have had their time.
 */
import type { HealthRules, ReplicaHealth } from "@mcp-manager/api";
import { durationMs, type ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Deadline, TimerWheel } from "../base/timer-wheel.ts";
import type { Connection } from "../transport/connection.ts";
import { withoutSubject } from "./failure.ts";
import { HealthJudge } from "./health-judge.ts";
import { Probe, type ProbeOutcome } from "./probe.ts";

/** What a monitor found; told whenever it is something else than before. */
export interface Finding {
  /** Whether it may take calls. */
  readonly isFit: boolean;
  /** It does not come back by itself: it should be ended. Then nothing more is told. */
  readonly isLost: boolean;
  readonly health: Omit<ReplicaHealth, "since">;
}

/** What became of one probe, for counting. */
export type ProbeResult = ProbeOutcome["kind"];

/** What a monitor needs to know, and who hears what it found. */
export interface MonitorHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly wheel: TimerWheel;
  /** `spec.health` as it is now. */
  health(): HealthRules;
  /** The longest that a call may take, in milliseconds. */
  callTimeoutMs(): number;
  /** Calls that the run has in flight beside those on the connection that is watched. */
  otherCalls(): number;
  onProbed(result: ProbeResult): void;
  onFinding(finding: Finding): void;
}

/** Nothing is asked more often than this, whatever its spec says. */
const intervalMsMin = 200;
/** So long a server must not write too much that is no message until that is forgotten. */
const quietMs = 60_000;

export class HealthMonitor implements Disposable {
  readonly #connection: Connection;
  readonly #host: MonitorHost;
  readonly #judge = new HealthJudge();
  #heard: number;
  #lookedMs: number;
  /** When the next probe is due, if nothing is heard. */
  #dueMs: number;
  #look: Deadline | undefined;
  #probe: Probe | undefined;
  #unfitSinceMs: number | undefined;
  #needsAuthorization: string | undefined;
  #lastBad = "";
  #noise: { readonly reason: string; readonly message: string; readonly untilMs: number } | undefined;
  #told = "";
  #isOver = false;

  constructor(connection: Connection, host: MonitorHost) {
    const { clock, random } = host;
    this.#connection = connection;
    this.#host = host;
    this.#heard = connection.heard;
    this.#lookedMs = clock.nowMs();
    // Servers that were started together are not probed together.
    this.#dueMs = this.#lookedMs + random.next() * this.#intervalMs();
    this.#told = JSON.stringify(this.#finding());
    this.#lookLater();
  }

  /** The rules may have changed. */
  rulesChanged(): void {
    this.#dueMs = Math.min(this.#dueMs, this.#host.clock.nowMs() + this.#intervalMs());
    this.#lookLater();
  }

  /** Something is the matter that a probe will show. */
  doubt(): void {
    if (!this.#isOver) this.#ask();
  }

  /** It writes too much that is no message: said of it, while it goes on serving. */
  noisy(reason: string, error: ManagerError): void {
    if (this.#isOver) return;
    const untilMs = this.#host.clock.nowMs() + quietMs;
    // The line that is quoted is another one each time; the first says enough.
    const message = this.#noise?.message ?? withoutSubject(error.message);
    this.#noise = { reason, message, untilMs };
    this.#tell();
    this.#lookLater();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#probe?.giveUp();
    if (this.#look !== undefined) this.#host.wheel.cancel(this.#look);
  }

  #onLook(): void {
    this.#look = undefined;
    const nowMs = this.#host.clock.nowMs();
    if (this.#connection.heard !== this.#heard) this.#onHeard();
    this.#lookedMs = nowMs;
    if (this.#noise !== undefined && nowMs >= this.#noise.untilMs) {
      this.#noise = undefined;
      this.#tell();
    }
    if (nowMs >= this.#dueMs) this.#ask();
    // One that was lost is not ended while it may be busy; that may be over.
    this.#tell();
    if (!this.#isOver) this.#lookLater();
  }

  /** Something came since the last look: of a server in the rotation that is as good as the answer to a probe. */
  #onHeard(): void {
    this.#heard = this.#connection.heard;
    if (this.#judge.verdict === "fit") {
      this.#judge.good(this.#host.health());
      this.#dueMs = Math.max(this.#dueMs, this.#lookedMs + this.#intervalMs());
    } else {
      this.#judge.sign();
      this.#dueMs = 0;
    }
  }

  #ask(): void {
    if (this.#probe !== undefined) return;
    const { clock, wheel } = this.#host;
    this.#dueMs = clock.nowMs() + this.#intervalMs();
    this.#probe = new Probe({
      connection: this.#connection,
      timeoutMs: durationMs(this.#host.health().timeout),
      clock,
      wheel,
      onOver: (outcome) => this.#onProbed(outcome),
    });
    this.#probe.send();
  }

  #onProbed(outcome: ProbeOutcome): void {
    this.#probe = undefined;
    const { kind } = outcome;
    const rules = this.#host.health();
    this.#host.onProbed(kind);
    // The answer is no news to the next look.
    this.#heard = this.#connection.heard;
    this.#needsAuthorization = kind === "needs-authorization" ? outcome.message : undefined;
    if (kind === "failed") {
      this.#lastBad = outcome.message;
      this.#judge.bad(rules);
    } else {
      this.#judge.good(rules);
    }
    this.#tell();
    this.#lookLater();
  }

  #tell(): void {
    if (this.#isOver) return;
    const isFit = this.#judge.verdict === "fit";
    this.#unfitSinceMs = isFit ? undefined : (this.#unfitSinceMs ?? this.#host.clock.nowMs());
    const finding = this.#finding();
    const text = JSON.stringify(finding);
    if (text === this.#told) return;
    this.#told = text;
    this.#host.onFinding(finding);
  }

  #finding(): Finding {
    const isFit = this.#judge.verdict === "fit";
    return { isFit, isLost: this.#judge.verdict === "lost" && !this.#mayBeBusy(), health: this.#healthNow(isFit) };
  }

  #healthNow(isFit: boolean): Finding["health"] {
    if (!isFit) {
      const { failures } = this.#host.health();
      const message = `${failures} probes in a row went unanswered; the last: ${this.#lastBad}`;
      return { state: "unhealthy", reason: "ProbesFailed", message };
    }
    if (this.#needsAuthorization !== undefined)
      return { state: "needs-authorization", reason: "NeedsAuthorization", message: this.#needsAuthorization };
    if (this.#noise !== undefined)
      return { state: "unhealthy", reason: this.#noise.reason, message: this.#noise.message };
    return { state: "healthy" };
  }

  /** A server that does one thing at a time answers no probe while it does it: its calls have until their end, which is bounded. */
  #mayBeBusy(): boolean {
    const calls = this.#connection.inFlight - (this.#probe === undefined ? 0 : 1) + this.#host.otherCalls();
    const sinceMs = this.#host.clock.nowMs() - (this.#unfitSinceMs ?? 0);
    return calls > 0 && sinceMs < this.#host.callTimeoutMs();
  }

  /**
   * The next look: when the probe is due, and half way before it, so that what is heard in between is known to be of that half; a
   * server that goes silent is then asked within one interval of its last word.
   */
  #lookLater(): void {
    if (this.#isOver) return;
    const { clock, wheel } = this.#host;
    if (this.#look !== undefined) wheel.cancel(this.#look);
    const nowMs = clock.nowMs();
    const dueMs = this.#probe === undefined ? this.#dueMs : Infinity;
    const untilMs = Math.min(dueMs, nowMs + this.#intervalMs() / 2, this.#noise?.untilMs ?? Infinity);
    this.#look = wheel.schedule(nowMs, Math.max(0, untilMs - nowMs), () => this.#onLook());
  }

  /** Up to 15 % less than asked for, at random: many servers do not fall into step, and none is late by the wheel's width. */
  #intervalMs(): number {
    return Math.max(intervalMsMin, durationMs(this.#host.health().interval)) * (0.85 + 0.1 * this.#host.random.next());
  }
}
