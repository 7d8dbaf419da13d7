/**
 * Which of a server's ready replicas takes the next call: the one with the least to do for the share of load that it should have
 * now. Replicas that fail more than their peers are put aside, unless so many are that the others would drown; those whose server asked
 * to be left alone are, in any case. Pure; it knows what is, and remembers nothing.
 */
import type { Guard } from "../resilience/guard.ts";
import type { Connection } from "../transport/connection.ts";
import type { Leases } from "./leases.ts";

/** What is looked at of a replica. */
interface Candidate {
  readonly name: string;
  readonly revision: string;
  readonly connection: Connection;
  readonly leases?: Leases;
}

/** What is known of a server's replicas by how calls to them ended. */
export type Balance = Pick<Guard, "isEjected" | "isHeldOff" | "weight">;

/** With fewer than this share of the replicas left, nobody is put aside (Envoy's panic threshold): better a doubtful one than none. */
const panicShare = 0.5;

/** The one replica there is, if it can be used; `except` was tried already. */
export function only<R extends Candidate>(replica: R, revision?: string, balance?: Balance, except?: R): R | undefined {
  const isMeant = isReady(replica, revision) && replica !== except;
  return isMeant && balance?.isHeldOff(replica.name) !== true ? replica : undefined;
}

/** The replica for the next call, the first of equals; undefined when there is none. */
export function choose<R extends Candidate>(
  replicas: readonly R[],
  revision: string | undefined,
  balance: Balance | undefined,
  except: R | undefined,
): R | undefined {
  const heeded = balance !== undefined && isPanic(replicas, revision, balance) ? undefined : balance;
  let best: R | undefined;
  let bestCost = Infinity;
  for (const replica of replicas) {
    if (only(replica, revision, balance, except) === undefined || heeded?.isEjected(replica.name) === true) continue;
    const cost = (loadOf(replica) + 1) / (balance?.weight(replica.name) ?? 1);
    if (cost >= bestCost) continue;
    best = replica;
    bestCost = cost;
  }
  return best;
}

/** Whether too few are left: a replica whose connection is closed, or that is held off, is not one of them, but counts among all. */
function isPanic(replicas: readonly Candidate[], revision: string | undefined, balance: Balance): boolean {
  let all = 0;
  let left = 0;
  for (const replica of replicas) {
    if (revision !== undefined && replica.revision !== revision) continue;
    all++;
    if (only(replica, revision, balance) !== undefined && !balance.isEjected(replica.name)) left++;
  }
  return left < all * panicShare;
}

function isReady({ connection, revision }: Candidate, wanted: string | undefined): boolean {
  return connection.closeReason === undefined && (wanted === undefined || revision === wanted);
}

/** Calls in flight, those with a connection of their own included. */
function loadOf({ connection, leases }: Candidate): number {
  return connection.inFlight + (leases === undefined ? 0 : leases.calls + leases.waiting);
}
