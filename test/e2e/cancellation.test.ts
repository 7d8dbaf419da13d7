/** Calls that are given up: the server hears of it in the way of its era and transport, and what it says all the same reaches nobody. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ManagerProcess, startManager, until } from "./testing/manager.ts";
import { initialize, request, send, type Wire } from "./testing/mcp.ts";
import { sendModern } from "./testing/modern.ts";
import { crowdProcess, startCrowd } from "./testing/crowd.ts";

const token = "t";
const names = ["legacy-http", "legacy-stdio", "modern-http", "modern-stdio"];

const running = new AsyncDisposableStack();
let manager: ManagerProcess;
let session: string;

before(async () => {
  const legacy = running.use(await startCrowd("legacy", 2));
  const modern = running.use(await startCrowd("modern", 2));
  const servers = {
    "legacy-http": { source: { kind: "remote", url: legacy.url } },
    "legacy-stdio": { source: crowdProcess("legacy", 2) },
    "modern-http": { source: { kind: "remote", url: modern.url } },
    "modern-stdio": { source: crowdProcess("modern", 2) },
  };
  manager = running.use(await startManager({ config: JSON.stringify({ servers }) }));
  await manager.serversReady(...names);
  session = await initialize(manager);
});
after(() => running.disposeAsync());

/** A call that the server holds until there are two. */
interface Call {
  readonly answer: Promise<Wire | undefined>;
  giveUp(): Promise<void>;
}

type Begin = (name: string, who: number) => Call;

function beginLegacy(name: string, who: number): Call {
  const params = { name, arguments: { who }, _meta: { progressToken: token } };
  return {
    answer: send(manager, { jsonrpc: "2.0", id: 1, method: "tools/call", params }, { session }),
    async giveUp() {
      const cancelled = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } };
      assert.equal((await send(manager, cancelled, { session })).status, 202);
    },
  };
}

function beginModern(name: string, who: number): Call {
  const leave = new AbortController();
  const params = { name, arguments: { who } };
  const options = { signal: leave.signal, meta: { progressToken: token } };
  return {
    answer: sendModern(manager, "tools/call", params, options).catch(() => undefined),
    giveUp: () => Promise.resolve(leave.abort()),
  };
}

/** How many calls the server holds, and how often it was told that one was given up. */
async function counts(name: string): Promise<readonly [held: number, cancelled: number]> {
  const { text } = await request(manager, session, "tools/call", { name: `${name}__counts` });
  const [, held, cancelled] = /"text":"\[(\d+),(\d+)\]"/.exec(text) ?? [];
  return [Number(held), Number(cancelled)];
}

const eras: readonly (readonly [string, Begin])[] = [
  ["legacy", beginLegacy],
  ["modern", beginModern],
];

for (const [era, begin] of eras) {
  for (const name of names) {
    test(`G18 a ${era} client's cancellation reaches ${name}, and what that says of the call later reaches nobody`, async () => {
      const [, earlier] = await counts(name);
      const first = begin(`${name}__hold`, 1);
      await until("the server has the call", async () => (await counts(name))[0] === 1);
      await first.giveUp();
      assert.doesNotMatch((await first.answer)?.text ?? "", /result/);
      await until("the server is told", async () => (await counts(name))[1] === earlier + 1);
      // With the second call there are as many as the server waits for: it answers both.
      const second = (await begin(`${name}__hold`, 2).answer)?.text ?? "";
      assert.deepEqual(second.match(/"message":"\d"/g), ['"message":"2"', '"message":"2"']);
      assert.match(second, /"id":1,.*"text":"2"/);
      assert.doesNotMatch(second, /"text":"1"/);
    });
  }
}
