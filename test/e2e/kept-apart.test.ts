/**
 * Servers that remember, under each way of sharing (`spec.sharing`): whose state a caller meets, what it is shown, and how long that
 * lasts. The numbers are those of protocol.md §2.4; the others are in `shared-session.test.ts`.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { type KeeperServer, keeperProcess, startKeeper } from "./testing/keeper/serve.ts";
import { type ManagerProcess, startManager, until } from "./testing/manager.ts";
import { request, send } from "./testing/mcp.ts";
import { begin, empty, join, keyOf, type Member, said, tell } from "./testing/members.ts";
import { type ModernOptions, sendModern } from "./testing/modern.ts";
import { processesWith } from "./testing/processes.ts";

const askable = { elicitation: { form: {}, url: {} } };
const tag = `kept-apart-${randomUUID()}`;
const running = new AsyncDisposableStack();
let manager: ManagerProcess;
let keeper: KeeperServer;
let ada: string;
let bob: string;

before(async () => {
  keeper = running.use(await startKeeper());
  const remote = { kind: "remote", url: keeper.url };
  const servers = {
    "shared-stdio": { source: keeperProcess("legacy") },
    "shared-http": { source: remote },
    "principal-stdio": { source: keeperProcess("legacy"), sharing: "per-principal" },
    "principal-modern": { source: keeperProcess("modern"), sharing: "per-principal" },
    "principal-http": { source: remote, sharing: "per-principal" },
    "session-stdio": { source: keeperProcess("legacy", tag), sharing: "per-session" },
    "session-http": { source: remote, sharing: "per-session" },
    few: { source: keeperProcess("legacy"), sharing: "per-session", limits: { leases: 1 } },
  };
  manager = running.use(await startManager({ config: JSON.stringify({ servers }) }));
  await manager.serversReady(...Object.keys(servers));
  [ada, bob] = [await keyOf(manager, "ada"), await keyOf(manager, "bob")];
});
after(() => running.disposeAsync());

/** What a modern client without a session finds in its cart. */
async function putModern(server: string, key: string, item: string, options: ModernOptions = {}): Promise<unknown> {
  const params = { name: "put", arguments: { item } };
  return said(await sendModern(manager, "tools/call", params, { ...options, key, path: `/servers/${server}/mcp` }));
}

async function toolsOf(member: Member): Promise<readonly string[]> {
  const { result } = (await request(manager, member.session, "tools/list", {}, member)).json();
  return ((result?.["tools"] ?? []) as { name: string }[]).map(({ name }) => name);
}

for (const server of ["principal-stdio", "principal-modern", "principal-http"]) {
  test(`7 ${server}: what a principal did is there in all its sessions, and nobody else's`, async () => {
    const [one, two, his] = [
      await join(manager, ada, server),
      await join(manager, ada, server),
      await join(manager, bob, server),
    ];
    assert.deepEqual(await tell(manager, one, "put", "tea"), ["tea"]);
    assert.deepEqual(await tell(manager, his, "put", "nails"), ["nails"]);
    assert.deepEqual(await tell(manager, two, "put", "milk"), ["tea", "milk"]);
    assert.deepEqual(await putModern(server, ada, "jam"), ["tea", "milk", "jam"]);
    await empty(manager, "DELETE", one);
    assert.deepEqual(await tell(manager, two, "put", "salt"), ["tea", "milk", "jam", "salt"]);
    const rest = await manager.client.tools.call(server, "put", { item: "rice" });
    assert.deepEqual(said({ json: () => ({ result: rest }) }), ["rice"], "the administrator is another principal");
  });
}

for (const server of ["session-stdio", "session-http"]) {
  test(`7 ${server}: what was done in one session is there in no other, and ends with it`, async () => {
    const [one, two] = [await join(manager, ada, server), await join(manager, ada, server)];
    assert.deepEqual(await tell(manager, one, "put", "tea"), ["tea"]);
    assert.deepEqual(await tell(manager, two, "put", "milk"), ["milk"]);
    assert.deepEqual(await tell(manager, one, "put", "jam"), ["tea", "jam"]);
    assert.deepEqual(await putModern(server, bob, "nails"), ["nails"], "without a session it is the principal's");
    const sessions = keeper.sessions;
    const processes = processesWith("keeper/main.ts", tag).length;
    await empty(manager, "DELETE", one);
    if (server === "session-http") await until("its session has ended", async () => keeper.sessions === sessions - 1);
    else await until("its process has ended", async () => processesWith("keeper/main.ts", tag).length < processes);
    assert.deepEqual(await tell(manager, two, "put", "salt"), ["milk", "salt"]);
  });
}

test("7 a call whose client is asked in the middle meets the same state as all its others", async () => {
  const member = await join(manager, ada, "session-stdio", { capabilities: askable });
  assert.deepEqual(await tell(manager, member, "put", "tea"), ["tea"]);
  const events = await begin(manager, member, "ask");
  const question = await events.next();
  const plain = tell(manager, member, "put", "jam");
  const answer = { jsonrpc: "2.0", id: question?.id, result: { action: "accept", content: { item: "milk" } } };
  assert.equal((await send(manager, answer, member)).status, 202);
  const { result } = (await events.next()) ?? {};
  assert.deepEqual(said({ json: () => ({ result: result ?? {} }) }), ["tea", "milk"]);
  assert.deepEqual(await plain, ["tea", "milk", "jam"]);
});

test("7 with every connection busy for others a caller is told so; one that is idle makes room", async () => {
  const [one, two] = [await join(manager, ada, "few", { capabilities: askable }), await join(manager, bob, "few")];
  const asked = await begin(manager, one, "ask");
  await asked.next();
  const refused = await request(manager, two.session, "tools/call", { name: "put", arguments: { item: "tea" } }, two);
  assert.equal(refused.status, 503);
  assert.match(refused.json().error?.message ?? "", /keeps its callers apart .* spec\.limits\.leases/);
  await empty(manager, "DELETE", one);
  await until("there is room", async () => (await tell(manager, two, "put", "tea")) !== undefined);
});

for (const server of ["shared-http", "principal-http"]) {
  test(`10 when the server has forgotten its sessions, ${server} goes on in new ones, for all kinds of calls`, async () => {
    const plain = await join(manager, ada, server);
    const able = await join(manager, ada, server, { capabilities: askable });
    for (const member of [plain, able]) assert.ok(await tell(manager, member, "put", "tea"));
    keeper.forget();
    for (const member of [plain, able]) {
      assert.deepEqual(await tell(manager, member, "put", "jam"), ["jam"]);
      const told = (await tell(manager, member, "told")) as { capabilities: object };
      assert.deepEqual(told.capabilities, member === able ? askable : {});
    }
  });
}

for (const server of ["principal-stdio", "principal-http"]) {
  test(`12 a tool that ${server} has for one principal is listed for it, and for nobody else`, async () => {
    const [hers, his] = [await join(manager, ada, server), await join(manager, bob, server)];
    await tell(manager, hers, "grow", "secret");
    assert.ok((await toolsOf(hers)).includes("secret"));
    assert.ok(!(await toolsOf(his)).includes("secret"));
    assert.ok((await toolsOf(await join(manager, ada, server))).includes("secret"));
    assert.notEqual(await tell(manager, hers, "secret"), undefined, "and it can be called");
    // On the aggregate it is nobody's list.
    const { text } = await sendModern(manager, "tools/list", {}, { key: bob });
    assert.ok(!text.includes("secret"));
  });
}

test("13 tasks of legacy servers are nobody's to list, and made-up ones are unknown: such requests reach no server", async () => {
  const heardBefore = keeper.heard.length;
  const member = await join(manager, ada, "shared-http");
  for (const [method, params, code] of [
    ["tasks/list", {}, -32601],
    ["tasks/get", { taskId: "t-1" }, -32602],
    ["tasks/result", { taskId: "t-1" }, -32602],
    ["tasks/cancel", { taskId: "t-1" }, -32602],
  ] as const) {
    const answer = await request(manager, member.session, method, params, member);
    assert.equal(answer.json().error?.code, code, method);
  }
  assert.deepEqual(
    keeper.heard.slice(heardBefore).filter(({ method }) => method.startsWith("tasks/")),
    [],
  );
});
