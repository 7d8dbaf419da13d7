/**
 * Contract cases C23 and C24: random programs against a small model of the store, and random concurrent programs checked for
 * linearizability.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { StoreUnderTest, Suite } from "./suite.ts";
import { inRange } from "../key.ts";
import type { Key, Lease, Op, Range, Store } from "../store.ts";
import { CompactedError, LeaseGoneError } from "../store.ts";
import type { RegisterCall } from "./linearizable.ts";
import { isLinearizable } from "./linearizable.ts";
import { bytes, everything, put, Recorder, write } from "./steps.ts";

type Step =
  | { readonly do: "put"; readonly key: Key; readonly value: string; readonly lease: number | null }
  | { readonly do: "cas"; readonly key: Key; readonly value: string; readonly version: number }
  | { readonly do: "delete"; readonly range: Range }
  | { readonly do: "txn"; readonly keys: readonly Key[]; readonly gone: Key }
  | { readonly do: "grant" }
  | { readonly do: "revoke"; readonly lease: number }
  | { readonly do: "compact"; readonly back: number }
  | { readonly do: "cut" };

const key = fc.constantFrom("a", "b", "b/1", "b/2", "c");
const value = fc.string({ maxLength: 4 });
const range: fc.Arbitrary<Range> = fc.oneof(
  key.map((start) => ({ start })),
  fc.tuple(key, key).map(([start, end]) => ({ start, end })),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("put" as const), key, value, lease: fc.option(fc.nat(2)) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("cas" as const), key, value, version: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), range }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("txn" as const),
      keys: fc.uniqueArray(key),
      gone: fc.constantFrom("d", "e"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("grant" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("revoke" as const), lease: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("compact" as const), back: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cut" as const) }) },
);

interface ModelKey {
  readonly value: string;
  readonly create: bigint;
  readonly version: bigint;
  readonly lease: number | null;
}

/** The store as a map and the list of what happened to it. */
class Model {
  readonly keys = new Map<Key, ModelKey>();
  readonly lines: { readonly revision: bigint; readonly text: string }[] = [];
  readonly leases: boolean[] = [];
  revision: bigint;
  compacted = 0n;

  constructor(revision: bigint) {
    this.revision = revision;
  }

  change(puts: readonly { key: Key; value: string; lease: number | null }[], deletes: readonly Key[]): void {
    const gone = deletes.filter((name) => this.keys.has(name));
    if (puts.length + gone.length === 0) return;
    this.revision += 1n;
    for (const { key: name, value: text, lease } of puts) {
      const before = this.keys.get(name);
      const create = before?.create ?? this.revision;
      this.keys.set(name, { value: text, create, version: (before?.version ?? 0n) + 1n, lease });
      this.lines.push({ revision: this.revision, text: `${this.revision} put ${name}=${text}` });
    }
    for (const name of gone) {
      this.keys.delete(name);
      this.lines.push({ revision: this.revision, text: `${this.revision} delete ${name}` });
    }
  }

  under(test_: (name: Key, kept: ModelKey) => boolean): Key[] {
    return [...this.keys]
      .filter(([name, kept]) => test_(name, kept))
      .map(([name]) => name)
      .toSorted();
  }
}

/** Does one step to both and compares what the step itself answers. */
async function take(sut: StoreUnderTest, model: Model, leases: Lease[], now: Step): Promise<void> {
  const { store } = sut;
  switch (now.do) {
    case "put": {
      const lease = now.lease === null ? undefined : leases[now.lease];
      if (now.lease !== null && lease !== undefined && model.leases[now.lease] !== true) {
        return await assert.rejects(write(store, put(now.key, now.value, lease.id)), LeaseGoneError);
      }
      await write(store, put(now.key, now.value, lease?.id));
      return model.change([{ ...now, lease: lease === undefined ? null : now.lease }], []);
    }
    case "cas": {
      const expected = (model.keys.get(now.key)?.version ?? 0n) === BigInt(now.version);
      const compare = { key: now.key, target: "version", op: "=", value: BigInt(now.version) } as const;
      const { succeeded } = await store.txn({ compare: [compare], success: [put(now.key, now.value)] });
      assert.equal(succeeded, expected);
      return succeeded ? model.change([{ ...now, lease: null }], []) : undefined;
    }
    case "delete": {
      await write(store, { op: "delete", range: now.range });
      return model.change(
        [],
        model.under((name) => inRange(now.range, name)),
      );
    }
    case "txn": {
      const ops: Op[] = [...now.keys.map((name) => put(name, "t")), { op: "delete", range: { start: now.gone } }];
      await write(store, ...ops);
      return model.change(
        now.keys.map((name) => ({ key: name, value: "t", lease: null })),
        [now.gone],
      );
    }
    case "grant": {
      if (leases.length > 2) return;
      leases.push(await store.grantLease(60_000));
      return void model.leases.push(true);
    }
    case "revoke": {
      await leases[now.lease]?.revoke();
      if (leases[now.lease] === undefined) return;
      model.leases[now.lease] = false;
      return model.change(
        [],
        model.under((_, kept) => kept.lease === now.lease),
      );
    }
    case "compact": {
      const revision = model.revision - BigInt(now.back);
      if (revision <= model.compacted) return await assert.rejects(store.compact(revision), CompactedError);
      await store.compact(revision);
      model.compacted = revision;
      return;
    }
    default:
      await sut.cut?.();
  }
}

/** The whole of the store against the whole of the model. */
async function agree(store: Store, model: Model, recorder: Recorder): Promise<void> {
  const { kvs, revision } = await store.list(everything);
  assert.equal(revision, model.revision);
  assert.deepEqual(
    kvs.map((kv) => [kv.key, Buffer.from(kv.value).toString(), kv.createRevision, kv.version]),
    [...model.keys]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, kept]) => [name, kept.value, kept.create, kept.version]),
  );
  await recorder.untilLines(model.lines.length);
  assert.deepEqual(
    recorder.lines,
    model.lines.map((line) => line.text),
  );
  const from = model.compacted === 0n ? 1n : model.compacted;
  const past = model.lines.filter((line) => line.revision >= from).map((line) => line.text);
  await using again = new Recorder(store, everything, { from });
  await again.untilLines(past.length);
  assert.deepEqual(again.lines, past);
}

async function follow(suite: Suite, steps: readonly Step[]): Promise<void> {
  await using sut = await suite.harness.open();
  const model = new Model((await sut.store.status()).revision);
  const leases: Lease[] = [];
  await using recorder = new Recorder(sut.store, everything, { from: model.revision + 1n, maxBuffered: 2 });
  for (const now of steps) {
    await take(sut, model, leases, now);
    // Compacting what a lagging watch has not read yet ends it, rightly: here it keeps up.
    await recorder.untilLines(model.lines.length);
  }
  await agree(sut.store, model, recorder);
}

/** Clients that read, write and compare-and-swap one key at once. */
async function compete(store: Store, programs: readonly (readonly RegisterOp[])[]): Promise<RegisterCall[]> {
  const calls: RegisterCall[] = [];
  let time = 0;
  const run = async (program: readonly RegisterOp[]): Promise<void> => {
    for (const op of program) {
      const begin = (time += 1);
      const result = await perform(store, op);
      calls.push({ ...op, result, begin, end: (time += 1) });
    }
  };
  await Promise.all(programs.map(run));
  return calls;
}

type RegisterOp = Pick<RegisterCall, "kind" | "value" | "expected">;

async function perform(store: Store, op: RegisterOp): Promise<string | boolean> {
  if (op.kind === "read") {
    const { kv } = await store.get("r");
    return kv === null ? "" : Buffer.from(kv.value).toString();
  }
  const condition = { key: "r", target: "value", op: "=", value: bytes(op.expected) } as const;
  const request = { compare: op.kind === "cas" ? [condition] : [], success: [put("r", op.value)] };
  return (await store.txn(request)).succeeded;
}

const registerValue = fc.constantFrom("1", "2", "3");
const registerOp: fc.Arbitrary<RegisterOp> = fc.record({
  kind: fc.constantFrom("read" as const, "write" as const, "cas" as const),
  value: registerValue,
  expected: registerValue,
});

/** Declares C23 and C24. fast-check prints the seed of a failure. */
export function declareModelCases(suite: Suite): void {
  const { name, runs } = suite.harness;
  const numRuns = runs ?? 30;
  test(`${name}: C23 random programs do what the model does`, async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) => follow(suite, steps));
    await fc.assert(property, { numRuns });
  });
  suite.case("C24 concurrent clients see one register", async ({ store }) => {
    const programs = fc.array(fc.array(registerOp, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 4 });
    const property = fc.asyncProperty(programs, async (some) => {
      await write(store, put("r", ""));
      const calls = await compete(store, some);
      assert.ok(isLinearizable(calls), JSON.stringify(calls));
    });
    await fc.assert(property, { numRuns: numRuns * 2 });
  });
}
