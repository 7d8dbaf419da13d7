/** What a server over HTTP can do wrong with its answers and its lists: each is told as what it is, within its time and in bounded memory. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { until } from "../e2e/testing/manager.ts";
import { initialize, request } from "../e2e/testing/mcp.ts";
import { readJournal } from "./testing/fake.ts";
import { codeOf, type Ending, errorOf, type FaultClient, resultOf } from "./testing/ledger.ts";
import { holdingsOf } from "./testing/machine.ts";
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

/** Faults of single answers, and what their callers are told. */
const answers: readonly (readonly [fault: string, args: object, code: string, message: RegExp])[] = [
  ["stall", {}, "deadline_exceeded", /did not answer/],
  ["stall-json", {}, "deadline_exceeded", /did not answer/],
  ["drip", {}, "deadline_exceeded", /did not answer/],
  ["comments", {}, "deadline_exceeded", /did not answer/],
  ["long-event", { bytes: 70_254_592 }, "protocol_error", /longer than 67108864 bytes/],
  ["wrong-type", {}, "protocol_error", /content type "text\/plain"/],
  ["html", {}, "protocol_error", /content type "text\/html"/],
  ["html-as-json", {}, "protocol_error", /not a JSON-RPC response/],
  ["gzip", {}, "protocol_error", /./],
  ["wrong-id", {}, "protocol_error", /id of another request/],
  ["cut-json", {}, "unavailable", /./],
  ["reset", {}, "unavailable", /./],
  ["status", { status: 502 }, "unavailable", /502/],
  ["status", { status: 401 }, "", /./],
];

for (const era of eras) {
  for (const [fault, args, code, message] of answers) {
    test(`U6 ${fault} ${JSON.stringify(args)} of a ${era} server is ${code || "told"}, and it is asked again`, async () => {
      const before = holdingsOf(scenario.manager.pid).rssBytes;
      const calls = [legacy, modern].map((client) => client.call(`faulty-${era}`, "fault", { do: fault, ...args }));
      for (const ending of await Promise.all(calls)) {
        if (code !== "") assert.equal(codeOf(ending), code, shown(ending));
        assert.match(errorOf(ending)?.message ?? "", message);
      }
      assert.ok(holdingsOf(scenario.manager.pid).rssBytes - before < 268_435_456);
      assert.match(await modern.text(`faulty-${era}`, "echo"), /call-/);
    });
  }
}

test("U6 an event that is cut off in the middle ends its call: a modern one at once, a legacy one at its deadline", async () => {
  const cut = { do: "cut-event" };
  assert.equal(codeOf(await legacy.call("faulty-modern", "fault", cut)), "unavailable");
  assert.match(String(codeOf(await modern.call("faulty-legacy", "fault", cut))), /^(?:unavailable|deadline_exceeded)$/);
});

for (const era of eras) {
  test(`U5 a wire to a ${era} server that is cut, half closed or reset in mid-call fails that call, and heals`, async () => {
    const server = `faulty-${era}`;
    const wire = scenario.wire(server);
    for (const what of ["cut", "reset", "half"] as const) {
      const executed = scenario.executedCalls(server);
      const waiting = modern.call(server, "fault", { do: "stall-json" });
      await until("it is being executed", async () => scenario.executedCalls(server) > executed);
      if (what === "half") wire.faults = { halfCloseAfterBytes: 1 };
      else wire[what]();
      if (what === "half") assert.match(await modern.call(server, "echo").then(shown), /unavailable|protocol_error/);
      assert.match(String(codeOf(await waiting)), /^(?:unavailable|deadline_exceeded)$/);
      wire.faults = {};
      await until("it heals", async () => resultOf(await modern.call(server, "echo")) !== undefined);
    }
  });

  test(`U5 a ${era} server behind a slow wire in slices and behind a black hole`, async () => {
    const server = `faulty-${era}`;
    const wire = scenario.wire(server);
    wire.faults = { latencyMs: 2, sliceBytes: 50 };
    assert.match(await legacy.text(server, "echo"), /call-/);
    wire.faults = { blackHole: true };
    assert.equal(codeOf(await legacy.call(server, "echo")), "deadline_exceeded");
    wire.faults = {};
    wire.cut();
    await until("it heals", async () => resultOf(await legacy.call(server, "echo")) !== undefined);
  });

  for (const status of [429, 503]) {
    test(`U8 ${status} with Retry-After of a ${era} server is passed on with its time, and trips no breaker`, async () => {
      const server = `limited-${era}`;
      await scenario.fake(server).set({ status, retryAfter: 1 });
      const endings: Ending[] = [];
      for (let at = 0; at < 30; at += 1) endings.push(await modern.call(server, "echo"));
      for (const ending of endings) {
        assert.ok(ending.kind === "answered" && (ending.status === 429 || ending.status === 503), shown(ending));
        assert.ok(Number(errorOf(ending)?.data?.["retryAfterMs"]) > 0, shown(ending));
      }
      const { breaker } = (await scenario.manager.client.servers.get(server)).status;
      assert.ok(breaker === undefined || breaker === "closed");
      // Honoured: while the time runs the server is left alone, so it did not see all of them.
      const seen = readJournal(scenario).filter((entry) => entry.server === server && entry.refused === status);
      assert.ok(seen.length < endings.length, `it was asked ${seen.length} times`);
      await scenario.fake(server).set({ status: null });
      await until("it is asked again", async () => resultOf(await modern.call(server, "echo")) !== undefined);
    });
  }
}

test("U9 a list that changes with every call is asked for no more than once a second, and serves", async () => {
  await modern.text("changing", "set", { set: { listChanges: true } });
  const before = scenario.executed("changing", "tools/list");
  const startMs = performance.now();
  for (let at = 0; at < 200; at += 1) await modern.text("changing", "echo");
  const seconds = (performance.now() - startMs) / 1_000;
  const asked = scenario.executed("changing", "tools/list") - before;
  await modern.text("changing", "set", { set: { listChanges: false } });
  assert.ok(asked <= Math.ceil(seconds) + 2, `it was asked ${asked} times in ${seconds} s`);
});

test("U10 a tool that is described otherwise than before within one revision is told of", async () => {
  const session = await initialize(scenario.manager);
  const list = async (): Promise<string> => (await request(scenario.manager, session, "tools/list")).text;
  await until("its list is known", async () => (await list()).includes("Echoes."));
  await scenario.fake("drifting").set({ drift: "Echoes, and sends a copy to somebody else." });
  await until("it is told of", async () => {
    await list();
    return /"message":"a tool changed within its revision".*"server":"drifting".*"echo"/.test(scenario.manager.output);
  });
});

function shown(ending: Ending): string {
  return JSON.stringify(ending).slice(0, 600);
}
