/** From names and URIs to servers, on the aggregate and on one server's endpoint, and what is said where that is not clear. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { eras, peerOf, TestGateway } from "../testing/gateway.ts";
import { Peer } from "../testing/peer.ts";
import type { Received, Script } from "../testing/scripted-connection.ts";

const read: Script = { "resources/read": (call) => call.result({ contents: [] }) };
const complete: Script = { "completion/complete": (call) => call.result({ completion: { values: ["python"] } }) };
const uris = (...list: string[]): Script => ({
  "resources/list": (call: Received): void => call.result({ resources: list.map((uri) => ({ uri, name: uri })) }),
});

/** A server with an app: a tool that names its page, and one that only the page calls. */
const app = (name: string): Script => ({
  ...read,
  "tools/list": (call) =>
    call.result({
      tools: [{ name: "show", _meta: { ui: { resourceUri: `ui://${name}/page.html` } } }, { name: `refresh_${name}` }],
    }),
  "tools/call": (call) => call.result({ content: [], called: call.name }),
});

for (const era of eras) {
  for (const view of ["aggregate", "server"] as const) {
    test(`G23 completion of a ${era} client on the ${view}: the server gets its own prompt name, URI and template`, async () => {
      await using gateway = await TestGateway.open();
      const docs = gateway.serve("docs", {
        capabilities: { completions: {}, prompts: {}, resources: {} },
        script: complete,
      });
      const isAll = view === "aggregate";
      const peer = isAll ? await peerOf(era, gateway) : new Peer(gateway.url, { path: "/servers/docs/mcp" });
      if (era === "legacy" && !isAll) await peer.initialize();
      const argument = { name: "language", value: "py" };
      for (const ref of [
        { type: "ref/prompt", name: "docs__review", uri: "kept" },
        { type: "ref/resource", uri: "docs+file:///{path}" },
        { type: "ref/resource", uri: "docs+file:///a.txt", name: "kept" },
      ]) {
        const own = isAll ? ref : JSON.parse(JSON.stringify(ref).replace(/docs(__|\+)/, ""));
        const { body } = await peer[era]("completion/complete", { ref: own, argument, context: { arguments: {} } });
        assert.deepEqual(body?.result?.["completion"], { values: ["python"] }, JSON.stringify(body));
      }
      assert.deepEqual(
        docs.calls("completion/complete").map(({ message }) => message.params?.["ref"]),
        [
          { type: "ref/prompt", name: "review", uri: "kept" },
          { type: "ref/resource", uri: "file:///{path}" },
          { type: "ref/resource", uri: "file:///a.txt", name: "kept" },
        ],
      );
      assert.ok(docs.calls("completion/complete").every((call) => call.name === undefined));
    });
  }

  test(`G22 the page of an app is found by its ui:// URI, and its calls reach its own server (${era} client)`, async () => {
    await using gateway = await TestGateway.open();
    const charts = gateway.serve("charts", { script: app("charts") }, { expose: { prefix: "7up" } });
    gateway.serve("other", { script: { "tools/list": (call) => call.result({ tools: [{ name: "show" }] }) } });
    const peer = await peerOf(era, gateway);
    const page = "ui://7up+charts/page.html";
    const list = await peer[era]("tools/list");
    assert.ok(list.text.includes(`"_meta":{"ui":{"resourceUri":"${page}"}}`), list.text);
    for (const uri of [page, "x.7up+file:///a", "X.7UP+file:///a"]) await peer[era]("resources/read", { uri });
    assert.deepEqual(
      charts.calls("resources/read").map(({ message }) => message.params?.["uri"]),
      ["ui://charts/page.html", "file:///a", "file:///a"],
    );
    const called = await peer[era]("tools/call", { name: "refresh_charts" });
    assert.equal(called.body?.result?.["called"], "refresh_charts", called.text);
  });
}

test("G22 on one server's endpoint an app's page keeps its URI", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("charts", { script: app("charts") });
  const answer = await new Peer(gateway.url, { path: "/servers/charts/mcp" }).modern("tools/list");
  assert.ok(answer.text.includes('"resourceUri":"ui://charts/page.html"'), answer.text);
});

test("completion of what is unknown, denied or no reference is -32602, and the denial is audited", async () => {
  const roles = new Map([["few", [{ verbs: ["list" as const, "call" as const], servers: ["docs"] }]]]);
  await using gateway = await TestGateway.open({ roles });
  gateway.principal("eve", ["few"]);
  const script = {
    ...complete,
    "prompts/list": (call: Received): void => call.result({ prompts: [{ name: "review" }] }),
  };
  const docs = gateway.serve("docs", { script });
  const secret = gateway.serve("secret", { script });
  const peer = new Peer(gateway.url, { who: "eve" });
  const messages: unknown[] = [];
  for (const ref of [
    { type: "ref/prompt", name: "docs__nothing" },
    { type: "ref/prompt", name: "secret__review" },
    { type: "ref/prompt", name: "review" },
    { type: "ref/prompt", name: 7 },
    { type: "ref/resource", uri: "secret+a:1" },
    { type: "ref/resource", uri: "nowhere+a:1" },
    { type: "ref/tool", name: "docs__review" },
    {},
    undefined,
  ]) {
    const answer = await peer.modern("completion/complete", { ref, argument: { name: "a", value: "" } }, { id: 5 });
    assert.deepEqual([answer.status, answer.body?.id, answer.body?.error?.code], [200, 5, -32602]);
    messages.push(answer.body?.error?.message);
  }
  const noType = 'params.ref.type must be "ref/prompt" or "ref/resource"';
  assert.deepEqual(messages, [
    "Unknown prompt: docs__nothing",
    "Unknown prompt: secret__review",
    "Unknown prompt: review",
    "params.ref.name must be a string",
    "Unknown resource: secret+a:1",
    "Unknown resource: nowhere+a:1",
    ...[noType, noType, noType],
  ]);
  assert.equal(docs.calls("completion/complete").length + secret.calls("completion/complete").length, 0);
  assert.deepEqual(
    gateway.audited.map(({ action, target }) => [action, target]),
    [
      ["completion/complete", "servers/secret/prompts/review"],
      ["completion/complete", "servers/secret/resources/a:1"],
    ],
  );
});

test("a prompt that came since is completed after the list was renewed", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  const prompts = [{ name: "old" }];
  gateway.serve("docs", { script: { ...complete, "prompts/list": (call) => call.result({ prompts }) } });
  await new Peer(gateway.url).modern("prompts/list");
  await gateway.time.advance(1_000);
  prompts.push({ name: "new" });
  const ref = { type: "ref/prompt", name: "docs__new" };
  const answer = await new Peer(gateway.url).modern("completion/complete", { ref });
  assert.deepEqual(answer.body?.result?.["completion"], { values: ["python"] }, answer.text);
});

test("a URI that several servers have is -32602 and says how to ask each, of those the principal may call", async () => {
  const rule = (...servers: string[]) => ({ verbs: ["list" as const, "call" as const], servers });
  const roles = new Map([
    ["two", [rule("alpha", "beta")]],
    ["one", [rule("beta")]],
  ]);
  await using gateway = await TestGateway.open({ roles });
  for (const name of ["alpha", "beta", "gamma"]) {
    gateway.serve(name, { script: { ...read, ...uris("note://1", "ui://p") } }, { expose: { prefix: `${name}-p` } });
  }
  gateway.principal("eve", ["two"]);
  gateway.principal("bob", ["one"]);
  const [eve, bob] = [new Peer(gateway.url, { who: "eve" }), new Peer(gateway.url, { who: "bob" })];
  await eve.modern("resources/list");
  const answer = await eve.modern("resources/read", { uri: "note://1" }, { id: 1 });
  const choices = 'alpha-p+note://1 (server "alpha"), beta-p+note://1 (server "beta")';
  assert.deepEqual(answer.body?.error, {
    code: -32602,
    message: `Ambiguous resource: note://1 is offered by several servers; use one of ${choices}`,
  });
  const page = await eve.modern("resources/read", { uri: "ui://p" }, { id: 1 });
  assert.match(page.body?.error?.message ?? "", /use one of ui:\/\/alpha-p\+p .*, ui:\/\/beta-p\+p /);
  assert.deepEqual((await bob.modern("resources/read", { uri: "note://1" })).body?.result?.["contents"], []);
  for (const uri of ["alpha-p+note://1", "beta-p+note://1"]) {
    assert.ok((await eve.modern("resources/read", { uri })).body?.result, uri);
  }
});

test("a tool that the pages of two apps would call under one name is -32602 and says how to ask each", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("a", { script: app("x") });
  gateway.serve("b", { script: app("x") });
  const peer = new Peer(gateway.url);
  await peer.modern("tools/list");
  const answer = await peer.modern("tools/call", { name: "refresh_x" });
  assert.equal(answer.body?.error?.code, -32602);
  assert.match(
    answer.body?.error?.message ?? "",
    /use one of a__refresh_x \(server "a"\), b__refresh_x \(server "b"\)/,
  );
});
