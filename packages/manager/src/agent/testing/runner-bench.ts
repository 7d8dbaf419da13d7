/** One runner over scripted runs, with time in the test's hand. */
import { setImmediate } from "node:timers/promises";
import type { Replica } from "@mcp-manager/api";
import { runnablePart, serverDefaults } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import { Semaphore } from "../../base/semaphore.ts";
import { TimerWheel } from "../../base/timer-wheel.ts";
import { IdleServers } from "../../upstream/idle-servers.ts";
import { UpstreamSet } from "../../upstream/upstream-set.ts";
import type { ServerUse } from "../idle-watch.ts";
import { RestartRate } from "../restart-rate.ts";
import { ReplicaRunner, type RunnerHost } from "../runner.ts";
import { SpareBudget } from "../spare-budget.ts";
import { ScriptedRuns } from "./runs.ts";

const source = { kind: "process" as const, command: "weather", args: [], env: {} };
const revision = { ...runnablePart({ ...serverDefaults, source }), server: "weather", number: 1 };
const replica: Replica = {
  kind: "Replica",
  metadata: {
    name: "weather-1-abcd",
    uid: "u",
    generation: 1,
    revision: "1",
    labels: {},
    createdAt: "2027-01-01T00:00:00Z",
  },
  spec: { server: "weather", revision: "weather-1", node: "n1", restartRound: 0 },
  status: { state: "pending", node: "n1", revision: "weather-1", restarts: 0 },
};

export interface RunnerBench {
  readonly runs: ScriptedRuns;
  readonly clock: ManualClock;
  readonly upstreams: UpstreamSet;
  readonly idle: IdleServers;
  readonly runner: ReplicaRunner;
  readonly states: readonly string[];
  /** Topic and words of each event, in order. */
  readonly events: readonly string[];
  /** What the data plane has to do; the test's to change. */
  readonly use: { -readonly [K in keyof ServerUse]: ServerUse[K] };
}

/** Everything but the runs is real; jitter always takes the whole delay, less a hair. */
export function begin(options: Partial<RunnerHost> = {}): RunnerBench {
  const runs = new ScriptedRuns();
  const clock = new ManualClock();
  const upstreams = new UpstreamSet();
  const idle = new IdleServers();
  const use = { pending: 0, entered: 0 };
  const states: string[] = [];
  const events: string[] = [];
  const host: RunnerHost = {
    clock,
    random: { next: () => 0.999, bytes: (length) => Buffer.alloc(length) },
    wheel: new TimerWheel(clock),
    events: { publish: ({ topic, message }) => events.push(`${topic} ${message}`) },
    restarts: new RestartRate(clock),
    spares: { count: 0, budget: new SpareBudget(0) },
    leasesMax: () => undefined,
    idle,
    idleAfterMs: () => undefined,
    use: () => use,
    health: () => serverDefaults.health,
    callTimeoutMs: () => 60_000,
    probed: () => undefined,
    upstreams,
    open: runs.open,
    starts: new Semaphore(4),
    restartTurn: new Semaphore(1),
    drainMs: () => 5_000,
    startupMs: () => 60_000,
    knownEra: () => "legacy",
    report() {
      const { state } = runner?.status ?? replica.status;
      if (states.at(-1) !== state) states.push(state);
    },
    opened: () => undefined,
    keep: () => Promise.resolve(false),
    log: { write: () => undefined },
    logTail: () => ["last words"],
    ...options,
  };
  let runner: ReplicaRunner | undefined;
  runner = new ReplicaRunner(replica, revision, host);
  return { runs, clock, upstreams, idle, runner, states, events, use };
}

/** Lets what has been begun come to rest. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await setImmediate();
}
