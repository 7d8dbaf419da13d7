/**
 * One open run in service: offered to the data plane while its probes say that it may take calls, taken out while they do not, and
 * watched for its end, whichever way that comes; and asked what it offers. What follows is the runner's; so is closing the run.
 *
 *   offered ⇄ taken out          over: ended by itself, lost to its probes, or idle
 */
import { type HealthRules, type LastFailure, ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { TimerWheel } from "../base/timer-wheel.ts";
import type { UpstreamSet } from "../upstream/upstream-set.ts";
import type { Offer } from "./catalogue.ts";
import { CatalogueWatch } from "./catalogue-watch.ts";
import { RunFailure } from "./failure.ts";
import { type Finding, HealthMonitor, type ProbeResult } from "./health-monitor.ts";
import { IdleWatch, type ServerUse } from "./idle-watch.ts";
import type { LeasingRun } from "./leasing-run.ts";
import type { ReplicaReport } from "./replica-report.ts";

/** Why a run does not serve any more. `lost`: it is still there, and does not answer. */
export type Over =
  | { readonly kind: "ended"; readonly failure: RunFailure }
  | { readonly kind: "lost"; readonly failure: RunFailure }
  | { readonly kind: "idle" };

/** What watching a run needs of the agent. */
export interface ServiceHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly wheel: TimerWheel;
  readonly upstreams: UpstreamSet;
  /** `spec.health` as it is now. */
  health(): HealthRules;
  /** How long a call may take, in milliseconds. */
  callTimeoutMs(): number;
  /** One probe is over. */
  probed(result: ProbeResult): void;
  /** As `IdleWatchOptions.idleAfterMs`. */
  idleAfterMs(): number | undefined;
  /** As `CatalogueWatchOptions.keep`. */
  keep(offer: Offer): Promise<boolean>;
  /** What the data plane has to do with the server, connections that calls have for themselves aside. */
  use(): ServerUse;
}

/** Whose run it is. */
export interface Served {
  readonly server: string;
  readonly replica: string;
  readonly report: ReplicaReport;
  /** The failure as the status shows it. */
  readonly shown: (failure: RunFailure) => LastFailure;
}

export class ServedRun {
  readonly run: LeasingRun;
  /** Resolves when it does not serve any more, unless it was withdrawn before. */
  readonly over: Promise<Over>;
  readonly #host: ServiceHost;
  readonly #of: Served;
  readonly #monitor: HealthMonitor;
  readonly #idle: IdleWatch;
  readonly #catalogue: CatalogueWatch;
  #isOffered = true;
  #resolve: (over: Over) => void = () => undefined;

  /** Offers it at once, in the place of one that the replica had before. */
  constructor(run: LeasingRun, of: Served, host: ServiceHost) {
    this.run = run;
    this.#of = of;
    this.#host = host;
    this.over = new Promise((resolve) => (this.#resolve = resolve));
    void run.ended.then((failure) => this.#resolve({ kind: "ended", failure }));
    this.#ready();
    this.#offer();
    const { clock, wheel } = host;
    this.#monitor = new HealthMonitor(run.connection, {
      ...host,
      health: () => host.health(),
      callTimeoutMs: () => host.callTimeoutMs(),
      otherCalls: () => run.leases?.calls ?? 0,
      onProbed: (result) => host.probed(result),
      onFinding: (finding) => this.#onFinding(finding),
    });
    this.#idle = new IdleWatch({
      clock,
      wheel,
      idleAfterMs: () => host.idleAfterMs(),
      use: () => this.#use(),
      onIdle: () => this.#resolve({ kind: "idle" }),
    });
    this.#catalogue = new CatalogueWatch({
      ...host,
      connection: run.connection,
      server: of.server,
      keep: (offer) => host.keep(offer),
      onDigest: (catalogue) => of.report.set({ catalogue }),
    });
  }

  /** The spec may be another. */
  rulesChanged(): void {
    this.#monitor.rulesChanged();
    this.#idle.rulesChanged();
  }

  /** What its server offers may be something else now. */
  listsChanged(): void {
    this.#catalogue.changed();
  }

  /** As `ConnectionEvents.onUnhealthy`. That a server does not read, a probe will show. */
  onUnhealthy(reason: ManagerError): void {
    const noise = reason.reason === undefined ? undefined : noises[reason.reason];
    if (noise === undefined) this.#monitor.doubt();
    else this.#monitor.noisy(noise, reason);
  }

  /** Another run of the replica has taken its place. */
  retire(): void {
    this.#monitor[Symbol.dispose]();
    this.#catalogue[Symbol.dispose]();
    this.#idle[Symbol.dispose]();
  }

  /** Takes it out of the rotation; calls in flight go on. */
  withdraw(): void {
    this.retire();
    this.#takeOut();
  }

  #ready(): void {
    const { connection, pid, url, isolation, memory } = this.run;
    const { report } = this.#of;
    report.set({
      state: "ready",
      health: { state: "healthy" },
      retryAt: undefined,
      // What an earlier run offered says nothing of this one.
      catalogue: undefined,
      startedAt: report.now(),
      era: connection.facts.era,
      isolation,
      pid,
      url,
      memory,
    });
  }

  #offer(): void {
    const { connection, leases, sockets } = this.run;
    const { server, replica, report } = this.#of;
    this.#isOffered = true;
    this.#host.upstreams.attach({
      name: replica,
      server,
      revision: report.status.revision,
      connection,
      ...(leases === undefined ? {} : { leases }),
      ...(sockets === undefined ? {} : { sockets }),
    });
  }

  #takeOut(): void {
    this.#isOffered = false;
    this.#host.upstreams.detach(this.#of.server, this.#of.replica);
  }

  /** Who does not answer takes no new calls; those in flight go on. Who does not come back is to be ended. */
  #onFinding({ isFit, isLost, health }: Finding): void {
    const { report, shown } = this.#of;
    const failure = new RunFailure("health", new ManagerError("unavailable", health.message ?? "it is not healthy"));
    if (isFit && !this.#isOffered) {
      report.set({ state: "ready", health });
      this.#offer();
    } else if (!isFit && this.#isOffered) {
      this.#takeOut();
      report.set({ state: "failed", health, lastFailure: shown(failure) });
    } else {
      report.set({ health });
    }
    if (!isLost) return;
    const lost = new ManagerError("unavailable", `${health.message ?? "it is not healthy"}; it was ended`);
    this.#resolve({ kind: "lost", failure: new RunFailure("health", lost) });
  }

  #use(): ServerUse {
    const { pending, entered } = this.#host.use();
    const { leases } = this.run;
    return { pending: pending + (leases === undefined ? 0 : leases.calls + leases.waiting), entered };
  }
}

/** What the transports call it when a server writes what is no message, and what it is called here. */
const noises: Readonly<Record<string, string>> = { STDOUT_NOISE: "StdoutNoise", STREAM_NOISE: "StreamNoise" };
