/** How many calls a server gets at once and in a time, who waits for a place, and whose turn it is. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { configOf } from "./testing/fixtures.ts";
import { type ManagerProcess, startManager, until } from "./testing/manager.ts";
import { keyOf } from "./testing/members.ts";
import { initialize, request, type Wire } from "./testing/mcp.ts";

let manager: ManagerProcess;

before(async () => {
  const config = configOf({
    narrow: { mode: "plain", spec: { limits: { concurrency: 2, queue: 2 } } },
    shared: { mode: "plain", spec: { limits: { concurrency: 4, queue: 100 } } },
    timed: { mode: "plain", spec: { limits: { rate: { perSecond: 1, burst: 3 } } } },
  });
  manager = await startManager({ config });
  await manager.serversReady("narrow", "shared", "timed");
});
after(() => manager[Symbol.asyncDispose]());

interface Caller {
  readonly key: string;
  readonly session: string;
}

async function callerOf(name: string): Promise<Caller> {
  const key = await keyOf(manager, name);
  return { key, session: await initialize(manager, { key }) };
}

const slow = ({ key, session }: Caller, server: string, ms: number): Promise<Wire> =>
  request(manager, session, "tools/call", { name: `${server}__slow`, arguments: { ms } }, { key });

const load = async (server: string): Promise<{ inFlight: number; waiting: number } | undefined> =>
  (await manager.client.servers.get(server)).status.load;

test("as many calls as may be are in flight, as many as may be wait, and the next is refused at once", async () => {
  const ada = await callerOf("ada");
  const started = Array.from({ length: 4 }, () => slow(ada, "narrow", 600));
  await until("two are in flight and two wait", async () => {
    const now = await load("narrow");
    return now?.inFlight === 2 && now.waiting === 2;
  });
  const refused = await slow(ada, "narrow", 0);
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "1");
  const { error } = refused.json();
  assert.deepEqual([error?.data?.["code"], error?.data?.["retryable"]], ["unavailable", true]);
  assert.match(error?.message ?? "", /limit of 2 calls in flight \(spec\.limits\.concurrency\)/);
  for (const { status } of await Promise.all(started)) assert.equal(status, 200);
  assert.deepEqual(await load("narrow").then((now) => [now?.inFlight, now?.waiting]), [0, 0]);
});

test("a principal that calls without end does not keep another waiting for all of its calls", async () => {
  const [greedy, modest] = [await callerOf("greedy"), await callerOf("modest")];
  const order: string[] = [];
  const many = Array.from({ length: 24 }, () => slow(greedy, "shared", 250).then(() => order.push("greedy")));
  await until("the line is long", async () => ((await load("shared"))?.waiting ?? 0) >= 16);
  const one = slow(modest, "shared", 0).then(({ status }) => {
    order.push("modest");
    return status;
  });
  assert.equal(await one, 200);
  // It came behind sixteen others, which go four at a time.
  assert.ok(order.filter((who) => who === "greedy").length <= 20, order.join(" "));
  await Promise.all(many);
});

test("more calls than the rate allows are 429 with the time to wait", async () => {
  const ada = await callerOf("hasty");
  const call = (): Promise<Wire> => slow(ada, "timed", 0);
  const answers = await Promise.all(Array.from({ length: 6 }, call));
  const refused = answers.filter(({ status }) => status === 429);
  // One may have been earned meanwhile.
  assert.ok(refused.length >= 2 && refused.length <= 3, answers.map(({ status }) => status).join(" "));
  const { error } = refused[0]?.json() ?? {};
  assert.deepEqual([error?.code, error?.data?.["code"]], [429, "resource_exhausted"]);
  assert.match(error?.message ?? "", /takes 1 calls a second \(spec\.limits\.rate\)/);
  assert.ok(Number(refused[0]?.headers.get("retry-after")) >= 1);
  await until("it is earned again", async () => (await call()).status === 200);
});

test("limits that are raised hold for the next call", async () => {
  const ada = await callerOf("raised");
  const { spec } = await manager.client.servers.get("timed");
  const { rate: _, ...limits } = spec.limits;
  await manager.client.servers.apply({ metadata: { name: "timed" }, spec: { ...spec, limits } });
  await until("nothing is refused", async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => slow(ada, "timed", 0)));
    return answers.every(({ status }) => status === 200);
  });
});
