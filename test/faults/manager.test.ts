/** The manager killed, told to stop, or started with nonsense: what was acknowledged is kept, and nothing is left running. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runManager, until } from "../e2e/testing/manager.ts";
import { isAlive, processesWith } from "../e2e/testing/processes.ts";
import { initialize, request } from "../e2e/testing/mcp.ts";
import { postModern } from "../e2e/testing/modern.ts";
import { codeOf, type FaultClient, resultOf } from "./testing/ledger.ts";
import { inScenario, type Scenario } from "./testing/scenario.ts";

/** Calls `server` again and again until `isOver`; a manager that is away is no reason to end. */
async function load(client: FaultClient, server: string, isOver: () => boolean): Promise<number> {
  let answered = 0;
  while (!isOver()) {
    const ending = await client.call(server, "echo");
    if (resultOf(ending) !== undefined) answered += 1;
    // Nobody there, or busy with starting: the next try needs a moment.
    else await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return answered;
}

/** No process that ran under the manager before is there. */
async function swept(before: readonly number[]): Promise<void> {
  await until("what ran before is gone", async () => before.every((pid) => !isAlive(pid)));
}

test("M1 killed under load, it serves again within seconds, keeps what was acknowledged, and leaves no orphan", async () => {
  await inScenario({ servers: { pipe: { spec: { replicas: 2 } }, far: { over: "http" } } }, async (scenario) => {
    const clients = [await scenario.client("old", "legacy"), await scenario.client("new", "modern")];
    let isOver = false;
    const loads = clients.flatMap((client) => ["pipe", "far"].map((server) => load(client, server, () => isOver)));
    await Promise.all(["one", "two", "three"].map((name) => scenario.apply(name, {})));
    const before = processesWith(scenario.tag, "stdio");
    await scenario.manager.end("SIGKILL");
    const startMs = performance.now();
    await scenario.again();
    // The sweep comes before anything is started, and so before it serves.
    assert.deepEqual(
      before.filter((pid) => isAlive(pid)),
      [],
      "what ran before is gone",
    );
    for (const client of clients)
      await until("it serves", async () => resultOf(await client.call("far", "echo")) !== undefined);
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs < 10_000, `it served after ${tookMs} ms`);
    await scenario.manager.serversReady("pipe", "far", "one", "two", "three");
    isOver = true;
    for (const answered of await Promise.all(loads)) assert.ok(answered > 0);
    for (const client of clients) for (const server of ["pipe", "far"]) await client.text(server, "echo");
    await scenario.takeBaseline();
  });
});

test("M1 killed while servers start, it starts them again, once each", async () => {
  const settings = { agent: { spares: 0 } };
  await inScenario({ servers: { good: {} }, settings }, async (scenario) => {
    // What reads otherwise would wait for a person.
    const spec = { deployment: { reviewSemantic: false } };
    await scenario.apply("changing", { set: { drift: "first" }, spec });
    await scenario.manager.serversReady("changing");
    const names = Array.from({ length: 6 }, (_, at) => `new-${at}`);
    await Promise.all(names.map((name) => scenario.apply(name, {})));
    // Some are starting, some wait, some are there.
    await until("one has a process", async () => processesWith(scenario.tag, "new-").length > 0);
    // One is on its way from one revision to the next.
    await scenario.apply("changing", { set: { drift: "second" }, spec });
    const before = processesWith(scenario.tag, "stdio");
    await scenario.restart("SIGKILL");
    await scenario.manager.serversReady("good", "changing", ...names);
    await swept(before);
    await until("each has one process", async () => processesWith(scenario.tag, "stdio").length === names.length + 2);
    assert.equal(processesWith(scenario.tag, '"drift":"second"').length, 1, "the change is not lost, nor half made");
    await scenario.takeBaseline();
  });
});

// A server that keeps nothing of its callers is told who they are anew; who calls need not know.
test("M1 sessions of before a kill go on: those of servers elsewhere, and those of servers that were started again", async () => {
  await inScenario({ servers: { pipe: {}, far: { over: "http" } } }, async (scenario) => {
    const session = await initialize(scenario.manager);
    await scenario.restart("SIGKILL");
    await scenario.ready();
    for (const name of ["pipe__echo", "far__echo"]) {
      const { status, text } = await request(scenario.manager, session, "tools/call", { name, arguments: {} });
      assert.equal(status, 200, text);
    }
    await scenario.takeBaseline();
  });
});

test("M4 told to stop, it takes nothing new, answers what is under way, ends subscriptions, and exits 0", async () => {
  await inScenario({ servers: { pipe: {}, far: { over: "http" } } }, async (scenario) => {
    const clients = [await scenario.client("old", "legacy"), await scenario.client("new", "modern")];
    await Promise.all(clients.map((client) => client.text("pipe", "echo")));
    const subscription = await subscribe(scenario);
    const slow = clients.flatMap((client) => ["pipe", "far"].map((to) => client.call(to, "sleep", { ms: 1_000 })));
    await until(
      "all are being executed",
      async () => scenario.executedCalls("far") + scenario.executedCalls("pipe") === 6,
    );
    const ended = scenario.manager.end("SIGTERM");
    await until("nothing new is taken", () => isTakingNothing(scenario));
    for (const ending of await Promise.all(slow)) assert.ok(resultOf(ending), JSON.stringify(ending));
    assert.match(await subscription.text(), /"result"/);
    assert.equal(await ended, 0);
    assert.deepEqual(processesWith(scenario.tag, "stdio"), []);
    await scenario.again();
    await scenario.ready();
    await scenario.takeBaseline();
  });
});

/** An open subscription of a modern client; its `text` is all that comes on it, when it has ended. */
async function subscribe({ manager }: Scenario): Promise<Response> {
  const response = await postModern(manager, "subscriptions/listen", { notifications: { toolsListChanged: true } });
  assert.equal(response.status, 200);
  return response;
}

test("M4 told twice, it does not wait for what is under way", async () => {
  await inScenario({ servers: { pipe: {} }, callTimeoutMs: 20_000 }, async (scenario) => {
    const client = await scenario.client("new", "modern");
    const waiting = client.call("pipe", "fault", { do: "hang" });
    await until("it is being executed", async () => scenario.executedCalls("pipe") === 1);
    const ended = scenario.manager.end("SIGTERM");
    await until("it is stopping", () => isTakingNothing(scenario));
    // A signal within a second of the first is the same ask; one later is another.
    let hasEnded = false;
    void ended.then(() => (hasEnded = true));
    const again = async (): Promise<boolean> => {
      if (!hasEnded) process.kill(scenario.manager.pid, "SIGTERM");
      return hasEnded;
    };
    await until("it has ended", again, 300);
    const ending = await waiting;
    assert.ok(ending.kind === "closed" || codeOf(ending) === "unavailable", JSON.stringify(ending));
    assert.deepEqual(processesWith(scenario.tag, "stdio"), []);
    await scenario.again();
    await scenario.ready();
    await scenario.takeBaseline();
  });
});

test("M4 killed while it stops, it leaves nothing behind once it is there again", async () => {
  await inScenario({ servers: { pipe: {}, far: { over: "http" } } }, async (scenario) => {
    const client = await scenario.client("new", "modern");
    await scenario.apply("kept", {});
    const waiting = client.call("pipe", "fault", { do: "hang" });
    await until("it is being executed", async () => scenario.executedCalls("pipe") === 1);
    const before = processesWith(scenario.tag, "stdio");
    const ended = scenario.manager.end("SIGTERM");
    await until("it is stopping", () => isTakingNothing(scenario));
    process.kill(scenario.manager.pid, "SIGKILL");
    assert.equal(await ended, "SIGKILL");
    assert.equal((await waiting).kind, "closed");
    await scenario.again();
    await swept(before);
    await scenario.manager.serversReady("pipe", "far", "kept");
    await scenario.takeBaseline();
  });
});

/** Whether a manager says that it is not ready, or does not even listen. */
async function isTakingNothing({ manager }: Scenario): Promise<boolean> {
  return fetch(`${manager.url}/ready`).then(
    ({ ok }) => !ok,
    () => true,
  );
}

test("M5 started with nonsense it refuses with the mistake, every time, and what it had is untouched", async () => {
  await inScenario({ servers: { good: {} } }, async (scenario) => {
    await scenario.apply("kept", {});
    await scenario.manager.end("SIGTERM");
    for (let times = 0; times < 3; times += 1) {
      const { status, output } = await runManager({
        config: { text: "servers:\n  good: { comand: node }\n", folder: scenario.folder },
        configName: "bad.yaml",
        dataDir: scenario.dataDir,
      });
      assert.equal(status, 2, output);
      assert.equal(output.match(/^mcp-manager: /gm)?.length, 1, output);
      assert.match(output, /comand/);
    }
    await scenario.again();
    await scenario.manager.serversReady("good", "kept");
    await scenario.takeBaseline();
  });
});
