/** Composition of what lets callers in: the operations, REST, the listener, and the order in which they close. Decides nothing. */
import { durationMs } from "@mcp-manager/api";
import type { ConfigReload } from "../api/config-reload.ts";
import { createFront } from "../api/front.ts";
import { createOperations } from "../api/operations.ts";
import { ServerWrites } from "../api/operations/server-writes.ts";
import { createRest } from "../api/rest.ts";
import { compareRecords } from "../controller/gates.ts";
import { compareCatalogues } from "../controller/schema/compare.ts";
import { Listener } from "../gateway/listener.ts";
import { self } from "../protocol/self.ts";
import { KeyAuthenticator } from "../security/api-key.ts";
import { createHostOriginCheck } from "../security/host-origin.ts";
import { StoreWatch } from "../store/health.ts";
import { liveState } from "../upstream/live-state.ts";
import type { Control } from "./control.ts";
import type { DataPlane } from "./data-plane.ts";
import type { ManagerOptions } from "./options.ts";
import type { State } from "./state.ts";

/** What the doors lead to. */
export interface Parts {
  readonly state: State;
  readonly plane: DataPlane;
  readonly control: Control;
  readonly writes: ServerWrites;
  /** Undefined where there is no configuration file. */
  readonly reload: ConfigReload | undefined;
}

/** What lets callers in. */
export async function openDoors(
  options: ManagerOptions,
  { state, plane, control, writes, reload }: Parts,
  scope: AsyncDisposableStack,
): Promise<{ readonly url: string; hurry(): void }> {
  const { settings, clock, logger } = options;
  const { host, port, allowedHosts, allowedOrigins, gateway } = settings;
  const { registry, keys, metrics, audit, access } = state;
  const storeWatch = scope.use(new StoreWatch(state.store, clock));
  let notReady: string | undefined;
  const operations = createOperations({
    registry,
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
  });
  const rest = createRest({
    operations,
    authorizer: access,
    clock,
    audit,
    onFailure: (operation, error) => logger.error("an operation failed", { operation, error }),
  });
  const probes = { notReady: () => notReady, metrics: () => metrics.text() };
  const listener = new Listener({
    host,
    port,
    endpoint: plane.endpoint,
    other: createFront({ rest, probes, authorizer: access }),
    authenticator: scope.use(new KeyAuthenticator(keys.table, clock)),
    hostOrigin: createHostOriginCheck({ host, allowedHosts, allowedOrigins }),
    gate: plane.door.gate,
    connections: plane.door.connections,
    timeouts: plane.door.timeouts,
    clock,
    metrics,
    audit,
  });
  const bound = await listener.listen();
  const hurried = new AbortController();
  scope.defer(async () => {
    notReady = "it is being stopped";
    plane.door.gate.stop();
    // Cut short, it is over all the same.
    await clock.sleep(durationMs(gateway.readinessDelay), hurried.signal).catch(() => undefined);
    const expiry = clock.after(durationMs(gateway.drainTimeout), () => hurried.abort());
    await listener.close(hurried.signal);
    expiry.cancel();
  });
  return { url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`, hurry: () => hurried.abort() };
}
