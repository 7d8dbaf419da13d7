/**
 * One list of one revision of a server, as the bytes it sent: fetched from a replica of that revision, when one becomes ready, when the
 * server says that it changed, and when it is old. Once known it stays known. It bounds how often a server is asked, whatever callers
 * and the server itself do; which revision's list a caller gets is `catalog.ts`'s.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import type { Deadline, TimerWheel } from "../../base/timer-wheel.ts";
import type { ListItem } from "../../protocol/list.ts";
import type { ListMember } from "../../protocol/methods.ts";
import type { Guard } from "../../resilience/guard.ts";
import type { ReadyReplica, UpstreamSet } from "../../upstream/upstream-set.ts";
import type { AskOptions } from "../../upstream/ask.ts";
import type { Dropped } from "../../upstream/dropped.ts";
import type { Listed } from "./list-drift.ts";
import { fetchPages, type WholeList } from "../../upstream/list-pages.ts";

/** What lists are fetched with, and who hears of them. */
export interface ListSource {
  readonly upstreams: UpstreamSet;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** Hears how each request for a list ended: it says something of the replica, as a call does. */
  readonly attempted?: ((server: string, ...how: Parameters<Guard["attempted"]>) => void) | undefined;
  /** Whether a replica is left alone, as its server asked for: then no list is fetched from it because an older one is old. */
  readonly isHeldOff?: ((server: string, replica: string) => boolean) | undefined;
  /** Hears what is left out of a server's list (a tool that clients must not be shown, what is too much), once until it changes. */
  readonly onDropped?: ((server: string, member: ListMember, dropped: Dropped) => void) | undefined;
  /** Hears of a list that came when it is not what was known of its revision. */
  readonly onListed?: ((listed: Listed) => void) | undefined;
}

/** Whose list it is. */
export interface ListKey {
  readonly server: string;
  /** Undefined while no revision of the server is known: a list that never comes. */
  readonly revision: string | undefined;
  readonly member: ListMember;
}

/** Who keeps it. */
export interface ListKeeper {
  /** It is not what it was, or is known now; `before` is what was known. Answers whether clients are to hear of it. */
  onOther(list: KeptList, before: WholeList | undefined): boolean;
  /** The same items, for another time or other readers. */
  onOtherHints(): void;
  /** A fetch has ended, well or not. */
  onEnded(): void;
  /** Clients are to hear that it changed, and find it as new as can be had. */
  onNews(list: KeptList): void;
}

/** An old list is fetched again, in the background, when somebody asks for it. Old is what the server says, within these. */
const ageMaxMs = 30_000;
const ageMinMs = 1_000;
/** A server that just failed to give a list is not asked for it again before this, however many callers want it. */
const retryPauseMs = 1_000;
/** A server that says all the time that a list changed is asked for it so often, however often it says so. */
const changePauseMs = 1_000;

export class KeptList implements ListKey, Disposable {
  readonly server: string;
  readonly revision: string | undefined;
  readonly member: ListMember;
  readonly #source: ListSource;
  readonly #keeper: ListKeeper;
  #whole: WholeList | undefined;
  #byKey: ReadonlyMap<string, ListItem> | undefined;
  /** What was left out of the list and has been told. */
  #told = "";
  #fetchedAtMs = 0;
  #freshUntilMs = 0;
  #error: ManagerError | undefined;
  #retryAtMs = 0;
  #waitUntilMs: number | undefined;
  /** The fetch whose answer counts; one of an earlier replica is no longer heard. */
  #fetching: object | undefined;
  /** A replica beside others that is to be asked when a list is known, with which its own is compared. */
  #newcomer: ReadyReplica | undefined;
  /** The list changed while it was being fetched. */
  #stale = false;
  /** When it was asked last because its server said that it changed, and when it is to be asked again for that. */
  #heededAtMs = Number.NEGATIVE_INFINITY;
  #due: Deadline | undefined;
  /** Clients are to hear that it changed, once the fetch has ended. */
  #isNews = false;
  #isDisposed = false;

  constructor({ server, revision, member }: ListKey, source: ListSource, keeper: ListKeeper) {
    this.server = server;
    this.revision = revision;
    this.member = member;
    this.#source = source;
    this.#keeper = keeper;
  }

  /** The list as it came last; undefined before the first came. */
  get whole(): WholeList | undefined {
    return this.#whole;
  }

  get byKey(): ReadonlyMap<string, ListItem> | undefined {
    return this.#byKey;
  }

  /** Why the last fetch failed; undefined when it did not. */
  get error(): ManagerError | undefined {
    return this.#error;
  }

  get isFetching(): boolean {
    return this.#fetching !== undefined;
  }

  /** Callers wait for a missing list until then, `waitMs` from the first of them; later ones do not, until it or a replica has come. */
  waitUntil(waitMs: number): number {
    return (this.#waitUntilMs ??= this.#source.clock.nowMs() + waitMs);
  }

  /** Has it fetched when it is old, or missing. */
  look(): void {
    const isDue = this.#source.clock.nowMs() >= Math.max(this.#freshUntilMs, this.#retryAtMs);
    if (!this.isFetching && isDue && !this.#isHeldOff()) this.#fetch();
  }

  /** Has it fetched, unless it just was. */
  renew(): void {
    const isNew = this.#source.clock.nowMs() < this.#fetchedAtMs + retryPauseMs;
    if (!this.isFetching && !isNew && !this.#isHeldOff()) this.#fetch();
  }

  /** A replica that just came is asked at once, whatever an earlier one still owes or has failed to do; itself, when it is a newcomer. */
  arrived(newcomer: ReadyReplica | undefined): void {
    this.#error = undefined;
    this.#waitUntilMs = undefined;
    this.#newcomer = newcomer;
    this.#fetch();
  }

  /** Its server says that it changed. */
  changed(): void {
    this.#isNews = true;
    this.#heed();
  }

  /** Nothing of it is heard any more. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#fetching = undefined;
    if (this.#due !== undefined) this.#source.wheel.cancel(this.#due);
  }

  #isHeldOff(): boolean {
    const { upstreams, isHeldOff } = this.#source;
    const replica = isHeldOff === undefined ? undefined : upstreams.pick(this.server, this.revision);
    return replica !== undefined && isHeldOff?.(this.server, replica.name) === true;
  }

  /** Fetches what is said to have changed: now, after the fetch under way, or when the last time is long enough ago. */
  #heed(): void {
    const { clock, wheel } = this.#source;
    if (this.isFetching) return void (this.#stale = true);
    const nowMs = clock.nowMs();
    const waitMs = this.#heededAtMs + changePauseMs - nowMs;
    if (waitMs > 0) {
      this.#due ??= wheel.schedule(nowMs, waitMs, () => {
        this.#due = undefined;
        this.#heed();
      });
      return;
    }
    this.#heededAtMs = nowMs;
    this.#fetch();
  }

  #fetch(): void {
    const { server, revision, member } = this;
    const { upstreams, clock, wheel } = this.#source;
    if (revision === undefined) return;
    // What a newcomer lists is compared with what another does, never with its own.
    const likely = upstreams.pick(server, revision, undefined, this.#newcomer) ?? upstreams.pick(server, revision);
    if (likely === undefined || this.#isDisposed) return;
    const newcomer = this.#takeNewcomer();
    const replica = newcomer ?? likely;
    const fetching = {};
    this.#fetching = fetching;
    this.#stale = false;
    const onEnding: AskOptions["onEnding"] = (ending, retryAfterMs) =>
      this.#source.attempted?.(server, replica.name, undefined, ending, retryAfterMs);
    fetchPages({ connection: replica.connection, server, member, clock, wheel, onEnding }).then(
      (list) => this.#settle(fetching, () => this.#store(list, replica, newcomer !== undefined)),
      (error: unknown) =>
        this.#settle(fetching, () => {
          this.#error = ManagerError.from(error);
          this.#retryAtMs = clock.nowMs() + retryPauseMs;
        }),
    );
  }

  #settle(fetching: object, apply: () => void): void {
    if (this.#fetching !== fetching) return;
    this.#fetching = undefined;
    apply();
    this.#keeper.onEnded();
    if (this.#stale) return this.#heed();
    if (this.#whole !== undefined && this.#newcomer !== undefined) this.#fetch();
    if (!this.#isNews) return;
    this.#isNews = false;
    this.#keeper.onNews(this);
  }

  /** Who is to be asked rather than the one with the least to do: the newcomer, once, when there is something to compare with. */
  #takeNewcomer(): ReadyReplica | undefined {
    const newcomer = this.#newcomer;
    if (newcomer === undefined || this.#whole === undefined || this.isFetching) return undefined;
    this.#newcomer = undefined;
    return newcomer.connection.closeReason === undefined ? newcomer : undefined;
  }

  #store(list: WholeList, replica: ReadyReplica, isNewcomer: boolean): void {
    const { member } = this;
    const ageMs = Math.min(ageMaxMs, Math.max(ageMinMs, list.ttlMs ?? ageMaxMs));
    this.#fetchedAtMs = this.#source.clock.nowMs();
    this.#freshUntilMs = this.#fetchedAtMs + ageMs;
    this.#error = undefined;
    this.#waitUntilMs = undefined;
    this.#tellDropped(list.dropped);
    const known = this.#whole;
    if (known === undefined || !hasSameItems(this.#byKey, list)) {
      this.#source.onListed?.({ replica, member, items: list.items, isNewcomer });
      this.#whole = list;
      this.#byKey = new Map(list.items.map((item) => [item.key, item]));
      if (this.#keeper.onOther(this, known)) this.#isNews = true;
    } else if (known.ttlMs !== list.ttlMs || known.cacheScope !== list.cacheScope) {
      this.#whole = { ...list, items: known.items };
      this.#keeper.onOtherHints();
    }
  }

  #tellDropped(dropped: readonly Dropped[]): void {
    const text = dropped.length === 0 ? "" : JSON.stringify(dropped);
    if (text === this.#told) return;
    this.#told = text;
    for (const each of dropped) this.#source.onDropped?.(this.server, this.member, each);
  }
}

/** A server that gives the same items in another order has changed nothing: the order stays what it was. */
export function hasSameItems(known: ReadonlyMap<string, ListItem> | undefined, { items }: WholeList): boolean {
  return known?.size === items.length && items.every(({ key, bytes }) => known.get(key)?.bytes.equals(bytes) === true);
}
