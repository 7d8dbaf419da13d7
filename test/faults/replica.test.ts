/** What becomes of a replica that dies, hangs, does not let go or takes too much: it is replaced, and nothing of it is left. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import type { Replica } from "@mcp-manager/api";
import { type ManagerProcess, until } from "../e2e/testing/manager.ts";
import { isAlive, processesWith } from "../e2e/testing/processes.ts";
import { codeOf, type Ending, errorOf, type FaultClient, meanwhile, resultOf, textOf } from "./testing/ledger.ts";
import { cpuMsOf, descendantsOf, hasEnded, unreadOn } from "./testing/machine.ts";
import { Scenario, type ServerPlan } from "./testing/scenario.ts";

let scenario: Scenario;
let legacy: FaultClient;
let modern: FaultClient;

/** Found out after a second at the least, when a call has timed out. */
const stops = {
  health: { interval: "1s", timeout: "1s", failures: 2, successes: 1 },
  limits: { callTimeout: "500ms" },
};
const megabyte = 1_048_576;

before(async () => {
  const servers: Record<string, ServerPlan> = {
    good: {},
    dies: {},
    pair: { spec: { replicas: 2 } },
    "ends-well": {},
    "ends-early": { start: "exit-at-open", staysDown: true },
    stops: { spec: stops },
    // A modern one is not started twice to find out its era.
    stubborn: { era: "modern", stubborn: true },
    forks: {},
    leaks: { spec: { limits: { memory: "256MiB" } } },
    bombs: { spec: { limits: { processes: 30 } } },
    spins: {},
  };
  scenario = await Scenario.start({ servers, callTimeoutMs: 15_000 });
  legacy = await scenario.client("old", "legacy");
  modern = await scenario.client("new", "modern");
});
afterEach(async () => {
  assert.match(await legacy.text("good", "echo"), /call-/);
  scenario.checkCalls();
});
after(() => scenario.finish());

async function replicaOf(server: string): Promise<Replica> {
  const [replica] = (await scenario.manager.client.servers.replicas(server)).items;
  assert.ok(replica, `${server} has a replica`);
  return replica;
}

/** Another process than `pid` answers. */
async function replaced(server: string, pid: number): Promise<void> {
  await until(`${server} was replaced`, async () => {
    const text = JSON.stringify(resultOf(await modern.call(server, "pid")) ?? "");
    return text.includes("content") && !text.includes(`"${pid}"`);
  });
}

for (const era of ["legacy", "modern"] as const) {
  test(`R1 a ${era} client hears within a second of a replica that is killed in mid-call, and another one takes its place`, async () => {
    const client = era === "legacy" ? legacy : modern;
    const pid = Number(await client.text("dies", "pid"));
    const executed = scenario.executedCalls("dies");
    const waiting = client.call("dies", "fault", { do: "hang" });
    await until("it is being executed", async () => scenario.executedCalls("dies") > executed);
    const startMs = performance.now();
    const ending = await client.call("dies", "fault", { do: "crash" });
    assert.ok(performance.now() - startMs < 2_000);
    for (const each of [ending, await waiting]) {
      assert.equal(codeOf(each), "unavailable");
      assert.match(errorOf(each)?.message ?? "", /whether the call was carried out is not known/);
      assert.equal(errorOf(each)?.data?.["retryable"], false, "it may have been carried out");
    }
    await replaced("dies", pid);
    const { lastFailure } = (await replicaOf("dies")).status;
    assert.equal(lastFailure?.signal, "SIGKILL");
    assert.equal((await scenario.manager.client.servers.get("dies")).status.breaker, "closed");
  });
}

for (const when of ["before the calls came", "after they came"]) {
  test(`R2 calls that a replica never saw, dead ${when}, are answered by another, and nobody notices`, async () => {
    const { manager } = scenario;
    await until("both are there", async () => {
      const { items } = await manager.client.servers.replicas("pair");
      return items.filter(({ status }) => status.state === "ready" && isAlive(status.pid ?? 0)).length === 2;
    });
    // No more than may be sent again at a time.
    const callAll = (): readonly Promise<Ending>[] =>
      Array.from({ length: 3 }, (_, at) => (at % 2 === 0 ? legacy : modern).call("pair", "pid"));
    // Opens the connections: what comes on them is read in one go.
    const pids = (await Promise.all(callAll())).map((ending) => Number(textOf(ending)));
    const pid = pids[0] ?? 0;
    const calls = await whileStopped(manager, async () => {
      if (when.startsWith("before")) await kill(pid);
      const sent = callAll();
      await until("they are all there", async () => unreadOn(Number(new URL(manager.url).port)) >= sent.length);
      if (when.startsWith("after")) await kill(pid);
      return sent;
    });
    for (const ending of await Promise.all(calls)) assert.notEqual(textOf(ending), String(pid));
  });
}

/** What is done to a manager that cannot know of it before it goes on. */
async function whileStopped<T>({ pid }: ManagerProcess, act: () => Promise<T>): Promise<T> {
  process.kill(pid, "SIGSTOP");
  try {
    return await act();
  } finally {
    process.kill(pid, "SIGCONT");
  }
}

async function kill(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  await until("it is dead", async () => hasEnded(pid));
}

test("R3 a replica that ends with status 0 has failed all the same, and is started again", async () => {
  const pid = Number(await modern.text("ends-well", "pid"));
  assert.equal(codeOf(await modern.call("ends-well", "fault", { do: "exit", code: 0 })), "unavailable");
  await replaced("ends-well", pid);
  const { lastFailure } = (await replicaOf("ends-well")).status;
  assert.equal(lastFailure?.exitCode, 0);
});

test("R3 one that ends while it is asked who it is has failed with its last words", async () => {
  await until("it has failed", async () => (await replicaOf("ends-early")).status.state === "failed");
  const { lastFailure, retryAt } = (await replicaOf("ends-early")).status;
  assert.deepEqual([lastFailure?.stage, lastFailure?.exitCode], ["initialize", 4]);
  assert.equal(lastFailure?.stderr?.at(-1), "no licence found");
  assert.ok(retryAt !== undefined);
  const ending = await modern.call("ends-early", "echo");
  assert.equal(codeOf(ending), "unavailable");
});

test("R4 a crash loop is called so, costs next to nothing, and is still tried", async () => {
  const { pid } = scenario.manager;
  const start = { cpuMs: cpuMsOf(pid), atMs: performance.now() };
  await scenario.apply("loops", { start: "exit", staysDown: true });
  await until(
    "it is a crash loop",
    async () => {
      assert.match(await legacy.text("good", "echo"), /call-/);
      return (await replicaOf("loops")).status.crashLoop === true;
    },
    1_000,
  );
  const costMs = cpuMsOf(pid) - start.cpuMs;
  const tookMs = performance.now() - start.atMs;
  assert.ok(costMs < tookMs * 0.05 + 500, `it took ${costMs} ms of a processor in ${tookMs} ms`);
  const { lastFailure, retryAt } = (await replicaOf("loops")).status;
  assert.match(lastFailure?.message ?? "", /keeps failing/);
  assert.ok(retryAt !== undefined);
});

test("R5 a replica that stands still times its calls out, is found out, killed and replaced", async () => {
  const pid = Number(await modern.text("stops", "pid"));
  process.kill(pid, "SIGSTOP");
  const calls = [legacy, modern].map((client) => client.call("stops", "echo", {}, { deadlineMs: 500 }));
  for (const ending of await Promise.all(calls)) assert.equal(codeOf(ending), "deadline_exceeded");
  await replaced("stops", pid);
  await until("the stopped process is gone", async () => !isAlive(pid));
});

test("R6 a replica that ignores the end of its input and SIGTERM is killed, and leaves no zombie", async () => {
  const pid = Number(await modern.text("stubborn", "pid"));
  await scenario.manager.client.servers.delete("stubborn");
  await until("it is gone", async () => !descendantsOf(scenario.manager.pid).some((child) => child.pid === pid));
});

for (const ends of ["crash", "delete"]) {
  test(`R7 a daemon that left its session goes with its server (${ends})`, async () => {
    const pid = Number(await modern.text("forks", "pid"));
    const daemon = Number(await modern.text("forks", "fault", { do: "daemon" }));
    assert.ok(isAlive(daemon));
    if (ends === "crash") await modern.call("forks", "fault", { do: "crash" });
    else await scenario.manager.client.servers.delete("forks");
    await until("both are gone", async () => !isAlive(daemon) && !isAlive(pid));
    if (ends === "crash") await replaced("forks", pid);
  });
}

/** Whether anybody holds it to its limits; where nobody can, its status has to say so. */
async function isHeld(server: string): Promise<boolean> {
  const { isolation, memory = "" } = (await replicaOf(server)).status;
  const isBounded = isolation?.limits === "cgroup2" || isolation?.limits === "rlimit";
  if (!isBounded) assert.match(memory, /^not enforced/);
  return isBounded;
}

/** It was ended for what it took, is told so in its status, and is there again. */
async function endedFor(server: string, what: RegExp): Promise<void> {
  await until(`${server} was ended`, async () => {
    return what.test((await replicaOf(server)).status.lastFailure?.message ?? "");
  });
  await scenario.manager.serversReady(server);
}

test("R8 what takes too much memory is ended and says so, or the status says that nothing holds it", async () => {
  const isBounded = await isHeld("leaks");
  await modern.call("leaks", "fault", { do: "leak", bytes: 400 * megabyte });
  if (isBounded) await endedFor("leaks", /more memory than/);
});

test("R8 a fork bomb is ended or gets no further than its limit, and nothing of it is left", async () => {
  const isBounded = await isHeld("bombs");
  const ending = await modern.call("bombs", "fault", { do: "fork", count: 100 }, { deadlineMs: 10_000 });
  const made = Number(JSON.stringify(resultOf(ending) ?? "").replaceAll(/\D/g, ""));
  if (isBounded && (made === 0 || made > 30)) await endedFor("bombs", /more processes than/);
  await scenario.manager.client.servers.delete("bombs");
  await until("all are gone", async () => processesWith(scenario.tag, "sleep 600").length === 0);
});

test("R8 a replica that keeps its processor busy holds up nobody else", async () => {
  const spinning = modern.call("spins", "fault", { do: "spin", ms: 2_000 });
  const others = await meanwhile(spinning, async () => assert.match(await legacy.text("good", "echo"), /call-/));
  assert.ok(resultOf(await spinning));
  assert.ok(others.length > 20, `${others.length} calls of a neighbour in two seconds`);
});
