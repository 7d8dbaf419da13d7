/**
 * How many replicas a server should have by what it has to do: more at once, fewer only after it has been less busy for a while, so
 * that nothing is ended in a short pause. One number for each server that scales by itself is remembered here; which replicas come
 * and go is the plan's.
 */
import type { Autoscale, ServerSpec } from "@mcp-manager/api";
import { durationMs } from "@mcp-manager/api";

/** What one server was found to need. */
interface Scaled {
  readonly desired: number;
  /** Since when fewer would do, and the most that were needed since then. */
  readonly fewer: { readonly sinceMs: number; readonly most: number } | undefined;
}

/** Replicas for so many calls in flight and waiting. One stays even where none has to run: it may sleep. */
export function replicasFor({ min, max, target }: Autoscale, calls: number): number {
  return Math.min(max, Math.max(min, 1, Math.ceil(calls / target.inFlight)));
}

/** The numbers of replicas of all servers that scale by themselves; those of others are their specs'. */
export class Scaling {
  readonly #servers = new Map<string, Scaled>();

  /** Replicas that the server should have, by what was found last. */
  desired(server: string, { replicas, autoscale }: Pick<ServerSpec, "replicas" | "autoscale">): number {
    if (autoscale === undefined) return replicas;
    const { desired = 1 } = this.#servers.get(server) ?? {};
    return Math.min(autoscale.max, Math.max(autoscale.min, 1, desired));
  }

  /** Takes a sample of what it has to do; true when it should have another number of replicas from now on. */
  sample(server: string, autoscale: Autoscale, calls: number, nowMs: number): boolean {
    const needed = replicasFor(autoscale, calls);
    const before = this.#servers.get(server);
    const after = next(before ?? { desired: needed, fewer: undefined }, needed, nowMs, durationMs(autoscale.idleAfter));
    this.#servers.set(server, after);
    return after.desired !== (before?.desired ?? replicasFor(autoscale, 0));
  }

  /** The server is gone, or does not scale by itself any more. */
  forget(server: string): void {
    this.#servers.delete(server);
  }
}

function next({ desired, fewer }: Scaled, needed: number, nowMs: number, afterMs: number): Scaled {
  if (needed >= desired) return { desired: needed, fewer: undefined };
  const { sinceMs, most } = { sinceMs: fewer?.sinceMs ?? nowMs, most: Math.max(fewer?.most ?? 0, needed) };
  if (nowMs - sinceMs < afterMs) return { desired, fewer: { sinceMs, most } };
  // What was needed in the meantime is kept for as long again.
  return { desired: most, fewer: most > needed ? { sinceMs: nowMs, most: needed } : undefined };
}
