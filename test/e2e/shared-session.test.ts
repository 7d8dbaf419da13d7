/**
 * What breaks when many clients share one process or one session of a server (protocol.md §2.4), shown not to: each under its number,
 * over real processes and sessions. Here what comes to the wrong client; who has which state is in `kept-apart.test.ts`.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { EventReader } from "../../packages/manager/src/gateway/testing/event-reader.ts";
import { crowdProcess, startCrowd } from "./testing/crowd.ts";
import { cartUri } from "./testing/keeper/keeper.ts";
import { keeperProcess, startKeeper } from "./testing/keeper/serve.ts";
import { type ManagerProcess, startManager, until } from "./testing/manager.ts";
import { request, send, type Wire } from "./testing/mcp.ts";
import { begin, empty, join, keyOf, type Member, said, tell } from "./testing/members.ts";

const askable = { elicitation: { form: {}, url: {} } };
const running = new AsyncDisposableStack();
let manager: ManagerProcess;
let ada: string;
let bob: string;

before(async () => {
  const [pair, keeper] = [running.use(await startCrowd("legacy", 2)), running.use(await startKeeper())];
  const servers = {
    "legacy-pair": { source: { kind: "remote", url: pair.url } },
    "stdio-pair": { source: crowdProcess("legacy", 2) },
    "modern-stdio-pair": { source: crowdProcess("modern", 2) },
    "stdio-keeper": { source: keeperProcess("legacy") },
    "http-keeper": { source: { kind: "remote", url: keeper.url } },
  };
  manager = running.use(await startManager({ config: JSON.stringify({ servers }) }));
  await manager.serversReady(...Object.keys(servers));
  [ada, bob] = [await keyOf(manager, "ada"), await keyOf(manager, "bob")];
});
after(() => running.disposeAsync());

/** One session each on a server. */
function both(server: string, capabilities: object = {}): Promise<[Member, Member]> {
  return Promise.all([join(manager, ada, server, { capabilities }), join(manager, bob, server, { capabilities })]);
}

/** A call that both make under the same id and token, at the same time. */
async function hold(member: Member, who: number): Promise<Wire> {
  const params = { name: "hold", arguments: { who }, _meta: { progressToken: "same" } };
  return send(manager, { jsonrpc: "2.0", id: 1, method: "tools/call", params }, member);
}

for (const server of ["stdio-pair", "modern-stdio-pair", "legacy-pair"]) {
  test(`1 2 equal ids and progress tokens of two clients on ${server} are told apart`, async () => {
    const answers = await Promise.all((await both(server)).map((member, who) => hold(member, who)));
    for (const [who, answer] of answers.entries()) {
      assert.deepEqual([answer.json().id, said(answer)], [1, who]);
      const messages = answer.text.split("\n").filter((line) => line.startsWith("data: {"));
      const progress = messages.slice(0, -1).map((line) => JSON.parse(line.slice(6)).params);
      assert.deepEqual(
        progress.map(({ progressToken, message }) => [progressToken, message]),
        [1, 2].map(() => ["same", String(who)]),
      );
    }
  });

  test(`9 a cancellation on ${server} ends its own client's call, whatever others call theirs`, async () => {
    const [hers, his] = await both(server);
    const counts = (): Promise<unknown> => tell(manager, his, "counts");
    const cancel = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } };
    const [, earlier] = (await counts()) as [number, number];
    const held = hold(hers, 7);
    await until("the server has her call", async () => String(await counts()) === `1,${earlier}`);
    await send(manager, cancel, his);
    assert.deepEqual(await counts(), [1, earlier]);
    assert.equal(said(await hold(his, 8)), 8);
    assert.equal(said(await held), 7);
  });
}

for (const server of ["stdio-keeper", "http-keeper"]) {
  test(`3 questions that ${server} asks at the same time come to the client whose call it is`, async () => {
    const members = await both(server, askable);
    const calls = await Promise.all(members.map((member) => begin(manager, member, "ask")));
    const questions = await Promise.all(calls.map((events) => events.next()));
    for (const [at, member] of members.entries()) {
      const answer = {
        jsonrpc: "2.0",
        id: questions[at]?.id,
        result: { action: "accept", content: { item: `of ${at}` } },
      };
      assert.equal((await send(manager, answer, member)).status, 202);
    }
    for (const [at, events] of calls.entries()) {
      const { result } = (await events.next()) ?? {};
      assert.deepEqual((said({ json: () => ({ result: result ?? {} }) }) as string[]).at(-1), `of ${at}`);
    }
  });

  test(`4 ${server} is told what each client can be asked, and asks nobody else`, async () => {
    const able = await join(manager, ada, server, { capabilities: askable });
    const unable = await join(manager, ada, server);
    const told = async (member: Member): Promise<unknown> =>
      ((await tell(manager, member, "told")) as { capabilities: unknown }).capabilities;
    assert.deepEqual(await told(able), askable);
    assert.deepEqual(await told(unable), {});
  });

  test(`5 a log level that one client sets on ${server} is not another's, nor are its log lines`, async () => {
    const [hers, his] = await both(server);
    await request(manager, hers.session, "logging/setLevel", { level: "debug" }, hers);
    const level = async (member: Member): Promise<unknown> =>
      ((await tell(manager, member, "told")) as { level: unknown }).level;
    assert.deepEqual([await level(hers), await level(his)], ["debug", ""]);
    const heard = async (member: Member, item: string): Promise<unknown> => {
      const events = await begin(manager, member, "log", { item });
      return (await events.next())?.params?.["data"];
    };
    assert.equal(await heard(hers, "hers"), "hers");
    assert.notEqual(await heard(his, "his"), "hers");
  });

  test(`6 one client's end of a subscription at ${server} leaves the other's, and who has none hears nothing`, async () => {
    const [hers, his] = await both(server);
    const none = await join(manager, bob, server);
    const [herStream, itsStream] = [
      new EventReader(await empty(manager, "GET", hers)),
      new EventReader(await empty(manager, "GET", none)),
    ];
    for (const member of [hers, his])
      await request(manager, member.session, "resources/subscribe", { uri: cartUri }, member);
    await request(manager, his.session, "resources/unsubscribe", { uri: cartUri }, his);
    const updated = herStream.next();
    await tell(manager, his, "touch");
    assert.equal((await updated)?.method, "notifications/resources/updated");
    // Had the other stream been told of it, that would have come before its end.
    await empty(manager, "DELETE", none);
    assert.equal(await itsStream.next(), undefined);
    await herStream.cancel();
  });

  test(`13 a task at ${server} is its client's alone, and nobody is told which others there are`, async () => {
    const [hers, his] = await both(server, askable);
    const ask = (member: Member, method: string, params: object): Promise<Wire> =>
      request(manager, member.session, method, params, member);
    const begun = await ask(hers, "tools/call", { name: "later", arguments: { item: "job-1" }, task: { ttl: 60_000 } });
    const task = begun.json().result?.["task"] as { readonly taskId: string } | undefined;
    const taskId = task?.taskId ?? assert.fail(begun.text);
    for (const id of [taskId, "job-1", `${taskId}A`]) {
      for (const method of ["tasks/get", "tasks/cancel", "tasks/result"])
        assert.equal((await ask(his, method, { taskId: id })).json().error?.code, -32602, `${method} ${id}`);
    }
    for (const member of [hers, his]) assert.equal((await ask(member, "tasks/list", {})).json().error?.code, -32601);
    const own = (await ask(hers, "tasks/get", { taskId })).json().result;
    assert.deepEqual([own?.["taskId"], own?.["status"]], [taskId, "working"]);
    // Another session of hers has it too: it is the principal's.
    const again = await join(manager, ada, server);
    assert.equal((await ask(again, "tasks/cancel", { taskId })).json().result?.["status"], "cancelled");
  });

  test(`14 that an elicitation at ${server} is complete is told to the client that saw it alone`, async () => {
    const members = await both(server, askable);
    const calls = await Promise.all(members.map((member) => begin(manager, member, "link", { item: "e-1" })));
    for (const [at, events] of calls.entries()) {
      const question = await events.next();
      assert.equal(question?.params?.["elicitationId"], "e-1");
      const answer = { jsonrpc: "2.0", id: question.id, result: { action: "accept" } };
      await send(manager, answer, members[at]);
    }
    const rest = await Promise.all(
      calls.map(async (events) => [await events.next(), await events.next(), await events.next()]),
    );
    for (const messages of rest) {
      assert.equal(messages[0]?.method, "notifications/elicitation/complete");
      assert.equal(messages[1]?.id, 1);
      assert.equal(messages[2], undefined, "and it is told once");
    }
  });
}

test("8 a session is its principal's alone, and so is the credential behind each request", async () => {
  const hers = await join(manager, ada, "http-keeper");
  const stolen: Member = { ...hers, key: bob };
  assert.equal((await request(manager, hers.session, "tools/list", {}, stolen)).status, 404);
  assert.equal((await empty(manager, "GET", stolen)).status, 404);
  assert.equal((await empty(manager, "DELETE", stolen)).status, 404);
  assert.equal((await request(manager, hers.session, "tools/list", {}, hers)).status, 200);
});

test("11 a stream is resumed in the session that it belongs to, with what belongs to it", async () => {
  const [hers, his] = await both("http-keeper", askable);
  const first = await begin(manager, hers, "ask");
  const question = await first.next();
  const { lastEventId } = first;
  await first.cancel();
  assert.equal((await empty(manager, "GET", { ...hers, key: bob }, lastEventId)).status, 404);
  assert.equal((await empty(manager, "GET", his, lastEventId)).status, 400);
  const resumed = new EventReader(await empty(manager, "GET", hers, lastEventId));
  const answer = { jsonrpc: "2.0", id: question?.id, result: { action: "accept", content: { item: "late" } } };
  assert.equal((await send(manager, answer, hers)).status, 202);
  assert.equal((await resumed.next())?.id, 1, "nothing comes twice");
});
