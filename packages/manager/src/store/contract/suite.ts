/** What the cases of the contract are written against: a store under test, and what its harness can do with it. */
import type { Lease, Store } from "../store.ts";

/**
 * What a harness may be able to do:
 * - `silence`: lose the keep-alives of a lease
 * - `reopen`: end the store and open it again on the same data
 * - `snapshot`: open a store from a snapshot's bytes
 * - `fill`: open a store with little space
 * - `cut`: break every connection at once, so that the store reconnects
 * - `reset`: put an older snapshot under an open store
 */
type Capability = "silence" | "reopen" | "snapshot" | "fill" | "cut" | "reset";

/** An open store of its own for one test; disposing closes and removes it. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: Store;
  /** Lets so much time pass for the store and for those who hold its leases. */
  advance(deltaMs: number): Promise<void>;
  /** From now on the keep-alives of this lease get lost. */
  silence?(lease: Lease): void;
  /** Ends the store and opens it again on the same data; `store` is then another one. */
  reopen?(): Promise<void>;
  /** Another store with the snapshot's content. */
  openSnapshot?(bytes: Uint8Array): Promise<StoreUnderTest>;
  cut?(): Promise<void>;
  /** Puts the snapshot's content in the place of the present one. */
  reset?(bytes: Uint8Array): Promise<void>;
}

/** How to open a store for a test. */
export interface OpenOptions {
  /** About how much the store may hold. Default: more than any case writes. */
  readonly bytesMax?: number;
}

/** One implementation, to the suite. */
export interface StoreHarness {
  readonly name: string;
  readonly can: readonly Capability[];
  open(options?: OpenOptions): Promise<StoreUnderTest>;
  /** How often randomized cases run. Default 30. */
  readonly runs?: number;
}

/** Declares cases of one harness. */
export interface Suite {
  readonly harness: StoreHarness;
  case(title: string, run: (sut: StoreUnderTest) => Promise<void>, needs?: Capability, options?: OpenOptions): void;
}
