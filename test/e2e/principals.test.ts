/** Two principals on the same servers: nothing that is one's is ever the other's, whatever the other knows of it. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { EventReader } from "../../packages/manager/src/gateway/testing/event-reader.ts";
import type { JsonRpc } from "../../packages/manager/src/gateway/testing/peer.ts";
import { startDesk } from "./testing/desk/serve.ts";
import { startListingServer } from "./testing/listing-server.ts";
import { type ManagerProcess, startManager, until } from "./testing/manager.ts";
import { initialize, type InitializeOptions, post, request, send, type SendOptions, type Wire } from "./testing/mcp.ts";
import { postModern, sendModern } from "./testing/modern.ts";
import { crowdProcess, startCrowd } from "./testing/crowd.ts";

const capabilities = { elicitation: { form: {} } };
/** More than one page of the manager's. */
const manyTools = 1_100;

const running = new AsyncDisposableStack();
let manager: ManagerProcess;
let ada: string;
let bob: string;

before(async () => {
  const remotes = {
    "legacy-desk": running.use(await startDesk("legacy")),
    "modern-desk": running.use(await startDesk("modern")),
    private: running.use(await startListingServer("private", manyTools)),
    public: running.use(await startListingServer("public", 1)),
    "legacy-pair": running.use(await startCrowd("legacy", 2)),
    "modern-pair": running.use(await startCrowd("modern", 2)),
  };
  const servers = {
    ...Object.fromEntries(
      Object.entries(remotes).map(([name, { url }]) => [name, { source: { kind: "remote", url } }]),
    ),
    "stdio-pair": { source: crowdProcess("legacy", 2) },
    "stdio-single": { source: crowdProcess("legacy", 1) },
  };
  manager = running.use(await startManager({ config: JSON.stringify({ servers }) }));
  await manager.serversReady(...Object.keys(servers));
  const keyOf = async (name: string): Promise<string> =>
    (await manager.client.apiKeys.create({ metadata: { name }, spec: { roles: ["caller"] } })).key;
  ada = await keyOf("ada");
  bob = await keyOf("bob");
});
after(() => running.disposeAsync());

/** A client of the legacy era with a session. */
interface Member {
  readonly key: string;
  readonly session: string;
}

async function join(key: string, options: InitializeOptions = {}): Promise<Member> {
  return { key, session: await initialize(manager, { ...options, key }) };
}

function ping(as: SendOptions): Promise<Wire> {
  return send(manager, { jsonrpc: "2.0", id: 1, method: "ping" }, as);
}

/** A request without a body, on `/mcp`. */
function empty(method: string, { key, session }: Member, lastEventId?: string): Promise<Response> {
  return fetch(`${manager.url}/mcp`, {
    method,
    headers: {
      accept: "text/event-stream",
      authorization: `Bearer ${key}`,
      "mcp-session-id": session,
      ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
    },
  });
}

/** Begins a call whose messages are read one by one; every client calls it 1. */
async function begin(name: string, args: object, member: Member): Promise<EventReader> {
  const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: args } };
  return new EventReader(await post(manager, call, member));
}

function accepted(id: unknown, who: number): object {
  return { jsonrpc: "2.0", id, result: { action: "accept", content: { who } } };
}

/** What the text of an answer says. */
function said(result: Readonly<Record<string, unknown>> | undefined): unknown {
  const [content] = (result?.["content"] ?? []) as readonly { readonly text: string }[];
  return JSON.parse(content?.text ?? "null");
}

test("a session is its principal's alone: the other one's request, stream and end of it are 404", async () => {
  const hers = await join(ada);
  const his: Member = { ...hers, key: bob };
  const answer = await ping(his);
  assert.deepEqual([answer.status, answer.json().error?.code, answer.json().id], [404, -32600, 1]);
  assert.equal((await empty("GET", his)).status, 404);
  assert.equal((await empty("DELETE", his)).status, 404);
  assert.equal((await ping(hers)).status, 200);
});

test("G13 a stream, its events and its question are answered and resumed by the one whose call it is, and by nobody else", async () => {
  const hers = await join(ada, { capabilities });
  const his = await join(bob, { capabilities });
  const first = await begin("legacy-pair__ask", { who: 7 }, hers);
  const question = await first.next();
  const { lastEventId } = first;
  await first.cancel();

  assert.equal((await empty("GET", { ...hers, key: bob }, lastEventId)).status, 404);
  assert.equal((await empty("GET", his, lastEventId)).status, 400, "with a session of his own");
  assert.equal((await send(manager, accepted(question?.id, 666), his)).status, 400);
  assert.equal((await send(manager, accepted(question?.id, 666), { ...hers, key: bob })).status, 404);

  const rest = new EventReader(await empty("GET", hers, lastEventId));
  assert.equal((await send(manager, accepted(question?.id, 8), hers)).status, 202);
  assert.deepEqual(said((await rest.next())?.result), [7, 8]);
});

test("G12 a call that waits for one principal is not gone on with by another who knows its state", async () => {
  for (const name of ["legacy-pair__ask", "modern-pair__ask"]) {
    const params = { name, arguments: { who: 7 } };
    const asked = (await sendModern(manager, "tools/call", params, { key: ada, capabilities })).json().result;
    assert.equal(asked?.["resultType"], "input_required");
    const [key = ""] = Object.keys(asked["inputRequests"] as object);
    const retry = (who: number, principal: string): Promise<Wire> => {
      const inputResponses = { [key]: { action: "accept", content: { who } } };
      const again = { ...params, requestState: asked["requestState"], inputResponses };
      return sendModern(manager, "tools/call", again, { key: principal, capabilities });
    };
    assert.equal((await retry(666, bob)).json().error?.code, -32602);
    assert.deepEqual(said((await retry(8, ada)).json().result), [7, 8]);
  }
});

for (const pair of ["stdio-pair", "legacy-pair", "modern-pair"]) {
  test(`one principal's cancellation does nothing to the other's call of the same id on ${pair}`, async () => {
    const hers = await join(ada);
    const his = await join(bob);
    const hold = (who: number, { key, session }: Member): Promise<Wire> => {
      const params = { name: `${pair}__hold`, arguments: { who } };
      return send(manager, { jsonrpc: "2.0", id: 1, method: "tools/call", params }, { key, session });
    };
    const counts = async (): Promise<unknown> =>
      said((await request(manager, his.session, "tools/call", { name: `${pair}__counts` }, his)).json().result);
    const held = hold(1, hers);
    await until("the server has her call", async () => String(await counts()) === "1,0");
    const cancelled = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } };
    assert.equal((await send(manager, cancelled, his)).status, 202);
    assert.equal((await send(manager, cancelled, { ...hers, key: bob })).status, 404);
    assert.deepEqual(await counts(), [1, 0]);
    // With the second call there are as many as the server waits for.
    const other = hold(2, his);
    assert.equal(said((await held).json().result), 1);
    assert.equal(said((await other).json().result), 2);
  });
}

const note = (server: string): string => `${server}+note://desk/1`;

for (const server of ["legacy-desk", "modern-desk"]) {
  test(`legacy clients of ${server} hear of what they subscribed to, each on a stream of its own`, async () => {
    const hers = await join(ada);
    const his = await join(bob);
    const herStream = new EventReader(await empty("GET", hers));
    const hisStream = new EventReader(await empty("GET", his));
    await request(manager, hers.session, "resources/subscribe", { uri: note(server) }, hers);
    await changeUntilHeard(server, herStream);
    await request(manager, his.session, "tools/call", { name: `${server}__grow`, arguments: { name: "l" } }, his);
    // Had he been told of the resource, it would have been before.
    assert.equal((await hisStream.next())?.method, "notifications/tools/list_changed");
    await herStream.cancel();
    await hisStream.cancel();
  });

  test(`G15 modern clients of ${server} hear of what they asked for, under ids that are alike`, async () => {
    const listen = async (key: string, notifications: object): Promise<EventReader> => {
      const stream = new EventReader(await postModern(manager, "subscriptions/listen", { notifications }, { key }));
      assert.equal((await stream.next())?.method, "notifications/subscriptions/acknowledged");
      return stream;
    };
    const herStream = await listen(ada, { resourceSubscriptions: [note(server)] });
    const hisStream = await listen(bob, { toolsListChanged: true });
    await changeUntilHeard(server, herStream);
    await sendModern(manager, "tools/call", { name: `${server}__grow`, arguments: { name: "m" } }, { key: bob });
    assert.equal((await hisStream.next())?.method, "notifications/tools/list_changed");
    await herStream.cancel();
    await hisStream.cancel();
  });
}

/** Changes the note until the stream tells of it: a subscription may be on its way to the server still. */
async function changeUntilHeard(server: string, stream: EventReader): Promise<void> {
  const heard: JsonRpc[] = [];
  const next = stream.next().then((message) => message !== undefined && heard.push(message));
  await until("the stream tells of it", async () => {
    await sendModern(manager, "tools/call", { name: `${server}__write`, arguments: { text: "x" } }, { key: bob });
    return heard.length > 0;
  });
  await next;
  const [message] = heard;
  assert.equal(message?.method, "notifications/resources/updated");
  assert.equal(message.params?.["uri"], note(server));
}

/** Calls of all at once, each with a number of its own; the log messages that each heard. */
async function talk(server: string, members: readonly Member[]): Promise<readonly (readonly unknown[])[]> {
  return Promise.all(members.map((member, who) => logsOf(`${server}__talk`, who, member)));
}

/** The log messages that a client hears in one call. */
async function logsOf(name: string, who: number, { key, session }: Member): Promise<readonly unknown[]> {
  const params = { name, arguments: { who } };
  const { text } = await send(manager, { jsonrpc: "2.0", id: 1, method: "tools/call", params }, { key, session });
  const messages = text.split("\n").flatMap((line) => (line.startsWith("data: {") ? JSON.parse(line.slice(6)) : []));
  return messages.filter(({ method }) => method === "notifications/message").map((message) => message.params.data);
}

test("log lines of a process that both call at once come to their own caller or to nobody", async () => {
  const members = [await join(ada), await join(bob)];
  for (let round = 0; round < 20; round++) {
    const heard = await talk("stdio-pair", members);
    for (const [who, lines] of heard.entries())
      assert.ok(
        lines.every((line) => line === who),
        JSON.stringify(heard),
      );
  }
});

test("a log line that comes after its call's answer is not the next principal's", async () => {
  assert.deepEqual(await logsOf("stdio-single__mutter", 666, await join(bob)), []);
  assert.deepEqual(await logsOf("stdio-single__hold", 1, await join(ada)), []);
});

test("G17 log lines of a call come to its own caller, whatever level another one has set", async () => {
  const members = [await join(ada), await join(bob)];
  assert.deepEqual(await talk("legacy-pair", members), [
    [0, 0],
    [1, 1],
  ]);
  const [hers] = members;
  assert.ok(hers);
  await request(manager, hers.session, "logging/setLevel", { level: "error" }, hers);
  assert.deepEqual(await talk("legacy-pair", members), [[], [1, 1]]);
});

test("G17 callers that set a level have a process each, and its lines are theirs", async () => {
  const members = await Promise.all([ada, bob, ada, bob, ada, bob].map((key) => join(key)));
  for (const { key, session } of members)
    await request(manager, session, "logging/setLevel", { level: "info" }, { key });
  assert.deepEqual(
    await talk("stdio-single", members),
    members.map((_, who) => [who, who]),
  );
});

/** A list of tools: who may keep it, and where it goes on. */
async function listOf(server: string, key: string): Promise<{ readonly scope: unknown; readonly cursor: unknown }> {
  const { result } = (await sendModern(manager, "tools/list", {}, { key, path: `/servers/${server}/mcp` })).json();
  return { scope: result?.["cacheScope"], cursor: result?.["nextCursor"] };
}

test("G24 what a server calls private is called so to each principal, alone and merged with what is public", async () => {
  for (const key of [ada, bob]) {
    assert.equal((await listOf("private", key)).scope, "private");
    const { result } = (await sendModern(manager, "tools/list", {}, { key })).json();
    assert.equal(result?.["cacheScope"], "private");
  }
});

test("G20 a cursor is good for the principal that it was given to", async () => {
  const { cursor } = await listOf("private", ada);
  const next = async (key: string): Promise<Wire> =>
    sendModern(manager, "tools/list", { cursor }, { key, path: "/servers/private/mcp" });
  assert.equal((await next(bob)).json().error?.code, -32602);
  const { tools } = (await next(ada)).json().result as { tools: unknown[] };
  assert.equal(tools.length, manyTools - 1_000);
});
