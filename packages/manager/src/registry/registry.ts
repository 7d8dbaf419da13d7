/** The way to typed resources for everything else in the daemon. It holds no state of its own; informers belong to who asks for them. */
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Store } from "../store/store.ts";
import { ChangeFeed, type FollowedKind } from "./change-feed.ts";
import type { InformerOptions } from "./informer.ts";
import { Informer } from "./informer.ts";
import { Keyspace } from "./keys.ts";
import type { AnyResource, Kind } from "./kinds.ts";
import { ResourceStore } from "./resource-store.ts";
import { Marks } from "./marks.ts";
import type { RegistryContext } from "./transaction.ts";
import { Transaction } from "./transaction.ts";

/** What a registry is made with. */
export interface RegistryOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** Several clusters can share a store. Default `default`. */
  readonly cluster?: string;
}

/** Resources over a store. The store stays its owner's. */
export class Registry {
  readonly store: Store;
  readonly keys: Keyspace;
  readonly #context: RegistryContext;

  constructor(options: RegistryOptions) {
    const { store, clock, random } = options;
    this.store = store;
    this.keys = new Keyspace(options.cluster ?? "default");
    this.#context = { store, clock, random, keys: this.keys };
  }

  /** The resources of one kind. Costs nothing. */
  resources<R extends AnyResource>(kind: Kind<R>): ResourceStore<R> {
    return new ResourceStore(this.#context, kind);
  }

  /** A transaction over any kinds. */
  transaction(): Transaction {
    return new Transaction(this.#context);
  }

  /** Texts under a word of their own, which is no kind's plural. */
  marks(word: string): Marks {
    return new Marks(this.#context, word);
  }

  /** What changes of these kinds, revision by revision; see there. Reads nothing yet. */
  changes(followed: readonly FollowedKind[]): ChangeFeed {
    return new ChangeFeed(this.#context, followed);
  }

  /** A cache of one kind, not started; the caller owns and disposes of it. */
  informer<R extends AnyResource>(kind: Kind<R>, options?: InformerOptions): Informer<R> {
    return new Informer(this.#context, kind, options);
  }
}
