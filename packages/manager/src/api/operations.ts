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
import { configOperations } from "./operations/config-diff.ts";
import type { Secrets } from "../security/secrets.ts";
import { deadLetterOperations } from "./operations/dead-letters.ts";
import { dataPlaneOperations } from "./operations/data-plane.ts";
import { eventOperations } from "./operations/events.ts";
import { deploymentOperations } from "./operations/deployments.ts";
import { importOperation } from "./operations/import.ts";
import { secretOperations } from "./operations/secrets.ts";
import type { ServerWrites } from "./operations/server-writes.ts";
import { serverOperations } from "./operations/servers.ts";
import { webhookOperations } from "./operations/webhooks.ts";
import type {
  ApiKeys,
  Authorizer,
  CompareCatalogues,
  LiveState,
  ProcessHealth,
  ReadImport,
  ReplicaLogs,
  Routed,
  Tools,
  DeadLetters,
  Replays,
  Webhooks,
  ConfigText,
} from "./ports.ts";
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
  readonly secrets: Secrets;
  readonly readImport: ReadImport;
  readonly webhooks: Webhooks;
  readonly deadLetters: DeadLetters;
  readonly replays: Replays;
  readonly compareCatalogues: CompareCatalogues;
  readonly routed: Routed;
  readonly streams: EventStreams;
  readonly configText: ConfigText;
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
    ...configOperations(options),
    ...apiKeyOperations(options.apiKeys),
    ...eventOperations(options),
    ...secretOperations(options),
    importConfig: importOperation(options),
    ...webhookOperations(options),
    ...deadLetterOperations(options),
    getOpenApi: () => Promise.resolve({ kind: "json", status: 200, body: document }),
  };
}
