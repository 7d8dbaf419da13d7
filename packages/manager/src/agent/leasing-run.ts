/**
 * A run together with the connections beside its own that are lent to calls: for one call each, or, where its server keeps its callers
 * apart, for one principal or session each. Made with the run, closed with it, and with what is kept started for them. Where no call
 * needs one it is the run as it was.
 */
import type { Sharing } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Semaphore } from "../base/semaphore.ts";
import type { LineSink } from "../runtime/runtime.ts";
import { LeasePool } from "../upstream/lease-pool.ts";
import type { PoolOptions } from "../upstream/pool-options.ts";
import { ScopePool } from "../upstream/scope-pool.ts";
import type { UpstreamSet } from "../upstream/upstream-set.ts";
import { RunFailure } from "./failure.ts";
import type { AnotherConnection, OpenRun } from "./run.ts";
import type { SpareBudget } from "./spare-budget.ts";
import { Spares } from "./spares.ts";
import { openInTurn } from "./start-place.ts";

/** A run that lends connections, if its calls may need them. */
export interface LeasingRun extends OpenRun {
  readonly leases: LeasePool | ScopePool | undefined;
}

/** What lending needs of the agent. */
export interface LeasingHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly starts: Semaphore;
  readonly spares: SpareRules;
  /** `spec.limits.leases` as it is now. */
  leasesMax(): number | undefined;
  readonly upstreams: Pick<UpstreamSet, "leased">;
  /** Hears why one could not be opened. */
  readonly log: LineSink;
}

/** Processes that are kept started for the next client. */
export interface SpareRules {
  /** Of each replica. */
  readonly count: number;
  readonly budget: SpareBudget;
}

/**
 * Each is one more process under the limits of the spec (512 MiB by default), and a start takes a processor for about a second: with
 * these, calls that wait for their user are served side by side, and a machine of 8 GiB is not filled by one replica. More at once
 * need more replicas.
 */
const processesMax = 16;
const processIdleMs = 60_000;
/** Each is one more session, a socket or two and some state at the server, which may be far away. */
const sessionsMax = 1_024;
const sessionIdleMs = 300_000;
/** What one caller's server remembers of it is kept for so long. */
const scopeIdleMs = 600_000;
/**
 * Of so many profiles, the ones used last, one process is kept initialized for the next client. Sessions over HTTP open fast enough,
 * and there are servers that take a second one for the first (the conformance suite's).
 */
const processesAhead = 1;
/** A connection is replaced after so many calls, or so long: what a server loses with each call does not add up. */
const usesMax = 1_000;
const ageMaxMs = 3_600_000;

/** The run with a pool of its own. */
export function withLeases(run: OpenRun, server: string, sharing: Sharing, host: LeasingHost): LeasingRun {
  const { openAnother, startAnother, pid } = run;
  if (openAnother === undefined) return { ...run, leases: undefined };
  const { clock, log } = host;
  const isProcess = pid !== undefined;
  const spares = startAnother === undefined ? undefined : new Spares({ ...host, ...host.spares, start: startAnother });
  const open = async (
    capabilities: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<AnotherConnection> => {
    try {
      const spare = await spares?.open(capabilities, signal);
      if (spare !== undefined) return spare;
      const anew = (): Promise<AnotherConnection> => openAnother(capabilities, signal);
      return await (isProcess ? openInTurn(host, signal, anew) : anew());
    } catch (error) {
      if (!signal.aborted) log.write(`[manager] no connection for one call alone: ${failureText(error)}`);
      throw error;
    }
  };
  const max = isProcess ? processesMax : sessionsMax;
  const idleMs = isProcess ? processIdleMs : sessionIdleMs;
  const options: PoolOptions = {
    server,
    clock,
    open,
    max: () => host.leasesMax() ?? max,
    idleMs,
    spares,
    onLease: (event) => host.upstreams.leased(server, event),
  };
  const aheadMax = isProcess && host.spares.count > 0 ? processesAhead : 0;
  const leases =
    sharing === "shared"
      ? new LeasePool({ ...options, aheadMax, usesMax, ageMaxMs })
      : new ScopePool({ ...options, sharing, idleMs: scopeIdleMs });
  let untilMs = Infinity;
  return {
    ...run,
    leases,
    async close(graceMs) {
      untilMs = Math.min(untilMs, clock.nowMs() + graceMs);
      const closed = leases.close(graceMs);
      const sparesGone = spares?.close();
      // The run ends what was opened beside it: calls that have been lent one end first, within the same grace.
      await leases.drained;
      await Promise.all([closed, sparesGone, run.close(Math.max(0, untilMs - clock.nowMs()))]);
    },
  };
}

function failureText(error: unknown): string {
  const stage = error instanceof RunFailure ? ` (${error.stage})` : "";
  return `${error instanceof Error ? error.message : String(error)}${stage}`;
}
