/**
 * What is to be done for one server, as a pure function of what is: which replicas to make, drain and forget, which records of the past
 * to forget, and when the server itself is gone. How many replicas there are of each revision is what its newest deployment decided
 * (rollout/advance.ts); a server that has none runs the revision with the highest number. Nothing is performed here, and nothing is
 * remembered between two plans.
 */
import type { Deployment, Duration, Replica, Revision, Server } from "@mcp-manager/api";
import { formatDuration } from "@mcp-manager/api";
import { type Forgetting, outlived, whole } from "./history.ts";
import { isGone, usefulness } from "./rollout/situation.ts";

/** What a plan is made from: one server and all that belongs to it, at one moment. */
export interface PlanInput {
  readonly server: Server;
  /** In any order. */
  readonly revisions: readonly Revision[];
  readonly replicas: readonly Replica[];
  /** In any order; those that are over too. */
  readonly deployments: readonly Deployment[];
  /** How many replicas the server should have. */
  readonly desired: number;
  /** How many there should be of each revision, as the newest deployment decided; undefined for a server that has none. */
  readonly wanted?: ReadonlyMap<string, number> | undefined;
  /** How long calls may still take at revisions that traffic was taken back from, by name; of others the agent knows it. */
  readonly callsMs?: Readonly<Record<string, number>> | undefined;
  /** The instance that new replicas are placed on. */
  readonly node: string;
}

/** One thing to be written. The order within a plan does not matter. */
export type Step =
  | Forgetting
  | { readonly kind: "create-replica"; readonly revision: string; readonly node: string }
  | { readonly kind: "drain-replica"; readonly name: string; readonly within?: Duration }
  | { readonly kind: "forget-replica"; readonly name: string }
  | { readonly kind: "forget-server" };

/** The steps that lead there from here; none when all is as it should be. */
export function plan(input: PlanInput): readonly Step[] {
  const gone = input.replicas.filter(isGone);
  const left = input.replicas.filter((replica) => !isGone(replica));
  const forgotten: readonly Step[] = gone.map(({ metadata }) => ({ kind: "forget-replica", name: metadata.name }));
  if (input.server.metadata.deletedAt !== undefined) return [...forgotten, ...ending(input, left)];
  return [...forgotten, ...running(input, left), ...outlived(input, left)];
}

/** The revision that the spec asks for; undefined only while a server has none, which no write leaves behind. */
export function targetRevision(revisions: readonly Revision[]): Revision | undefined {
  return revisions.toSorted((a, b) => b.spec.number - a.spec.number)[0];
}

function ending(input: PlanInput, left: readonly Replica[]): readonly Step[] {
  if (left.length > 0) return drain(left);
  return [...whole(input), { kind: "forget-server" }];
}

/** As many of each revision as are wanted. */
function running(input: PlanInput, left: readonly Replica[]): readonly Step[] {
  const { node } = input;
  const wanted = input.wanted ?? wantedWithout(input);
  const known = new Set(input.revisions.map(({ metadata }) => metadata.name));
  const names = new Set([...wanted.keys(), ...left.map(({ spec }) => spec.revision)]);
  return [...names].flatMap((revision): readonly Step[] => {
    const present = left.filter(({ spec }) => spec.revision === revision && spec.drain !== true);
    const surplus = present.length - (wanted.get(revision) ?? 0);
    if (surplus >= 0) return drain(present.toSorted(leastUsefulFirst).slice(0, surplus), input.callsMs?.[revision]);
    if (!known.has(revision)) return [];
    return Array.from({ length: -surplus }, (): Step => ({ kind: "create-replica", revision, node }));
  });
}

/** Of a server that has no deployments: what serves of an older revision stays until as many of the newest can take its place. */
function wantedWithout({ server, revisions, replicas, desired }: PlanInput): ReadonlyMap<string, number> {
  const target = targetRevision(revisions)?.metadata.name;
  if (target === undefined) return countOf(replicas);
  const current = replicas.filter(({ spec }) => spec.revision === target && spec.drain !== true);
  const old = replicas.filter((replica) => replica.spec.revision !== target && !isGone(replica));
  if (server.spec.strategy.kind === "recreate" && old.length > 0) return new Map([[target, current.length]]);
  const ready = current.filter(({ status }) => usefulness[status.state] > 0).length;
  const serving = old.filter(({ spec }) => spec.drain !== true).toSorted(leastUsefulFirst);
  const kept = serving.slice(Math.max(0, serving.length + ready - desired));
  return new Map([...countOf(kept), [target, desired]]);
}

function countOf(replicas: readonly Replica[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { spec } of replicas) counts.set(spec.revision, (counts.get(spec.revision) ?? 0) + 1);
  return counts;
}

/** What is not ready goes first, then the youngest. */
function leastUsefulFirst(a: Replica, b: Replica): number {
  const more = usefulness[a.status.state] - usefulness[b.status.state];
  return more !== 0 ? more : b.metadata.createdAt < a.metadata.createdAt ? -1 : 1;
}

function drain(replicas: readonly Replica[], withinMs?: number): readonly Step[] {
  const limit = withinMs === undefined ? {} : { within: formatDuration(Math.ceil(withinMs)) };
  return replicas
    .filter(({ spec }) => spec.drain !== true)
    .map(({ metadata }) => ({ kind: "drain-replica", name: metadata.name, ...limit }));
}
