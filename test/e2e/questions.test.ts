/** Servers that ask forty clients at once: each question comes to the client whose call made the server ask, and its answer to that call. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { EventReader } from "../../packages/manager/src/gateway/testing/event-reader.ts";
import { type ManagerProcess, startManager } from "./testing/manager.ts";
import { initialize, post, request, send } from "./testing/mcp.ts";
import { sendModern } from "./testing/modern.ts";
import { processesWith } from "./testing/processes.ts";
import { crowdProcess, startCrowd } from "./testing/crowd.ts";

const clients = 40;
const capabilities = { elicitation: { form: {} } };
/** Connections that a process server is given for calls that may ask, one process each; one more is shared by all other calls. */
const processesMax = 16 + 1;
/** Nobody else's, also where another run of this test goes on. */
const tag = `questions-${randomUUID()}`;

const running = new AsyncDisposableStack();
let manager: ManagerProcess;

before(async () => {
  const legacy = running.use(await startCrowd("legacy"));
  const modern = running.use(await startCrowd("modern"));
  const servers = {
    "legacy-http": { source: { kind: "remote", url: legacy.url } },
    "modern-http": { source: { kind: "remote", url: modern.url } },
    "legacy-stdio": { source: crowdProcess("legacy", 1, tag) },
  };
  manager = running.use(await startManager({ config: JSON.stringify({ servers }) }));
  await manager.serversReady(...Object.keys(servers));
});
after(() => running.disposeAsync());

/** A call that makes its server ask. */
interface Asked {
  /** Answers, and resolves with what the server then says: the number that the call carried, and the one that it was told. */
  answer(who: number): Promise<unknown>;
}

/** Calls, and resolves when the question is there. */
type Ask = (server: string, who: number) => Promise<Asked>;

async function askLegacy(server: string, who: number): Promise<Asked> {
  const path = `/servers/${server}/mcp`;
  const session = await initialize(manager, { capabilities, path });
  const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "ask", arguments: { who } } };
  const events = new EventReader(await post(manager, call, { session, path }));
  const question = await events.next();
  assert.equal(question?.method, "elicitation/create");
  return {
    async answer(told) {
      const answer = { jsonrpc: "2.0", id: question.id, result: { action: "accept", content: { who: told } } };
      assert.equal((await send(manager, answer, { session, path })).status, 202);
      const last = await events.next();
      assert.equal(last?.id, 1);
      assert.equal(await events.next(), undefined);
      return said(last.result);
    },
  };
}

async function askModern(server: string, who: number): Promise<Asked> {
  const path = `/servers/${server}/mcp`;
  const params = { name: "ask", arguments: { who } };
  const { result } = (await sendModern(manager, "tools/call", params, { path, capabilities })).json();
  assert.equal(result?.["resultType"], "input_required");
  const { requestState } = result;
  const [key = "", ...others] = Object.keys(result["inputRequests"] as object);
  assert.deepEqual(others, []);
  return {
    async answer(told) {
      const inputResponses = { [key]: { action: "accept", content: { who: told } } };
      const retry = { ...params, requestState, inputResponses };
      const last = (await sendModern(manager, "tools/call", retry, { path, capabilities, id: "again" })).json();
      assert.equal(last.id, "again");
      return said(last.result);
    },
  };
}

function said(result: Readonly<Record<string, unknown>> | undefined): unknown {
  const [content] = (result?.["content"] ?? []) as readonly { readonly text: string }[];
  return JSON.parse(content?.text ?? "null");
}

const numbers = Array.from({ length: clients }, (_, who) => who);
const cells: readonly (readonly [goal: string, era: string, ask: Ask, server: string])[] = [
  ["G13", "legacy", askLegacy, "legacy-http"],
  ["G14", "legacy", askLegacy, "modern-http"],
  ["G14", "modern", askModern, "legacy-http"],
  ["G12", "modern", askModern, "modern-http"],
];

for (const [goal, era, ask, server] of cells) {
  test(`${goal} ${clients} ${era} clients are asked at once by ${server}, and each answer comes to its own call`, async () => {
    // All are open before any is answered, and the last is answered first.
    const asked = await Promise.all(numbers.map((who) => ask(server, who)));
    const last = asked.map((each, who) => [each, who] as const).toReversed();
    const answers = await Promise.all(last.map(([each, who]) => each.answer(1_000 + who)));
    assert.deepEqual(
      answers.toReversed(),
      numbers.map((who) => [who, 1_000 + who]),
    );
  });
}

for (const [goal, era, ask] of [
  ["G13", "legacy", askLegacy],
  ["G14", "modern", askModern],
] as const) {
  test(`${goal} ${clients} ${era} clients are asked by a process each of one server, and there are never more than allowed`, async () => {
    let most = 0;
    const answers = await Promise.all(
      numbers.map(async (who) => {
        const asked = await ask("legacy-stdio", who);
        most = Math.max(most, processesWith("crowd-server.ts", tag).length);
        return asked.answer(1_000 + who);
      }),
    );
    assert.deepEqual(
      answers,
      numbers.map((who) => [who, 1_000 + who]),
    );
    assert.ok(most > 1 && most <= processesMax, `${most} processes`);
  });
}

test("G13 a client that cannot be asked is not, while others of the same server are", async () => {
  const asked = await askLegacy("legacy-http", 1);
  const session = await initialize(manager);
  const plain = await request(manager, session, "tools/call", { name: "legacy-http__ask", arguments: { who: 2 } });
  assert.doesNotMatch(plain.text, /elicitation/);
  assert.deepEqual(said(plain.json().result), [2, null], "the server was told that there is nobody to ask");
  assert.deepEqual(await asked.answer(1_001), [1, 1_001]);
});
