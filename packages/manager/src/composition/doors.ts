/** Composition of what lets callers in: the operations, REST, gRPC, the listeners, and the order in which they close. Decides nothing. */
import { durationMs } from "@mcp-manager/api";
import type { ConfigReload } from "../api/config-reload.ts";
import { createFront } from "../api/front.ts";
import { createOperations } from "../api/operations.ts";
import { viewFor } from "../api/operations/events.ts";
import { ServerWrites } from "../api/operations/server-writes.ts";
import type { PerformOptions } from "../api/perform.ts";
import { createRest } from "../api/rest.ts";
import { WatchedValue } from "../base/watched.ts";
import { readImport } from "../config/import.ts";
import { compareRecords } from "../controller/gates.ts";
import { compareCatalogues } from "../controller/schema/compare.ts";
import { BusStreams } from "../events/bus-streams.ts";
import { Listener } from "../gateway/listener.ts";
import { routedBy } from "../gateway/routing/routed.ts";
import { self } from "../protocol/self.ts";
import { isVouchedFor, KeyAuthenticator } from "../security/api-key.ts";
import { createHostOriginCheck } from "../security/host-origin.ts";
import { StoreWatch } from "../store/health.ts";
import { liveState } from "../upstream/live-state.ts";
import type { Control } from "./control.ts";
import type { DataPlane } from "./data-plane.ts";
import { type GrpcDoor, openGrpc } from "./grpc.ts";
import type { Deliveries } from "./delivery.ts";
import type { ManagerOptions } from "./options.ts";
import type { State } from "./state.ts";

/** What the doors lead to. */
export interface Parts {
  readonly state: State;
  readonly plane: DataPlane;
  readonly control: Control;
  readonly delivery: Deliveries;
  readonly writes: ServerWrites;
  /** Undefined where there is no configuration file. */
  readonly reload: ConfigReload | undefined;
}

/** What lets callers in. */
export async function openDoors(
  options: ManagerOptions,
  { state, plane, control, delivery, writes, reload }: Parts,
  scope: AsyncDisposableStack,
): Promise<{ readonly url: string; readonly grpcUrl: string | undefined; hurry(): void }> {
  const { settings, clock, logger } = options;
  const { host, port, allowedHosts, allowedOrigins, gateway } = settings;
  const { registry, keys, metrics, audit, access } = state;
  const storeWatch = scope.use(new StoreWatch(state.store, clock));
  const readiness = new WatchedValue<string | undefined>(undefined);
  const streams = scope.use(new BusStreams({ bus: state.events, registry, clock, leastView: viewFor([]) }));
  const operations = createOperations({
    registry,
    streams,
    writes,
    authorizer: access,
    tools: plane.tools,
    logs: control.logs,
    live: {
      ...liveState(plane.upstreams, plane.guards),
      events: (server, count) => state.events.recent(server, count),
    },
    overrides: state.overrides,
    clock,
    routed: routedBy(registry, plane.table, clock),
    compareCatalogues: (from, to) => compareRecords(compareCatalogues, from, to),
    health: {
      version: self.version,
      startedAt: new Date(clock.wallMs()).toISOString(),
      store: () => storeWatch.state,
      overload: () => plane.door.monitor.state,
      config: () => reload?.state,
    },
    apiKeys: keys,
    configText: {
      file: options.source.file?.path,
      parse: (text, filename, signal) => options.source.parse(text, filename, signal),
    },
    secrets: state.secrets,
    readImport,
    webhooks: delivery.webhooks,
    deadLetters: delivery.deadLetters,
    replays: delivery.replays,
  });
  const performing: PerformOptions = {
    operations,
    authorizer: access,
    audit,
    vouching: { clock, isGood: (who) => isVouchedFor(keys.table.current, who, clock.wallMs()) },
    onFailure: (operation, error) => logger.error("an operation failed", { operation, error }),
  };
  const rest = createRest({ ...performing, clock });
  const authenticator = scope.use(new KeyAuthenticator(keys.table, clock));
  const probes = { notReady: () => readiness.current, metrics: () => metrics.text() };
  const listener = new Listener({
    host,
    port,
    endpoint: plane.endpoint,
    other: createFront({ rest, probes, authorizer: access }),
    authenticator,
    hostOrigin: createHostOriginCheck({ host, allowedHosts, allowedOrigins }),
    gate: plane.door.gate,
    crowd: plane.door.crowd,
    timeouts: plane.door.timeouts,
    clock,
    audit,
  });
  const bound = await listener.listen();
  const hurried = new AbortController();
  let grpc: GrpcDoor | undefined;
  scope.defer(async () => {
    readiness.replace("it is being stopped");
    plane.door.gate.stop();
    // Cut short, it is over all the same.
    await clock.sleep(durationMs(gateway.readinessDelay), hurried.signal).catch(() => undefined);
    const expiry = clock.after(durationMs(gateway.drainTimeout), () => hurried.abort());
    // They end with their readers only, which nobody waits for.
    streams[Symbol.dispose]();
    await Promise.all([listener.close(hurried.signal), grpc?.close(hurried.signal)]);
    expiry.cancel();
  });
  grpc = await openGrpc(options, plane.door, { ...performing, audit, authenticator, readiness });
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    grpcUrl: grpc?.url,
    hurry: () => hurried.abort(),
  };
}
