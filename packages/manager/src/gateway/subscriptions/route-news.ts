/**
 * Tells those who listen that their lists changed because their calls go to another revision now, when that offers something else. Who
 * moves is found out at once, while the lists of both are known; all that moves within a second is told as one. What servers themselves
 * say is `subscriptions.ts`'s.
 */
import type { Clock, Timer } from "../../base/clock.ts";
import type { ListMember } from "../../protocol/methods.ts";
import { type ListKind, listKinds } from "../../protocol/subscriptions.ts";
import type { Catalog } from "../lists/catalog.ts";
import { areSame } from "../routing/revision-of.ts";
import type { ServerRoute } from "../routing/routing-table.ts";
import { type Listener, revisionShownTo } from "./listeners.ts";

export interface RouteNewsOptions {
  readonly clock: Clock;
  readonly catalog: Pick<Catalog, "differ">;
  /** Tells one that listens of one kind of list. */
  readonly tell: (listener: Listener, kind: ListKind) => void;
}

/** A route may change many times in a short while; everybody who is told asks for the lists again. */
const settleMs = 1_000;

const nothing: readonly ListKind[] = [];
const membersOf: Readonly<Record<ListKind, readonly ListMember[]>> = {
  tools: ["tools"],
  prompts: ["prompts"],
  resources: ["resources", "resourceTemplates"],
};

export class RouteNews implements Disposable {
  readonly #options: RouteNewsOptions;
  /** Who is to hear of what, once it is quiet: at most all who listen. */
  readonly #owed = new Map<Listener, Set<ListKind>>();
  #settling: Timer | undefined;

  constructor(options: RouteNewsOptions) {
    this.#options = options;
  }

  /** A server's route is another one now; `listeners` see the server. */
  moved(before: ServerRoute, after: ServerRoute, listeners: Iterable<Listener>): void {
    // As many pairs as there are ways to go: one or two.
    const found = new Map<string, readonly ListKind[]>();
    for (const listener of listeners) {
      const was = revisionShownTo(listener, before);
      const is = revisionShownTo(listener, after);
      if (was === undefined || is === undefined || was === is) continue;
      const pair = `${was} ${is}`;
      let kinds = found.get(pair);
      const isSame = kinds === undefined && (areSame(before, was, is) || areSame(after, was, is));
      if (kinds === undefined) found.set(pair, (kinds = isSame ? nothing : this.#differing(after.name, was, is)));
      if (kinds.length > 0) this.#owe(listener, kinds);
    }
  }

  [Symbol.dispose](): void {
    this.#settling?.cancel();
    this.#owed.clear();
  }

  /** What is not known of two revisions that are said to differ is taken to be different. */
  #differing(server: string, was: string, is: string): readonly ListKind[] {
    const { catalog } = this.#options;
    return listKinds.filter((kind) =>
      membersOf[kind].some((member) => catalog.differ(server, member, was, is) !== false),
    );
  }

  #owe(listener: Listener, kinds: readonly ListKind[]): void {
    const owed = this.#owed.get(listener) ?? new Set();
    this.#owed.set(listener, owed);
    for (const kind of kinds) owed.add(kind);
    this.#settling ??= this.#options.clock.after(settleMs, () => this.#tell());
  }

  #tell(): void {
    this.#settling = undefined;
    const owed = [...this.#owed];
    this.#owed.clear();
    for (const [listener, kinds] of owed) for (const kind of kinds) this.#options.tell(listener, kind);
  }
}
