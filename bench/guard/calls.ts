/**
 * What the guard of a server adds to a call, measured where there is nothing else: the way of real calls (`Passage`) past a real guard
 * to one of two replicas, which answers at once, and the same way without a guard, in turn. No sockets, no messages. Prints one line of
 * JSON: µs of CPU per call of each round.
 *
 *   node --conditions=mcp-manager-source guard/calls.ts ROUNDS CALLS
 */
import { type Clock, systemClock } from "../../packages/manager/src/base/clock.ts";
import { systemRandom } from "../../packages/manager/src/base/random.ts";
import { WatchedValue } from "../../packages/manager/src/base/watched.ts";
import {
  Passage,
  type PassageDependencies,
  type PassageHost,
} from "../../packages/manager/src/gateway/calls/passage.ts";
import { WakingCalls } from "../../packages/manager/src/gateway/calls/waking.ts";
import { buildRoutingTable, emptyTable } from "../../packages/manager/src/gateway/routing/routing-table.ts";
import { serverResource } from "../../packages/manager/src/gateway/testing/gateway.ts";
import { ScriptedConnection } from "../../packages/manager/src/gateway/testing/scripted-connection.ts";
import { ServerGuard } from "../../packages/manager/src/resilience/server-guard.ts";
import { createPrincipal } from "../../packages/manager/src/security/principal.ts";
import { Guards } from "../../packages/manager/src/upstream/guards.ts";
import { IdleServers } from "../../packages/manager/src/upstream/idle-servers.ts";
import { UpstreamSet } from "../../packages/manager/src/upstream/upstream-set.ts";

const [rounds = 9, calls = 1_000_000] = process.argv.slice(2).map(Number);
const server = "bench";
const tools = Array.from({ length: 8 }, (_, number) => `tool-${number}`);
const principals = Array.from({ length: 4 }, (_, number) => createPrincipal(`key-${number}`, ["caller"], "api-key"));
/** Calls in flight at any time. */
const inFlightMax = 16;
/** On, as everything is, and never reached: more than a spec may say, because there is nothing here that takes time. */
const rate = { perSecond: 1_000_000_000, burst: 1_000_000_000 };
/** Replicas that have just started get less, which is decided otherwise: that time is over at once. */
const slowStartMs = 60_000;

let aheadMs = 0;
const clock: Clock = { ...systemClock, nowMs: () => performance.now() + aheadMs };
const table = new WatchedValue(buildRoutingTable(emptyTable, [serverResource(server)]));
const upstreams = new UpstreamSet();
const guards = new Guards({
  upstreams,
  events: { publish: ({ message }) => stop(message) },
  make: (name, rules, onChange) =>
    new ServerGuard({ server: name, rules: { ...rules, rate }, clock, random: systemRandom, onChange }),
});
guards.follow(table.current.servers);
for (const name of ["bench-1-a", "bench-1-b"])
  upstreams.attach({ name, server, revision: "bench-1", connection: new ScriptedConnection() });
aheadMs = slowStartMs;

const route = table.current.servers.get(server) ?? stop("there is no route");
const waking = new WakingCalls({ upstreams, table, wake: new IdleServers() });
const guarded: PassageDependencies = { upstreams, guards, waking, table, clock, random: systemRandom };
const bare: PassageDependencies = { ...guarded, guards: { of: () => undefined } };

/** A call that is answered when its turn comes. */
class NullCall implements PassageHost {
  readonly method = "tools/call";
  readonly destination: PassageHost["destination"];
  readonly call: PassageHost["call"];
  readonly principalHash: string;
  readonly dueMs: number;
  readonly #passage: Passage;
  #isTaken = false;

  constructor(dependencies: PassageDependencies, number: number, nowMs: number) {
    const principal = principals[number % principals.length] ?? stop("there is no principal");
    this.destination = { route, name: tools[number % tools.length], revision: undefined };
    this.call = { session: undefined, principal };
    this.principalHash = principal.hash;
    this.dueMs = nowMs + route.callTimeoutMs;
    this.#passage = new Passage(dependencies, this);
    this.#passage.start(nowMs);
  }

  onReplica(): void {
    this.#isTaken = true;
  }

  onNoPassage(_outcome: unknown, error: Error): void {
    stop(error.message);
  }

  answer(nowMs: number): void {
    if (!this.#isTaken) stop("a call waits");
    this.#passage.end("answered", nowMs);
  }
}

/** µs of CPU for one call. */
function measure(dependencies: PassageDependencies): number {
  const before = process.cpuUsage();
  const inFlight: NullCall[] = [];
  for (let number = 0; number < calls; number++) {
    const nowMs = clock.nowMs();
    const place = number % inFlightMax;
    inFlight[place]?.answer(nowMs);
    inFlight[place] = new NullCall(dependencies, number, nowMs);
  }
  for (const call of inFlight) call.answer(clock.nowMs());
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

function stop(why: string): never {
  throw new Error(`the guard was to let everything through: ${why}`);
}

// A program that compiles while it runs is slow at first.
for (let warmUp = 0; warmUp < 2; warmUp++) for (const way of [bare, guarded]) measure(way);
const found = Array.from({ length: rounds }, (_, round) => {
  // The one that comes first is not always the same.
  const [first, second] = round % 2 === 0 ? [bare, guarded] : [guarded, bare];
  const [a, b] = [measure(first), measure(second)];
  return round % 2 === 0 ? { bareUs: a, guardedUs: b } : { bareUs: b, guardedUs: a };
});
const { entered, load } = guards.of(server) ?? stop("there is no guard");
if (entered !== (rounds + 2) * calls || load.inFlight > 0)
  stop(`${entered} calls came, ${load.inFlight} are in flight`);
process.stdout.write(`${JSON.stringify(found)}\n`);
