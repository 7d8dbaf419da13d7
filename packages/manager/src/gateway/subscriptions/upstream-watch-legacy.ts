/**
 * Subscriptions at one replica of the legacy era: `resources/subscribe` when a URI is first wanted, `resources/unsubscribe` when it
 * no longer is, one request at a time for each URI, so that the last word is the right one; all again when the server has forgotten
 * its session. List changes need no asking there.
 */
import { ManagerError } from "@mcp-manager/api";
import { type BackoffRule, backoffMs } from "../../base/backoff.ts";
import type { Timer } from "../../base/clock.ts";
import { errorCodeOf } from "../../protocol/response.ts";
import type { ReadyReplica } from "../../upstream/upstream-set.ts";
import { ask } from "../../upstream/ask.ts";
import {
  declares,
  noSubscriptions,
  type Refusal,
  replicaGone,
  type ReplicaWatch,
  type WatchDependencies,
} from "./upstream-watch-replica.ts";

/** A replica that just came is asked for all that is wanted, but for no more than this at a time. */
const requestsMax = 16;
const requestTimeoutMs = 10_000;
/** Before it is asked again for what it did not answer. */
const retryBackoff: BackoffRule = { baseMs: 1_000, capMs: 60_000 };

interface Entry {
  isWanted: boolean;
  /** What the server was told and has answered. */
  isTold: boolean;
  isBusy: boolean;
  refusal: Refusal | undefined;
  waiters: ((refusal: Refusal | undefined) => void)[];
}

/** Tells a legacy replica what is wanted, and again when it did not answer; the last word about a URI is the one that holds. */
export class LegacyWatch implements ReplicaWatch {
  readonly #replica: ReadyReplica;
  readonly #dependencies: WatchDependencies;
  readonly #isSupported: boolean;
  readonly #entries = new Map<string, Entry>();
  /** URIs whose server has to be told something. */
  readonly #due = new Set<string>();
  #busyCount = 0;
  #retry: Timer | undefined;
  #failures = 0;
  #isOver = false;

  constructor(replica: ReadyReplica, dependencies: WatchDependencies, uris: Iterable<string>) {
    this.#replica = replica;
    this.#dependencies = dependencies;
    this.#isSupported = declares(replica.connection.facts, "resources", "subscribe");
    for (const uri of uris) this.want(uri);
  }

  want(uri: string): void {
    if (!this.#isSupported) return;
    let entry = this.#entries.get(uri);
    if (entry === undefined) this.#entries.set(uri, (entry = newEntry()));
    entry.isWanted = true;
    this.#look(uri, entry);
  }

  unwant(uri: string): void {
    const entry = this.#entries.get(uri);
    if (entry === undefined) return;
    entry.isWanted = false;
    this.#look(uri, entry);
  }

  renewed(): void {
    for (const [uri, entry] of [...this.#entries]) {
      // What was not taken is asked for again after its pause: a server that forgets every session at once must not be asked without end.
      if (!entry.isTold) continue;
      entry.isTold = false;
      this.#look(uri, entry);
    }
    this.#dependencies.onGap(this.#replica.server);
  }

  settled(uri: string): Promise<Refusal | undefined> {
    if (!this.#isSupported) return Promise.resolve(noSubscriptions(this.#replica.server));
    const entry = this.#entries.get(uri);
    if (entry === undefined || (entry.isTold && !entry.isBusy)) return Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<Refusal | undefined>();
    entry.waiters.push(resolve);
    // What was refused once may be taken now.
    this.#look(uri, entry);
    return promise;
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#retry?.cancel();
    const gone = replicaGone(this.#replica.server);
    for (const entry of this.#entries.values()) tell(entry, gone);
    this.#entries.clear();
    this.#due.clear();
  }

  #look(uri: string, entry: Entry): void {
    if (entry.isBusy) return;
    if (entry.isWanted !== entry.isTold) this.#due.add(uri);
    else if (!entry.isWanted) this.#entries.delete(uri);
    this.#pump();
  }

  #pump(): void {
    for (const uri of this.#due) {
      if (this.#busyCount >= requestsMax) return;
      this.#due.delete(uri);
      const entry = this.#entries.get(uri);
      if (entry === undefined || entry.isBusy) continue;
      if (entry.isWanted !== entry.isTold) this.#ask(uri, entry);
      else if (!entry.isWanted) this.#entries.delete(uri);
    }
  }

  #ask(uri: string, entry: Entry): void {
    const { connection, server } = this.#replica;
    const { wheel, clock } = this.#dependencies;
    const isSubscribing = entry.isWanted;
    const method = isSubscribing ? "resources/subscribe" : "resources/unsubscribe";
    entry.isBusy = true;
    entry.refusal = undefined;
    this.#busyCount++;
    const nowMs = clock.nowMs();
    ask({ connection, server, method, params: { uri }, name: uri, timeoutMs: requestTimeoutMs, wheel, nowMs }).then(
      (message) => {
        const isRefused = errorCodeOf(message) !== undefined;
        this.#answered(uri, entry, isSubscribing, isRefused ? { kind: "response", message } : undefined);
      },
      (error: unknown) =>
        this.#answered(uri, entry, isSubscribing, { kind: "failure", error: ManagerError.from(error) }),
    );
  }

  #answered(uri: string, entry: Entry, isSubscribing: boolean, refusal: Refusal | undefined): void {
    if (this.#isOver) return;
    entry.isBusy = false;
    this.#busyCount--;
    // A server that would not forget a URI goes on telling of it, and nobody hears it.
    entry.isTold = isSubscribing && refusal === undefined;
    entry.refusal = isSubscribing ? refusal : undefined;
    if (isSubscribing) tell(entry, refusal);
    if (refusal === undefined) this.#failures = 0;
    else if (entry.isWanted && refusal.kind === "failure") this.#retryLater();
    if (entry.refusal === undefined || !entry.isWanted) this.#look(uri, entry);
    this.#pump();
  }

  #retryLater(): void {
    const { clock, random } = this.#dependencies;
    this.#retry ??= clock.after(backoffMs(retryBackoff, this.#failures++, random), () => {
      this.#retry = undefined;
      for (const [uri, entry] of this.#entries) if (entry.refusal?.kind === "failure") this.#due.add(uri);
      this.#pump();
    });
  }
}

function newEntry(): Entry {
  return { isWanted: false, isTold: false, isBusy: false, refusal: undefined, waiters: [] };
}

function tell(entry: Entry, refusal: Refusal | undefined): void {
  for (const resolve of entry.waiters.splice(0)) resolve(refusal);
}
