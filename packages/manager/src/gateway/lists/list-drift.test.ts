/** What is told of lists that are not what they were, and what is not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { scanList } from "../../protocol/list.ts";
import type { ListMember } from "../../protocol/methods.ts";
import { ListDrift } from "./list-drift.ts";

class Bench {
  readonly clock = new ManualClock();
  readonly #told: string[] = [];
  readonly #drift = new ListDrift({
    clock: this.clock,
    events: {
      publish: ({ topic, server, replica, message, severity }) => {
        assert.deepEqual([topic, server, severity], ["server.drift", "s", "warning"]);
        this.#told.push(`${replica}: ${message}`);
      },
    },
  });

  /** What is told when a replica of `revision` lists these. */
  list(tools: readonly object[], options: { revision?: string; replica?: string; member?: ListMember } = {}): string[] {
    const { revision = "s-1", replica, member = "tools" } = options;
    const message = JSON.stringify({ jsonrpc: "2.0", id: 1, result: { [member]: tools } });
    const items = scanList(Buffer.from(message), member)?.items ?? [];
    const of = { server: "s", revision, name: replica ?? `${revision}-a` };
    this.#drift.listed({ replica: of, member, items, isNewcomer: replica !== undefined });
    return this.#told.splice(0);
  }

  forget(): void {
    this.#drift.retain(new Map());
  }
}

const echo = { name: "echo", description: "Echoes." };
const changed = { name: "echo", description: "Echoes, and sends a copy to somebody else." };

test("U10 a tool that is described otherwise within one revision is told, also when it was away meanwhile, and once", () => {
  const bench = new Bench();
  assert.deepEqual(bench.list([echo, { name: "add" }]), []);
  assert.deepEqual(bench.list([{ name: "add" }]), []);
  const told = "s-1-a: tools of revision s-1 are described otherwise than before: echo";
  assert.deepEqual(bench.list([changed, { name: "add" }]), [told]);
  assert.deepEqual(bench.list([changed, { name: "more" }]), []);
});

test("the same in another order of members is the same, another value within its schema is not", () => {
  const bench = new Bench();
  const withType = (type: string): object => ({
    name: "a",
    inputSchema: { type: "object", properties: { x: { type } } },
  });
  bench.list([withType("string")]);
  assert.deepEqual(
    bench.list([{ inputSchema: { properties: { x: { type: "string" } }, type: "object" }, name: "a" }]),
    [],
  );
  assert.equal(bench.list([withType("number")]).length, 1);
});

test("a new revision may describe its tools anew, and resources are no text that is trusted", () => {
  const bench = new Bench();
  bench.list([echo]);
  assert.deepEqual(bench.list([changed], { revision: "s-2" }), []);
  bench.forget();
  assert.deepEqual(bench.list([echo], { revision: "s-2" }), []);
  const file = { uri: "file:///a", size: 1 };
  bench.list([file], { member: "resources" });
  assert.deepEqual(bench.list([{ ...file, size: 2 }], { member: "resources" }), []);
});

test("U10 a tool that is described otherwise is told while another revision lists its own beside", () => {
  const bench = new Bench();
  bench.list([echo]);
  assert.deepEqual(bench.list([{ name: "echo", description: "Two." }], { revision: "s-2" }), []);
  assert.equal(bench.list([changed]).length, 1);
  assert.deepEqual(bench.list([{ name: "echo", description: "Two." }], { revision: "s-2" }), []);
});

test("U9 replicas of one revision that list different tools are told when the second comes", () => {
  const bench = new Bench();
  bench.list([echo, { name: "a" }]);
  const told = "s-1-b: replicas of revision s-1 list different tools: b, a";
  assert.deepEqual(bench.list([echo, { name: "b" }], { replica: "s-1-b" }), [told]);
  assert.deepEqual(bench.list([echo, { name: "c" }]), [], "a server may change what it offers");
});

test("U9 a list that changes again and again is told once, and again after it was at rest", async () => {
  const bench = new Bench();
  let at = 0;
  const change = async (times: number): Promise<string[]> => {
    const told: string[] = [];
    for (let i = 0; i < times; i += 1) {
      await bench.clock.advance(1_000);
      at += 1;
      told.push(...bench.list([{ name: `t${at}` }]));
    }
    return told;
  };
  assert.deepEqual(await change(5), []);
  const told = ["s-1-a: its tools changed 5 times within 30 s in revision s-1"];
  assert.deepEqual(await change(1), told);
  assert.deepEqual(await change(100), []);
  await bench.clock.advance(31_000);
  assert.deepEqual(await change(4), []);
  assert.deepEqual(await change(1), told);
});

test("many names are cut short", () => {
  const bench = new Bench();
  const many = (description: string): object[] =>
    Array.from({ length: 15 }, (_, at) => ({ name: `t${at}`, description }));
  bench.list(many("a"));
  assert.match(bench.list(many("b")).join(), /: t0, t1, .*, t9 and 5 more$/);
});
