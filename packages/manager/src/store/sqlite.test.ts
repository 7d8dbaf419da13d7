/** The store in a file against the contract of stores, and what only a file can suffer. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import { ManualClock, systemClock } from "../base/clock.ts";
import { seededRandom, systemRandom } from "../base/random.ts";
import type { OpenOptions, StoreUnderTest } from "./contract.ts";
import { declareStoreContract } from "./contract.ts";
import { openSqliteStore } from "./sqlite.ts";
import type { LeaseId, Store } from "./store.ts";

class SqliteUnderTest implements StoreUnderTest {
  readonly #directory: string;
  readonly #options: OpenOptions;
  readonly #clock = new ManualClock();
  readonly #silenced = new Set<LeaseId>();
  #store: Store | undefined;

  private constructor(directory: string, options: OpenOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  static async open(options: OpenOptions = {}, content?: Uint8Array): Promise<SqliteUnderTest> {
    const sut = new SqliteUnderTest(await mkdtemp(join(tmpdir(), "store-")), options);
    if (content !== undefined) await writeFile(join(sut.#directory, "store.db"), content);
    await sut.#open();
    return sut;
  }

  get store(): Store {
    assert.ok(this.#store !== undefined);
    return this.#store;
  }

  /** The thread needs real turns to answer what falls due. */
  async advance(deltaMs: number): Promise<void> {
    await this.#clock.advance(deltaMs);
    await this.store.status().catch(() => undefined);
  }

  silence(lease: { readonly id: LeaseId }): void {
    this.#silenced.add(lease.id);
  }

  async reopen(): Promise<void> {
    await this.store.close();
    await this.#open();
  }

  openSnapshot(bytes: Uint8Array): Promise<StoreUnderTest> {
    return SqliteUnderTest.open({}, bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    assert.equal(this.#clock.pendingCount, 0, "no timer is left");
    const left = (await readdir(this.#directory)).filter((name) => name !== "store.db");
    await rm(this.#directory, { recursive: true });
    assert.deepEqual(left, [], "no other file is left");
  }

  async #open(): Promise<void> {
    const link = {
      pass: (id: LeaseId) => (this.#silenced.has(id) ? Promise.reject(new Error("lost")) : Promise.resolve()),
    };
    const common = { directory: this.#directory, clock: this.#clock, random: systemRandom, link };
    this.#store = await openSqliteStore({ ...common, ...this.#options });
  }
}

declareStoreContract({
  name: "sqlite",
  can: ["silence", "reopen", "snapshot", "fill"],
  open: (options) => SqliteUnderTest.open(options),
  runs: 20,
});

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "store-"));
  try {
    await run(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

const real = { clock: systemClock, random: systemRandom };

test("sqlite: a second opener is told which directory is in use, and the first goes on", async () => {
  await inDirectory(async (directory) => {
    const store = await openSqliteStore({ directory, ...real });
    await assert.rejects(openSqliteStore({ directory, ...real }), (error) => {
      assert.ok(error instanceof ManagerError);
      assert.deepEqual([error.code, error.reason], ["failed_precondition", "DATA_DIRECTORY_IN_USE"]);
      assert.match(error.message, new RegExp(directory));
      return true;
    });
    await store.txn({ compare: [], success: [{ op: "put", key: "k", value: new Uint8Array() }] });
    await store.close();
    await (await openSqliteStore({ directory, ...real })).close();
  });
});

test("sqlite: a file that is no store is refused and left as it is", async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, "store.db");
    await writeFile(path, "this is not a database, but long enough to look like something else".repeat(20));
    await assert.rejects(openSqliteStore({ directory, ...real }), (error) => {
      assert.ok(error instanceof ManagerError);
      assert.deepEqual([error.code, error.reason], ["unavailable", "STORE_UNUSABLE"]);
      return true;
    });
    assert.equal((await stat(path)).size, 67 * 20);
  });
});

test("sqlite: a file that was emptied is no new store, unless nothing shows that there was one", async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, "store.db");
    await writeFile(path, "");
    await writeFile(join(directory, "admin.key"), "");
    await assert.rejects(
      openSqliteStore({ directory, ...real }),
      /store\.db is empty, and the directory has been in use/,
    );
    assert.equal((await stat(path)).size, 0);
    await rm(join(directory, "admin.key"));
    await (await openSqliteStore({ directory, ...real })).close();
  });
});

test("sqlite: nobody but the owner can read the store", async () => {
  await inDirectory(async (parent) => {
    const directory = join(parent, "data");
    const store = await openSqliteStore({ directory, ...real });
    await store.txn({ compare: [], success: [{ op: "put", key: "k", value: new Uint8Array() }] });
    for (const name of await readdir(directory)) assert.equal((await stat(join(directory, name))).mode & 0o77, 0, name);
    assert.equal((await stat(directory)).mode & 0o77, 0);
    await store.close();
    await chmod(directory, 0o700);
  });
});

test("sqlite: of the requests of one turn each has its own verdict and revision, and one that fails takes none along", async () => {
  await inDirectory(async (directory) => {
    const store = await openSqliteStore({ directory, ...real });
    const put = (key: string, lease: LeaseId | null = null): ReturnType<Store["txn"]> =>
      store.txn({ compare: [], success: [{ op: "put", key, value: new Uint8Array(), lease }] });
    const { revision: start } = await store.status();
    const verdicts = await Promise.allSettled([put("a"), put("b", "12345"), store.get("a"), put("c"), store.get("c")]);
    const told = verdicts.map((verdict) =>
      verdict.status === "fulfilled" ? verdict.value.revision - start : String(verdict.reason.code),
    );
    assert.deepEqual(told, [1n, "LEASE_GONE", 1n, 2n, 2n]);
    const many = await Promise.all(Array.from({ length: 1_000 }, (_, number) => put(`many/${number}`)));
    assert.deepEqual(
      many.map(({ revision }) => revision - start),
      many.map((_, number) => BigInt(number) + 3n),
    );
    await store.close();
    const again = await openSqliteStore({ directory, ...real });
    assert.equal((await again.list({ start: "a", end: "n" })).kvs.length, 1_002);
    await again.close();
  });
});

test("sqlite: what was asked for in the turn of the end is done before it", async () => {
  await inDirectory(async (directory) => {
    const store = await openSqliteStore({ directory, ...real });
    const written = store.txn({ compare: [], success: [{ op: "put", key: "k", value: new Uint8Array() }] });
    await store.close();
    assert.equal((await written).succeeded, true);
  });
});

/** Runs the writer until it acknowledged `count` writes, kills it, and answers the last number it acknowledged. */
async function writeAndKill(directory: string, count: number): Promise<number> {
  const child = fork(new URL("./testing/crash-writer.ts", import.meta.url), [directory]);
  const exited = once(child, "exit");
  let acknowledged = -1;
  child.on("message", (message) => {
    acknowledged = Number(message);
    if (acknowledged >= count) child.kill("SIGKILL");
  });
  const [, signal] = await exited;
  assert.equal(signal, "SIGKILL");
  return acknowledged;
}

test("sqlite: C19 killed in the middle of writing, it keeps every acknowledged transaction, and each whole", async () => {
  await inDirectory(async (directory) => {
    const random = seededRandom(19);
    for (let round = 0; round < 4; round += 1) {
      const acknowledged = await writeAndKill(directory, Math.floor(100 + random.next() * 400));
      const store = await openSqliteStore({ directory, ...real });
      const { kvs } = await store.list({ start: "a", end: "c" });
      const [a, b] = kvs.map((kv) => Number(Buffer.from(kv.value).toString()));
      assert.equal(a, b, "a transaction is whole");
      assert.ok(a !== undefined && a >= acknowledged, `${a} is there, ${acknowledged} was acknowledged`);
      await store.close();
    }
  });
});
