/**
 * The composition: the one file that names implementations. Builds the rooms in the order in which they need each other, puts each
 * on the stack that ends them in reverse, and lets traffic in last. It decides nothing.
 *
 *   state: store ─ registry ─ keys ─┬─ data plane: table ─ catalog ─ sessions ─ endpoint
 *                                   ├─ control: runtimes ─ agent ─ controller
 *                                   └─ doors: operations ─ REST ─ listener
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { BreakerState, Deployment, Override, Principal, Replica, Revision, Server } from "@mcp-manager/api";
import { durationMs, ManagerError, sizeBytes } from "@mcp-manager/api";
import { Agent, type AgentOptions } from "./agent/agent.ts";
import { ReplicaLogs } from "./agent/logs.ts";
import { countProbes } from "./agent/probe-metrics.ts";
import { createOpener } from "./agent/opener.ts";
import { type Admission, admitConfigured, type ConfiguredServer } from "./api/configured.ts";
import { createFront } from "./api/front.ts";
import { createOperations } from "./api/operations.ts";
import { ServerWrites } from "./api/operations/server-writes.ts";
import { createRest } from "./api/rest.ts";
import type { Clock } from "./base/clock.ts";
import { makeDirectory } from "./base/directory.ts";
import type { Random } from "./base/random.ts";
import { TimerWheel } from "./base/timer-wheel.ts";
import type { Settings } from "./config/settings.ts";
import { Controller } from "./controller/controller.ts";
import { compareRecords } from "./controller/gate.ts";
import type { Capacity } from "./controller/rollout/capacity.ts";
import { compareCatalogues } from "./controller/schema/compare.ts";
import { collectDeploymentMetrics } from "./controller/deployment-metrics.ts";
import { collectStateMetrics } from "./controller/state-metrics.ts";
import { EventBus } from "./events/bus.ts";
import { logEvents } from "./events/event-log.ts";
import { CallMetrics } from "./gateway/calls/call-metrics.ts";
import { Catalog, type CatalogOptions } from "./gateway/lists/catalog.ts";
import { ListDrift } from "./gateway/lists/list-drift.ts";
import { CollisionLog } from "./gateway/lists/collision-log.ts";
import { DirectTools } from "./gateway/calls/direct.ts";
import { PendingCounts } from "./gateway/calls/pending-work.ts";
import { CallMeasures, type MeasureSource } from "./gateway/calls/revision-measures.ts";
import { sessionScope } from "./gateway/calls/call-lease.ts";
import { WakingCalls } from "./gateway/calls/waking.ts";
import { type Door, openDoor } from "./gateway/door/door.ts";
import { McpEndpoint } from "./gateway/endpoint.ts";
import { followOverrides } from "./gateway/routing/follow-overrides.ts";
import { followServers } from "./gateway/routing/follow-servers.ts";
import { Introduction } from "./gateway/introduction/introduction.ts";
import { Listener } from "./gateway/listener.ts";
import { MergedLists } from "./gateway/lists/merged-list.ts";
import { ScopedLists } from "./gateway/lists/scoped-lists.ts";
import { ParkedCalls } from "./gateway/asking/parked-calls.ts";
import { renewedHeaders } from "./gateway/routing/renewed-headers.ts";
import { RequestStates } from "./gateway/asking/request-state.ts";
import { Previews } from "./gateway/routing/previews.ts";
import { Router } from "./gateway/routing/route.ts";
import type { Trouble } from "./gateway/routing/routing-table.ts";
import { followPins, servedBy } from "./gateway/sessions/pins.ts";
import { Sessions } from "./gateway/sessions/session.ts";
import { Subscriptions } from "./gateway/subscriptions/subscriptions.ts";
import { OpenTasks } from "./gateway/tasks/open-tasks.ts";
import { TaskIds } from "./gateway/tasks/task-ids.ts";
import { Tasks } from "./gateway/tasks/tasks.ts";
import { self } from "./protocol/self.ts";
import type { Informer } from "./registry/informer.ts";
import { type CatalogueRecord, kinds } from "./registry/kinds.ts";
import { Registry } from "./registry/registry.ts";
import { ServerGuard } from "./resilience/server-guard.ts";
import { removeHome, retainHomes } from "./runtime/homes.ts";
import { createRuntimes } from "./runtime/runtimes.ts";
import { type AdminKey, loadAdminKey } from "./security/admin-key.ts";
import { isVouchedFor, KeyAuthenticator } from "./security/api-key.ts";
import { createHostOriginCheck } from "./security/host-origin.ts";
import { type Access, createAccess } from "./security/rbac.ts";
import { createRedact, redact } from "./security/redact.ts";
import { readSecretFile, resolveReferences } from "./security/references.ts";
import { createSealer, loadSealKeys, type Sealer } from "./security/seal.ts";
import { StoredKeys } from "./security/stored-keys.ts";
import { StoreWatch } from "./store/health.ts";
import { builtinStores } from "./store/open.ts";
import type { Store } from "./store/store.ts";
import { type Audit, noAudit, openAudit } from "./telemetry/audit.ts";
import type { Logger } from "./telemetry/logger.ts";
import { Metrics } from "./telemetry/metrics.ts";
import { collectProcessMetrics } from "./telemetry/process-metrics.ts";
import { collectGuardMetrics } from "./upstream/guard-metrics.ts";
import { Guards } from "./upstream/guards.ts";
import { IdleServers } from "./upstream/idle-servers.ts";
import { liveState } from "./upstream/live-state.ts";
import { collectUpstreamMetrics } from "./upstream/upstream-metrics.ts";
import { UpstreamSet } from "./upstream/upstream-set.ts";

export interface ManagerOptions {
  readonly settings: Settings;
  /** Servers to admit before traffic is let in. */
  readonly servers: readonly ConfiguredServer[];
  /** The admin key, when the environment gives one. */
  readonly adminKey: string | undefined;
  /** The environment: what references and processes may see of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Hears of what the manager cannot go on after. */
  readonly onFatal: (error: Error) => void;
}

/** A manager that takes traffic. Disposing of it lets calls in flight end, then ends everything. */
export interface RunningManager extends AsyncDisposable {
  /** Where it listens: `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly adminKey: AdminKey;
  /** What became of the configured servers. */
  readonly admissions: readonly Admission[];
  /** Cuts the ending short: what is in flight is given up. */
  hurry(): void;
}

/** The name of this instance in Replica records; on an embedded store there is one. */
const node = "local";
/** How long the endpoint of a starting server waits for the server's own words. */
const introductionWaitMs = 2_000;
/** Most characters of merged instructions: they end up in a model's context. */
const instructionsMax = 16_384;
/** Most of a start is waiting, for a process to load or a remote server to answer. */
const startsMin = 4;
/** After the calls of clients have ended, what is still in flight is the manager's own. */
const agentGraceMs = 1_000;

/** Builds and starts a manager. Rejects with ManagerError when it cannot run; nothing is left then. */
export async function createManager(options: ManagerOptions): Promise<RunningManager> {
  await using scope = new AsyncDisposableStack();
  const state = await openState(options, scope);
  const plane = openDataPlane(options, state, scope);
  const control = await openControl(options, state, plane, scope);
  const writes = new ServerWrites(state.registry);
  const admissions = await admitConfigured(state.registry, writes, options.servers);
  const doors = await openDoors(options, { state, plane, control, writes }, scope);
  const owned = scope.move();
  return {
    url: doors.url,
    adminKey: state.adminKey,
    admissions,
    hurry: doors.hurry,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface State {
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
async function openState(options: ManagerOptions, scope: AsyncDisposableStack): Promise<State> {
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
  const audit = auditing.enabled
    ? await openAudit({ path: auditPath, clock, logger, fileBytesMax, filesMax: auditing.files })
    : noAudit;
  scope.use(audit);
  const registry = new Registry({ store, clock, random });
  const onError = (error: ManagerError): void => logger.warn("the registry's cache has trouble", { error });
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

interface DataPlane {
  readonly door: Door;
  readonly upstreams: UpstreamSet;
  readonly guards: Guards;
  readonly idle: IdleServers;
  readonly wheel: TimerWheel;
  readonly useOf: AgentOptions["useOf"];
  /** Calls in flight to a server and waiting for it. */
  readonly callsOf: (server: string) => number;
  /** How revisions fare beside each other, and what each still has to finish. */
  readonly measures: MeasureSource;
  readonly catalog: Catalog;
  readonly endpoint: McpEndpoint;
  readonly tools: DirectTools;
  readonly table: ReturnType<typeof followServers>;
}

/** What serves calls. It reads the routing table and the ready replicas, and needs nothing else to go on. */
function openDataPlane(options: ManagerOptions, state: State, scope: AsyncDisposableStack): DataPlane {
  const { clock, random, settings } = options;
  const { gateway } = settings;
  const nodeOptions = options.env["NODE_OPTIONS"];
  const { audit, sealer } = state;
  const { metrics: meters, events } = state;
  const door = scope.use(openDoor({ settings: gateway, clock, random, metrics: meters, events, nodeOptions }));
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
  const { access } = state;
  const maySee = (who: Principal, server: string, tool?: string): boolean => access.may(who, "list", server, tool);
  const mayCall = (who: Principal, server: string, tool?: string): boolean => access.may(who, "call", server, tool);
  const troubleOf = (server: string): Trouble | undefined => table.current.servers.get(server)?.trouble;
  const listDeadlineMs = durationMs(gateway.listDeadline);
  const { logger } = options;
  const onDropped: CatalogOptions["onDropped"] = (server, list, dropped) =>
    logger.warn("items of a server's list are not shown", { server, list, ...dropped });
  const attempted: CatalogOptions["attempted"] = (server, ...how) => guards.of(server)?.attempted(...how);
  const isHeldOff: CatalogOptions["isHeldOff"] = (server, replica) => guards.of(server)?.isHeldOff(replica) === true;
  const drift = new ListDrift({ clock, events });
  const onListed: CatalogOptions["onListed"] = (listed) => drift.listed(listed);
  const hearing = { attempted, isHeldOff, onDropped, onListed };
  const catalog = scope.use(new Catalog({ upstreams, clock, wheel, listDeadlineMs, troubleOf, ...hearing }));
  catalog.follow(table.current.servers);
  table.onChange(({ servers }) => {
    catalog.follow(servers);
    drift.retain(servers);
  });
  scope.use(new CollisionLog({ table, catalog, logger }));
  const lists = new MergedLists({
    catalog,
    table,
    maySee,
    clock,
    sealer,
    rightsOf: (who) => who.roles.join(","),
    seenByAll: () => access.showsAllToAll,
  });
  const metrics = new CallMetrics(state.metrics);
  const measured = new CallMeasures();
  scope.defer(measured.follow(table));
  const idleMs = durationMs(gateway.sessions.idle);
  const isGood = (who: Principal): boolean => isVouchedFor(state.keys.table.current, who, clock.wallMs());
  const sessionsMax = gateway.sessions.max;
  const serves = servedBy(table);
  const onPinned = (server: string, revision: string): void => measured.began(server, revision);
  const sessions = scope.use(
    new Sessions({ sealer, clock, random, idleMs, sessionsMax, metrics: meters, isGood, serves, onPinned }),
  );
  scope.defer(followPins(table, sessions, maySee));
  scope.defer(state.keys.table.onChange(() => sessions.review()));
  sessions.onGone(({ id }) => {
    for (const { leases } of upstreams.all()) leases?.endScope(sessionScope(id));
  });
  const router = new Router({ table, lists, catalog, mayCall });
  const hub = { upstreams, catalog, table, sessions, maySee, mayCall, clock, wheel, random, isGood };
  const subscriptions = scope.use(new Subscriptions(hub));
  const passage = { table, upstreams, guards, waking, clock, random };
  const openTasks = new OpenTasks(clock);
  const pending = new PendingCounts({ upstreams, sessions, tasks: openTasks, subscriptions });
  const measures: MeasureSource = {
    of: (server, revision) => measured.of(server, revision),
    reset: (server) => measured.reset(server),
    pending: (server, revision) => pending.of(server, revision),
  };
  const endpoint = new McpEndpoint({
    ...passage,
    wheel,
    metrics,
    measures: measured,
    audit,
    sessions,
    lists,
    scopedLists: new ScopedLists({ table, upstreams, clock, wheel }),
    catalog,
    router,
    previews: new Previews({ table, upstreams, maySee }),
    tasks: new Tasks({ ids: new TaskIds(sealer, clock), open: openTasks, table, mayCall }),
    subscriptions,
    gate: door.gate,
    introduction: new Introduction({
      table,
      upstreams,
      maySee,
      clock,
      version: self.version,
      waitMs: introductionWaitMs,
      instructionsMax,
    }),
    states: new RequestStates(sealer, clock),
    parked: scope.use(new ParkedCalls({ wheel, clock, random, metrics: state.metrics })),
    renewedHeaders: renewedHeaders(catalog),
    listsUri: (server, uri, revision) => catalog.has(server, "resources", uri, revision) === true,
    bodyBytesMax: sizeBytes(gateway.bodySize),
  });
  const tools = new DirectTools({ ...passage, catalog, metrics, measures: measured, mayCall, maySee, wheel });
  const callsOf = (server: string): number => {
    const load = guards.of(server)?.load;
    return load === undefined ? 0 : load.inFlight + load.waiting;
  };
  const useOf: DataPlane["useOf"] = (server) => {
    const waiting = callsOf(server) + subscriptions.wantedOf(server);
    return { pending: waiting, entered: guards.of(server)?.entered ?? 0 };
  };
  return { door, upstreams, guards, idle, useOf, callsOf, measures, wheel, catalog, endpoint, tools, table };
}

interface Control {
  readonly logs: ReplicaLogs;
}

/** What decides which replicas there are, and what runs them here. What an earlier life left running is ended first. */
async function openControl(
  options: ManagerOptions,
  state: State,
  plane: DataPlane,
  scope: AsyncDisposableStack,
): Promise<Control> {
  const { settings, env, clock, random, logger } = options;
  const { registry, servers, revisions, deployments, replicas, events } = state;
  const { data: dataDir, sandbox } = settings;
  const runtimes = createRuntimes({ dataDir, clock, random, baseEnv: env, sandbox });
  const swept = await runtimes.process.sweep();
  if (swept > 0) logger.warn("ended processes that an earlier manager left running", { count: swept });
  const configured = options.servers.map(({ draft }) => draft.name);
  await retainHomes(dataDir, new Set([...configured, ...servers.list().map(({ metadata }) => metadata.name)]));
  scope.defer(servers.onChange((name, server) => void (server === undefined && removeHome(dataDir, name))));
  const logs = new ReplicaLogs({ clock, redact });
  const sources = { env: (name: string): string | undefined => env[name], file: readSecretFile };
  const open = createOpener({
    runtimes,
    clock,
    random,
    resolve: (values, where) => resolveReferences(values, where, sources),
    redactor: createRedact,
  });
  const agent = new Agent({
    registry,
    servers,
    revisions,
    replicas,
    node,
    open,
    upstreams: plane.upstreams,
    logs,
    startsMax: settings.agent.startConcurrency || Math.max(startsMin, availableParallelism()),
    graceMs: agentGraceMs,
    spares: settings.agent.spares,
    sparesMax: settings.agent.sparesMax,
    wheel: plane.wheel,
    idle: plane.idle,
    useOf: plane.useOf,
    events,
    probed: countProbes(state.metrics),
    clock,
    random,
    logger,
  });
  scope.use(agent);
  await agent.start();
  const toolCount = (server: string): number | undefined => plane.tools.count(server);
  const breakerOf = (server: string): BreakerState | undefined => plane.guards.of(server)?.breaker;
  const controller = scope.use(
    new Controller({
      registry,
      servers,
      revisions,
      deployments: state.deployments,
      catalogues: state.catalogues,
      replicas,
      node,
      measures: plane.measures,
      compareTexts: compareCatalogues,
      capacity: capacityOf(settings.capacity),
      toolCount,
      breakerOf,
      callsOf: (server) => plane.callsOf(server),
      events,
      clock,
      random,
      logger,
    }),
  );
  scope.defer(plane.catalog.onChange((server) => controller.look(server)));
  scope.defer(plane.guards.onChange((server) => controller.look(server)));
  scope.defer(collectStateMetrics(state.metrics, servers, replicas));
  collectDeploymentMetrics(state.metrics, servers, deployments);
  return { logs };
}

/** What deployments may take of this instance; a bound of 0 is none. */
function capacityOf({ replicas, processes, memory }: Settings["capacity"]): Capacity {
  const memoryBytes = sizeBytes(memory);
  return {
    ...(replicas === 0 ? {} : { replicas }),
    ...(processes === 0 ? {} : { processes }),
    ...(memoryBytes === 0 ? {} : { memoryBytes }),
  };
}

interface Parts {
  readonly state: State;
  readonly plane: DataPlane;
  readonly control: Control;
  readonly writes: ServerWrites;
}

/** What lets callers in. */
async function openDoors(
  options: ManagerOptions,
  { state, plane, control, writes }: Parts,
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
    },
    apiKeys: keys,
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
