/** Composition of what serves calls: sessions, subscriptions, the endpoint, on their ground and with their lists. Decides nothing. */
import { type Principal, durationMs, sizeBytes } from "@mcp-manager/api";
import type { AgentOptions } from "../agent/agent.ts";
import { CallMetrics } from "../gateway/calls/call-metrics.ts";
import { CallSamples } from "../gateway/calls/call-samples.ts";
import { Catalog } from "../gateway/lists/catalog.ts";
import { DirectTools } from "../gateway/calls/direct.ts";
import { PendingCounts } from "../gateway/calls/pending-work.ts";
import { CallMeasures } from "../gateway/calls/revision-measures.ts";
import type { MeasureSource } from "../telemetry/revision-measures.ts";
import { sessionScope } from "../gateway/calls/call-lease.ts";
import { type Door, openDoor } from "../gateway/door/door.ts";
import { McpEndpoint } from "../gateway/endpoint.ts";
import { Introduction } from "../gateway/introduction/introduction.ts";
import { ScopedLists } from "../gateway/lists/scoped-lists.ts";
import { ParkedCalls } from "../gateway/asking/parked-calls.ts";
import { renewedHeaders } from "../gateway/routing/renewed-headers.ts";
import { RequestStates } from "../gateway/asking/request-state.ts";
import { Previews } from "../gateway/routing/previews.ts";
import { Router } from "../gateway/routing/route.ts";
import { followPins, servedBy } from "../gateway/sessions/pins.ts";
import { Sessions } from "../gateway/sessions/session.ts";
import { Subscriptions } from "../gateway/subscriptions/subscriptions.ts";
import { OpenTasks } from "../gateway/tasks/open-tasks.ts";
import { TaskIds } from "../gateway/tasks/task-ids.ts";
import { Tasks } from "../gateway/tasks/tasks.ts";
import { self } from "../protocol/self.ts";
import { isVouchedFor } from "../security/api-key.ts";
import type { ManagerOptions } from "./options.ts";
import type { State } from "./state.ts";
import { type Ground, openGround } from "./ground.ts";
import { openLists } from "./lists.ts";

/** How long the endpoint of a starting server waits for the server's own words. */
const introductionWaitMs = 2_000;
/** Most characters of merged instructions: they end up in a model's context. */
const instructionsMax = 16_384;

/** What serves calls, as far as others need it. */
export interface DataPlane extends Omit<Ground, "waking"> {
  readonly door: Door;
  readonly useOf: AgentOptions["useOf"];
  /** Calls in flight to a server and waiting for it. */
  readonly callsOf: (server: string) => number;
  /** How revisions fare beside each other, and what each still has to finish. */
  readonly measures: MeasureSource;
  readonly catalog: Catalog;
  readonly endpoint: McpEndpoint;
  readonly tools: DirectTools;
}

/** What serves calls. It reads the routing table and the ready replicas, and needs nothing else to go on. */
export function openDataPlane(options: ManagerOptions, state: State, scope: AsyncDisposableStack): DataPlane {
  const { clock, random, settings } = options;
  const { gateway } = settings;
  const nodeOptions = options.env["NODE_OPTIONS"];
  const { audit, sealer } = state;
  const { metrics: meters, events } = state;
  const door = scope.use(openDoor({ settings: gateway, clock, random, metrics: meters, events, nodeOptions }));
  const ground = openGround(options, state, scope);
  const { wheel, table, upstreams, guards, waking } = ground;
  const { access } = state;
  const maySee = (who: Principal, server: string, tool?: string): boolean => access.may(who, "list", server, tool);
  const mayCall = (who: Principal, server: string, tool?: string): boolean => access.may(who, "call", server, tool);
  const { catalog, lists } = openLists(options, state, { ...ground, maySee }, scope);
  const metrics = new CallMetrics(state.metrics);
  scope.use(new CallSamples({ metrics, events, clock }));
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
  const pending = new PendingCounts({ upstreams, guards, sessions, tasks: openTasks, subscriptions });
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
    introduction: scope.use(
      new Introduction({
        table,
        upstreams,
        maySee,
        clock,
        version: self.version,
        waitMs: introductionWaitMs,
        instructionsMax,
      }),
    ),
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
  return { ...ground, door, useOf, callsOf, measures, catalog, endpoint, tools };
}
