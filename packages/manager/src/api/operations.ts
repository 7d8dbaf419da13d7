/**
 * Every operation with its implementation: what a caller can ask of the manager, whichever door it comes through. Validation is
 * `@mcp-manager/api`'s, storage the registry's; this room decides what one request means.
 */
import type { OperationName, Override } from "@mcp-manager/api";
import { openApiDocument } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { EventStreams } from "../events/stream.ts";
import type { Informer } from "../registry/informer.ts";
import type { Registry } from "../registry/registry.ts";
import { apiKeyOperations } from "./operations/api-keys.ts";
import { dataPlaneOperations } from "./operations/data-plane.ts";
import { eventOperations } from "./operations/events.ts";
import { deploymentOperations } from "./operations/deployments.ts";
import type { ServerWrites } from "./operations/server-writes.ts";
import { serverOperations } from "./operations/servers.ts";
import type { ApiKeys, Authorizer, CompareCatalogues, LiveState, ProcessHealth, ReplicaLogs, Tools } from "./ports.ts";
import type { Implementation } from "./request.ts";

export interface OperationsOptions {
  readonly registry: Registry;
  /** Shared with whoever applies the configuration file, so that both go one way. */
  readonly writes: ServerWrites;
  readonly authorizer: Authorizer;
  readonly tools: Tools;
  readonly logs: ReplicaLogs;
  readonly live: LiveState;
  /** This instance's cache of decisions about breakers. */
  readonly overrides: Informer<Override>;
  readonly clock: Clock;
  readonly health: ProcessHealth;
  readonly apiKeys: ApiKeys;
  readonly compareCatalogues: CompareCatalogues;
  readonly streams: EventStreams;
}

/** The table of implementations; an operation without one does not compile. */
export type Operations = Readonly<Record<OperationName, Implementation>>;

/** Builds the table. */
export function createOperations(options: OperationsOptions): Operations {
  const document = openApiDocument(options.health.version);
  return {
    ...serverOperations(options),
    ...deploymentOperations(options),
    ...dataPlaneOperations(options),
    ...apiKeyOperations(options.apiKeys),
    ...eventOperations(options),
    getOpenApi: () => Promise.resolve({ kind: "json", status: 200, body: document }),
  };
}
