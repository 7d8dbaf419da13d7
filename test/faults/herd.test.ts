/** Many at once: clients that come back together, servers that die together, lists that everybody wants, calls that all fail. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../e2e/testing/manager.ts";
import { initialize, request, send } from "../e2e/testing/mcp.ts";
import { readJournal } from "./testing/fake.ts";
import { codeOf, type Ending, resultOf } from "./testing/ledger.ts";
import { inScenario } from "./testing/scenario.ts";

const crowd = 600;
const opening = {
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "herd", version: "1" } },
};

test("H1 a herd that comes after a restart is let in bit by bit, and who has a session goes on with it", async () => {
  const settings = { gateway: { sessions: { perSecond: 100, burst: 200 } } };
  await inScenario({ servers: { pipe: {} }, settings }, async (scenario) => {
    const session = await initialize(scenario.manager);
    await scenario.restart("SIGKILL");
    await scenario.ready();
    await scenario.takeBaseline();
    const { manager } = scenario;
    let waiting = crowd;
    let turnedAway = 0;
    const times = new Set<unknown>();
    /** As a client does: it comes again when it was told to, or a little later. */
    const come = async (): Promise<void> => {
      for (;;) {
        const answer = await send(manager, opening);
        if (answer.status === 200) break;
        assert.equal(answer.status, 503, answer.text);
        assert.match(answer.headers.get("retry-after") ?? "", /^\d+$/);
        const { retryAfterMs } = answer.json().error?.data ?? {};
        times.add(retryAfterMs);
        turnedAway += 1;
        await new Promise((resolve) => setTimeout(resolve, Number(retryAfterMs)));
      }
      waiting -= 1;
    };
    const herd = Promise.all(Array.from({ length: crowd }, come));
    await until("all are in", async () => {
      const { status, text } = await request(manager, session, "tools/call", { name: "pipe__echo", arguments: {} });
      assert.equal(status, 200, text);
      return waiting === 0;
    });
    await herd;
    assert.ok(turnedAway > 0);
    assert.ok(times.size > 10, "they are told different times");
  });
});

test("H2 all replicas of a server die at once: each is started once, few calls wait, and each change is said once", async () => {
  await inScenario({ servers: { herd: { spec: { replicas: 3 } }, good: {} } }, async (scenario) => {
    const clients = [await scenario.client("old", "legacy"), await scenario.client("new", "modern")];
    const { manager } = scenario;
    const pids = (await manager.client.servers.replicas("herd")).items.map(({ status }) => status.pid ?? 0);
    assert.equal(pids.length, 3);
    for (const pid of pids) process.kill(pid, "SIGKILL");
    const calls = Array.from({ length: 200 }, (_, at) => clients[at % 2]?.call("herd", "echo"));
    for (const ending of await Promise.all(calls)) {
      if (ending === undefined || resultOf(ending) !== undefined) continue;
      assert.match(String(codeOf(ending)), /^(?:unavailable|circuit_open)$/);
    }
    await until("all are there again", async () => {
      return (await manager.client.servers.get("herd")).status.replicas.ready === 3;
    });
    const { items } = await manager.client.servers.replicas("herd");
    assert.deepEqual(items.map(({ status }) => status.restarts).toSorted(), [1, 1, 1]);
    const said = manager.output
      .split("\n")
      .filter((line) => line.includes('"a server changed its state"') && line.includes('"herd"'));
    // Coming up, and down and up again by way of fewer replicas than are wanted.
    assert.ok(said.length <= 8, said.join("\n"));
    assert.equal(new Set(said).size, said.length);
    for (const client of clients) assert.match(await client.text("herd", "echo"), /call-/);
  });
});

test("H3 a stampede on the list of all asks each server once", async () => {
  const names = Array.from({ length: 12 }, (_, at) => `server-${at}`);
  const servers = Object.fromEntries(
    names.map((name, at) => [name, at % 2 === 0 ? {} : ({ over: "http", era: "modern" } as const)]),
  );
  await inScenario({ servers, settings: { agent: { spares: 0 } } }, async (scenario) => {
    const session = await initialize(scenario.manager);
    // What is known is forgotten with the manager.
    const asked = (): readonly number[] => names.map((name) => scenario.executed(name, "tools/list"));
    const before = asked();
    await scenario.restart("SIGTERM");
    const lists = Array.from({ length: 150 }, () => request(scenario.manager, session, "tools/list"));
    for (const { status } of await Promise.all(lists)) assert.equal(status, 200);
    await scenario.ready();
    const full = await request(scenario.manager, session, "tools/list");
    for (const name of names) assert.ok(full.text.includes(`${name}__echo`), name);
    asked().forEach((now, at) => assert.ok(now - (before[at] ?? 0) <= 2, `${names[at]} was asked ${now} times`));
    await scenario.takeBaseline();
  });
});

test("H4 of a server of which every call fails the breaker opens, and it sees no more than the calls before that and probes", async () => {
  const spec = { breaker: { openFor: "1s" }, limits: { concurrency: 8 } };
  await inScenario({ servers: { failing: { over: "http", spec }, good: {} } }, async (scenario) => {
    const client = await scenario.client("new", "modern");
    const fake = scenario.fake("failing");
    await fake.set({ status: 502 });
    const endings: Ending[] = [];
    const offer = async (): Promise<void> => {
      for (let at = 0; at < 50; at += 1) endings.push(await client.call("failing", "echo"));
    };
    await Promise.all(Array.from({ length: 20 }, offer));
    assert.equal(endings.length, 1_000);
    const seen = (): number => readJournal(scenario).filter(({ refused }) => refused === 502).length;
    const passed = endings.filter((ending) => codeOf(ending) !== "circuit_open").length;
    assert.ok(passed < 200, `${passed} of 1000 were let through`);
    assert.ok(seen() <= 1.2 * passed, `the server saw ${seen()} of ${passed}`);
    const { breakerDetail } = (await scenario.manager.client.servers.get("failing")).status;
    assert.match(JSON.stringify(breakerDetail), /calls failed within 30 s/);
    await fake.set({ status: null });
    await until("it is called again", async () => resultOf(await client.call("failing", "echo")) !== undefined, 100);
    await until(
      "nothing is held back any more",
      async () => {
        await client.call("failing", "echo");
        return (await scenario.manager.client.servers.get("failing")).status.breakerDetail === undefined;
      },
      100,
    );
  });
});
