/** A server, or a tool, that fails is not called for a while; who calls it hears so at once, and it comes back by itself. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { configOf } from "./testing/fixtures.ts";
import { startHttpServer } from "./testing/http-server.ts";
import { type ManagerProcess, startManager, until } from "./testing/manager.ts";
import { initialize, request, type Wire } from "./testing/mcp.ts";
import { sendModern } from "./testing/modern.ts";

/** Long enough for what is looked at while it is open, also on a machine that has much to do. */
const openForMs = 2_000;
/** Of a tool half as many calls are asked for. */
const breaker = { minCalls: 8, openFor: `${openForMs}ms` };
/** Times vary by a fifth, so that many do not try again together. */
const openForMsMin = 0.8 * openForMs;

let manager: ManagerProcess;
let session: string;

before(async () => {
  const config = configOf({ good: { mode: "plain" }, moody: { mode: "faulty", spec: { breaker } } });
  manager = await startManager({ config });
  await manager.serversReady("good", "moody");
  session = await initialize(manager);
});
after(() => manager[Symbol.asyncDispose]());

const call = (name: string, args: object = {}): Promise<Wire> =>
  request(manager, session, "tools/call", { name, arguments: args });
const fails = (): Promise<Wire> => call("moody__fault", { code: -32603 });

/** Refused at once, in both eras, with the reason and the time to wait. */
async function assertRefused(name: string, reason: RegExp): Promise<void> {
  for (const answer of [await call(name), await sendModern(manager, "tools/call", { name, arguments: {} })]) {
    assert.equal(answer.status, 503, answer.text);
    const { error } = answer.json();
    assert.deepEqual([error?.code, error?.data?.["code"]], [503, "circuit_open"]);
    assert.match(error?.message ?? "", reason);
    assert.ok(Number(answer.headers.get("retry-after")) >= 1);
    assert.ok(Number(error?.data?.["retryAfterMs"]) >= 0);
  }
}

/** One figure of the scrape. */
async function sample(name: string): Promise<number | undefined> {
  const headers = { authorization: `Bearer ${manager.key}` };
  const text = await (await fetch(`${manager.url}/metrics`, { headers })).text();
  const line = text.split("\n").find((each) => each.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length));
}

test("a tool that fails is not called for a while, all others of its server are, and it comes back by itself", async () => {
  for (let i = 0; i < 3; i++) assert.equal((await fails()).json().error?.code, -32603);
  // It opens before the fourth answer is here.
  const beforeMs = performance.now();
  assert.equal((await fails()).json().error?.code, -32603);
  await assertRefused("moody__fault", /tool "fault" of server "moody".*calls failed/);
  assert.equal((await call("moody__pid")).status, 200);
  const { status } = await manager.client.servers.get("moody");
  assert.equal(status.breaker, "closed", "one tool is not the server");
  assert.deepEqual(
    status.breakerDetail?.tools?.map(({ tool, state }) => [tool, state]),
    [["fault", "open"]],
  );
  await until("it is called again", async () => (await call("moody__fault")).status === 200);
  assert.ok(performance.now() - beforeMs >= openForMsMin);
  // Three that went well close it.
  await until("it is closed", async () => {
    await call("moody__fault");
    return (await manager.client.servers.get("moody")).status.breakerDetail === undefined;
  });
});

test("what is the client's fault, or the tool's own error, opens nothing", async () => {
  for (let i = 0; i < 8; i++) assert.equal((await call("moody__fault", { code: -32602 })).json().error?.code, -32602);
  assert.equal((await call("moody__fault")).status, 200);
});

test("H2 a server that nobody reaches opens its own breaker, at five calls in a row, and no other's", async () => {
  const server = await startHttpServer("legacy");
  const source = { kind: "remote", url: server.url } as const;
  const spec = { source, breaker: { openFor: "1m" } } as const;
  await manager.client.servers.apply({ metadata: { name: "far" }, spec });
  await manager.serversReady("far");
  assert.equal((await call("far__echo", { a: 1 })).status, 200);
  await server[Symbol.asyncDispose]();
  for (let i = 0; i < 5; i++) {
    const { error } = (await call("far__echo", { a: 1 })).json();
    assert.deepEqual([error?.data?.["code"], error?.data?.["retryable"]], ["unavailable", true], "nothing was sent");
  }
  await assertRefused("far__echo", /server "far" is not called for now \(the connection failed 5 times in a row\)/);
  assert.equal((await call("good__pid")).status, 200);
  await until("it shows", async () => (await manager.client.servers.get("far")).status.breaker === "open");
  assert.equal(await sample('mcp_manager_breaker_state{server="far"}'), 2);
  assert.equal(await sample('mcp_manager_breaker_state{server="good"}'), 0);
  assert.equal(await sample('mcp_manager_calls_refused_total{server="far",reason="breaker"}'), 2);
  await manager.client.servers.delete("far");
});

test("U8 a server that says when to come again is left alone until then, and is not held for broken", async () => {
  let refused: number | undefined;
  await using server = await startHttpServer("modern", { refuse: () => refused, retryAfter: 3 });
  const source = { kind: "remote", url: server.url } as const;
  const health = { interval: "1m" } as const;
  await manager.client.servers.apply({ metadata: { name: "busy" }, spec: { source, health } });
  await manager.serversReady("busy");
  assert.equal((await call("busy__echo", { a: 1 })).status, 200);
  const startMs = performance.now();
  const answer = await refusedOnce();
  assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, "3"]);
  assert.match(answer.json().error?.message ?? "", /HTTP 429/);
  const seen = server.seen.length;
  for (let i = 0; i < 7; i++) {
    const { error } = (await call("busy__echo")).json();
    assert.deepEqual([error?.code, error?.data?.["retryable"]], [503, true]);
    assert.ok(Number(error?.data?.["retryAfterMs"]) <= 3_000);
    assert.match(error?.message ?? "", /server "busy" is left alone for now, as it asked for/);
  }
  assert.equal(server.seen.length, seen);
  const { breaker: state, breakerDetail, load, recentEvents } = (await manager.client.servers.get("busy")).status;
  assert.deepEqual([state, breakerDetail, load?.refused.heldOff, load?.heldOff.length], ["closed", undefined, 7, 1]);
  assert.ok(recentEvents?.some(({ message }) => message === "left alone for 3s, as its server asked for"));
  assert.equal(await sample('mcp_manager_replicas_held_off{server="busy"}'), 1);
  assert.equal(await sample('mcp_manager_calls_refused_total{server="busy",reason="held_off"}'), 7);
  await until("it is called again", async () => (await call("busy__echo", { a: 1 })).status === 200);
  assert.ok(performance.now() - startMs >= 3_000);
  assert.deepEqual((await manager.client.servers.get("busy")).status.load?.heldOff, []);
  await manager.client.servers.delete("busy");

  /** One call that is refused by the server itself. */
  async function refusedOnce(): Promise<Wire> {
    refused = 429;
    const refusal = await call("busy__echo");
    refused = undefined;
    return refusal;
  }
});

test("a person holds a breaker open, with a reason that callers see, or closed, whatever fails", async () => {
  const { servers } = manager.client;
  await servers.setBreaker("moody", { state: "open", reason: "the licence ran out" });
  await until("it is held", async () => (await call("moody__pid")).status === 503);
  await assertRefused("moody__pid", /the licence ran out/);
  await servers.setBreaker("moody", { state: "closed", reason: "calls are worth more" });
  await until("it is called", async () => (await call("moody__pid")).status === 200);
  for (let i = 0; i < 6; i++) assert.equal((await fails()).json().error?.code, -32603);
  await servers.setBreaker("moody", { state: "auto" });
  await until("it is left to itself", async () => (await call("moody__fault")).status === 503);
});
