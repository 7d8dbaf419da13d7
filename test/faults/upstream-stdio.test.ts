/** What a server on stdio can do wrong on its pipes: its own callers are told, and the others notice nothing. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { until } from "../e2e/testing/manager.ts";
import { isAlive } from "../e2e/testing/processes.ts";
import { readJournal } from "./testing/fake.ts";
import { codeOf, errorOf, type FaultClient, meanwhile, resultOf } from "./testing/ledger.ts";
import { cpuMsOf, holdingsOf } from "./testing/machine.ts";
import { Scenario } from "./testing/scenario.ts";

let scenario: Scenario;
let legacy: FaultClient;
let modern: FaultClient;

before(async () => {
  const names = ["noisy", "frames", "bombs", "ids", "halves", "flood", "asks", "parks", "good"];
  const servers = Object.fromEntries(names.map((name) => [name, {}]));
  const late = { spec: { limits: { callTimeout: "3s" } } };
  scenario = await Scenario.start({ servers: { ...servers, late }, callTimeoutMs: 15_000 });
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
  await until("it is marked", async () => {
    const [replica] = (await scenario.manager.client.servers.replicas("noisy")).items;
    return replica?.status.health?.state === "unhealthy" && replica.status.health.reason === "StdoutNoise";
  });
});

test("U2 a message of 64 MiB fails its connection at the cap, and the memory of the manager keeps within twice that", async () => {
  const pid = await modern.text("frames", "pid");
  const heldBytes = holdingsOf(scenario.manager.pid).rssBytes;
  let most = heldBytes;
  const watch = setInterval(() => (most = Math.max(most, holdingsOf(scenario.manager.pid).rssBytes)), 20);
  const ending = await modern.call("frames", "fault", { do: "frame", bytes: 67_108_864 });
  clearInterval(watch);
  assert.equal(codeOf(ending), "protocol_error");
  assert.match(errorOf(ending)?.message ?? "", /more than 16777216 bytes/);
  assert.ok(most - heldBytes < 2 * 16_777_216 + 33_554_432, `it grew by ${most - heldBytes} bytes`);
  await replaced("frames", pid);
});

test("U2 a line that never ends fails its connection, with all calls on it", async () => {
  const pid = await modern.text("frames", "pid");
  const waiting = legacy.call("frames", "fault", { do: "hang" });
  const ending = await modern.call("frames", "fault", { do: "endless", bytes: 268_435_456 });
  assert.equal(codeOf(ending), "protocol_error");
  assert.ok(["protocol_error", "unavailable"].includes(String(codeOf(await waiting))));
  await replaced("frames", pid);
});

for (const kind of ["deep", "steep", "wide", "proto", "twice", "huge", "surrogates"]) {
  test(`U3 a JSON bomb (${kind}) is passed on or refused by itself, for no more than 50 ms a MiB`, async () => {
    const pid = await modern.text("bombs", "pid");
    for (const client of [legacy, modern]) {
      const spentMs = cpuMsOf(scenario.manager.pid);
      const ending = await client.call("bombs", "fault", { do: "bomb", kind });
      const costMs = cpuMsOf(scenario.manager.pid) - spentMs;
      const isPassedOn = resultOf(ending) !== undefined;
      assert.ok(isPassedOn || codeOf(ending) === "protocol_error", `${String(codeOf(ending))} of ${client.name}`);
      assert.ok(
        ending.kind === "answered" && costMs < costMsMax(ending.text),
        `it took ${costMs} ms of ${client.name}`,
      );
    }
    assert.equal(await modern.text("bombs", "pid"), pid, "its connection goes on");
    // The manager's own objects are as they were: a status shows no member that it was not given.
    const health = await scenario.manager.client.health();
    assert.ok(!("polluted" in health));
  });
}

/** For an answer of this length; what else the manager does in the meantime, and the grain of its clock, is part of the measure. */
function costMsMax(answer: string): number {
  return 50 * Math.ceil(answer.length / 1_048_576) + 200;
}

test("U4 answers to nobody, of another type or twice are dropped and counted, and the first right one wins", async () => {
  for (const client of [legacy, modern]) assert.equal(await client.text("ids", "fault", { do: "ids" }), "first");
  assert.match(await legacy.text("ids", "echo", { still: "here" }), /still/);
  // Of each call: one under a number that nobody gave out, one under its own as text; and two after the first right one.
  assert.equal(await dropped("ids", "unknown_response"), 4);
  assert.equal(await dropped("ids", "late_response"), 4);
  await nothingInFlight("ids");
});

for (const fault of ["half-close", "close-input"]) {
  test(`U5 a server with one pipe closed (${fault}) fails at once with all that wait, and is replaced`, async () => {
    const pid = await modern.text("halves", "pid");
    const executed = scenario.executedCalls("halves");
    const waiting = legacy.call("halves", "fault", { do: "hang" });
    await until("it is being executed", async () => scenario.executedCalls("halves") > executed);
    const startMs = performance.now();
    const broken = modern.call("halves", "fault", { do: fault });
    if (fault === "close-input") {
      // That nobody reads a pipe shows when somebody writes to it.
      await until("it is closed", async () => scenario.executed("halves", "fault/close-input") === 1);
      assert.equal(codeOf(await modern.call("halves", "pid")), "unavailable");
    }
    for (const ending of await Promise.all([waiting, broken])) {
      assert.equal(codeOf(ending), "unavailable", JSON.stringify(ending));
    }
    assert.ok(performance.now() - startMs < 5_000, "it was not the deadline that ended them");
    await replaced("halves", pid);
  });
}

test("U7 an answer after the deadline is dropped, and its place is free for others once", async () => {
  const late = await Promise.all(
    [legacy, modern].map((client) => client.call("late", "sleep", { ms: 4_000 }, { deadlineMs: 3_000 })),
  );
  for (const ending of late) assert.equal(codeOf(ending), "deadline_exceeded");
  await until("it was told", async () => scenario.executed("late", "notifications/cancelled") === 2);
  await nothingInFlight("late");
  await until("the late answers were dropped", async () => (await dropped("late", "late_response")) === 2);
  assert.match(await modern.text("late", "echo"), /call-/);
  await nothingInFlight("late");
});

test("U11 10,000 notifications of progress a second arrive in order or are left out, and hold up nobody", async () => {
  const flood = modern.call("flood", "fault", { do: "progress", count: 20_000 }, { meta: { progressToken: "p" } });
  const others = await meanwhile(flood, () => legacy.text("good", "echo"));
  const ending = await flood;
  assert.ok(ending.kind === "answered" && resultOf(ending) !== undefined);
  const numbers = [...ending.text.matchAll(/"progress":(\d+)/g)].map(([, number]) => Number(number));
  assert.ok(numbers.length > 0);
  assert.ok(numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0)));
  assert.ok(Math.max(...others) < 2_000, `a neighbour waited for ${Math.max(...others)} ms`);
});

test("U12 a question that its client never answers ends with its call, and leaves nothing behind", async () => {
  const asked = await scenario.client("asked", "legacy", { sampling: {} });
  const giveUp = new AbortController();
  const options = { signal: giveUp.signal, deadlineMs: 60_000 };
  const calls = [1, 2, 3].map(() => asked.call("asks", "fault", { do: "ask" }, options));
  await until("all have asked", async () => scenario.executedCalls("asks") === 3);
  assert.equal(await leases("asks", "in_use"), 3);
  // A legacy client that loses a stream may come again for what it missed; one that ends its session does not.
  giveUp.abort();
  await asked.leave();
  for (const ending of await Promise.all(calls)) assert.equal(ending.kind, "cancelled");
  await until("the leases are free", async () => (await leases("asks", "in_use")) === 0);
  // What was given up in the middle of a call serves nobody after it.
  const asking = readJournal(scenario).filter(({ server, method }) => server === "asks" && method === "tools/call");
  await until("their processes are gone", async () => !asking.some(({ pid }) => isAlive(pid)));
  assert.match(await asked.text("asks", "echo"), /call-/);
});

/** What becomes of it after ten minutes is shown where time is the test's (`asking-ends.test.ts`); here it must not hold up the end. */
test("U12 a call whose modern client does not come back with an answer waits by itself", async () => {
  const away = await scenario.client("away", "modern", { sampling: {} });
  const result = resultOf(await away.call("parks", "fault", { do: "ask" }));
  assert.equal(result?.["resultType"], "input_required");
  assert.equal((await scenario.metrics()).get("mcp_manager_parked_calls"), 1);
  assert.match(await modern.text("parks", "echo"), /call-/);
});

async function dropped(server: string, what: string): Promise<number> {
  const name = `mcp_manager_upstream_messages_dropped_total{server="${server}",what="${what}"}`;
  return (await scenario.metrics()).get(name) ?? 0;
}

async function leases(server: string, state: string): Promise<number> {
  return (await scenario.metrics()).get(`mcp_manager_leases{server="${server}",state="${state}"}`) ?? 0;
}

async function nothingInFlight(server: string): Promise<void> {
  await until(`nothing is in flight at ${server}`, async () => {
    return (await scenario.manager.client.servers.get(server)).status.load?.inFlight === 0;
  });
}
