/** How the aggregate introduces itself: all that a principal's servers offer and say, and nothing of others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { eras, serverResource, TestGateway } from "../testing/gateway.ts";
import { Peer } from "../testing/peer.ts";

/** Changes of every list are told. */
const tools = { listChanged: true };

for (const era of eras) {
  test(`G2 a ${era} client hears what its servers offer and say; one that it may not see adds nothing`, async () => {
    const roles = new Map([
      ["admin", [{ verbs: ["list" as const] }]],
      ["few", [{ verbs: ["list" as const], servers: ["a", "b"] }]],
    ]);
    await using gateway = await TestGateway.open({ roles });
    gateway.serve("a", { capabilities: { tools: {} }, instructions: "A." });
    gateway.serve("b", { era: "modern", capabilities: { completions: {}, logging: {} }, instructions: "B." });
    gateway.serve("c", { capabilities: { prompts: {}, resources: {} }, instructions: "C." });
    gateway.principal("eve", ["few"]);
    const introduced = async (who: string): Promise<readonly unknown[]> => {
      const peer = new Peer(gateway.url, { who });
      const answer = era === "modern" ? await peer.modern("server/discover") : await peer.initialize();
      return [answer.body?.result?.["capabilities"], answer.body?.result?.["instructions"]];
    };
    assert.deepEqual(await introduced("eve"), [{ tools, completions: {}, logging: {} }, "# a\nA.\n\n# b\nB."]);
    const all = { tools, prompts: tools, resources: tools, completions: {}, logging: {} };
    assert.deepEqual(await introduced("ada"), [all, "# a\nA.\n\n# b\nB.\n\n# c\nC."]);
  });
}

test("G2 a server that is starting may have any list; one that failed has none; one that went away keeps what it said", async () => {
  await using gateway = await TestGateway.open();
  const capabilities = async (): Promise<unknown> =>
    (await new Peer(gateway.url).modern("server/discover")).body?.result?.["capabilities"];
  gateway.serve("a", { capabilities: { tools: {} } });
  gateway.register(serverResource("b", {}, "failed", "exited with 1"));
  assert.deepEqual(await capabilities(), { tools });
  gateway.upstreams.detach("a", "a-1-a");
  assert.deepEqual(await capabilities(), { tools });
  gateway.register(serverResource("c", {}, "starting"));
  assert.deepEqual(await capabilities(), { tools, prompts: tools, resources: { ...tools, subscribe: true } });
});

test("instructions over the budget are left out whole and named", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("a", { instructions: "x".repeat(1_000) });
  gateway.serve("b", { instructions: "short." });
  const { body } = await new Peer(gateway.url).modern("server/discover");
  assert.match(String(body?.result?.["instructions"]), /^# b\nshort\.\n\n\(Left out .*: a\)$/);
});

test("a server that is made again under the name of another does not speak by that one's words", async () => {
  await using gateway = await TestGateway.open({ introductionWaitMs: 0 });
  gateway.serve("a", { instructions: "I am the first." });
  const own = new Peer(gateway.url, { path: "/servers/a/mcp" });
  const merged = async (): Promise<unknown> =>
    (await new Peer(gateway.url).modern("server/discover")).body?.result?.["instructions"];
  assert.equal((await own.initialize()).body?.result?.["instructions"], "I am the first.");
  assert.equal(await merged(), "# a\nI am the first.");
  gateway.upstreams.detach("a", "a-1-a");
  gateway.unregister("a");
  gateway.register(serverResource("a", {}, "starting"));
  assert.equal((await own.initialize()).status, 503);
  assert.equal(await merged(), undefined);
});

test("a server that slept before anybody asked speaks on its own endpoint all the same, also by revision", async () => {
  await using gateway = await TestGateway.open({ introductionWaitMs: 0 });
  gateway.serve("a", { instructions: "I am here." });
  gateway.upstreams.detach("a", "a-1-a");
  gateway.register(serverResource("a", {}, "idle"));
  const own = new Peer(gateway.url, { path: "/servers/a/mcp" });
  assert.equal((await own.initialize()).body?.result?.["instructions"], "I am here.");
  gateway.route("a", { stable: "a-1", draining: [] });
  assert.equal((await own.initialize()).body?.result?.["instructions"], "I am here.");
});
