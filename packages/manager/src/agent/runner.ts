/**
 * One replica, kept running: opens a run, offers it to the data plane, opens another when it ends, and ends it when asked. Owns
 * the order of these things and the pauses between them; knows nothing of processes or protocols.
 *
 *   pending ──▶ starting ──▶ ready ──▶ draining ──▶ stopped
 *                  ▲  │         │
 *                  │  ▼         ▼
 *                 failed ◀──────┘      (again after a back-off)
 *
 * A restart opens the next run beside the present one and switches when it is ready, so that no accepted call is lost; when the
 * next one cannot be opened the present one stays.
 */
import {
  type HealthRules,
  type LastFailure,
  ManagerError,
  type Replica,
  type ReplicaStatus,
  type RevisionSpec,
} from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Semaphore } from "../base/semaphore.ts";
import type { TimerWheel } from "../base/timer-wheel.ts";
import type { EventSink } from "../events/event.ts";
import type { Era } from "../protocol/era.ts";
import type { LineSink } from "../runtime/runtime.ts";
import type { ServerFacts } from "../transport/connection.ts";
import type { UpstreamSet } from "../upstream/upstream-set.ts";
import { lastFailureOf, RunFailure } from "./failure.ts";
import { type Finding, HealthMonitor, type ProbeResult } from "./health-monitor.ts";
import { type LeasingRun, type SpareRules, withLeases } from "./leasing-run.ts";
import { ReplicaReport } from "./replica-report.ts";
import type { RestartRate } from "./restart-rate.ts";
import { RestartSeries } from "./restart-series.ts";
import type { OpenRequest, OpenRunFn } from "./run.ts";
import { openInTurn } from "./start-place.ts";

/** What a runner needs of the agent. */
export interface RunnerHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly wheel: TimerWheel;
  readonly events: EventSink;
  readonly upstreams: UpstreamSet;
  readonly open: OpenRunFn;
  /** Bounds how many runs are being opened at once on this instance. */
  readonly starts: Semaphore;
  /** The replicas of one server restart one after the other. */
  readonly restartTurn: Semaphore;
  /** Bounds how many are started again in a time on this instance. */
  readonly restarts: RestartRate;
  readonly spares: SpareRules;
  /** `spec.limits.leases` as it is now. */
  leasesMax(): number | undefined;
  /** How long calls in flight may take to end when the replica drains, in milliseconds. */
  drainMs(): number;
  /** How long an opening may take, in milliseconds. */
  startupMs(): number;
  /** `spec.health` as it is now. */
  health(): HealthRules;
  /** How long a call may take, in milliseconds. */
  callTimeoutMs(): number;
  /** One probe is over. */
  probed(result: ProbeResult): void;
  /** The era found earlier for this revision. */
  knownEra(): Era | undefined;
  /** The status changed. */
  report(): void;
  /** A run was opened: what its server says of itself. */
  opened(facts: ServerFacts): void;
  /** The last lines in `log` from this time (RFC 3339) on, oldest first. */
  logTail(since: string): readonly string[];
  readonly log: LineSink;
}

type Ending =
  | { readonly kind: "ended"; readonly failure: RunFailure }
  | { readonly kind: "leave" }
  | { readonly kind: "restart" };

export class ReplicaRunner {
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
  #graceMs = Infinity;
  #wantedRound: number;
  #nudged = Promise.withResolvers<void>();
  #pause: AbortController | undefined;
  /** What its probes say: it does not come back by itself. */
  #lost: RunFailure | undefined;
  #monitor: HealthMonitor | undefined;
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

  /** `spec.health` may be another. */
  rulesChanged(): void {
    this.#monitor?.rulesChanged();
  }

  /** Asks for a restart, when `round` was not carried out yet. */
  restart(round: number): void {
    if (round <= this.#wantedRound) return;
    this.#wantedRound = round;
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
      if (opened === undefined) await this.#backOff();
      else await this.#serve(opened);
    }
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
      onNotification: (message, method) => upstreams.notified(this.server, method, message),
      onDropped: (what) => upstreams.dropped(this.server, what),
      onUnhealthy: (reason) => this.#onUnhealthy(reason),
      signal: this.#leaving.signal,
    };
  }

  /** Until no run serves any more. */
  async #serve(first: LeasingRun): Promise<void> {
    let run = first;
    this.#attach(run);
    for (;;) {
      const ending = await this.#ending(run);
      if (ending.kind === "leave") {
        this.#detach();
        this.#report.set({ state: "draining" });
        return await this.#close(run, this.#graceMs);
      }
      if (ending.kind === "ended") {
        this.#detach();
        this.#failed(ending.failure);
        // What may be left of it must not meet the next one.
        await this.#close(run, 0);
        return await this.#backOff();
      }
      run = await this.#replace(run);
    }
  }

  /** A restart: the next run takes over when it is ready. Gives the one that serves from now on. */
  async #replace(present: LeasingRun): Promise<LeasingRun> {
    const release = await this.#host.restartTurn.acquire();
    try {
      const round = this.#wantedRound;
      const next = this.#leaving.signal.aborted ? undefined : await this.#open();
      this.#report.set({ restartRound: round });
      if (next === undefined) return present;
      this.#report.set({ restarts: this.status.restarts + 1 });
      this.#attach(next);
      void this.#close(present, this.#host.drainMs());
      return next;
    } finally {
      release();
    }
  }

  async #close(run: LeasingRun, graceMs: number): Promise<void> {
    await run.close(graceMs);
    this.#runs.delete(run);
  }

  async #ending(run: LeasingRun): Promise<Ending> {
    for (;;) {
      if (this.#leaving.signal.aborted) return { kind: "leave" };
      if (this.#wantedRound > (this.status.restartRound ?? 0)) return { kind: "restart" };
      const nudged = this.#nudged.promise;
      const failure = this.#lost ?? (await Promise.race([run.ended, nudged]));
      if (failure !== undefined) return { kind: "ended", failure };
    }
  }

  #attach(run: LeasingRun): void {
    const { connection, pid, url, isolation, memory } = run;
    this.#report.set({
      state: "ready",
      health: { state: "healthy" },
      crashLoop: this.#series.isLoop(this.#host.clock.nowMs()) ? true : undefined,
      startedAt: this.#now(),
      era: connection.facts.era,
      isolation,
      ...(pid === undefined ? {} : { pid }),
      ...(url === undefined ? {} : { url }),
      ...(memory === undefined ? {} : { memory }),
    });
    this.#offer(run);
    this.#watch(run);
  }

  /** It may take calls. */
  #offer({ connection, leases, sockets }: LeasingRun): void {
    this.#host.upstreams.attach({
      name: this.name,
      server: this.server,
      revision: this.status.revision,
      connection,
      ...(leases === undefined ? {} : { leases }),
      ...(sockets === undefined ? {} : { sockets }),
    });
  }

  #withdraw(): void {
    this.#host.upstreams.detach(this.server, this.name);
  }

  /** It serves no more, and nobody asks how it is. */
  #detach(): void {
    this.#monitor?.[Symbol.dispose]();
    this.#monitor = undefined;
    this.#withdraw();
  }

  /** In the place of the one before, if there was one. */
  #watch(run: LeasingRun): void {
    const { connection, leases } = run;
    this.#monitor?.[Symbol.dispose]();
    this.#lost = undefined;
    this.#monitor = new HealthMonitor(connection, {
      ...this.#host,
      health: () => this.#host.health(),
      callTimeoutMs: () => this.#host.callTimeoutMs(),
      otherCalls: () => leases?.calls ?? 0,
      onProbed: (result) => this.#host.probed(result),
      onFinding: (finding) => this.#onFinding(run, finding),
    });
  }

  /** Who does not answer takes no new calls; those in flight go on. Who does not come back is ended. */
  #onFinding(run: LeasingRun, { isFit, isLost, health }: Finding): void {
    const wasFit = this.status.state === "ready";
    if (isFit && !wasFit) {
      this.#report.set({ state: "ready", health });
      this.#offer(run);
    } else if (!isFit && wasFit) {
      this.#withdraw();
      const failure = new RunFailure("health", new ManagerError("unavailable", health.message ?? "it is not healthy"));
      this.#report.set({ state: "failed", health, lastFailure: this.#failureNow(failure) });
    } else {
      this.#report.set({ health });
    }
    if (!isLost) return;
    const message = `${health.message ?? "it is not healthy"}; it is started again`;
    this.#lost = new RunFailure("health", new ManagerError("unavailable", message));
    this.#nudge();
  }

  #onUnhealthy(reason: ManagerError): void {
    if (reason.reason === "STDOUT_NOISE") this.#monitor?.noisy("StdoutNoise", reason);
    else this.#monitor?.doubt();
  }

  #failed(failure: RunFailure): void {
    // A server that was updated in place may speak another era now; it is asked again.
    if (failure.stage === "initialize") this.#eraInDoubt = true;
    this.#series.failed(this.#host.clock.nowMs(), failure.neededAuthorization === undefined);
    this.#report.set({ lastFailure: this.#failureNow(failure) });
  }

  #failureNow(failure: RunFailure): LastFailure {
    const recentFailures = this.#series.ends(this.#host.clock.nowMs());
    return lastFailureOf({ failure, at: this.#now(), stderr: this.#host.logTail(this.#openedAt), recentFailures });
  }

  async #backOff(): Promise<void> {
    if (this.#leaving.signal.aborted) return;
    const { clock, random, restarts } = this.#host;
    const nowMs = clock.nowMs();
    const delayMs = this.#series.pauseMs(random);
    const retryAt = new Date(clock.wallMs() + delayMs).toISOString();
    const crashLoop = this.#series.isLoop(nowMs) ? true : undefined;
    const restartsNow = this.status.restarts + 1;
    this.#report.set({ state: "failed", retryAt, restarts: restartsNow, crashLoop, ...nothingRuns });
    this.#pause = new AbortController();
    await clock.sleep(delayMs, this.#pause.signal).catch(() => undefined);
    this.#pause = undefined;
    await restarts.turn(this.#leaving.signal).catch(() => undefined);
  }

  #now(): string {
    return this.#report.now();
  }
}

/** What a status no longer says when there is no run. */
const nothingRuns = { pid: undefined, startedAt: undefined, memory: undefined, health: undefined };
