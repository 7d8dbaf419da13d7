/**
 * Small texts that belong to a name and outlive the resource of that name: what the manager has to remember and no API shows. They
 * lie beside the kinds under a word of their own, and nobody watches them.
 */
import type { Op } from "../store/store.ts";
import { decode, encode } from "./codec.ts";
import { fromStoreError } from "./store-error.ts";
import type { RegistryContext } from "./transaction.ts";

export class Marks {
  readonly #context: RegistryContext;
  readonly #word: string;

  /** `word` is theirs alone, as a kind's plural is. */
  constructor(context: RegistryContext, word: string) {
    this.#context = context;
    this.#word = word;
  }

  /** Undefined when there is none. Rejects with ManagerError. */
  async get(name: string): Promise<string | undefined> {
    const { store, keys } = this.#context;
    try {
      const { kv } = await store.get(keys.part(this.#word, name, "private"));
      const value = kv === null ? undefined : decode(kv.value);
      return typeof value === "string" ? value : undefined;
    } catch (error) {
      throw fromStoreError(error);
    }
  }

  /** All of them, by name. Rejects with ManagerError. */
  async all(): Promise<ReadonlyMap<string, string>> {
    const { store, keys } = this.#context;
    try {
      const { kvs } = await store.list(keys.kind(this.#word));
      const found = kvs.map(({ key, value }) => [keys.parse(this.#word, key)?.name, decode(value)] as const);
      return new Map(
        found.flatMap(([name, text]) => (name !== undefined && typeof text === "string" ? [[name, text]] : [])),
      );
    } catch (error) {
      throw fromStoreError(error);
    }
  }

  /** The last writer wins. Rejects with ManagerError. */
  async put(name: string, text: string): Promise<void> {
    const key = this.#context.keys.part(this.#word, name, "private");
    await this.#write({ op: "put", key, value: encode(this.#word, name, text) });
  }

  /** One that is not there is no error. Rejects with ManagerError. */
  async delete(name: string): Promise<void> {
    await this.#write({ op: "delete", range: { start: this.#context.keys.part(this.#word, name, "private") } });
  }

  async #write(op: Op): Promise<void> {
    try {
      await this.#context.store.txn({ compare: [], success: [op] });
    } catch (error) {
      throw fromStoreError(error);
    }
  }
}
