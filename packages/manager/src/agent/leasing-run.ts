/**
 * A run together with the connections beside its own that are lent to one call at a time: made with the run, closed with it. Where
 * no call needs one (modern era) it is the run as it was.
 */
import type { Clock } from "../base/clock.ts";
import type { Semaphore } from "../base/semaphore.ts";
import type { LineSink } from "../runtime/runtime.ts";
import { LeasePool, type LeasePoolOptions } from "../upstream/lease-pool.ts";
import { RunFailure } from "./failure.ts";
import type { OpenRun } from "./run.ts";
import { openInTurn } from "./start-place.ts";

/** A run that lends connections, if its calls may need them. */
export interface LeasingRun extends OpenRun {
  readonly leases: LeasePool | undefined;
}

/** What lending needs of the agent. */
export interface LeasingHost {
  readonly clock: Clock;
  readonly starts: Semaphore;
  /** Hears why one could not be opened. */
  readonly log: LineSink;
}

type Bounds = Pick<LeasePoolOptions, "max" | "idleMs">;

/**
 * Each is one more process under the limits of the spec (512 MiB by default), and a start takes a processor for about a second: with
 * these, calls that wait for their user are served side by side, and a machine of 8 GiB is not filled by one replica. More at once
 * need more replicas.
 */
const processBounds: Bounds = { max: 16, idleMs: 60_000 };
/** Each is one more session, a socket or two and some state at the server, which may be far away. */
const sessionBounds: Bounds = { max: 1_024, idleMs: 300_000 };

/** The run with a pool of its own. */
export function withLeases(run: OpenRun, server: string, host: LeasingHost): LeasingRun {
  const { openAnother, pid } = run;
  if (openAnother === undefined) return { ...run, leases: undefined };
  const { clock, log } = host;
  const isProcess = pid !== undefined;
  const leases = new LeasePool({
    ...(isProcess ? processBounds : sessionBounds),
    server,
    clock,
    open(capabilities, signal) {
      const open = (): ReturnType<typeof openAnother> => openAnother(capabilities, signal);
      return (isProcess ? openInTurn(host, signal, open) : open()).catch((error: unknown) => {
        if (!signal.aborted) log.write(`[manager] no connection for one call alone: ${failureText(error)}`);
        throw error;
      });
    },
  });
  let untilMs = Infinity;
  return {
    ...run,
    leases,
    async close(graceMs) {
      untilMs = Math.min(untilMs, clock.nowMs() + graceMs);
      const closed = leases.close(graceMs);
      // The run ends what was opened beside it: calls that have been lent one end first, within the same grace.
      await leases.drained;
      await Promise.all([closed, run.close(Math.max(0, untilMs - clock.nowMs()))]);
    },
  };
}

function failureText(error: unknown): string {
  const stage = error instanceof RunFailure ? ` (${error.stage})` : "";
  return `${error instanceof Error ? error.message : String(error)}${stage}`;
}
