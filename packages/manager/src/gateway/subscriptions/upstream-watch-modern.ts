/**
 * Subscriptions at one replica of the modern era: a single `subscriptions/listen` that asks for changes of every list that the
 * server tells of and for all URIs that clients want. When the URIs change another is opened, and the one before ends when the
 * new one is acknowledged, so that nothing is missed between them. One that drops is opened again after a back-off.
 */
import { type BackoffRule, backoffMs } from "../../base/backoff.ts";
import type { Timer } from "../../base/clock.ts";
import type { Deadline } from "../../base/timer-wheel.ts";
import { JsonRpcCode } from "../../protocol/errors.ts";
import { type ListKind, listKinds } from "../../protocol/subscriptions.ts";
import type { ReadyReplica } from "../../upstream/upstream-set.ts";
import { type ListenHost, UpstreamListen } from "./upstream-listen.ts";
import {
  declares,
  noSubscriptions,
  notTold,
  type Refusal,
  replicaGone,
  type ReplicaWatch,
  type WatchDependencies,
} from "./upstream-watch-replica.ts";

/** URIs that come and go within this time are one change. */
const debounceMs = 50;
/** A server that has not acknowledged by then is taken for one that dropped the request. */
const acknowledgeMs = 10_000;
const retryBackoff: BackoffRule = { baseMs: 1_000, capMs: 60_000 };
/** A listen that lasted this long wipes out the failures before it. */
const healthyMs = 30_000;

interface Waiter {
  readonly uri: string;
  readonly resolve: (refusal: Refusal | undefined) => void;
}

/** Keeps one listen open on a modern replica that asks for what is wanted; two only while one takes the place of the other. */
export class ModernWatch implements ReplicaWatch, ListenHost {
  readonly #replica: ReadyReplica;
  readonly #dependencies: WatchDependencies;
  readonly #lists: readonly ListKind[];
  readonly #canSubscribe: boolean;
  readonly #wanted: Set<string>;
  /** Acknowledged. */
  #current: UpstreamListen | undefined;
  /** On its way. */
  #next: UpstreamListen | undefined;
  #acknowledgedAtMs = 0;
  #waiters: Waiter[] = [];
  #debounce: Timer | undefined;
  #retry: Timer | undefined;
  #deadline: Deadline | undefined;
  #failures = 0;
  #hadGap = false;
  /** The server knows no such method. */
  #isGivenUp = false;
  #ids = 0;

  constructor(replica: ReadyReplica, dependencies: WatchDependencies, uris: Iterable<string>) {
    const { facts } = replica.connection;
    this.#replica = replica;
    this.#dependencies = dependencies;
    this.#lists = listKinds.filter((kind) => declares(facts, kind, "listChanged"));
    this.#canSubscribe = declares(facts, "resources", "subscribe");
    this.#wanted = new Set(this.#canSubscribe ? uris : []);
    this.#open();
  }

  get openListens(): number {
    return (this.#current?.isOpen === true ? 1 : 0) + (this.#next?.isOpen === true ? 1 : 0);
  }

  want(uri: string): void {
    if (!this.#canSubscribe) return;
    this.#wanted.add(uri);
    this.#openSoon();
  }

  unwant(uri: string): void {
    if (this.#wanted.delete(uri)) this.#openSoon();
  }

  settled(uri: string): Promise<Refusal | undefined> {
    const { server } = this.#replica;
    if (!this.#canSubscribe || this.#isGivenUp) return Promise.resolve(noSubscriptions(server));
    if (!this.#wanted.has(uri) || this.#current?.tells(uri) === true) return Promise.resolve(undefined);
    if (this.#current?.asks(uri) === true) return Promise.resolve(notTold(server, uri));
    // It is asked for when the pause is over; nobody is to wait for that.
    if (this.#retry !== undefined) return Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<Refusal | undefined>();
    this.#waiters.push({ uri, resolve });
    return promise;
  }

  onAcknowledged(listen: UpstreamListen): void {
    if (listen !== this.#next) return;
    const { wheel, clock, onGap } = this.#dependencies;
    if (this.#deadline !== undefined) wheel.cancel(this.#deadline);
    this.#current?.cancel("another subscription takes its place");
    this.#current = listen;
    this.#next = undefined;
    this.#acknowledgedAtMs = clock.nowMs();
    this.#settle((uri) => (listen.tells(uri) ? undefined : notTold(this.#replica.server, uri)), listen);
    // Nothing will come of it, so it is not held open; `asked` says that asking again is of no use.
    if (isEmpty(listen.acknowledged)) listen.cancel("nothing of it was acknowledged");
    if (!this.#hadGap) return;
    this.#hadGap = false;
    onGap(this.#replica.server);
  }

  onHeard(message: Buffer, method: string): void {
    const { server, revision } = this.#replica;
    this.#dependencies.upstreams.notified(server, method, message, revision);
  }

  onEnded(listen: UpstreamListen, errorCode: number | undefined): void {
    const { wheel, clock } = this.#dependencies;
    if (listen === this.#next) {
      this.#next = undefined;
      if (this.#deadline !== undefined) wheel.cancel(this.#deadline);
      this.#settle(() => replicaGone(this.#replica.server), listen);
    } else if (listen === this.#current) {
      this.#current = undefined;
      this.#hadGap = true;
      if (clock.nowMs() - this.#acknowledgedAtMs >= healthyMs) this.#failures = 0;
      // The one on its way will do.
      if (this.#next !== undefined) return;
    } else return;
    if (errorCode === JsonRpcCode.methodNotFound) this.#isGivenUp = true;
    else this.#retryLater();
  }

  [Symbol.dispose](): void {
    const { wheel } = this.#dependencies;
    this.#isGivenUp = true;
    this.#debounce?.cancel();
    this.#retry?.cancel();
    if (this.#deadline !== undefined) wheel.cancel(this.#deadline);
    for (const listen of [this.#current, this.#next]) listen?.cancel("the replica takes no more calls");
    this.#settle(() => replicaGone(this.#replica.server), undefined);
  }

  #openSoon(): void {
    this.#debounce ??= this.#dependencies.clock.after(debounceMs, () => {
      this.#debounce = undefined;
      // While it waits to try again, that will ask for what is wanted then.
      if (this.#retry === undefined && !this.#isAskedFor()) this.#open();
    });
  }

  /** Whether the newest listen asks for just what is wanted. */
  #isAskedFor(): boolean {
    const newest = this.#next ?? this.#current;
    if (newest === undefined || newest.asked.uris.length !== this.#wanted.size) return false;
    return newest.asked.uris.every((uri) => this.#wanted.has(uri));
  }

  #open(): void {
    if (this.#isGivenUp) return;
    const { wheel, clock } = this.#dependencies;
    this.#next?.cancel("another subscription takes its place");
    this.#next = undefined;
    if (this.#deadline !== undefined) wheel.cancel(this.#deadline);
    if (this.#lists.length === 0 && this.#wanted.size === 0) {
      this.#current?.cancel("nothing is wanted any more");
      this.#current = undefined;
      return;
    }
    const listen = new UpstreamListen(this, { lists: this.#lists, uris: [...this.#wanted] });
    this.#next = listen;
    this.#deadline = wheel.schedule(clock.nowMs(), acknowledgeMs, () => {
      listen.cancel("it was not acknowledged");
      this.onEnded(listen, undefined);
    });
    listen.start(this.#replica.connection, ++this.#ids);
  }

  #retryLater(): void {
    const { clock, random } = this.#dependencies;
    this.#settle(() => undefined, undefined);
    this.#retry ??= clock.after(backoffMs(retryBackoff, this.#failures++, random), () => {
      this.#retry = undefined;
      this.#open();
    });
  }

  /** Answers those who wait for a URI that `listen` asked for; all, without one. */
  #settle(refusalOf: (uri: string) => Refusal | undefined, listen: UpstreamListen | undefined): void {
    const settled = this.#waiters.filter(({ uri }) => listen === undefined || listen.asks(uri));
    if (settled.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => !settled.includes(waiter));
    for (const { uri, resolve } of settled) resolve(refusalOf(uri));
  }
}

function isEmpty(filter: UpstreamListen["acknowledged"]): boolean {
  return filter === undefined || (filter.lists.length === 0 && filter.uris.length === 0);
}
