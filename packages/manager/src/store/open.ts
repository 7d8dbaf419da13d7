/** The stores that are built in, by name. It opens nothing by itself. */
import type { MemoryStoreOptions } from "./memory.ts";
import { openMemoryStore } from "./memory.ts";
import type { SqliteStoreOptions } from "./sqlite.ts";
import { openSqliteStore } from "./sqlite.ts";
import type { Store } from "./store.ts";

/** What each kind of store is opened with. */
export interface StoreOptions {
  readonly memory: MemoryStoreOptions;
  readonly sqlite: SqliteStoreOptions;
}

/** Names of the built-in stores. */
export type StoreKind = keyof StoreOptions;

/** Opens a store of each kind. A kind without an entry does not compile. */
export const builtinStores: { readonly [K in StoreKind]: (options: StoreOptions[K]) => Promise<Store> } = {
  memory: openMemoryStore,
  sqlite: openSqliteStore,
};
