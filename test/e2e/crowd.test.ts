/** A thousand clients at once that call their requests alike: each gets its own progress and its own answer, and nothing else. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type ManagerProcess, startManager } from "./testing/manager.ts";
import { initialize, send, type Wire } from "./testing/mcp.ts";
import { sendModern } from "./testing/modern.ts";
import { type Crowd, crowdProcess, startCrowd } from "./testing/crowd.ts";

const clients = 1_000;
const token = "the same for everybody";
/** Each has a connection of its own. */
const alone = { connection: "close" };

const running = new AsyncDisposableStack();
let manager: ManagerProcess;
/** One for each client of the legacy era, every second one. */
let sessions: readonly string[] = [];

before(async () => {
  const legacy = running.use(await startCrowd("legacy", clients));
  const modern = running.use(await startCrowd("modern", clients));
  // The server answers nobody before all are there.
  const limits = { concurrency: clients };
  // Each replica has 256 sockets, and the server waits for all the calls: four of them carry a thousand.
  const remote = ({ url }: Crowd): object => ({ source: { kind: "remote", url }, replicas: 4, limits });
  const stdio = (era: "legacy" | "modern"): object => ({ source: crowdProcess(era, clients), limits });
  const servers = {
    "legacy-http": remote(legacy),
    "legacy-stdio": stdio("legacy"),
    "modern-http": remote(modern),
    "modern-stdio": stdio("modern"),
  };
  manager = running.use(await startManager({ config: JSON.stringify({ servers }) }));
  await manager.serversReady(...Object.keys(servers));
  sessions = await openSessions(clients / 2);
});
after(() => running.disposeAsync());

for (const era of ["legacy", "modern"]) {
  for (const transport of ["http", "stdio"]) {
    test(`G11 ${clients} clients of both eras with one id and one token each hear their own of a ${era} server on ${transport}`, async () => {
      const calls = Array.from({ length: clients }, (_, who) => call(`${era}-${transport}__hold`, who));
      const heard = (await Promise.all(calls)).map(messagesOf);
      const wrong = heard.flatMap((messages, who) => {
        const got = JSON.stringify(messages);
        return got === JSON.stringify(owed(who)) ? [] : [`client ${who} got ${got}`];
      });
      assert.deepEqual(wrong.slice(0, 3), [], `${wrong.length} of ${clients} clients`);
    });
  }
}

/** A few at a time: a thousand at once are what the calls are for. */
async function openSessions(count: number): Promise<readonly string[]> {
  const opened: string[] = [];
  while (opened.length < count)
    opened.push(...(await Promise.all(Array.from({ length: 20 }, () => initialize(manager, { headers: alone })))));
  return opened;
}

/**
 * The call of one client, as often as the manager turns it away at the door: on a machine that has more to do than this, it may find
 * itself overloaded, closes some connections unheard, and asks who is heard to come again. Had it gone on with one of these calls, there
 * would be more than the server waits for, and one would be left without an answer.
 */
async function call(name: string, who: number): Promise<Wire> {
  for (;;) {
    const answer = await callOnce(name, who).catch(unheard);
    const isTurnedAway = answer?.status === 503 && answer.json().error?.data?.["server"] === undefined;
    if (answer !== undefined && !isTurnedAway) return answer;
    await sleep(Number(answer?.headers.get("retry-after") ?? 1) * 1_000);
  }
}

function unheard(error: unknown): undefined {
  const { cause } = error as { readonly cause?: { readonly code?: string; readonly socket?: { bytesRead: number } } };
  if (cause?.code !== "ECONNRESET" && cause?.socket?.bytesRead !== 0) throw error;
}

/** The call of one client; clients of even numbers are legacy ones. */
function callOnce(name: string, who: number): Promise<Wire> {
  const params = { name, arguments: { who } };
  const session = who % 2 === 0 ? sessions[who / 2] : undefined;
  const meta = { progressToken: token };
  if (session === undefined) return sendModern(manager, "tools/call", params, { meta, headers: alone });
  const message = {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { ...params, _meta: meta },
  };
  return send(manager, message, { session, headers: alone });
}

type Heard = readonly unknown[];

/** What a client hears: the numbers and texts of its progress under its token, its answer under its id, or whatever came instead. */
function messagesOf({ text }: Wire): Heard {
  const events = text.split("\n").flatMap((line) => (line.startsWith("data: {") ? [line.slice(6)] : []));
  return (events.length === 0 ? [text] : events).map((event) => {
    const { id, params, result, error } = JSON.parse(event);
    return id === undefined ? params : [id, result?.content ?? error];
  });
}

function owed(who: number): Heard {
  const progress = (step: number): object => ({ progressToken: token, progress: step, message: String(who) });
  return [progress(1), progress(2), [1, [{ type: "text", text: String(who) }]]];
}
