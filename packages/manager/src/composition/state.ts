/** Composition of what is kept: the store and the registry over it, keys, the seal, audit, metrics, events. Decides nothing. */
import { join } from "node:path";
import {
  type Deployment,
  type Override,
  type Replica,
  type Revision,
  type Server,
  ManagerError,
  sizeBytes,
} from "@mcp-manager/api";
import { makeDirectory } from "../base/directory.ts";
import { EventBus } from "../events/bus.ts";
import { Denials } from "../events/denials.ts";
import { logEvents } from "../events/event-log.ts";
import { StoreEvents } from "../events/store-events.ts";
import type { Informer } from "../registry/informer.ts";
import { type CatalogueRecord, kinds } from "../registry/kinds.ts";
import { Registry } from "../registry/registry.ts";
import { type AdminKey, loadAdminKey } from "../security/admin-key.ts";
import { type Access, createAccess } from "../security/rbac.ts";
import { createSealer, loadSealKeys, type Sealer } from "../security/seal.ts";
import { StoredKeys } from "../security/stored-keys.ts";
import { builtinStores } from "../store/open.ts";
import type { Store } from "../store/store.ts";
import { type Audit, noAudit, openAudit, withDenials } from "../telemetry/audit.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { collectProcessMetrics } from "../telemetry/process-metrics.ts";
import type { ManagerOptions } from "./options.ts";

/** What is kept, and what everything else is told by. */
export interface State {
  readonly store: Store;
  readonly registry: Registry;
  readonly servers: Informer<Server>;
  readonly revisions: Informer<Revision>;
  readonly deployments: Informer<Deployment>;
  readonly catalogues: Informer<CatalogueRecord>;
  readonly replicas: Informer<Replica>;
  readonly overrides: Informer<Override>;
  readonly adminKey: AdminKey;
  readonly keys: StoredKeys;
  readonly sealer: Sealer;
  readonly access: Access;
  readonly audit: Audit;
  readonly metrics: Metrics;
  readonly events: EventBus;
}

/** What is kept: the store, whose lock makes the data directory ours, comes before anything else that writes there. */
export async function openState(options: ManagerOptions, scope: AsyncDisposableStack): Promise<State> {
  const { settings, clock, random, logger, onFatal } = options;
  const { data: dataDir, audit: auditing } = settings;
  await makeDirectory(dataDir).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `the data directory ${dataDir} cannot be made (${why}): choose another with --data`;
    throw new ManagerError("failed_precondition", message, { reason: "NO_DATA_DIRECTORY", cause });
  });
  const bytesMax = sizeBytes(settings.store.maxSize);
  const store = await builtinStores[settings.store.kind]({ directory: dataDir, clock, random, bytesMax, onFatal });
  scope.defer(() => store.close());
  const metrics = new Metrics();
  scope.use(collectProcessMetrics(metrics));
  const published = metrics.counter("mcp_manager_events_total", "Events by topic.", ["topic"]);
  const events = new EventBus({ clock, onPublished: (topic) => published.child([topic]).inc() });
  scope.use(logEvents(events, logger));
  const adminKey = await loadAdminKey({ dataDir, given: options.adminKey, random });
  if (adminKey.warning !== undefined) logger.warn(adminKey.warning);
  const sealer = createSealer(await loadSealKeys(dataDir, random), clock, random);
  const auditPath = join(dataDir, "audit", "audit.jsonl");
  const fileBytesMax = sizeBytes(auditing.fileSize);
  const file = auditing.enabled
    ? await openAudit({ path: auditPath, clock, logger, fileBytesMax, filesMax: auditing.files })
    : noAudit;
  const denials = new Denials(events, clock);
  const audit = scope.use(withDenials(file, (entry) => denials.denied(entry)));
  const registry = new Registry({ store, clock, random });
  const onError = (error: ManagerError): void => logger.warn("the registry's cache has trouble", { error });
  const storeEvents = scope.use(new StoreEvents({ registry, bus: events, clock, random, onError }));
  await storeEvents.start();
  const keys = scope.use(new StoredKeys({ registry, random, admin: adminKey.entry, onError }));
  const servers = scope.use(registry.informer(kinds.Server, { onError }));
  const revisions = scope.use(registry.informer(kinds.Revision, { onError }));
  const deployments = scope.use(registry.informer(kinds.Deployment, { onError }));
  const catalogues = scope.use(registry.informer(kinds.Catalogue, { onError }));
  const replicas = scope.use(registry.informer(kinds.Replica, { onError }));
  const overrides = scope.use(registry.informer(kinds.Override, { onError }));
  const informers = [servers, revisions, deployments, catalogues, replicas, overrides];
  for (const informer of informers) informer.start();
  await Promise.all([keys.start(), ...informers.map(({ synced }) => synced)]);
  return {
    store,
    registry,
    servers,
    revisions,
    deployments,
    catalogues,
    replicas,
    overrides,
    adminKey,
    keys,
    sealer,
    access: createAccess(),
    audit,
    metrics,
    events,
  };
}
