/**
 * The whole data plane on a real socket, for tests: listener, endpoint and all that is behind them, over scripted servers. Time
 * stands still unless the test moves it, or asks for the real clock.
 */
import type { Route, Server, ServerInput, ServerState } from "@mcp-manager/api";
import { parseServer, pendingServerStatus } from "@mcp-manager/api";
import { type Clock, ManualClock, systemClock } from "../../base/clock.ts";
import { seededRandom } from "../../base/random.ts";
import { TimerWheel } from "../../base/timer-wheel.ts";
import { WatchedValue } from "../../base/watched.ts";
import type { Era } from "../../protocol/era.ts";
import type { Stage } from "../../resilience/overload.ts";
import { ServerGuard } from "../../resilience/server-guard.ts";
import type { Authenticator } from "../../security/authenticator.ts";
import { createHostOriginCheck } from "../../security/host-origin.ts";
import { createPrincipal, type Principal } from "../../security/principal.ts";
import { createAccess, type Roles } from "../../security/rbac.ts";
import { createSealer, toSealKey } from "../../security/seal.ts";
import type { AuditEntry } from "../../telemetry/audit.ts";
import { Metrics } from "../../telemetry/metrics.ts";
import { Guards } from "../../upstream/guards.ts";
import { IdleServers } from "../../upstream/idle-servers.ts";
import { UpstreamSet } from "../../upstream/upstream-set.ts";
import { CallMetrics } from "../calls/call-metrics.ts";
import { OpenWork } from "../calls/open-work.ts";
import { PendingCounts } from "../calls/pending-work.ts";
import { CallMeasures } from "../calls/revision-measures.ts";
import { WakingCalls } from "../calls/waking.ts";
import { Catalog } from "../lists/catalog.ts";
import { DirectTools } from "../calls/direct.ts";
import { McpEndpoint } from "../endpoint.ts";
import { Introduction } from "../introduction/introduction.ts";
import { Crowd } from "../door/crowd.ts";
import { Gate, type GateOptions } from "../door/gate.ts";
import { Listener, type ListenerOptions, type Timeouts } from "../listener.ts";
import { MergedLists } from "../lists/merged-list.ts";
import { ScopedLists } from "../lists/scoped-lists.ts";
import { renewedHeaders } from "../routing/renewed-headers.ts";
import { ParkedCalls } from "../asking/parked-calls.ts";
import { RequestStates } from "../asking/request-state.ts";
import { Previews } from "../routing/previews.ts";
import { Router } from "../routing/route.ts";
import { buildRoutingTable, emptyTable, type Trouble } from "../routing/routing-table.ts";
import { followPins, servedBy } from "../sessions/pins.ts";
import { Sessions } from "../sessions/session.ts";
import { Subscriptions } from "../subscriptions/subscriptions.ts";
import { TaskIds } from "../tasks/task-ids.ts";
import { Tasks } from "../tasks/tasks.ts";
import { Peer } from "./peer.ts";
import { ScriptedConnection, type ScriptedOptions } from "./scripted-connection.ts";

/** Both eras, for tests that hold in each. */
export const eras: readonly Era[] = ["legacy", "modern"];

/** A peer of an era, ready to call. */
export async function peerOf(era: Era, gateway: TestGateway): Promise<Peer> {
  const peer = new Peer(gateway.url);
  if (era === "legacy") await peer.initialize();
  return peer;
}

export interface GatewayOptions {
  /** Default: the real clock. */
  readonly clock?: Clock;
  readonly sessionsMax?: number;
  readonly bodyBytesMax?: number;
  readonly listDeadlineMs?: number;
  readonly introductionWaitMs?: number;
  readonly roles?: Roles;
  /** Default 1,000. */
  readonly connectionsMax?: number;
  readonly perAddressMax?: number;
  readonly timeouts?: Partial<Timeouts>;
  /** What the gate is given beside the clock. Default: more than any test wants. */
  readonly limits?: Partial<Pick<GateOptions, "sessionsPerSecond" | "sessionsBurst" | "requestsPerPrincipal">>;
}

/** A Server resource with a status, as the registry would hold it. `createdAt` follows the order of the calls. */
export function serverResource(
  name: string,
  spec: Partial<ServerInput["spec"]> = {},
  state: ServerState = "ready",
  failure?: string,
): Server {
  const input = { metadata: { name }, spec: { source: { kind: "process", command: "server" }, ...spec } };
  const draft = parseServer(input);
  const number = ++made;
  const createdAt = new Date(1_700_000_000_000 + number * 1_000).toISOString();
  return {
    kind: "Server",
    metadata: { name, uid: `uid-${number}`, generation: 1, revision: String(number), labels: {}, createdAt },
    spec: draft.spec,
    status: {
      ...pendingServerStatus,
      state,
      ...(failure === undefined ? {} : { lastFailure: { stage: "initialize", message: failure, at: createdAt } }),
    },
  };
}

let made = 0;

/** Credentials are names here: `Bearer ada` is `ada`, whose roles were given. */
class NamedPrincipals implements Authenticator {
  readonly principals = new Map<string, Principal>();

  authenticate(header: string | undefined): ReturnType<Authenticator["authenticate"]> {
    const principal = this.principals.get(header?.replace("Bearer ", "") ?? "");
    if (principal !== undefined) return { kind: "principal", principal };
    return { kind: "failure", reason: header === undefined ? "missing" : "unknown", message: "send Bearer <key>" };
  }
}

export class TestGateway implements AsyncDisposable {
  readonly clock: Clock;
  readonly upstreams: UpstreamSet = new UpstreamSet();
  readonly table: WatchedValue<ReturnType<typeof buildRoutingTable>> = new WatchedValue(emptyTable);
  readonly audited: AuditEntry[] = [];
  readonly metrics: Metrics = new Metrics();
  readonly sessions: Sessions;
  readonly catalog: Catalog;
  readonly tools: DirectTools;
  readonly subscriptions: Subscriptions;
  readonly parked: ParkedCalls;
  readonly pending: PendingCounts;
  readonly openTasks: OpenWork;
  readonly measures: CallMeasures = new CallMeasures();
  readonly wheel: TimerWheel;
  readonly guards: Guards;
  readonly idle: IdleServers = new IdleServers();
  /** Of overload. */
  readonly stage: WatchedValue<Stage> = new WatchedValue<Stage>(0);
  readonly gate: Gate;
  readonly crowd: Crowd;
  readonly #listener: Listener;
  readonly #listenerOptions: ListenerOptions;
  readonly #authenticator = new NamedPrincipals();
  readonly #servers = new Map<string, Server>();
  #url = "";

  constructor(options: GatewayOptions = {}) {
    const clock = (this.clock = options.clock ?? systemClock);
    const random = seededRandom(1);
    const wheel = (this.wheel = new TimerWheel(clock));
    const { upstreams, table } = this;
    const access = createAccess(options.roles);
    const maySee = (who: Principal, server: string, tool?: string): boolean => access.may(who, "list", server, tool);
    const mayCall = (who: Principal, server: string, tool?: string): boolean => access.may(who, "call", server, tool);
    const listDeadlineMs = options.listDeadlineMs ?? 2_000;
    const troubleOf = (server: string): Trouble | undefined => table.current.servers.get(server)?.trouble;
    const catalog = (this.catalog = new Catalog({ upstreams, clock, wheel, listDeadlineMs, troubleOf }));
    catalog.follow(table.current.servers);
    table.onChange(({ servers }) => catalog.follow(servers));
    const sealer = createSealer([toSealKey(Buffer.alloc(32, 7))], clock, random);
    const lists = new MergedLists({
      catalog,
      table,
      maySee,
      clock,
      sealer,
      rightsOf: (who) => who.roles.join(","),
    });
    this.parked = new ParkedCalls({ wheel, clock, random });
    const sessionsMax = options.sessionsMax ?? 100;
    const { metrics } = this;
    const isGood = (who: Principal): boolean => this.#authenticator.principals.get(who.name) === who;
    const idleMs = 30 * 60_000;
    const serves = servedBy(table);
    const { measures } = this;
    measures.follow(table);
    const onPinned = (server: string, revision: string): void => measures.began(server, revision);
    this.sessions = new Sessions({ sealer, clock, random, idleMs, sessionsMax, metrics, isGood, serves, onPinned });
    followPins(table, this.sessions, maySee);
    const { sessions } = this;
    const hub = { upstreams, catalog, table, sessions, maySee, mayCall, clock, wheel, random, isGood };
    this.subscriptions = new Subscriptions(hub);
    const counts = new CallMetrics(metrics);
    const audit = { record: (entry: AuditEntry): void => void this.audited.push(entry) };
    const limits = { sessionsPerSecond: 1_000, sessionsBurst: 5_000, requestsPerPrincipal: 5_000, ...options.limits };
    this.gate = new Gate({ stage: this.stage, clock, random, metrics, ...limits });
    const { connectionsMax: max = 1_000, perAddressMax = 1_000 } = options;
    this.crowd = new Crowd({ max, perAddressMax, gate: this.gate, metrics });
    const guards = new Guards({
      upstreams,
      events: { publish: () => undefined },
      make: (server, rules, onChange) => new ServerGuard({ server, rules, clock, random, onChange }),
    });
    guards.follow(table.current.servers);
    table.onChange(({ servers }) => guards.follow(servers));
    this.guards = guards;
    const waking = new WakingCalls({ upstreams, table, wake: this.idle });
    this.openTasks = new OpenWork(clock);
    const asked = new OpenWork(clock);
    this.pending = new PendingCounts({
      upstreams,
      guards,
      sessions,
      tasks: this.openTasks,
      asked,
      subscriptions: this.subscriptions,
    });
    const endpoint = new McpEndpoint({
      upstreams,
      guards,
      waking,
      table,
      random,
      clock,
      wheel,
      metrics: counts,
      measures,
      audit,
      sessions: this.sessions,
      introduction: new Introduction({
        table,
        upstreams,
        maySee,
        clock,
        version: "1.2.3",
        waitMs: options.introductionWaitMs ?? 2_000,
        instructionsMax: 1_000,
      }),
      lists,
      scopedLists: new ScopedLists({ table, upstreams, clock, wheel }),
      catalog,
      router: new Router({ table, lists, catalog, mayCall }),
      previews: new Previews({ table, upstreams, maySee }),
      tasks: new Tasks({ ids: new TaskIds(sealer, clock), open: this.openTasks, table, mayCall }),
      subscriptions: this.subscriptions,
      gate: this.gate,
      states: new RequestStates(sealer, clock, asked),
      parked: this.parked,
      renewedHeaders: renewedHeaders(catalog),
      listsUri: (server, uri, revision) => catalog.has(server, "resources", uri, revision) === true,
      bodyBytesMax: options.bodyBytesMax ?? 1024 * 1024,
    });
    this.tools = new DirectTools({
      table,
      upstreams,
      guards,
      waking,
      catalog,
      metrics: counts,
      measures,
      mayCall,
      maySee,
      clock,
      random,
      wheel,
    });
    this.#listenerOptions = {
      host: "127.0.0.1",
      port: 0,
      endpoint,
      other: (request, response, principal, refusal) => {
        request.resume();
        response.end(JSON.stringify({ path: request.url, who: principal?.name, refusal }));
      },
      authenticator: this.#authenticator,
      hostOrigin: createHostOriginCheck({ host: "127.0.0.1", allowedHosts: [], allowedOrigins: [] }),
      crowd: this.crowd,
      timeouts: { headersMs: 10_000, requestMs: 30_000, idleMs: 75_000, stalledMs: 60_000, ...options.timeouts },
      gate: this.gate,
      clock: systemClock,
      audit,
    };
    this.#listener = new Listener(this.#listenerOptions);
    this.principal("ada", ["admin"]);
  }

  static async open(options: GatewayOptions = {}): Promise<TestGateway> {
    const gateway = new TestGateway(options);
    gateway.#url = `http://127.0.0.1:${await gateway.#listener.listen()}`;
    return gateway;
  }

  get url(): string {
    return this.#url;
  }

  /** The manual clock of a test that has one. */
  get time(): ManualClock {
    if (this.clock instanceof ManualClock) return this.clock;
    throw new Error("the gateway was opened with the real clock");
  }

  principal(name: string, roles: readonly string[]): Principal {
    const principal = createPrincipal(name, roles, "api-key");
    this.#authenticator.principals.set(name, principal);
    return principal;
  }

  /** Its credential is no good any more. */
  revoke(name: string): void {
    this.#authenticator.principals.delete(name);
    this.sessions.review();
  }

  /** Has a server's traffic go by this route, as its status would say. */
  route(name: string, route: Route | undefined): void {
    const resource = this.#servers.get(name) ?? serverResource(name);
    this.register({ ...resource, status: { ...resource.status, ...(route === undefined ? {} : { route }) } });
  }

  /** Registers a server, or changes it. */
  register(resource: Server): void {
    this.#servers.set(resource.metadata.name, resource);
    this.table.replace(buildRoutingTable(this.table.current, [...this.#servers.values()]));
  }

  unregister(name: string): void {
    this.#servers.delete(name);
    this.table.replace(buildRoutingTable(this.table.current, [...this.#servers.values()]));
  }

  /** Takes a replica of a server into the rotation. */
  attach(
    server: string,
    options: ScriptedOptions = {},
    replica = `${server}-1-a`,
    revision = `${server}-1`,
  ): ScriptedConnection {
    const connection = new ScriptedConnection(options);
    this.upstreams.attach({ name: replica, server, revision, connection });
    return connection;
  }

  /** A registered server with one replica. */
  serve(name: string, options: ScriptedOptions = {}, spec: Partial<ServerInput["spec"]> = {}): ScriptedConnection {
    this.register(serverResource(name, spec));
    return this.attach(name, options);
  }

  /** Another listener on the port of this one; never succeeds. */
  listenAgain(): Promise<number> {
    return new Listener({ ...this.#listenerOptions, port: Number(new URL(this.#url).port) }).listen();
  }

  close(expired: AbortSignal): Promise<void> {
    return this.#listener.close(expired);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close(AbortSignal.abort());
    this.subscriptions[Symbol.dispose]();
    this.catalog[Symbol.dispose]();
    this.sessions[Symbol.dispose]();
    this.parked[Symbol.dispose]();
    this.wheel[Symbol.dispose]();
  }
}
