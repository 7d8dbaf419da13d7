/**
 * One open `subscriptions/listen` of a modern client: its stream, from the acknowledgement to its end. It writes what it is given
 * when the client has asked for it, under the id of the client's request; what happens and who may know is `subscriptions.ts`'s.
 */
import type { Clock, Timer } from "../../base/clock.ts";
import type { Placed } from "../../base/swap-list.ts";
import {
  acknowledgement,
  listChanged,
  listenResult,
  type ListKind,
  type ResourceUpdate,
  type SubscriptionFilter,
} from "../../protocol/subscriptions.ts";
import type { Principal } from "../../security/principal.ts";
import type { Reply, ReplyListener } from "../reply.ts";
import type { Caller } from "../routing/assignment.ts";
import type { Bound, View } from "../view.ts";

export interface SubscriptionStreamOptions {
  readonly view: View;
  readonly principal: Principal;
  /** Who listens, as its calls are assigned. */
  readonly caller: Caller;
  /** The revision that the request names. */
  readonly bound: Bound | undefined;
  /** The request's id as written. */
  readonly id: Buffer;
  readonly reply: Reply;
  /** Kinds of lists whose changes it hears of. */
  readonly lists: readonly ListKind[];
  /** By server, the revision that it was opened at. */
  readonly revisions: ReadonlyMap<string, string>;
  /** The stream has ended, however; called once. */
  readonly onOver: (stream: SubscriptionStream) => void;
}

/** Writes nothing after its end, and tells of its end once. */
export class SubscriptionStream implements ReplyListener, Placed {
  /** Among all that are open. */
  place = -1;
  readonly view: View;
  readonly principal: Principal;
  readonly caller: Caller;
  readonly bound: Bound | undefined;
  readonly lists: readonly ListKind[];
  readonly revisions: ReadonlyMap<string, string>;
  readonly #id: Buffer;
  readonly #reply: Reply;
  readonly #onOver: (stream: SubscriptionStream) => void;
  /** Kinds of lists that its client is to hear of before the end; undefined while it has not been told to leave. */
  #owed: ListKind[] | undefined;
  #leaving: Timer | undefined;
  #isOver = false;

  constructor(options: SubscriptionStreamOptions) {
    const { view, principal, caller, bound, id, reply, lists, revisions, onOver } = options;
    this.view = view;
    this.principal = principal;
    this.caller = caller;
    this.bound = bound;
    this.lists = lists;
    this.revisions = revisions;
    // A copy: the id is a view on the request, which would be kept as long as the stream.
    this.#id = Buffer.from(id);
    this.#reply = reply;
    this.#onOver = onOver;
  }

  /** The first message; what was not honoured is not in it. */
  acknowledge(honoured: SubscriptionFilter): void {
    this.#reply.listener = this;
    this.#send(acknowledgement(this.#id, honoured));
  }

  updated(update: ResourceUpdate, shownUri: string): void {
    this.#send(update.as(shownUri, this.#id));
  }

  listChanged(kind: ListKind): void {
    if (!this.lists.includes(kind)) return;
    this.#owed = this.#owed?.filter((owed) => owed !== kind);
    this.#send(listChanged(kind, this.#id));
  }

  /**
   * Ends the stream in a while, because what it hears of is at another revision now: its client listens anew and comes there. `differs`:
   * it is told before that its lists changed, unless it has been by then. Twice is once.
   */
  leave(clock: Clock, afterMs: number, differs: boolean): void {
    if (this.#owed !== undefined || this.#isOver) return;
    this.#owed = differs ? [...this.lists] : [];
    this.#leaving = clock.after(afterMs, () => {
      for (const kind of this.#owed ?? []) this.listChanged(kind);
      this.end();
    });
  }

  keepAlive(): void {
    this.#reply.keepAlive();
  }

  /** Ends the stream with a result, which tells the client that nothing broke. */
  end(): void {
    if (this.#isOver) return;
    this.#reply.json(200, listenResult(this.#id));
    this.#over();
  }

  onClientGone(): void {
    this.#over();
  }

  /** Notifications are not held back: a reader that is too slow for them is let go. */
  onDrain(): void {}

  #send(message: Buffer): void {
    if (this.#isOver || this.#reply.notification(message)) return;
    this.#reply.end();
    this.#over();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#leaving?.cancel();
    this.#onOver(this);
  }
}
