/** The parts of the door by its settings: what watches for overload, what says who may come in, and the limits of the listener. */
import { durationMs } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { EventSink } from "../../events/event.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Timeouts } from "../listener.ts";
import type { GatewaySettings } from "../settings.ts";
import { Crowd } from "./crowd.ts";
import { connectionsWithin, descriptorLimit } from "./descriptors.ts";
import { Gate } from "./gate.ts";
import { OverloadMonitor } from "./overload-monitor.ts";
import { processPressure } from "./pressure.ts";

export interface DoorOptions {
  readonly settings: GatewaySettings["gateway"];
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly events: EventSink;
  /** What NODE_OPTIONS says, which may hold the limit of the heap. */
  readonly nodeOptions: string | undefined;
}

/** Disposing of it ends the watching. */
export interface Door extends Disposable {
  readonly gate: Gate;
  readonly monitor: OverloadMonitor;
  /** The connections of all doors. */
  readonly crowd: Crowd;
  readonly timeouts: Timeouts;
}

/** Watches from here on. */
export function openDoor({ settings, clock, random, metrics, events, nodeOptions }: DoorOptions): Door {
  const { connections, connectionsPerAddress, requestsPerPrincipal, sessions, timeouts } = settings;
  const descriptors = descriptorLimit();
  const source = processPressure({ descriptors, nodeOptions });
  const monitor = new OverloadMonitor({ source, clock, events, metrics });
  const gate = new Gate({
    stage: monitor.stage,
    clock,
    random,
    metrics,
    sessionsPerSecond: sessions.perSecond,
    sessionsBurst: sessions.burst,
    requestsPerPrincipal,
  });
  return {
    gate,
    monitor,
    crowd: new Crowd({
      max: connectionsWithin(descriptors, connections),
      perAddressMax: connectionsPerAddress,
      gate,
      metrics,
    }),
    timeouts: {
      headersMs: durationMs(timeouts.headers),
      requestMs: durationMs(timeouts.request),
      idleMs: durationMs(timeouts.idle),
      stalledMs: durationMs(timeouts.stalled),
    },
    [Symbol.dispose]: () => monitor[Symbol.dispose](),
  };
}
