/**
 * What is to be done for one server, as a pure function of what is: which replicas to make, drain and forget, and when the server
 * itself is gone. The revision with the highest number is what the spec asks for; what runs of older ones goes on until it is
 * replaced. Nothing is performed here, and nothing is remembered between two plans.
 *
 *   new revision ──▶ replicas of it beside the old ──▶ one old one drains for each new one that is ready ──▶ old records go
 *                    (recreate: the old drain first)
 */
import type { Replica, ReplicaState, Revision, Server } from "@mcp-manager/api";

/** What a plan is made from: one server and all that belongs to it, at one moment. */
export interface PlanInput {
  readonly server: Server;
  /** In any order. */
  readonly revisions: readonly Revision[];
  readonly replicas: readonly Replica[];
  /** How many replicas the server should have. */
  readonly desired: number;
  /** The instance that new replicas are placed on. */
  readonly node: string;
}

/** One thing to be written. The order within a plan does not matter. */
export type Step =
  | { readonly kind: "create-replica"; readonly revision: string; readonly node: string }
  | { readonly kind: "drain-replica"; readonly name: string }
  | { readonly kind: "forget-replica"; readonly name: string }
  | { readonly kind: "forget-revision"; readonly name: string }
  | { readonly kind: "forget-server" };

/** Old revisions kept for a look back and a way back; the stable one is kept beside them. */
export const revisionsKept = 10;

export function plan(input: PlanInput): readonly Step[] {
  const gone = input.replicas.filter(isGone);
  const left = input.replicas.filter((replica) => !isGone(replica));
  const forgotten: readonly Step[] = gone.map(({ metadata }) => ({ kind: "forget-replica", name: metadata.name }));
  if (input.server.metadata.deletedAt !== undefined) return [...forgotten, ...ending(input, left)];
  const target = targetRevision(input.revisions);
  if (target === undefined) return forgotten;
  return [...forgotten, ...running(input, left, target.metadata.name), ...outlived(input, left)];
}

/** The revision that the spec asks for; undefined only while a server has none, which no write leaves behind. */
export function targetRevision(revisions: readonly Revision[]): Revision | undefined {
  return revisions.toSorted((a, b) => b.spec.number - a.spec.number)[0];
}

/** A replica that was asked to end and has. */
function isGone({ spec, status }: Replica): boolean {
  return spec.drain === true && status.state === "stopped";
}

function ending({ revisions }: PlanInput, left: readonly Replica[]): readonly Step[] {
  if (left.length > 0) return drain(left);
  const forgotten: readonly Step[] = revisions.map(({ metadata }) => ({
    kind: "forget-revision",
    name: metadata.name,
  }));
  return [...forgotten, { kind: "forget-server" }];
}

function running(input: PlanInput, left: readonly Replica[], target: string): readonly Step[] {
  const { server, node, desired: wanted } = input;
  const current = left.filter(({ spec }) => spec.revision === target && spec.drain !== true);
  const old = left.filter(({ spec }) => spec.revision !== target);
  if (server.spec.strategy.kind === "recreate" && old.length > 0) return drain(old);
  const missing = Math.max(0, wanted - current.length);
  const created = Array.from({ length: missing }, (): Step => ({ kind: "create-replica", revision: target, node }));
  const surplus = current.toSorted(leastUsefulFirst).slice(0, Math.max(0, current.length - wanted));
  const ready = current.filter(({ status }) => usefulness[status.state] > 0).length;
  const oldServing = old.filter(({ spec }) => spec.drain !== true).toSorted(leastUsefulFirst);
  const replaced = oldServing.slice(0, Math.max(0, oldServing.length + ready - wanted));
  return [...created, ...drain([...surplus, ...replaced])];
}

/** What has come up serves, or would if it was called: one that sleeps is as good as ready, and less missed. */
const usefulness: Readonly<Record<ReplicaState, number>> = {
  ready: 2,
  idle: 1,
  pending: 0,
  starting: 0,
  failed: 0,
  draining: 0,
  stopped: 0,
};

/** What is not ready goes first, then the youngest. */
function leastUsefulFirst(a: Replica, b: Replica): number {
  const more = usefulness[a.status.state] - usefulness[b.status.state];
  return more !== 0 ? more : b.metadata.createdAt < a.metadata.createdAt ? -1 : 1;
}

function drain(replicas: readonly Replica[]): readonly Step[] {
  return replicas
    .filter(({ spec }) => spec.drain !== true)
    .map(({ metadata }) => ({ kind: "drain-replica", name: metadata.name }));
}

function outlived({ server, revisions }: PlanInput, left: readonly Replica[]): readonly Step[] {
  const inUse = new Set([server.status.revision, ...left.map(({ spec }) => spec.revision)]);
  return revisions
    .toSorted((a, b) => b.spec.number - a.spec.number)
    .slice(revisionsKept)
    .filter(({ metadata }) => !inUse.has(metadata.name))
    .map(({ metadata }) => ({ kind: "forget-revision", name: metadata.name }));
}
