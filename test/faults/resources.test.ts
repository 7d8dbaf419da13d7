/** The manager short of what it needs: descriptors, processes, memory. It turns away, says why, and recovers; it does not fall over. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { until } from "../e2e/testing/manager.ts";
import { type FaultClient, resultOf } from "./testing/ledger.ts";
import { asNobody, inScenario } from "./testing/scenario.ts";

test("F1 with 256 descriptors a crowd is not let in, managers are, and afterwards all is as before", async () => {
  const launcher = ["prlimit", "--nofile=256:256", "--"];
  await inScenario({ servers: { pipe: {}, far: { over: "http" } }, launcher }, async (scenario) => {
    const client = await scenario.client("new", "modern");
    const { hostname, port } = new URL(scenario.manager.url);
    const crowd = Array.from({ length: 400 }, () => connect(Number(port), hostname).on("error", () => undefined));
    await until("some were turned away", async () =>
      crowd.some(({ destroyed, readyState }) => destroyed || readyState === "closed"),
    );
    // A connection that was idle may be closed for others just now; who manages comes in again.
    await until("who manages is served", async () => (await scenario.manager.client.health()).servers.length === 2);
    for (const name of ["pipe", "far"]) assert.match(await client.text(name, "echo"), /call-/);
    // Who is there and asks for nothing has to go.
    await until(
      "a replica can be started all the same",
      async () => {
        await scenario.apply("late", {});
        return (await scenario.manager.client.servers.get("late")).status.state === "ready";
      },
      500,
    );
    await closeAll(crowd);
    for (const name of ["pipe", "far", "late"]) assert.match(await client.text(name, "echo"), /call-/);
  });
});

async function closeAll(sockets: readonly Socket[]): Promise<void> {
  for (const socket of sockets) socket.destroy();
  await until("they are closed", async () => sockets.every(({ closed }) => closed));
}

/** Sets the soft limit of a process, as its own user. */
function limit(pid: number, rule: string): void {
  const [file = "", ...args] = [...asNobody, "prlimit", "--pid", String(pid), rule];
  execFileSync(file, args);
}

test("F2 a process that the system refuses is a failed start with its reason, and is started when there is room", async () => {
  await inScenario({ servers: { pipe: {} }, isNobodys: true }, async (scenario) => {
    const { client, pid } = scenario.manager;
    limit(pid, "--nproc=1:");
    await scenario.apply("late", {});
    await until("it has failed", async () => (await client.servers.get("late")).status.state === "failed");
    const { lastFailure } = (await client.servers.get("late")).status;
    assert.equal(lastFailure?.stage, "start");
    assert.match(lastFailure?.message ?? "", /EAGAIN|no more processes/);
    const [replica] = (await client.servers.replicas("late")).items;
    assert.ok(replica?.status.retryAt !== undefined || (replica?.status.restarts ?? 0) > 0);
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

test("F3 with a small heap and twice the work that it can do, calls are refused before memory is out", async () => {
  const servers = { pipe: {}, far: { over: "http", era: "modern" } } as const;
  const nodeArgs = ["--max-old-space-size=96"];
  await inScenario({ servers, nodeArgs, callTimeoutMs: 10_000, slack: { rssBytes: 268_435_456 } }, async (scenario) => {
    const clients = [await scenario.client("old", "legacy"), await scenario.client("new", "modern")];
    let answered = 0;
    const work = async (client: FaultClient, server: string): Promise<void> => {
      for (let at = 0; at < 10; at += 1) {
        const ending = await client.call(server, "echo", { text: "x".repeat(200_000) });
        if (resultOf(ending) !== undefined) answered += 1;
        else assert.match(JSON.stringify(ending).slice(0, 1_000), /unavailable|resource_exhausted|deadline_exceeded/);
      }
    };
    await Promise.all(
      Array.from({ length: 80 }, (_, at) => work(clients[at % 2] as FaultClient, at % 4 < 2 ? "pipe" : "far")),
    );
    assert.ok(answered > 0);
    await until(
      "it is at ease",
      async () => ((await scenario.metrics()).get("mcp_manager_overload_stage") ?? 0) === 0,
      250,
    );
    for (const client of clients)
      for (const name of ["pipe", "far"]) assert.match(await client.text(name, "echo"), /call-/);
  });
});
