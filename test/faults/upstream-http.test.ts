/** What a server over HTTP can do wrong with its answers and its lists: each is told as what it is, within its time and in bounded memory. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { until } from "../e2e/testing/manager.ts";
import { initialize, request } from "../e2e/testing/mcp.ts";
import { readJournal } from "./testing/fake.ts";
import { codeOf, type Ending, errorOf, type FaultClient, resultOf } from "./testing/ledger.ts";
import { holdingsOf, peakRssOf } from "./testing/machine.ts";
import { Scenario, type ServerPlan } from "./testing/scenario.ts";

const eras = ["legacy", "modern"] as const;

let scenario: Scenario;
let legacy: FaultClient;
let modern: FaultClient;

before(async () => {
  // What the breaker makes of so many failures in a row is another row's subject (H4).
  const spec = { breaker: { enabled: false } };
  const perEra = eras.flatMap((era): (readonly [string, ServerPlan])[] => [
    [`faulty-${era}`, { over: "proxied", era, spec }],
    [`limited-${era}`, { over: "http", era }],
  ]);
  const servers: Record<string, ServerPlan> = {
    good: { over: "http" },
    changing: {},
    differing: { spec: { replicas: 2 }, set: { differs: true } },
    drifting: { over: "http", era: "modern", set: { drift: "Echoes." } },
    ...Object.fromEntries(perEra),
  };
  scenario = await Scenario.start({ servers, callTimeoutMs: 2_000, slack: { rssBytes: 268_435_456 } });
  legacy = await scenario.client("old", "legacy");
  modern = await scenario.client("new", "modern");
});
afterEach(async () => {
  assert.match(await legacy.text("good", "echo"), /call-/);
  scenario.checkCalls();
});
after(() => scenario.finish());

const late = /did not answer tools\/call within 2000 ms/;
const lost = /the connection to .* was lost: the server closed the connection before the end of its response/;
const noResponse = /answered with something that is not a JSON-RPC response/;

/** Faults of single answers, and what their callers are told. What is `unavailable` or wrong is told at once, not at its deadline. */
const answers: readonly (readonly [fault: string, args: object, code: string, message: RegExp])[] = [
  ["stall", {}, "deadline_exceeded", late],
  ["stall-json", {}, "deadline_exceeded", late],
  ["drip", {}, "deadline_exceeded", late],
  ["drip-event", {}, "deadline_exceeded", late],
  ["comments", {}, "deadline_exceeded", late],
  ["long-event", { bytes: 70_254_592 }, "protocol_error", /longer than 67108864 bytes/],
  ["wrong-type", {}, "protocol_error", /HTTP 200 with content type "text\/plain"/],
  ["html", {}, "protocol_error", /HTTP 200 with content type "text\/html"/],
  ["html-as-json", {}, "protocol_error", noResponse],
  // Nothing was asked for packed, and nothing is unpacked.
  ["gzip", {}, "protocol_error", noResponse],
  ["wrong-id", {}, "protocol_error", /id of another request/],
  ["cut-json", {}, "unavailable", lost],
  ["cut-event", {}, "unavailable", lost],
  ["reset", {}, "unavailable", lost],
  ["status", { status: 502 }, "unavailable", /HTTP 502/],
  ["status", { status: 401 }, "unavailable", /refused the manager's credential with HTTP 401/],
];

/** Two answers as long as they may be, and what else two callers take. */
const memoryMax = 268_435_456;

for (const era of eras) {
  for (const [fault, args, code, message] of answers) {
    test(`U6 ${fault} ${JSON.stringify(args)} of a ${era} server is ${code}, and it is asked again`, async () => {
      const atFirst = holdingsOf(scenario.manager.pid).rssBytes;
      const calls = [legacy, modern].map((client) => client.call(`faulty-${era}`, "fault", { do: fault, ...args }));
      for (const ending of await Promise.all(calls)) {
        assert.equal(codeOf(ending), code, shown(ending));
        assert.match(errorOf(ending)?.message ?? "", message);
      }
      assert.ok(peakRssOf(scenario.manager.pid) - atFirst < memoryMax);
      assert.match(await modern.text(`faulty-${era}`, "echo"), /call-/);
    });
  }
}

for (const era of eras) {
  for (const what of ["cut", "reset"] as const) {
    test(`U5 a wire to a ${era} server that is ${what} in mid-call fails that call at once, and heals`, async () => {
      const server = `faulty-${era}`;
      const executed = scenario.executedCalls(server);
      const waiting = [legacy, modern].map((client) => client.call(server, "fault", { do: "stall-json" }));
      await until("they are being executed", async () => scenario.executedCalls(server) === executed + 2);
      scenario.wire(server)[what]();
      for (const ending of await Promise.all(waiting)) assert.equal(codeOf(ending), "unavailable", shown(ending));
      await until("it heals", async () => resultOf(await modern.call(server, "echo")) !== undefined);
    });
  }

  test(`U5 a wire to a ${era} server that gives no more than the beginning of an answer fails its call at once, and heals`, async () => {
    const server = `faulty-${era}`;
    const wire = scenario.wire(server);
    for (const faults of [{ halfCloseAfterBytes: 1 }, { halfCloseAfterBytes: 150 }, { cutAfterBytes: 150 }]) {
      wire.faults = faults;
      for (const client of [legacy, modern]) {
        const ending = await client.call(server, "echo");
        assert.match(String(codeOf(ending)), /^(?:unavailable|protocol_error)$/, shown(ending));
      }
    }
    wire.faults = {};
    await until("it heals", async () => resultOf(await modern.call(server, "echo")) !== undefined);
  });

  test(`U5 a ${era} server behind a slow wire in slices and behind a black hole`, async () => {
    const server = `faulty-${era}`;
    const wire = scenario.wire(server);
    wire.faults = { latencyMs: 2, sliceBytes: 5 };
    assert.match(await legacy.text(server, "echo"), /call-/);
    wire.faults = { blackHole: true };
    assert.equal(codeOf(await legacy.call(server, "echo")), "deadline_exceeded");
    wire.faults = {};
    wire.cut();
    await until("it heals", async () => resultOf(await legacy.call(server, "echo")) !== undefined);
  });

  for (const status of [429, 503]) {
    test(`U8 ${status} with Retry-After of a ${era} server is passed on with its time, trips no breaker, and is not tried again`, async () => {
      const server = `limited-${era}`;
      await scenario.fake(server).set({ status, retryAfter: 1 });
      const endings: Ending[] = [];
      // More than the breaker's least sample, and than failures in a row that would open it.
      for (let at = 0; at < 40; at += 1) endings.push(await modern.call(server, "echo"));
      for (const ending of endings) {
        assert.equal(codeOf(ending), "unavailable", shown(ending));
        assert.ok(Number(errorOf(ending)?.data?.["retryAfterMs"]) > 0, shown(ending));
      }
      const { breaker } = (await scenario.manager.client.servers.get(server)).status;
      assert.equal(breaker ?? "closed", "closed");
      const seen = readJournal(scenario).filter((entry) => entry.server === server && entry.refused === status);
      assert.ok(seen.length >= 1 && seen.length <= endings.length, `it was asked ${seen.length} times`);
      await scenario.fake(server).set({ status: null });
      await until("it is asked again", async () => resultOf(await modern.call(server, "echo")) !== undefined);
    });
  }
}

test("U9 a list that changes with every call is asked for no more than once a second, is told of, and serves", async () => {
  await modern.text("changing", "set", { set: { listChanges: true } });
  const atFirst = scenario.executed("changing", "tools/list");
  const startMs = performance.now();
  for (let at = 0; at < 200; at += 1) await modern.text("changing", "echo");
  await until("it is told of", async () => {
    await modern.text("changing", "echo");
    return (await drifts("changing")).some((message) => /its tools changed 5 times within 30 s/.test(message));
  });
  const seconds = (performance.now() - startMs) / 1_000;
  const asked = scenario.executed("changing", "tools/list") - atFirst;
  await modern.text("changing", "set", { set: { listChanges: false } });
  // One at once, one more for the second that is not over, and one when the list was old.
  assert.ok(asked <= Math.ceil(seconds) + 2, `it was asked ${asked} times in ${seconds} s`);
});

test("U9 replicas of one revision that list different tools are told of", async () => {
  await until("it is told of", async () => {
    return (await drifts("differing")).some((message) => /replicas of .* list different tools: of-\d+/.test(message));
  });
});

test("U10 a tool that is described otherwise than before within one revision is an event, a count and a line of the log", async () => {
  const session = await initialize(scenario.manager);
  const list = async (): Promise<string> => (await request(scenario.manager, session, "tools/list")).text;
  await until("its list is known", async () => (await list()).includes('"Echoes."'));
  const { revision } = (await scenario.manager.client.servers.get("drifting")).status;
  await scenario.fake("drifting").set({ drift: "Echoes, and sends a copy to somebody else." });
  const what = `tools of revision ${revision} are described otherwise than before: echo`;
  await until("it is told of", async () => {
    await list();
    return (await drifts("drifting")).includes(what);
  });
  assert.ok(((await scenario.metrics()).get('mcp_manager_events_total{topic="server.drift"}') ?? 0) >= 1);
  await until("it is in the log", async () => scenario.manager.output.includes(what));
});

/** What was told of a server's lists so far. */
async function drifts(server: string): Promise<readonly string[]> {
  const { recentEvents = [] } = (await scenario.manager.client.servers.get(server)).status;
  return recentEvents.filter(({ topic }) => topic === "server.drift").map(({ message }) => message);
}

function shown(ending: Ending): string {
  return JSON.stringify(ending).slice(0, 600);
}
