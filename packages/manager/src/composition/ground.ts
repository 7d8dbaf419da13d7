/** Composition of what the data plane stands on: the routing table, the replicas that are ready, the guards. Decides nothing. */
import { TimerWheel } from "../base/timer-wheel.ts";
import { WakingCalls } from "../gateway/calls/waking.ts";
import { followOverrides } from "../gateway/routing/follow-overrides.ts";
import { followServers } from "../gateway/routing/follow-servers.ts";
import { ServerGuard } from "../resilience/server-guard.ts";
import { collectGuardMetrics } from "../upstream/guard-metrics.ts";
import { Guards } from "../upstream/guards.ts";
import { IdleServers } from "../upstream/idle-servers.ts";
import { collectUpstreamMetrics } from "../upstream/upstream-metrics.ts";
import { UpstreamSet } from "../upstream/upstream-set.ts";
import type { ManagerOptions } from "./options.ts";
import type { State } from "./state.ts";

/** What every call and every replica stands on. */
export interface Ground {
  readonly wheel: TimerWheel;
  readonly table: ReturnType<typeof followServers>;
  readonly upstreams: UpstreamSet;
  readonly guards: Guards;
  readonly idle: IdleServers;
  readonly waking: WakingCalls;
}

/** The routing table, the replicas that are ready, and what guards each server. */
export function openGround(options: ManagerOptions, state: State, scope: AsyncDisposableStack): Ground {
  const { clock, random } = options;
  const { events } = state;
  const wheel = scope.use(new TimerWheel(clock));
  const table = scope.use(followServers(state.servers));
  const upstreams = new UpstreamSet();
  scope.defer(collectUpstreamMetrics(state.metrics, upstreams));
  const guards = scope.use(
    new Guards({
      upstreams,
      events,
      make: (server, rules, onChange) => new ServerGuard({ server, rules, clock, random, onChange }),
    }),
  );
  scope.defer(followOverrides(state.overrides, table, guards));
  collectGuardMetrics(state.metrics, guards);
  const idle = new IdleServers();
  const waking = scope.use(new WakingCalls({ upstreams, table, wake: idle }));
  return { wheel, table, upstreams, guards, idle, waking };
}
