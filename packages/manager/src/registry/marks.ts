/**
 * Small texts that belong to a name and outlive the resource of that name: what the manager has to remember and no API shows. They
 * lie beside the kinds under a word of their own, and nobody watches them.
 */
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

  /** The last writer wins. Rejects with ManagerError. */
  async put(name: string, text: string): Promise<void> {
    const { store, keys } = this.#context;
    const key = keys.part(this.#word, name, "private");
    try {
      await store.txn({ compare: [], success: [{ op: "put", key, value: encode(this.#word, name, text) }] });
    } catch (error) {
      throw fromStoreError(error);
    }
  }
}
