/**
 * One replica, kept running: opens a run, offers it to the data plane, opens another when it ends, and ends it when asked. Owns
 * the order of these things and the pauses between them; knows nothing of processes or protocols.
 *
 *   pending ──▶ starting ──▶ ready ──▶ draining ──▶ stopped
 *                ▲  ▲ │        │ │
 *                │  │ ▼        ▼ │
 *                │ failed ◀────┘ │     (again after a back-off)
 *                │               ▼
 *                └─────────── idle     (again when it is called)
 *
 * A restart opens the next run beside the present one and switches when it is ready, so that no accepted call is lost; when the
 * next one cannot be opened the present one stays.
 */
import type { LastFailure, Replica, ReplicaStatus, RevisionSpec } from "@mcp-manager/api";
import type { Timer } from "../base/clock.ts";
import type { Semaphore } from "../base/semaphore.ts";
import type { EventSink } from "../events/event.ts";
import type { Era } from "../protocol/era.ts";
import type { ServerFacts } from "../transport/connection.ts";
import type { IdleServers, Sleeper } from "../upstream/idle-servers.ts";
import type { UpstreamSet } from "../upstream/upstream-set.ts";
import { lastFailureOf, RunFailure } from "./failure.ts";
import { type LeasingHost, type LeasingRun, withLeases } from "./leasing-run.ts";
import { ReplicaReport } from "./replica-report.ts";
import type { RestartRate } from "./restart-rate.ts";
import { RestartSeries } from "./restart-series.ts";
import type { OpenRequest, OpenRunFn } from "./run.ts";
import { type Over, ServedRun, type ServiceHost } from "./served-run.ts";
import { openInTurn } from "./start-place.ts";

/** What a runner needs of the agent. */
export interface RunnerHost extends ServiceHost, LeasingHost {
  readonly events: EventSink;
  /** Where it is entered while it sleeps. */
  readonly idle: IdleServers;
  readonly open: OpenRunFn;
  readonly upstreams: UpstreamSet;
  /** Bounds how many runs are being opened at once on this instance. */
  readonly starts: Semaphore;
  /** The replicas of one server restart one after the other. */
  readonly restartTurn: Semaphore;
  /** Bounds how many are started again in a time on this instance. */
  readonly restarts: RestartRate;
  /** How long calls in flight may take to end when the replica drains, in milliseconds. */
  drainMs(): number;
  /** How long an opening may take, in milliseconds. */
  startupMs(): number;
  /** The era found earlier for this revision. */
  knownEra(): Era | undefined;
  /** The status changed. */
  report(): void;
  /** A run was opened: what its server says of itself. */
  opened(facts: ServerFacts): void;
  /** The last lines in `log` from this time (RFC 3339) on, oldest first. */
  logTail(since: string): readonly string[];
}

type Ending = Over | { readonly kind: "leave" } | { readonly kind: "restart" };

export class ReplicaRunner implements Sleeper {
  readonly name: string;
  readonly server: string;
  /** Resolves when nothing runs any more and nothing will. */
  readonly done: Promise<void>;
  readonly #revision: RevisionSpec;
  readonly #host: RunnerHost;
  readonly #report: ReplicaReport;
  readonly #series = new RestartSeries();
  readonly #leaving = new AbortController();
  /** Runs that were opened and have not ended: the one that serves, and those on their way out. */
  readonly #runs = new Set<LeasingRun>();
  #served: ServedRun | undefined;
  #graceMs = Infinity;
  #wantedRound: number;
  #isAsleep = false;
  #nudged = Promise.withResolvers<void>();
  #pause: AbortController | undefined;
  /** Fires when it has not failed for so long that it is no crash loop any more. */
  #calm: Timer | undefined;
  #eraInDoubt = false;
  /** When the present run, or attempt at one, began. */
  #openedAt = "";

  constructor(replica: Replica, revision: RevisionSpec, host: RunnerHost) {
    const { spec, metadata } = replica;
    this.name = metadata.name;
    this.server = spec.server;
    this.#revision = revision;
    this.#host = host;
    this.#wantedRound = spec.restartRound;
    this.#report = new ReplicaReport(replica, { ...host, report: () => host.report() });
    this.done = this.#run();
  }

  get status(): ReplicaStatus {
    return this.#report.status;
  }

  /** The spec of the server may be another. */
  rulesChanged(): void {
    this.#served?.rulesChanged();
    // One that is to run all the time does not wait for a call.
    if (this.#isAsleep && this.#host.idleAfterMs() === undefined) this.wake();
  }

  /** What its server offers may be something else now. */
  listsChanged(): void {
    this.#served?.listsChanged();
  }

  /** Asks for a restart, when `round` was not carried out yet. */
  restart(round: number): void {
    if (round <= this.#wantedRound) return;
    this.#wantedRound = round;
    this.#nudge();
  }

  /** Starts it again, if it sleeps. */
  wake(): void {
    if (!this.#isAsleep) return;
    this.#isAsleep = false;
    this.#nudge();
  }

  /** Asks for the end: no new calls, those in flight for at most `graceMs`. A second ask can only shorten that. */
  leave(graceMs: number): void {
    if (graceMs >= this.#graceMs) return;
    this.#graceMs = graceMs;
    if (this.#leaving.signal.aborted) for (const run of this.#runs) void run.close(graceMs);
    this.#leaving.abort();
    this.#nudge();
  }

  #nudge(): void {
    this.#pause?.abort();
    this.#nudged.resolve();
    this.#nudged = Promise.withResolvers();
  }

  async #run(): Promise<void> {
    while (!this.#leaving.signal.aborted) {
      const round = this.#wantedRound;
      this.#report.set({ state: "starting", retryAt: undefined });
      const opened = await this.#open();
      this.#report.set({ restartRound: round });
      if (opened !== undefined) await this.#serve(opened);
      if (this.status.state === "idle") await this.#sleep();
      else if (!this.#leaving.signal.aborted) await this.#backOff();
    }
    this.#calm?.cancel();
    this.#host.idle.remove(this.server, this);
    await Promise.all([...this.#runs].map((run) => this.#close(run, this.#graceMs)));
    this.#report.set({ state: "stopped", ...nothingRuns });
  }

  /** A run, or undefined when it could not be opened; then the status says why. */
  async #open(): Promise<LeasingRun | undefined> {
    const { signal } = this.#leaving;
    try {
      const opened = await openInTurn(this.#host, signal, () => {
        this.#openedAt = this.#now();
        return this.#host.open(this.#request());
      });
      const run = withLeases(opened, this.server, this.#revision.sharing, this.#host);
      this.#runs.add(run);
      this.#eraInDoubt = false;
      this.#host.opened(run.connection.facts);
      return run;
    } catch (error) {
      if (!signal.aborted) this.#failed(error instanceof RunFailure ? error : new RunFailure("start", error));
      return undefined;
    }
  }

  #request(): OpenRequest {
    const { log, upstreams } = this.#host;
    return {
      replica: this.name,
      revision: this.#revision,
      era: this.#eraInDoubt ? undefined : this.#host.knownEra(),
      startupMs: this.#host.startupMs(),
      log,
      onNotification: (message, method) =>
        upstreams.notified(this.server, method, message, this.#report.status.revision),
      onDropped: (what) => upstreams.dropped(this.server, what),
      onUnhealthy: (reason) => this.#served?.onUnhealthy(reason),
      signal: this.#leaving.signal,
    };
  }

  /** Until no run serves any more. */
  async #serve(first: LeasingRun): Promise<void> {
    let served = this.#begin(first);
    for (;;) {
      const ending = await this.#ending(served);
      if (ending.kind !== "restart") return await this.#endOf(served, ending);
      served = await this.#replace(served);
    }
  }

  async #endOf(served: ServedRun, ending: Exclude<Ending, { kind: "restart" }>): Promise<void> {
    const { run } = served;
    this.#served = undefined;
    this.#calm?.cancel();
    // Before it is taken out: a call that comes now wakes it.
    if (ending.kind === "idle") this.#fallAsleep();
    served.withdraw();
    switch (ending.kind) {
      case "leave":
        this.#report.set({ state: "draining" });
        return await this.#close(run, this.#graceMs);
      case "idle":
        this.#report.set({ state: "idle", ...nothingRuns, health: undefined });
        return void this.#close(run, this.#host.drainMs());
      case "lost":
        // It would be asked in vain.
        run.kill?.();
        break;
      case "ended":
    }
    this.#failed(ending.failure);
    // What may be left of it must not meet the next one.
    await this.#close(run, 0);
  }

  #fallAsleep(): void {
    this.#isAsleep = true;
    this.#host.idle.add(this.server, this);
  }

  #begin(run: LeasingRun): ServedRun {
    const { name: replica, server } = this;
    const of = { server, replica, report: this.#report, shown: (failure: RunFailure) => this.#shown(failure) };
    this.#served = new ServedRun(run, of, this.#host);
    this.#host.idle.remove(server, this);
    this.#expectCalm();
    return this.#served;
  }

  /** A restart: the next run takes over when it is ready. Gives the one that serves from now on. */
  async #replace(present: ServedRun): Promise<ServedRun> {
    const release = await this.#host.restartTurn.acquire();
    try {
      const round = this.#wantedRound;
      const next = this.#leaving.signal.aborted ? undefined : await this.#open();
      this.#report.set({ restartRound: round });
      if (next === undefined) return present;
      this.#report.set({ restarts: this.status.restarts + 1 });
      present.retire();
      const served = this.#begin(next);
      void this.#close(present.run, this.#host.drainMs());
      return served;
    } finally {
      release();
    }
  }

  async #close(run: LeasingRun, graceMs: number): Promise<void> {
    await run.close(graceMs);
    this.#runs.delete(run);
  }

  async #ending({ over }: ServedRun): Promise<Ending> {
    for (;;) {
      if (this.#leaving.signal.aborted) return { kind: "leave" };
      if (this.#wantedRound > (this.status.restartRound ?? 0)) return { kind: "restart" };
      const ending = await Promise.race([over, this.#nudged.promise]);
      if (ending !== undefined) return ending;
    }
  }

  /** Until it is called, or has to leave. What does not run is restarted by doing nothing. */
  async #sleep(): Promise<void> {
    this.rulesChanged();
    while (this.#isAsleep && !this.#leaving.signal.aborted) {
      this.#report.set({ restartRound: this.#wantedRound });
      await this.#nudged.promise;
    }
    this.#isAsleep = false;
  }

  #failed(failure: RunFailure): void {
    // A server that was updated in place may speak another era now; it is asked again.
    if (failure.stage === "initialize") this.#eraInDoubt = true;
    const needed = failure.neededAuthorization;
    this.#series.failed(this.#host.clock.nowMs(), needed === undefined);
    const health = { state: "needs-authorization", reason: "NeedsAuthorization", message: needed ?? "" } as const;
    this.#report.set({
      lastFailure: this.#shown(failure),
      ...(needed === undefined ? {} : { health }),
    });
  }

  /** How the status shows it; to be asked once it was counted. */
  #shown(failure: RunFailure): LastFailure {
    const recentFailures = this.#series.ends(this.#host.clock.nowMs());
    return lastFailureOf({ failure, at: this.#now(), stderr: this.#host.logTail(this.#openedAt), recentFailures });
  }

  async #backOff(): Promise<void> {
    const { clock, random, restarts } = this.#host;
    const delayMs = this.#series.pauseMs(random);
    const { health } = this.status;
    // Calls that wait for a start that failed are not left to wait for the next one.
    this.#host.idle.remove(this.server, this);
    this.#report.set({
      state: "failed",
      retryAt: new Date(clock.wallMs() + delayMs).toISOString(),
      restarts: this.status.restarts + 1,
      crashLoop: this.#isLoop,
      ...nothingRuns,
      // The others speak of a run.
      health: health?.state === "needs-authorization" ? health : undefined,
    });
    this.#pause = new AbortController();
    await clock.sleep(delayMs, this.#pause.signal).catch(() => undefined);
    this.#pause = undefined;
    await restarts.turn(this.#leaving.signal).catch(() => undefined);
  }

  get #isLoop(): true | undefined {
    return this.#series.isLoop(this.#host.clock.nowMs()) ? true : undefined;
  }

  /** Takes the crash loop back when it has run for long enough. */
  #expectCalm(): void {
    this.#report.set({ crashLoop: this.#isLoop });
    this.#calm?.cancel();
    if (this.#isLoop !== true) return;
    const { clock } = this.#host;
    this.#calm = clock.after(this.#series.loopLeftMs(clock.nowMs()), () =>
      this.#report.set({ crashLoop: this.#isLoop }),
    );
  }

  #now(): string {
    return this.#report.now();
  }
}

/** What a status no longer says when there is no run. */
const nothingRuns = { pid: undefined, startedAt: undefined, memory: undefined };
