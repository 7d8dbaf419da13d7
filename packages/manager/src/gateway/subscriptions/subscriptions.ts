/**
 * Who hears of what: the sessions and listen streams of clients on one side, the watches on servers on the other, reference counts
 * between them. A change reaches only those who asked for it and may see its server, when it happens and not only when they asked.
 * It owns the open listen streams; requests are read and answered in `subscription-requests.ts`.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Timer } from "../../base/clock.ts";
import { SwapList } from "../../base/swap-list.ts";
import type { Watched } from "../../base/watched.ts";
import type { ListMember } from "../../protocol/methods.ts";
import {
  type ListKind,
  listChanged,
  listKinds,
  ResourceUpdate,
  updatedMethod,
  urisMax,
} from "../../protocol/subscriptions.ts";
import type { Principal } from "../../security/principal.ts";
import type { ReadyReplica } from "../../upstream/upstream-set.ts";
import type { Catalog } from "../lists/catalog.ts";
import type { Owned } from "../lists/merged-list.ts";
import type { MayCall } from "../routing/route.ts";
import { canBeNamed } from "../routing/previews.ts";
import { takesNew } from "../routing/revision-of.ts";
import type { RoutingTable, ServerRoute } from "../routing/routing-table.ts";
import { Session, type Sessions } from "../sessions/session.ts";
import { Interest } from "./subscription-interest.ts";
import { type Listener, revisionShownTo } from "./listeners.ts";
import { RouteNews } from "./route-news.ts";
import { SubscriptionStream, type SubscriptionStreamOptions } from "./subscription-stream.ts";
import { UpstreamWatch } from "./upstream-watch.ts";
import type { Refusal, WatchDependencies } from "./upstream-watch-replica.ts";
import { aggregateKey, type MaySee, serverOfKey, viewKey } from "../view.ts";

export interface SubscriptionsOptions extends Omit<WatchDependencies, "onGap"> {
  readonly table: Watched<RoutingTable>;
  readonly catalog: Pick<Catalog, "onListChanged" | "renewAll" | "differ">;
  readonly sessions: Pick<Sessions, "all" | "onGone">;
  readonly maySee: MaySee;
  readonly mayCall: MayCall;
  /** Whether a principal's credential is still good: streams outlive the requests that opened them. Default: always. */
  readonly isGood?: (principal: Principal) => boolean;
}

/** Open streams of one principal. */
const streamsPerPrincipalMax = 64;
const streamsMax = 4_096;
/** Subscriptions to resources, of all clients. */
const subscriptionsMax = 100_000;
/** Idle streams get a comment this often; that is also when the credentials behind them are looked at. */
const keepAliveMs = 15_000;
/** List changes within this time are one to each client: a server's resources and templates, or many servers at once. */
const settleMs = 20;

/** Clients of a revision that takes nothing new come again one after the other, within this time. */
const leaveMsMax = 5_000;

/** The URI of a resource as a client wrote it, and whose it is. */
export interface OwnedUri {
  readonly owner: Owned;
  readonly shown: string;
}

/** The subscriptions of all clients; its owner disposes of it. */
export class Subscriptions implements Disposable {
  readonly #options: SubscriptionsOptions;
  readonly #interest: Interest<Session | SubscriptionStream>;
  readonly #watch: UpstreamWatch;
  readonly #streams = new SwapList<SubscriptionStream>();
  readonly #perPrincipal = new Map<string, number>();
  readonly #stop = new DisposableStack();
  /** Servers whose lists changed and of which clients have not been told yet, with the revisions whose lists those are, or all. */
  readonly #changed = new Map<ListKind, Map<string, Set<string> | "all">>();
  readonly #routeNews: RouteNews;
  #judged = new WeakMap<Principal, boolean>();
  #judgedAtMs = 0;
  #settling: Timer | undefined;
  #keepAlive: Timer | undefined;
  #table: RoutingTable;
  #isClosed = false;

  constructor(options: SubscriptionsOptions) {
    const { upstreams, catalog, sessions, table } = options;
    this.#options = options;
    this.#table = table.current;
    this.#interest = new Interest((server, uri, isWanted) => this.#watch.changed(server, uri, isWanted));
    const onGap = (server: string): void => catalog.renewAll(server);
    const { clock } = options;
    const tell = (listener: Listener, kind: ListKind): void => tellOf(kind, listener, listChanged(kind));
    this.#routeNews = this.#stop.use(new RouteNews({ clock, catalog, tell }));
    this.#watch = this.#stop.use(
      new UpstreamWatch({ ...options, onGap, urisOf: (server) => this.#interest.urisOf(server) }),
    );
    this.#stop.defer(
      catalog.onListChanged((server, member, revision) => this.#onListChanged(kindOf(member), server, revision)),
    );
    this.#stop.defer(sessions.onGone((session) => this.#interest.removeClient(session)));
    this.#stop.defer(table.onChange((next) => this.#onTable(next)));
    this.#stop.defer(
      upstreams.onChange((change) => {
        if (change.kind === "notified" && change.method === updatedMethod)
          this.#onUpdated(change.server, change.message, change.revision);
      }),
    );
  }

  /** Open listen streams. */
  get streamCount(): number {
    return this.#streams.size;
  }

  /** Listen streams that were opened at this revision. */
  listensAt(server: string, revision: string): number {
    let count = 0;
    for (const { revisions } of this.#streams) if (revisions.get(server) === revision) count++;
    return count;
  }

  /** Requests in flight at a replica by which the manager itself listens. */
  ownListensAt(replica: ReadyReplica): number {
    return this.#watch.openListensAt(replica);
  }

  /** Resources of a server that clients want to hear of. */
  wantedOf(server: string): number {
    return this.#interest.wantedOf(server);
  }

  /**
   * Subscribes a session to a resource; resolves with why not, when the server refuses. Rejects with `unavailable` when there is no
   * room.
   */
  async subscribe(session: Session, { owner, shown }: OwnedUri): Promise<Refusal | undefined> {
    const { route, original } = owner;
    if (!this.#interest.has(session, route.name, original)) this.#checkRoom(this.#interest.countOf(session) + 1);
    this.#interest.add(session, route.name, original, shown);
    const refusal = await this.#watch.settled(route.name, original);
    if (refusal !== undefined) this.#interest.remove(session, route.name, original);
    return refusal;
  }

  unsubscribe(session: Session, { route, original }: Owned): void {
    this.#interest.remove(session, route.name, original);
  }

  /**
   * Opens a stream: acknowledged before anything else is sent on it, ended at once when nothing is honoured. Throws `unavailable`
   * when there is no room.
   */
  listen(options: Omit<SubscriptionStreamOptions, "onOver">, uris: readonly OwnedUri[]): void {
    const { hash } = options.principal;
    const open = this.#perPrincipal.get(hash) ?? 0;
    if (this.#isClosed) throw closing();
    if (open >= streamsPerPrincipalMax || this.#streams.size >= streamsMax) throw noRoom();
    this.#checkRoom(uris.length);
    const stream = new SubscriptionStream({ ...options, onOver: (over) => this.#forget(over) });
    this.#streams.add(stream);
    this.#perPrincipal.set(hash, open + 1);
    stream.acknowledge({ lists: options.lists, uris: uris.map(({ shown }) => shown) });
    if (stream.place < 0) return;
    if (options.lists.length === 0 && uris.length === 0) return stream.end();
    for (const { owner, shown } of uris) this.#interest.add(stream, owner.route.name, owner.original, shown);
    this.#armKeepAlive();
  }

  /** Ends all streams gracefully and opens no more: before what is in flight is waited for. */
  endStreams(): void {
    this.#isClosed = true;
    for (const stream of [...this.#streams]) stream.end();
  }

  [Symbol.dispose](): void {
    this.endStreams();
    this.#settling?.cancel();
    this.#keepAlive?.cancel();
    this.#stop.dispose();
  }

  #checkRoom(ofClient: number): void {
    if (ofClient > urisMax || this.#interest.size + ofClient > subscriptionsMax) throw noRoom();
  }

  #forget(stream: SubscriptionStream): void {
    if (!this.#streams.remove(stream)) return;
    this.#interest.removeClient(stream);
    const { hash } = stream.principal;
    const left = (this.#perPrincipal.get(hash) ?? 1) - 1;
    if (left === 0) this.#perPrincipal.delete(hash);
    else this.#perPrincipal.set(hash, left);
  }

  /** Each hears of it from the revision that it reads the resource at. */
  #onUpdated(server: string, message: Buffer, revision: string | undefined): void {
    const update = ResourceUpdate.read(message);
    if (update === undefined) return;
    const revisions = revision === undefined ? "all" : new Set([revision]);
    for (const [client, shown] of this.#interest.hearers(server, update.uri)) {
      const { principal } = client;
      if (principal === undefined || !this.#options.mayCall(principal, server) || !this.#isGood(principal)) continue;
      if (!this.#isShown(client, server, revisions)) continue;
      if (client instanceof Session) client.streams.push(update.as(shown));
      else client.updated(update, shown);
    }
  }

  #onListChanged(kind: ListKind, server: string, revision?: string): void {
    const servers = this.#changed.get(kind) ?? new Map<string, Set<string> | "all">();
    this.#changed.set(kind, servers);
    const revisions = servers.get(server) ?? new Set();
    if (revision === undefined) servers.set(server, "all");
    else if (revisions !== "all") servers.set(server, revisions.add(revision));
    this.#settling ??= this.#options.clock.after(settleMs, () => {
      this.#settling = undefined;
      const changed = [...this.#changed];
      this.#changed.clear();
      for (const [each, names] of changed) this.#tell(each, names);
    });
  }

  #tell(kind: ListKind, servers: ReadonlyMap<string, ReadonlySet<string> | "all">): void {
    const message = listChanged(kind);
    for (const listener of this.#listeners()) {
      const isConcerned = [...servers].some(
        ([server, revisions]) => this.#sees(listener, server) && this.#isShown(listener, server, revisions),
      );
      if (isConcerned) tellOf(kind, listener, message);
    }
  }

  /** All who listen now, or will come back to hear what was kept for them. */
  *#listeners(): Iterable<Listener> {
    for (const session of this.#options.sessions.all()) if (session.streams.hasListened) yield session;
    yield* [...this.#streams];
  }

  /** Whether a server, as far as it is this principal's to see, is at the endpoint where it listens. */
  #sees(listener: Listener, server: string): boolean {
    const { principal } = listener;
    const key = serverOfKey(listener instanceof Session ? listener.viewKey : viewKey(listener.view));
    const isThere = principal !== undefined && (key === aggregateKey || key === server);
    return isThere && this.#options.maySee(principal, server) && this.#isGood(principal);
  }

  /** Whether one of these revisions is the one that it sees, or which that is cannot be said. */
  #isShown(listener: Listener, server: string, revisions: ReadonlySet<string> | "all"): boolean {
    const route = this.#table.servers.get(server);
    const shown = revisions === "all" || route === undefined ? undefined : revisionShownTo(listener, route);
    return shown === undefined || revisions === "all" || revisions.has(shown);
  }

  /** Servers that come, go, or are shown otherwise change what clients see, whatever the servers themselves say. */
  #onTable(next: RoutingTable): void {
    const { servers } = this.#table;
    this.#table = next;
    for (const route of servers.values()) {
      const after = next.servers.get(route.name);
      if (after !== undefined && after.revisions !== route.revisions) this.#onRoute(route, after);
    }
    for (const [name, { exposure }] of servers) {
      const after = next.servers.get(name)?.exposure;
      if (after === exposure) continue;
      const kinds: readonly ListKind[] = after?.prefix === exposure.prefix ? ["tools"] : listKinds;
      for (const kind of kinds) this.#onListChanged(kind, name);
      if (after === undefined) this.#interest.removeServer(name);
    }
    for (const stream of [...this.#streams]) if (!this.#hasSubject(stream)) stream.end();
  }

  /** What listens at a revision that takes nothing new any more listens anew at another. */
  #onRoute(before: ServerRoute, after: ServerRoute): void {
    const { clock, random } = this.#options;
    const { name, revisions } = before;
    const listeners = [...this.#listeners()].filter((listener) => this.#sees(listener, name));
    this.#routeNews.moved(before, after, listeners);
    const differs = revisions?.next?.differs !== false;
    for (const stream of this.#streams) {
      const revision = stream.revisions.get(name);
      if (revision === undefined || takesNew(after, revision)) continue;
      stream.leave(clock, random.next() * leaveMsMax, differs);
    }
  }

  /** Whether there is still something that a stream can hear of. */
  #hasSubject(stream: SubscriptionStream): boolean {
    const { view, lists } = stream;
    if (view.kind === "server" && !this.#table.servers.has(view.server)) return false;
    return lists.length > 0 || this.#interest.countOf(stream) > 0;
  }

  #armKeepAlive(): void {
    this.#keepAlive ??= this.#options.clock.after(keepAliveMs, () => {
      this.#keepAlive = undefined;
      this.#endBad();
      for (const stream of [...this.#streams]) stream.keepAlive();
      if (this.#streams.size > 0) this.#armKeepAlive();
    });
  }

  /** Streams whose credential is no longer good, whose server may no longer be seen, or whose preview is there no more. */
  #endBad(): void {
    for (const stream of [...this.#streams]) {
      const { principal, view, bound } = stream;
      const maySee = view.kind === "aggregate" || this.#options.maySee(principal, view.server);
      const isThere = bound === undefined || canBeNamed(bound, this.#table, this.#options.upstreams);
      if (!maySee || !isThere || !this.#isGood(principal)) stream.end();
    }
  }

  /** As the credential was when it was last looked at, less than 15 s ago. */
  #isGood(principal: Principal): boolean {
    const { clock, isGood = () => true } = this.#options;
    const nowMs = clock.nowMs();
    if (nowMs - this.#judgedAtMs >= keepAliveMs) {
      this.#judgedAtMs = nowMs;
      this.#judged = new WeakMap();
    }
    let good = this.#judged.get(principal);
    if (good === undefined) this.#judged.set(principal, (good = isGood(principal)));
    return good;
  }
}

function tellOf(kind: ListKind, listener: Listener, message: Buffer): void {
  if (listener instanceof Session) listener.streams.push(message);
  else listener.listChanged(kind);
}

function kindOf(member: ListMember): ListKind {
  return member === "resourceTemplates" ? "resources" : member;
}

function closing(): ManagerError {
  return new ManagerError("unavailable", "the manager is being stopped", { reason: "STOPPING", retryAfterMs: 5_000 });
}

/** 503 and not 429, which a client could take for a verdict on the era of the endpoint. */
function noRoom(): ManagerError {
  const message = "there are as many subscriptions open as are allowed; end some, or try again later";
  return new ManagerError("unavailable", message, { reason: "TOO_MANY_SUBSCRIPTIONS", retryAfterMs: 5_000 });
}
