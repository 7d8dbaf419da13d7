/** What a server on stdio can do wrong on its pipes: its own callers are told, and the others notice nothing. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { until } from "../e2e/testing/manager.ts";
import { codeOf, errorOf, FaultClient, resultOf } from "./testing/ledger.ts";
import { holdingsOf } from "./testing/machine.ts";
import { Scenario } from "./testing/scenario.ts";

let scenario: Scenario;
let legacy: FaultClient;
let modern: FaultClient;

before(async () => {
  const names = ["noisy", "frames", "bombs", "ids", "halves", "late", "flood", "asks", "good"];
  const servers = Object.fromEntries(names.map((name) => [name, {}]));
  scenario = await Scenario.start({ servers, slack: { rssBytes: 268_435_456 } });
  legacy = await scenario.client("old", "legacy");
  modern = await scenario.client("new", "modern");
});
afterEach(async () => {
  assert.match(await legacy.text("good", "echo"), /call-/);
  scenario.checkCalls();
});
after(() => scenario.finish());

/** The replica is another process than before, and answers. */
async function replaced(server: string, pid: string): Promise<void> {
  await until(`${server} was replaced`, async () => {
    const ending = await modern.call(server, "pid");
    const text = JSON.stringify(resultOf(ending) ?? {});
    return text.includes("content") && !text.includes(`"${pid}"`);
  });
}

test("U1 lines on stdout that are no messages are skipped and counted, and the answer behind them arrives", async () => {
  for (const client of [legacy, modern]) assert.match(await client.text("noisy", "fault", { do: "noise" }), /^done/);
  const lines: string[] = [];
  for await (const { text } of scenario.manager.client.servers.logs("noisy", { tail: 1_000 })) lines.push(text);
  assert.ok(lines.includes("[stdout] plain text"), lines.join("\n"));
  assert.ok(lines.some((line) => line.startsWith("[manager] ") && line.includes("writes what is no JSON-RPC")));
});

test("U2 a message of 64 MiB fails its connection at the cap, and the memory of the manager keeps within twice that", async () => {
  const pid = await modern.text("frames", "pid");
  const before = holdingsOf(scenario.manager.pid).rssBytes;
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, holdingsOf(scenario.manager.pid).rssBytes)), 20);
  const ending = await modern.call("frames", "fault", { do: "frame", bytes: 67_108_864 });
  clearInterval(watch);
  assert.equal(codeOf(ending), "protocol_error");
  assert.match(errorOf(ending)?.message ?? "", /more than 16777216 bytes/);
  assert.ok(most - before < 2 * 16_777_216 + 33_554_432, `it grew by ${most - before} bytes`);
  await replaced("frames", pid);
});

test("U2 a line that never ends fails its connection, with all calls on it", async () => {
  const pid = await modern.text("frames", "pid");
  const waiting = legacy.call("frames", "fault", { do: "hang" }, { deadlineMs: 3_000 });
  const ending = await modern.call("frames", "fault", { do: "endless", bytes: 268_435_456 });
  assert.equal(codeOf(ending), "protocol_error");
  assert.ok(["protocol_error", "unavailable"].includes(String(codeOf(await waiting))));
  await replaced("frames", pid);
});

for (const kind of ["deep", "wide", "proto", "twice", "huge", "surrogates"]) {
  test(`U3 a JSON bomb (${kind}) is passed on or refused, and poisons nothing`, async () => {
    for (const client of [legacy, modern]) {
      const ending = await client.call("bombs", "fault", { do: "bomb", kind });
      const isPassedOn = resultOf(ending) !== undefined;
      assert.ok(isPassedOn || codeOf(ending) === "protocol_error", `${String(codeOf(ending))} of ${client.name}`);
    }
    // The manager's own objects are as they were: a status shows no member that it was not given.
    const health = await scenario.manager.client.health();
    assert.ok(!("polluted" in health));
  });
}

test("U4 answers to nobody, of another type or twice are dropped and counted, and the first right one wins", async () => {
  for (const client of [legacy, modern]) assert.equal(await client.text("ids", "fault", { do: "ids" }), "first");
  const metrics = await scenario.metrics();
  assert.ok((metrics.get("mcp_manager_upstream_messages_dropped_total") ?? 0) >= 4);
  assert.match(await legacy.text("ids", "echo", { still: "here" }), /still/);
});

for (const fault of ["half-close", "close-input"]) {
  test(`U5 a server with one pipe closed (${fault}) fails at once with all that wait, and is replaced`, async () => {
    const pid = await modern.text("halves", "pid");
    const waiting = legacy.call("halves", "fault", { do: "hang" });
    const startMs = performance.now();
    const broken = modern.call("halves", "fault", { do: fault });
    let isOver = false;
    void waiting.then(() => (isOver = true));
    // That nobody reads a pipe shows when somebody writes to it.
    await until(
      "it was noticed",
      async () => isOver || ((await legacy.call("halves", "pid")).kind !== "answered" && isOver),
    );
    const endings = await Promise.all([waiting, broken]);
    for (const ending of endings) assert.equal(codeOf(ending), "unavailable", JSON.stringify(ending));
    assert.ok(performance.now() - startMs < 2_500, "it was not the deadline that ended them");
    await replaced("halves", pid);
  });
}

test("U7 an answer after the deadline is dropped, and its place is free for others once", async () => {
  const late = await Promise.all([legacy, modern].map((client) => client.call("late", "sleep", { ms: 4_000 })));
  for (const ending of late) assert.equal(codeOf(ending), "deadline_exceeded");
  const dropped = (await scenario.metrics()).get("mcp_manager_upstream_messages_dropped_total") ?? 0;
  await until("the late answers were dropped", async () => {
    return ((await scenario.metrics()).get("mcp_manager_upstream_messages_dropped_total") ?? 0) >= dropped + 2;
  });
  assert.match(await modern.text("late", "echo"), /call-/);
  const { status } = await scenario.manager.client.servers.get("late");
  assert.equal(status.load?.inFlight ?? 0, 0);
});

test("U11 10,000 notifications of progress a second arrive in order or are left out, and hold up nobody", async () => {
  const flood = modern.call("flood", "fault", { do: "progress", count: 20_000 }, { meta: { progressToken: "p" } });
  const others: number[] = [];
  let isOver = false;
  void flood.then(() => (isOver = true));
  while (!isOver) {
    const startMs = performance.now();
    await legacy.text("good", "echo");
    others.push(performance.now() - startMs);
  }
  const ending = await flood;
  assert.ok(ending.kind === "answered" && resultOf(ending) !== undefined);
  const numbers = [...ending.text.matchAll(/"progress":(\d+)/g)].map(([, number]) => Number(number));
  assert.ok(numbers.length > 0);
  assert.ok(numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0)));
  assert.ok(Math.max(...others) < 2_000, `a neighbour waited for ${Math.max(...others)} ms`);
});

test("U12 a question that its client never answers expires with its call, and leaves nothing behind", async () => {
  const asked = await scenario.client("asked", "legacy", { sampling: {} });
  const before = await scenario.metrics();
  const endings = await Promise.all(
    [1, 2, 3].map(() => asked.call("asks", "fault", { do: "ask" }, { signal: AbortSignal.timeout(2_000) })),
  );
  for (const ending of endings) assert.equal(ending.kind, "cancelled");
  await until("the leases are free", async () => {
    const metrics = await scenario.metrics();
    return (metrics.get('mcp_manager_leases{server="asks",state="used"}') ?? 0) === 0;
  });
  assert.ok(before.size > 0);
  assert.match(await asked.text("asks", "echo"), /call-/);
});
