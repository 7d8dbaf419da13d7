/**
 * What goes wrong when in a soak: a list of faults drawn from a random source, the same for the same seed. Pure: nothing here is done.
 *
 * Three rules keep a run worth something. A target has one fault at a time and a rest after it. A server fails seldom enough that the
 * pauses before its restarts stay far below the minute in which all has to be well at the end: crash loops are a row of their own (R4).
 * And the manager goes down in the first part only, so that in the second there is time for something to leak.
 */
import type { Random } from "../../../packages/manager/src/base/random.ts";

/** What a fault can be done to: servers by how they are reached, servers that come and go, the manager. */
export type Place = "stdio" | "http" | "proxied" | "guest" | "manager";

export interface Target {
  readonly name: string;
  readonly place: Place;
}

export interface Fault {
  readonly kind: FaultKind;
  readonly target: Target;
  /** From the beginning, in milliseconds. */
  readonly atMs: number;
  /** How long it holds; 0: it is one thing that happens. */
  readonly forMs: number;
  /** In [0, 1), for what its kind leaves open. */
  readonly pick: number;
}

/** What can go wrong, in the order of who does it: a server, its process, the wire to it, a client, an operator. */
export type FaultKind =
  | "hang"
  | "garbage"
  | "oversize"
  | "half-close"
  | "slow"
  | "flood"
  | "ask"
  | "crash"
  | "fork"
  | "kill"
  | "stop"
  | "all hang"
  | "too many"
  | "lists change"
  | "sessions lost"
  | "wire cut"
  | "wire reset"
  | "wire slow"
  | "wire half closed"
  | "wire refuses"
  | "black hole"
  | "client leaves"
  | "client does not read"
  | "restart"
  | "apply"
  | "delete"
  | "manager killed"
  | "manager stopped";

interface KindRule {
  readonly on: readonly Place[];
  /** How often, against the others. */
  readonly weight: number;
  /** The longest that it holds; absent: it does not. */
  readonly maxMs?: number;
  /** It makes its target fail, which is started again. */
  readonly fails?: true;
  /** How long its target is left alone afterwards. */
  readonly restMs?: number;
}

const servers: readonly Place[] = ["stdio", "http", "proxied"];
const overHttp: readonly Place[] = ["http", "proxied"];
const managerRule: KindRule = { on: ["manager"], weight: 2, restMs: 30_000 };

const rules: Readonly<Record<FaultKind, KindRule>> = {
  hang: { on: servers, weight: 4 },
  garbage: { on: servers, weight: 4, fails: true },
  oversize: { on: servers, weight: 2, fails: true },
  "half-close": { on: servers, weight: 3, fails: true },
  slow: { on: servers, weight: 3 },
  flood: { on: servers, weight: 3 },
  ask: { on: ["stdio"], weight: 2 },
  crash: { on: ["stdio"], weight: 3, fails: true, restMs: 2_000 },
  fork: { on: ["stdio"], weight: 2, fails: true, restMs: 2_000 },
  kill: { on: ["stdio"], weight: 3, fails: true, restMs: 2_000 },
  stop: { on: servers, weight: 3, maxMs: 6_000, fails: true, restMs: 2_000 },
  "all hang": { on: overHttp, weight: 2, maxMs: 4_000, fails: true },
  "too many": { on: overHttp, weight: 3, maxMs: 4_000 },
  "lists change": { on: servers, weight: 3, maxMs: 5_000 },
  "sessions lost": { on: overHttp, weight: 2 },
  "wire cut": { on: ["proxied"], weight: 3 },
  "wire reset": { on: ["proxied"], weight: 3 },
  "wire slow": { on: ["proxied"], weight: 2, maxMs: 5_000 },
  "wire half closed": { on: ["proxied"], weight: 2, maxMs: 1_000 },
  "wire refuses": { on: ["proxied"], weight: 2, maxMs: 3_000, fails: true },
  "black hole": { on: ["proxied"], weight: 3, maxMs: 4_000, fails: true, restMs: 2_000 },
  "client leaves": { on: servers, weight: 5 },
  "client does not read": { on: overHttp, weight: 3, maxMs: 4_000 },
  restart: { on: servers, weight: 3, restMs: 3_000 },
  apply: { on: ["guest"], weight: 4, restMs: 1_000 },
  delete: { on: ["guest"], weight: 3, restMs: 1_000 },
  "manager killed": managerRule,
  "manager stopped": managerRule,
};

const entries = Object.entries(rules) as readonly (readonly [FaultKind, KindRule])[];
export const faultKinds: readonly FaultKind[] = entries.map(([kind]) => kind);

const minMs = 500;
/** Between faults of one server, on average: of twelve there is one in 1.2 s. */
const meanMs = 14_000;
/** A server may fail so often in a row, and again each time that `failMs` have gone by: six times in ten minutes. */
const failsAtOnce = 2;
const failMs = 150_000;
/** In which part of the time the manager may go down. */
const managerPart = 0.6;

/** What is known of a target so far. */
class Turn {
  readonly #failedMs: number[] = [];
  freeMs = 0;

  mayFail(atMs: number): boolean {
    const before = this.#failedMs.at(-failsAtOnce);
    return before === undefined || atMs - before >= failMs * failsAtOnce;
  }

  take({ fails, restMs = 0 }: KindRule, endMs: number): void {
    if (fails === true) this.#failedMs.push(endMs);
    this.freeMs = endMs + restMs;
  }
}

/** The faults of a run of `durationMs`, in their order; all are over by its end. */
export function scheduleOf(random: Random, targets: readonly Target[], durationMs: number): readonly Fault[] {
  const turns = new Map(targets.map((target) => [target, new Turn()]));
  const faults: Fault[] = [];
  const between = meanMs / targets.filter(({ place }) => servers.includes(place)).length;
  for (let atMs = 0; ;) {
    atMs += Math.ceil(-Math.log(1 - random.next()) * between);
    if (atMs > durationMs) return faults;
    const [kind, rule] = drawn(random, targets);
    const forMs = rule.maxMs === undefined ? 0 : minMs + Math.floor(random.next() * (rule.maxMs - minMs));
    const isFree = (target: Target): boolean => {
      const turn = turns.get(target);
      return turn !== undefined && turn.freeMs <= atMs && (rule.fails !== true || turn.mayFail(atMs));
    };
    const free = targets.filter((target) => rule.on.includes(target.place) && isFree(target));
    const target = chosen(free, random.next());
    const pick = random.next();
    const isInTime = atMs + forMs <= durationMs * (target?.place === "manager" ? managerPart : 1);
    if (target === undefined || !isInTime) continue;
    turns.get(target)?.take(rule, atMs + forMs);
    faults.push({ kind, target, atMs, forMs, pick });
  }
}

/** One of a list by a number in [0, 1); undefined when it is empty. */
export function chosen<Item>(list: readonly Item[], pick: number): Item | undefined {
  return list[Math.floor(pick * list.length)];
}

/** A kind that there is a target for, by weight. */
function drawn(random: Random, targets: readonly Target[]): readonly [FaultKind, KindRule] {
  const possible = entries.filter(([, { on }]) => targets.some(({ place }) => on.includes(place)));
  let left = random.next() * possible.reduce((sum, [, { weight }]) => sum + weight, 0);
  const found = possible.find(([, { weight }]) => (left -= weight) < 0);
  if (found === undefined) throw new Error("there is nothing that anything could be done to");
  return found;
}
