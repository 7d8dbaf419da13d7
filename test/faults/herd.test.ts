/** Many at once: clients that come back together, servers that die together, lists that everybody wants, calls that all fail. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerInput } from "@mcp-manager/api";
import { type ManagerProcess, until } from "../e2e/testing/manager.ts";
import { initialize, request, send } from "../e2e/testing/mcp.ts";
import { readJournal } from "./testing/fake.ts";
import { codeOf, type Ending, resultOf } from "./testing/ledger.ts";
import { inScenario } from "./testing/scenario.ts";

const crowd = 5_000;
const opening = {
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "herd", version: "1" } },
};

/** What the herd was told while it was turned away. */
interface Refusals {
  count: number;
  readonly retryAfterMs: Set<unknown>;
}

/** Opens a session as a client does: it comes again when it was told to. */
async function come(manager: ManagerProcess, refusals: Refusals): Promise<void> {
  for (;;) {
    const answer = await send(manager, opening);
    if (answer.status === 200) return;
    assert.equal(answer.status, 503, answer.text);
    assert.match(answer.headers.get("retry-after") ?? "", /^\d+$/);
    const retryAfterMs = answer.json().error?.data?.["retryAfterMs"];
    refusals.count += 1;
    refusals.retryAfterMs.add(retryAfterMs);
    await new Promise((resolve) => setTimeout(resolve, Number(retryAfterMs)));
  }
}

test("H1 a herd that comes after a restart is let in bit by bit, and who has a session goes on with it", async () => {
  const sessions = { perSecond: 500, burst: 1_000 };
  const settings = { gateway: { sessions } };
  await inScenario({ servers: { pipe: {} }, settings }, async (scenario) => {
    const session = await initialize(scenario.manager);
    await scenario.restart("SIGKILL");
    await scenario.ready();
    await scenario.takeBaseline();
    const { manager } = scenario;
    const quiet: number[] = [];
    for (let at = 0; at < 200; at += 1) quiet.push(await callMs(manager, session));
    const refusals: Refusals = { count: 0, retryAfterMs: new Set() };
    let waiting = crowd;
    const startMs = performance.now();
    const herd = Array.from({ length: crowd }, () => come(manager, refusals).then(() => (waiting -= 1)));
    const tookMs: number[] = [];
    await until(
      "all are in",
      async () => {
        // While its 5,000 connections are opened this process is late with everything of its own.
        const isOpened = refusals.count + crowd - waiting >= crowd;
        const ms = await callMs(manager, session);
        if (isOpened) tookMs.push(ms);
        return waiting === 0;
      },
      10,
    );
    await Promise.all(herd);
    const soonestMs = ((crowd - sessions.burst) / sessions.perSecond) * 1_000;
    assert.ok(performance.now() - startMs >= soonestMs, "no more come in at a time than may");
    // On a machine too busy for a herd hardly anybody is turned away.
    assert.ok(refusals.retryAfterMs.size >= refusals.count / 4, "they are told different times");
    // The herd is of this process, on the same processors: its own pauses are in the worst of these times, and not in most.
    const [quietMs, herdMs] = [median(quiet), median(tookMs)];
    assert.ok(herdMs < Math.max(2 * quietMs, 1_000), `${herdMs} ms with the herd, ${quietMs} ms before`);
  });
});

/** How long a call in a session takes; it must be answered. */
async function callMs(manager: ManagerProcess, session: string): Promise<number> {
  const startMs = performance.now();
  const { status, text } = await request(manager, session, "tools/call", { name: "pipe__echo", arguments: {} });
  assert.equal(status, 200, text);
  return performance.now() - startMs;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

test("H2 all replicas of a server die at once: each is started once, few calls wait, and each change is said once", async () => {
  const spec = { replicas: 3, breaker: { openFor: "1s" }, limits: { concurrency: 6, queue: 8 } };
  const settings = { agent: { spares: 0 } };
  // On a busy machine it takes seconds until the line is full, and nobody in it may be too late by then.
  const callTimeoutMs = 15_000;
  await inScenario({ servers: { herd: { spec }, good: {} }, settings, callTimeoutMs }, async (scenario) => {
    const { manager } = scenario;
    const clients = [await scenario.client("old", "legacy"), await scenario.client("new", "modern")];
    for (const client of clients) await client.text("herd", "echo");
    const pids = (await manager.client.servers.replicas("herd")).items.map(({ status }) => status.pid ?? 0);
    assert.equal(pids.length, 3);
    // As many as are let in, as many as may wait, and more.
    const calls = clients.flatMap((client) => Array.from({ length: 20 }, () => client.call("herd", "fault", hang)));
    await until("the line is full", async () => {
      const { load } = (await manager.client.servers.get("herd")).status;
      return load?.inFlight === 6 && load.waiting === 8;
    });
    for (const pid of pids) process.kill(pid, "SIGKILL");
    const codes = new Set((await Promise.all(calls)).map(codeOf));
    // Those that ran or found no place; those that waited.
    assert.deepEqual(codes, new Set(["unavailable", "circuit_open"]));
    const starts = (): number => scenario.executed("herd", "initialize");
    await until("all are there again", async () => {
      return starts() >= 6 && (await manager.client.servers.get("herd")).status.replicas.ready === 3;
    });
    const { items } = await manager.client.servers.replicas("herd");
    assert.deepEqual(
      items.map(({ status }) => status.restarts),
      [1, 1, 1],
    );
    await until("nothing is held back any more", async () => {
      for (const client of clients) await client.text("herd", "echo");
      return (await manager.client.servers.get("herd")).status.breakerDetail === undefined;
    });
    assert.equal(starts(), 6);
    const breakerMoves = (): readonly string[] => movesIn(manager.output, "a breaker changed its state", "herd");
    await until("its log is whole", async () => breakerMoves().at(-1)?.endsWith("closed") === true);
    assert.deepEqual(breakerMoves(), ["closed → open", "open → half-open", "half-open → closed"]);
    const states = movesIn(manager.output, "a server changed its state", "herd").map((move) => move.split(" → "));
    // By way of fewer replicas than are wanted, on which it may be seen, or not.
    states.forEach(([from, to], at) => assert.deepEqual([from, from === to], [states[at - 1]?.[1] ?? from, false]));
    assert.ok(states.length <= 8, JSON.stringify(states));
    assert.equal(states.at(-1)?.[1], "ready");
  });
});

const hang = { do: "hang" };

/** What a log says of a server's changes of one kind, without the reasons. */
function movesIn(output: string, message: string, server: string): readonly string[] {
  return output
    .split("\n")
    .filter((line) => line.includes(`"${message}"`) && line.includes(`"server":"${server}"`))
    .map((line) => /"change":"(\S+ → [a-z-]+)/.exec(line)?.[1] ?? line);
}

test("H3 a stampede on the list of a hundred servers asks each of them once", async () => {
  const modern = { era: "modern", set: { ttlMs: 30_000 } } as const;
  const servers = {
    old: { over: "http" },
    new: { over: "http", ...modern },
    "old-pipe": {},
    "new-pipe": modern,
  } as const;
  await inScenario({ servers, settings: { agent: { spares: 0 } } }, async (scenario) => {
    const names: string[] = Object.keys(servers);
    // Registered under many names a server is many.
    for (const name of ["old", "new"] as const) {
      for (let at = 0; at < 48; at += 1) {
        const spec = scenario.spec(name, servers[name]);
        await scenario.manager.client.servers.apply({ metadata: { name: `${name}-${at}` }, spec } as ServerInput);
        names.push(`${name}-${at}`);
      }
    }
    await scenario.manager.serversReady(...names);
    const session = await initialize(scenario.manager);
    // What is known is forgotten with the manager.
    await scenario.manager.end("SIGTERM");
    const asked = (): readonly number[] => Object.keys(servers).map((name) => scenario.executed(name, "tools/list"));
    const before = asked();
    await scenario.again();
    const lists = Array.from({ length: 150 }, () => request(scenario.manager, session, "tools/list"));
    for (const { status } of await Promise.all(lists)) assert.equal(status, 200);
    await scenario.manager.serversReady(...names);
    await until("all are shown", async () => {
      const shown = await toolsOf(scenario.manager, session);
      return names.every((name) => shown.has(`${name}__echo`));
    });
    assert.deepEqual(
      asked().map((now, at) => now - (before[at] ?? 0)),
      [49, 49, 1, 1],
    );
    await scenario.takeBaseline();
  });
});

/** Names of all tools that a session is shown, page by page. */
async function toolsOf(manager: ManagerProcess, session: string): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  let cursor: unknown;
  do {
    const answer = await request(manager, session, "tools/list", cursor === undefined ? {} : { cursor });
    const { tools, nextCursor } = answer.json().result as { tools: { name: string }[]; nextCursor?: string };
    for (const { name } of tools) names.add(name);
    cursor = nextCursor;
  } while (cursor !== undefined);
  return names;
}

/** By default a tool's breaker looks at ten calls, and lets two try. */
const callsBefore = 10;
const trialsAtOnce = 2;

test("H4 of a server of which every call fails the breaker opens, and it sees no more than the calls before that and trials", async () => {
  const concurrency = 8;
  const spec = { breaker: { openFor: "1s" }, limits: { concurrency } };
  await inScenario({ servers: { failing: { over: "http", spec }, good: {} } }, async (scenario) => {
    const { manager } = scenario;
    const client = await scenario.client("new", "modern");
    const fake = scenario.fake("failing");
    await fake.set({ status: 502 });
    const endings: Ending[] = [];
    const timesTried = (): number => manager.output.match(/"change":"[^"]*open → half-open/g)?.length ?? 0;
    let isOver = false;
    const mayStop = (): boolean => isOver;
    const offer = async (): Promise<void> => {
      while (!mayStop() || endings.length < 1_000) endings.push(await client.call("failing", "echo"));
    };
    const storm = Promise.all(Array.from({ length: 20 }, offer));
    await until("it was tried twice", async () => timesTried() >= 2).finally(() => (isOver = true));
    await storm;
    const passed = endings.filter((ending) => codeOf(ending) !== "circuit_open").length;
    const passedMax = callsBefore + concurrency + trialsAtOnce * timesTried();
    assert.ok(passed <= passedMax, `${passed} of ${endings.length} were let through, at most ${passedMax} expected`);
    const seen = readJournal(scenario).filter(({ refused }) => refused === 502).length;
    assert.ok(seen <= 1.2 * passed, `the server saw ${seen} of ${passed}`);
    const { breakerDetail } = (await manager.client.servers.get("failing")).status;
    assert.match(JSON.stringify(breakerDetail), /failed/);
    assert.match(await client.text("good", "echo"), /call-/);
    await fake.set({ status: null });
    await until("it is called again", async () => resultOf(await client.call("failing", "echo")) !== undefined, 100);
    await until(
      "nothing is held back any more",
      async () => {
        await client.call("failing", "echo");
        return (await manager.client.servers.get("failing")).status.breakerDetail === undefined;
      },
      100,
    );
  });
});
