/** Calls at their edges: clients that are gone before anything is sent, questions, servers that changed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import { seededRandom } from "../../base/random.ts";
import { WatchedValue } from "../../base/watched.ts";
import { WakingCalls } from "./waking.ts";
import { TimerWheel } from "../../base/timer-wheel.ts";
import { clientProfile } from "../../protocol/client-profile.ts";
import { scanEnvelope } from "../../protocol/envelope.ts";
import { createPrincipal } from "../../security/principal.ts";
import { createSealer, toSealKey } from "../../security/seal.ts";
import { Metrics } from "../../telemetry/metrics.ts";
import type { Lease, Leases } from "../../upstream/leases.ts";
import { IdleServers } from "../../upstream/idle-servers.ts";
import { UpstreamSet } from "../../upstream/upstream-set.ts";
import { OpenWork } from "./open-work.ts";
import { ParkedCalls } from "../asking/parked-calls.ts";
import { RequestStates } from "../asking/request-state.ts";
import type { Reply } from "../reply.ts";
import { buildRoutingTable, emptyTable } from "../routing/routing-table.ts";
import { Sessions } from "../sessions/session.ts";
import { EventReader } from "../testing/event-reader.ts";
import { eras, peerOf, serverResource, TestGateway } from "../testing/gateway.ts";
import { type JsonRpc, Peer } from "../testing/peer.ts";
import { type Received, ScriptedConnection } from "../testing/scripted-connection.ts";
import { CallMetrics } from "./call-metrics.ts";
import { Forward } from "./forward.ts";

const question = { message: "Which city?", requestedSchema: { type: "object", properties: {} } };
const asksCity = {
  resultType: "input_required",
  inputRequests: { city: { method: "elicitation/create", params: question } },
  requestState: "s1",
};

const noLeases: Omit<Leases, "take"> = {
  sharing: "shared",
  open: 0,
  inUse: 0,
  calls: 0,
  spare: 0,
  idle: 0,
  waiting: 0,
  holds: () => false,
  endScope: () => undefined,
};

test("G8 a modern client that is gone before its call is sent costs its server nothing", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  let lists = 0;
  let answer: Received | undefined;
  const tools = { tools: [{ name: "b", inputSchema: {} }] };
  const weather = gateway.serve("weather", {
    script: { "tools/list": (call) => (++lists === 1 ? call.result(tools) : void (answer = call)) },
  });
  const peer = new Peer(gateway.url);
  await peer.modern("tools/list");
  await gateway.time.advance(5_000);
  const going = new AbortController();
  const gone = assert.rejects(peer.modern("tools/call", { name: "weather__a" }, { signal: going.signal }));
  await weather.until(() => answer !== undefined);
  going.abort();
  await gone;
  // Its connection is closed before the next one is answered.
  await peer.modern("server/discover");
  answer?.result({ tools: [{ name: "a", inputSchema: {} }] });
  await until(() => /method="tools\/call",outcome="cancelled"\} 1/.test(gateway.metrics.text()));
  assert.deepEqual(weather.calls("tools/call"), []);
});

test("G18 a call that is cancelled while it waits for a connection is not sent, and waits no longer", async () => {
  await using gateway = await TestGateway.open();
  let givenUp: AbortSignal | undefined;
  const leases: Leases = {
    ...noLeases,
    take: (_request, signal) =>
      new Promise<Lease>((_resolve, reject) => {
        givenUp = signal;
        signal?.addEventListener("abort", () => reject(signal.reason as Error));
      }),
  };
  const connection = new ScriptedConnection();
  gateway.register(serverResource("weather"));
  gateway.upstreams.attach({ name: "weather-1-a", server: "weather", revision: "weather-1", connection, leases });
  const peer = new Peer(gateway.url);
  await peer.initialize("2025-11-25", { roots: {} });
  const call = peer.legacy("tools/call", { name: "weather__a" }, { id: "c" });
  await until(() => givenUp !== undefined);
  await peer.post('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"c"}}');
  assert.deepEqual([(await call).status, givenUp?.aborted], [202, true]);
  assert.deepEqual(connection.calls("tools/call"), []);
});

test("a call waits for a connection as long as it has time left, so that it is told why it was not sent", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  const waits: number[] = [];
  const leases: Leases = {
    ...noLeases,
    take: ({ waitMs }) => {
      waits.push(waitMs);
      return Promise.reject(new ManagerError("unavailable", "all busy"));
    },
  };
  let lists = 0;
  let list: Received | undefined;
  const connection = new ScriptedConnection({
    script: { "tools/list": (call) => (++lists === 1 ? call.result({ tools: [] }) : void (list = call)) },
  });
  gateway.register(serverResource("weather", { limits: { callTimeout: "5s" } }));
  gateway.upstreams.attach({ name: "weather-1-a", server: "weather", revision: "weather-1", connection, leases });
  const peer = new Peer(gateway.url);
  await peer.initialize("2025-11-25", { roots: {} });
  await peer.legacy("tools/list");
  await gateway.time.advance(5_000);
  const answer = peer.legacy("tools/call", { name: "weather__a" });
  await connection.until(() => list !== undefined);
  await gateway.time.advance(1_000);
  list?.result({ tools: [{ name: "a", inputSchema: {} }] });
  assert.equal((await answer).body?.error?.message, "all busy");
  assert.deepEqual(waits, [4_000]);
});

test("G13 on a connection that calls share nobody is asked, even a client that could be by now", async () => {
  await using gateway = await TestGateway.open();
  const leases: Leases = { ...noLeases, take: () => assert.fail("it could not be asked anything") };
  const connection = new ScriptedConnection();
  gateway.register(serverResource("weather"));
  gateway.upstreams.attach({ name: "weather-1-a", server: "weather", revision: "weather-1", connection, leases });
  const peer = new Peer(gateway.url, { headers: { accept: "application/json" } });
  await peer.initialize("2025-11-25", { elicitation: { form: {} } });
  const answer = peer.legacy("tools/call", { name: "weather__a" });
  const call = await connection.call("tools/call");
  const stream = await peer.request("GET", undefined, { headers: { accept: "text/event-stream" } });
  call.ask(1, "elicitation/create", question);
  assert.equal((connection.notified[0] as { error?: { code: number } } | undefined)?.error?.code, -32601);
  call.result({ n: 1 });
  assert.deepEqual((await answer).body?.result, { n: 1 });
  await stream.body?.cancel();
});

test("G12 a question that two readers could understand differently is not passed on", async () => {
  await using gateway = await TestGateway.open();
  const twice = '{"resultType":"input_required","inputRequests":{},"requestState":"s1","requestState":"s2"}';
  gateway.serve("weather", { era: "modern", script: { "tools/call": (call) => call.result(twice) } });
  const { status, body } = await new Peer(gateway.url).modern("tools/call", { name: "weather__a" });
  assert.deepEqual([status, body?.error?.data?.["code"]], [502, "protocol_error"]);
});

test("G5 what a retry brings goes along when its headers are refused, and later retries keep the new headers", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  let header = "Old";
  const weather = gateway.serve("weather", {
    era: "modern",
    script: {
      "tools/list": (call) => {
        const properties = { region: { type: "string", "x-mcp-header": header } };
        const tools = [{ name: "a", inputSchema: { type: "object", properties } }];
        call.result({ resultType: "complete", ttlMs: 60_000, cacheScope: "public", tools });
      },
    },
  });
  const peer = new Peer(gateway.url);
  await peer.initialize("2025-11-25", { elicitation: { form: {} } });
  await peer.legacy("tools/list");
  const params = { name: "weather__a", arguments: { region: "eu" } };
  const answered = peer.request("POST", JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }));
  (await weather.call("tools/call", 1)).result(asksCity);
  const events = new EventReader(await answered);
  const answer = async (): Promise<void> => {
    const { id } = (await events.next()) as JsonRpc;
    await peer.post(JSON.stringify({ jsonrpc: "2.0", id, result: { action: "accept" } }));
  };
  await answer();
  const refused = await weather.call("tools/call", 2);
  header = "New";
  await gateway.time.advance(2_000);
  refused.error(-32020, "Header mismatch");
  (await weather.call("tools/call", 3)).result({ ...asksCity, requestState: "s2" });
  await answer();
  (await weather.call("tools/call", 4)).result({ resultType: "complete", n: 1 });
  assert.deepEqual((await events.next())?.result, { n: 1 });
  assert.deepEqual(
    weather.calls("tools/call").map(({ message, paramHeaders }) => [message.params?.["requestState"], paramHeaders[0]]),
    [
      [undefined, "Mcp-Param-Old"],
      ["s1", "Mcp-Param-Old"],
      ["s1", "Mcp-Param-New"],
      ["s2", "Mcp-Param-New"],
    ],
  );
});

test("G12 a state for a server that is of the legacy era by now is refused, without contact", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("weather", { era: "modern", script: { "tools/call": (call) => call.result(asksCity) } });
  const peer = new Peer(gateway.url);
  const requestState = (await peer.modern("tools/call", { name: "weather__a" })).body?.result?.["requestState"];
  const older = gateway.attach("weather");
  const params = { name: "weather__a", requestState, inputResponses: { city: {} } };
  const { body } = await peer.modern("tools/call", params);
  assert.equal(body?.error?.data?.["code"], "failed_precondition");
  assert.deepEqual(older.calls("tools/call"), []);
});

test("G17 a log level that is none brings no log messages", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const meta = { "io.modelcontextprotocol/logLevel": "loud" };
  const answer = new Peer(gateway.url).modern("tools/call", { name: "weather__a" }, { meta });
  const call = await weather.call("tools/call");
  call.notify("notifications/message", { level: "emergency", data: 1 });
  call.result({});
  assert.deepEqual((await answer).events, []);
});

test("an answer of a server that is none is counted as that, and not as an outage", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  for (const era of eras) {
    const peer = await peerOf(era, gateway);
    const answer = peer[era]("tools/call", { name: "weather__a" });
    (await weather.call("tools/call", era === "legacy" ? 1 : 2)).fail(new ManagerError("protocol_error", "no JSON"));
    assert.equal((await answer).status, 502);
  }
  assert.match(gateway.metrics.text(), /outcome="protocol_error"\} 2/);
});

test("a call that ends because its client does not read even the withdrawal of its questions ends once", () => {
  const clock = new ManualClock();
  const random = seededRandom(1);
  const wheel = new TimerWheel(clock);
  const metrics = new Metrics();
  const upstreams = new UpstreamSet();
  const connection = new ScriptedConnection();
  upstreams.attach({ name: "weather-1-a", server: "weather", revision: "weather-1", connection });
  const route = buildRoutingTable(emptyTable, [serverResource("weather")]).servers.get("weather");
  assert.ok(route);
  const sealer = createSealer([toSealKey(Buffer.alloc(32, 7))], clock, random);
  const sessions = new Sessions({ sealer, clock, random, idleMs: 60_000, sessionsMax: 10 });
  const principal = createPrincipal("ada", ["admin"], "api-key");
  const session = sessions.open(principal, "*", "2025-11-25", {
    profile: clientProfile(Buffer.from('{"elicitation":{}}')),
  });
  const scan = scanEnvelope(Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}'));
  assert.ok(scan.ok);
  let readable = 2;
  let ends = 0;
  const reply: Reply = {
    listener: undefined,
    ended: false,
    takesEvents: true,
    address: undefined,
    json: () => assert.fail("there is nothing to answer"),
    empty: () => undefined,
    notification: () => readable-- > 0,
    response: () => true,
    keepAlive: () => undefined,
    end: () => void ends++,
  };
  const call = new Forward(
    {
      upstreams,
      guards: { of: () => undefined },
      waking: new WakingCalls({ upstreams, table: new WatchedValue(emptyTable), wake: new IdleServers() }),
      table: new WatchedValue(emptyTable),
      random,
      clock,
      wheel,
      metrics: new CallMetrics(metrics),
      measures: { ended: () => undefined },
      states: new RequestStates(sealer, clock, new OpenWork(clock)),
      parked: new ParkedCalls({ wheel, clock, random }),
      renewedHeaders: () => Promise.resolve([]),
      listsUri: () => false,
      tasks: { shown: (response) => response },
    },
    {
      view: { kind: "aggregate" },
      principal,
      era: "legacy",
      envelope: scan.envelope,
      id: Buffer.from("1"),
      session,
      bound: undefined,
      headers: {},
      paramHeaders: [],
      reply,
      startedMs: 0,
    },
    { route, name: "a", edits: [], paramHeaders: undefined, revision: undefined },
  );
  call.start();
  for (const id of [1, 2]) connection.received[0]?.ask(id, "elicitation/create", question);
  call.cancel("the client cancelled the request");
  assert.match(metrics.text(), /outcome="cancelled"\} 1\n/);
  assert.deepEqual([ends, session.calls.size, session.questions.size], [1, 0, 0]);
  sessions[Symbol.dispose]();
  wheel[Symbol.dispose]();
});

/** Looks again at each turn of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test("G9 a legacy call that is silent for long becomes a stream, to come back to when the connection is lost", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  const weather = gateway.serve("weather");
  const peer = await peerOf("legacy", gateway);
  const asked = peer.request(
    "POST",
    JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "weather__a" } }),
  );
  const call = await weather.call("tools/call");
  await gateway.time.advance(1_600);
  const lost = new EventReader(await asked);
  const reading = lost.next();
  while (lost.lastEventId === "") await new Promise((resolve) => setImmediate(resolve));
  await lost.cancel();
  assert.equal(await reading, undefined, "nothing but an id to come back with");
  const id = lost.lastEventId;
  const resumed = await peer.request("GET", undefined, {
    headers: { accept: "text/event-stream", "last-event-id": id },
  });
  call.result({ n: 1 });
  assert.deepEqual((await new EventReader(resumed).next())?.result, { n: 1 });
});
