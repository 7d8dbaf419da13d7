/** The manager short of what it needs: descriptors, processes, memory. It turns away, says why, and recovers; it does not fall over. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { until } from "../e2e/testing/manager.ts";
import { codeOf, type FaultClient, resultOf } from "./testing/ledger.ts";
import { asNobody, inScenario } from "./testing/scenario.ts";

test("F1 with 256 descriptors a crowd is not let in, managers are, what is under way goes on, and callers are served again", async () => {
  const launcher = ["prlimit", "--nofile=256:256", "--"];
  await inScenario({ servers: { pipe: {}, far: { over: "http" } }, launcher }, async (scenario) => {
    const { manager } = scenario;
    const client = await scenario.client("new", "modern");
    const slow = ["pipe", "far"].map((name) => client.call(name, "sleep", { ms: 2_000 }));
    await until("they are executed", async () => ["pipe", "far"].every((name) => scenario.executedCalls(name) === 1));
    const { hostname, port } = new URL(manager.url);
    const crowd = Array.from({ length: 400 }, () => connect(Number(port), hostname).on("error", () => undefined));
    await until("some were turned away", async () =>
      crowd.some(({ destroyed, readyState }) => destroyed || readyState === "closed"),
    );
    // Who has a place keeps it; who manages has one in reserve, when nobody of the crowd is on it just now.
    for (const ending of await Promise.all(slow)) assert.ok(resultOf(ending), JSON.stringify(ending));
    await until("who manages is served", async () => (await manager.client.health()).servers.length === 2);
    await until("a server is taken on", () => scenario.apply("late", {}).then(() => true), 250);
    await until("it is started", async () => (await manager.client.servers.get("late")).status.state === "ready", 250);
    // Callers that come anew are told to come again, until those who are there and ask for nothing had to go.
    await until("callers are served", () => isServed(client, "late"), 250);
    await closeAll(crowd);
    for (const name of ["pipe", "far", "late"]) assert.match(await client.text(name, "echo"), /call-/);
    assert.doesNotMatch(manager.output, /EMFILE/);
  });
});

/** Whether a call is answered; if it is not, it has been turned away. */
async function isServed(client: FaultClient, server: string): Promise<boolean> {
  const ending = await client.call(server, "echo");
  if (resultOf(ending) !== undefined) return true;
  if (ending.kind === "answered") assert.equal(codeOf(ending), "unavailable", JSON.stringify(ending));
  return false;
}

async function closeAll(sockets: readonly Socket[]): Promise<void> {
  for (const socket of sockets) socket.destroy();
  await until("they are closed", async () => sockets.every(({ closed }) => closed));
}

/** Sets the soft limit of a process, as its own user. */
function limit(pid: number, rule: string): void {
  const [command, ...args] = [...asNobody, "prlimit", "--pid", String(pid), rule];
  execFileSync(command, args);
}

test("F2 a process that the system refuses is a failed start with its reason, and is started when there is room", async () => {
  await inScenario({ servers: { pipe: {} }, isNobodys: true }, async (scenario) => {
    const { client, pid } = scenario.manager;
    limit(pid, "--nproc=1:");
    await scenario.apply("late", {});
    await until("it has failed, and waits before it tries again", async () => {
      const [replica] = (await client.servers.replicas("late")).items;
      return (await client.servers.get("late")).status.state === "failed" && replica?.status.retryAt !== undefined;
    });
    const { lastFailure } = (await client.servers.get("late")).status;
    assert.equal(lastFailure?.stage, "start");
    assert.match(lastFailure?.message ?? "", /EAGAIN|no more processes/);
    assert.match(await (await scenario.client("new", "modern")).text("pipe", "echo"), /call-/);
    limit(pid, "--nproc=4096:");
    await scenario.manager.serversReady("late");
  });
});

test("F2 with no descriptor left for its pipes a start fails, and succeeds when there are some again", async () => {
  await inScenario({ servers: { pipe: {} }, isNobodys: true }, async (scenario) => {
    const { client, pid } = scenario.manager;
    const caller = await scenario.client("new", "modern");
    const killed = Number(await caller.text("pipe", "pid"));
    // Below what is open: nothing new can be opened. What is open goes on, the connections of clients too.
    limit(pid, "--nofile=20:");
    execFileSync("kill", ["-KILL", String(killed)]);
    await until("a start has failed", async () => {
      const { lastFailure } = (await client.servers.get("pipe")).status;
      return lastFailure?.stage === "start" && /EMFILE|descriptors/.test(lastFailure.message);
    });
    limit(pid, "--nofile=4096:");
    await until("it is ready", async () => (await client.servers.get("pipe")).status.state === "ready");
    assert.match(await caller.text("pipe", "echo"), /call-/);
  });
});

test("F3 with a heap nearly full and twice the callers that it bears, they are turned away by stages before memory is out", async () => {
  // Enough for what is looked at ten times a second to be of use, and nearly full from the start: callers alone take minutes.
  const far = { over: "http", era: "modern", spec: { limits: { concurrency: 1_000 } } } as const;
  const options = { nodeArgs: ["--max-old-space-size=128"], hasMoments: true, callTimeoutMs: 20_000 };
  const slack = { rssBytes: 268_435_456, descriptors: 1_024 };
  await inScenario({ servers: { pipe: {}, a: far, b: far, c: far }, ...options, slack }, async (scenario) => {
    const { manager } = scenario;
    const client = await scenario.client("new", "modern");
    await scenario.moment({ ballastMiB: 80 });
    let turnedAway = 0;
    const stages = (): readonly number[] =>
      [...manager.output.matchAll(/"overload stage \d → (\d)/g)].map(([, stage]) => Number(stage));
    const isOver = (): boolean => stages().includes(2) && turnedAway >= 1_000;
    const callers = Array.from({ length: 2_400 }, async (_, at) => {
      // They come within five seconds, and again a second after they were turned away.
      await new Promise((resolve) => setTimeout(resolve, at * 2));
      while (!isOver()) {
        const ending = await client.call(["a", "b", "c"][at % 3] ?? "", "sleep", { ms: 2_000 });
        if (resultOf(ending) !== undefined) continue;
        turnedAway += 1;
        if (ending.kind === "answered")
          assert.match(String(codeOf(ending)), /^(?:unavailable|resource_exhausted)$/, JSON.stringify(ending));
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    });
    await Promise.all(callers);
    assert.match(manager.output, /heap at \d+ %, stage 2 begins/);
    assert.equal(stages()[0], 1, "in their order");
    await scenario.moment({ ballastMiB: 0, collect: true });
    await until("it is at ease", async () => stages().at(-1) === 0, 250);
    for (const name of ["pipe", "a", "b", "c"]) assert.match(await client.text(name, "echo"), /call-/);
  });
});

test("F3 with a small heap long messages of many callers are carried all the same", async () => {
  const servers = { pipe: {}, far: { over: "http", era: "modern" } } as const;
  const nodeArgs = ["--max-old-space-size=96"];
  await inScenario({ servers, nodeArgs, callTimeoutMs: 10_000, slack: { rssBytes: 268_435_456 } }, async (scenario) => {
    const clients = [await scenario.client("old", "legacy"), await scenario.client("new", "modern")];
    const text = "x".repeat(200_000);
    const work = async (client: FaultClient, server: string): Promise<void> => {
      for (let at = 0; at < 4; at += 1) assert.match(await client.text(server, "echo", { text }), /call-/);
    };
    const works = clients.flatMap((client) => ["pipe", "far"].map((server) => [client, server] as const));
    await Promise.all(Array.from({ length: 20 }, () => works).flatMap((all) => all.map((each) => work(...each))));
  });
});
