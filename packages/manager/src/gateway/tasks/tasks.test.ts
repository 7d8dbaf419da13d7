/** Tasks of both eras through the gateway: whose they are, where they are, under which ids, and when they are waited for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Route } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import type { Era } from "../../protocol/era.ts";
import { eras, TestGateway } from "../testing/gateway.ts";
import { type Answer, Peer } from "../testing/peer.ts";
import type { Received, Script, ScriptedConnection } from "../testing/scripted-connection.ts";

const extension = { extensions: { "io.modelcontextprotocol/tasks": {} } };
const capabilities: Readonly<Record<Era, Readonly<Record<string, unknown>>>> = {
  legacy: { tools: {}, tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } },
  modern: { tools: {}, ...extension },
};
const path = "/servers/work/mcp";
const promoted: Route = { stable: "work-2", draining: ["work-1"] };

/** A server whose every call of a tool becomes task `t`; it says of it what `status` says. */
function script(era: Era, status: () => string = () => "working"): Script {
  const task = { taskId: "t", createdAt: "2026-11-25T10:30:00Z", ttl: 60_000, ttlMs: 60_000 };
  const tell = (call: Received): void => {
    const isKnown = call.message.params?.["taskId"] === "t";
    if (!isKnown) return call.error(-32602, "Task not found");
    call.result({ ...(era === "modern" ? { resultType: "complete" } : {}), ...task, status: status() });
  };
  return {
    "tools/call": (call) =>
      call.result(
        era === "legacy"
          ? { task: { ...task, status: "working" } }
          : { resultType: "task", ...task, status: "working" },
      ),
    "tasks/get": tell,
    "tasks/cancel": tell,
    "tasks/update": (call) => call.result({ resultType: "complete" }),
    "tasks/result": (call) =>
      call.result({ content: [], _meta: { "io.modelcontextprotocol/related-task": { taskId: "t" } } }),
  };
}

function serve(gateway: TestGateway, era: Era, status?: () => string): ScriptedConnection {
  return gateway.serve("work", { era, capabilities: capabilities[era], script: script(era, status) });
}

async function peerOf(gateway: TestGateway, era: Era, who = "ada", at = path): Promise<Peer> {
  const peer = new Peer(gateway.url, { path: at, who });
  if (era === "legacy") await peer.initialize();
  return peer;
}

/** A call whose client takes a task for the answer; the id that it is given. */
async function begin(peer: Peer, era: Era, name = "make"): Promise<string> {
  const meta = { "io.modelcontextprotocol/clientCapabilities": extension };
  const answer =
    era === "legacy"
      ? await peer.legacy("tools/call", { name, task: { ttl: 60_000 } })
      : await peer.modern("tools/call", { name }, { meta });
  const result = answer.body?.result;
  const made = era === "legacy" ? (result?.["task"] as typeof result) : result;
  assert.equal(typeof made?.["taskId"], "string", answer.text);
  return String(made?.["taskId"]);
}

function about(peer: Peer, era: Era, method: string, taskId: string, more: object = {}): Promise<Answer> {
  return peer[era](method, { taskId, ...more }, era === "modern" ? { headers: { "mcp-name": taskId } } : {});
}

for (const era of eras) {
  test(`a task has one id for its ${era} client, sealed, and its own for its server, in Mcp-Name too`, async () => {
    await using gateway = await TestGateway.open();
    const work = serve(gateway, era);
    const peer = await peerOf(gateway, era);
    const id = await begin(peer, era);
    assert.notEqual(id, "t");
    const methods = era === "legacy" ? ["tasks/get", "tasks/cancel"] : ["tasks/get"];
    for (const method of methods) {
      const { body, text } = await about(peer, era, method, id);
      assert.deepEqual([body?.result?.["taskId"], body?.result?.["status"]], [id, "working"], text);
      const sent = work.calls(method).at(-1);
      assert.deepEqual([sent?.message.params?.["taskId"], sent?.name], ["t", "t"]);
    }
  });

  test(`another's task, a made-up one and one of another endpoint are unknown alike to a ${era} client`, async () => {
    await using gateway = await TestGateway.open();
    const work = serve(gateway, era);
    gateway.serve("other", { era, capabilities: capabilities[era], script: script(era) });
    gateway.principal("bob", ["caller"]);
    const id = await begin(await peerOf(gateway, era), era);
    const bob = await peerOf(gateway, era, "bob");
    const elsewhere = await peerOf(gateway, era, "ada", "/servers/other/mcp");
    for (const [peer, taskId] of [
      [bob, id],
      [bob, "t"],
      [bob, `${id}x`],
      [elsewhere, id],
    ] as const) {
      for (const method of era === "legacy"
        ? ["tasks/get", "tasks/result", "tasks/cancel"]
        : ["tasks/get", "tasks/update"]) {
        const { body, text } = await about(peer, era, method, taskId);
        assert.deepEqual([body?.error?.code, body?.error?.message.slice(0, 13)], [-32602, "Unknown task:"], text);
      }
    }
    const number = await peerOf(gateway, era).then((peer) => peer[era]("tasks/get", { taskId: 5 }));
    assert.equal(number.body?.error?.code, -32602);
    assert.deepEqual(
      work.received.filter(({ method }) => method.startsWith("tasks/")),
      [],
    );
  });

  test(`what lists tasks, or has no business with them, is unknown (${era} client)`, async () => {
    await using gateway = await TestGateway.open();
    const work = serve(gateway, era);
    const peer = await peerOf(gateway, era);
    for (const method of ["tasks/list", "tasks/other", era === "legacy" ? "tasks/update" : "tasks/result"])
      assert.equal((await about(peer, era, method, "t")).body?.error?.code, -32601, method);
    assert.deepEqual(
      work.received.filter(({ method }) => method.startsWith("tasks/")),
      [],
    );
  });

  test(`D5 a task of a ${era} client is asked for where it is, through a promotion; then it has expired, typed`, async () => {
    await using gateway = await TestGateway.open();
    const one = serve(gateway, era);
    const options = { era, capabilities: capabilities[era], script: script(era) };
    const twin = gateway.attach("work", options, "work-1-b");
    const two = gateway.attach("work", options, "work-2-a", "work-2");
    gateway.route("work", { stable: "work-1", draining: [] });
    const peer = await peerOf(gateway, era);
    const id = await begin(peer, era);
    assert.equal(one.calls("tools/call").length, 1);
    gateway.route("work", promoted);
    // Busier than its twin, the replica that has the task is asked all the same.
    one.inFlight += 5;
    assert.equal((await about(peer, era, "tasks/get", id)).body?.result?.["status"], "working");
    const asked = [one, twin, two].map((connection) => connection.calls("tasks/get").length);
    assert.deepEqual(asked, [1, 0, 0]);
    gateway.upstreams.detach("work", "work-1-a");
    await about(peer, era, "tasks/get", id);
    assert.equal(twin.calls("tasks/get").length, 1);
    gateway.route("work", { ...promoted, draining: [] });
    const late = await about(await peerOf(gateway, era), era, "tasks/get", id);
    assert.deepEqual([late.body?.error?.code, late.body?.error?.data?.["reason"]], [-32602, "EXPIRED"]);
  });

  test(`a task counts at its revision until it is over, or its time is (${era} client)`, async () => {
    await using gateway = await TestGateway.open({ clock: new ManualClock() });
    let status = "working";
    serve(gateway, era, () => status);
    const peer = await peerOf(gateway, era);
    const open = (): number => gateway.pending.of("work", "work-1").tasks;
    const id = await begin(peer, era);
    await about(peer, era, "tasks/get", id);
    assert.equal(open(), 1);
    status = "completed";
    await about(peer, era, "tasks/get", id);
    // The result is another question of the older era.
    assert.equal(open(), era === "legacy" ? 1 : 0);
    if (era === "legacy") await about(peer, era, "tasks/result", id);
    assert.equal(open(), 0);
    await begin(peer, era);
    assert.equal(open(), 1);
    await gateway.time.advance(61_000);
    assert.equal(open(), 0);
    await about(peer, era, "tasks/get", id);
    await gateway.time.advance(31_000);
    assert.equal(open(), 0);
  });
}

for (const era of eras) {
  test(`after an abort a task of a ${era} client goes on where its sessions have ended`, async () => {
    await using gateway = await TestGateway.open();
    serve(gateway, era);
    const options = { era, capabilities: capabilities[era], script: script(era) };
    const two = gateway.attach("work", options, "work-2-a", "work-2");
    gateway.route("work", { stable: "work-2", draining: [] });
    const peer = await peerOf(gateway, era);
    const id = await begin(peer, era);
    gateway.route("work", { stable: "work-1", draining: ["work-2"] });
    assert.equal((await about(peer, era, "tasks/get", id)).body?.result?.["status"], "working");
    gateway.route("work", { stable: "work-1", draining: ["work-2"], tasksOnly: ["work-2"] });
    const [isSession, next] = [era === "legacy", await peerOf(gateway, era)];
    if (isSession) assert.equal((await about(peer, era, "tasks/get", id)).status, 404);
    assert.equal((await about(next, era, "tasks/get", id)).body?.result?.["status"], "working");
    assert.equal(two.calls("tasks/get").length, 2);
    gateway.route("work", { stable: "work-1", draining: [] });
    assert.equal((await about(next, era, "tasks/get", id)).body?.error?.data?.["reason"], "EXPIRED");
  });

  test(`a task that began before the manager did counts from when its ${era} client asks for it`, async () => {
    await using gateway = await TestGateway.open();
    serve(gateway, era);
    const peer = await peerOf(gateway, era);
    const id = await begin(peer, era);
    const place = { server: "work", revision: "work-1", id: "t" };
    gateway.openTasks.ended(place);
    assert.equal(gateway.pending.of("work", "work-1").tasks, 0);
    await about(peer, era, "tasks/get", id);
    assert.equal(gateway.pending.of("work", "work-1").tasks, 1);
  });
}

test("the result of a legacy task names it as its client does", async () => {
  await using gateway = await TestGateway.open();
  serve(gateway, "legacy");
  const peer = await peerOf(gateway, "legacy");
  const id = await begin(peer, "legacy");
  const { body } = await about(peer, "legacy", "tasks/result", id);
  assert.deepEqual(body?.result?.["_meta"], { "io.modelcontextprotocol/related-task": { taskId: id } });
});

test("on the aggregate a task's id alone says whose it is", async () => {
  await using gateway = await TestGateway.open();
  const work = serve(gateway, "modern");
  const peer = await peerOf(gateway, "modern", "ada", "/mcp");
  const id = await begin(peer, "modern", "work__make");
  const inputResponses = { name: { action: "accept" } };
  assert.equal((await about(peer, "modern", "tasks/update", id, { inputResponses })).status, 200);
  assert.deepEqual(work.calls("tasks/update")[0]?.message.params?.["inputResponses"], inputResponses);
});

test("who may no longer call the tool may no longer ask for its task", async () => {
  const roles = new Map([
    ["all", [{ verbs: ["list" as const, "call" as const] }]],
    ["few", [{ verbs: ["list" as const, "call" as const], tools: ["other"] }]],
  ]);
  await using gateway = await TestGateway.open({ roles });
  serve(gateway, "modern");
  gateway.principal("bob", ["all"]);
  const peer = await peerOf(gateway, "modern", "bob");
  const id = await begin(peer, "modern");
  gateway.principal("bob", ["few"]);
  assert.equal((await about(peer, "modern", "tasks/get", id)).body?.error?.code, -32602);
  assert.equal(gateway.audited.at(-1)?.target, "servers/work/tools/make");
});

test("a header that names another task than the body is a mismatch, and so is none", async () => {
  await using gateway = await TestGateway.open();
  serve(gateway, "modern");
  const peer = await peerOf(gateway, "modern");
  const taskId = await begin(peer, "modern");
  for (const headers of [{ "mcp-name": "t" }, {}]) {
    const { status, body } = await peer.modern("tasks/get", { taskId }, { headers });
    assert.deepEqual([status, body?.error?.code], [400, -32020]);
  }
});

for (const era of eras) {
  test(`a ${era} client's task is not asked for at a server that was made again under the name of its own`, async () => {
    await using gateway = await TestGateway.open();
    serve(gateway, era);
    const peer = await peerOf(gateway, era);
    const id = await begin(peer, era);
    gateway.unregister("work");
    gateway.upstreams.detach("work", "work-1-a");
    const again = serve(gateway, era);
    assert.equal((await about(peer, era, "tasks/get", id)).body?.error?.data?.["reason"], "EXPIRED");
    assert.equal(again.calls("tasks/get").length, 0);
  });
}

for (const era of eras) {
  test(`what a server says of a task unasked, under its own id, does not reach a ${era} client, who knows another`, async () => {
    await using gateway = await TestGateway.open();
    const work = serve(gateway, era);
    const peer = await peerOf(gateway, era);
    const id = await begin(peer, era);
    work.script = {
      "tasks/get": (call) => {
        call.notify("notifications/tasks/status", { taskId: "t", status: "completed" });
        call.result({ resultType: "complete", taskId: "t", status: "completed" });
      },
    };
    const { text, body } = await about(peer, era, "tasks/get", id);
    assert.equal(body?.result?.["taskId"], id);
    assert.ok(!text.includes('"t"'), text);
  });
}
