import assert from "node:assert/strict";
import { test } from "node:test";
import { problem, serverOf, toldManager } from "../testing/manager.ts";
import { type } from "../testing/terminal.ts";

const path = "POST /api/v1/servers/weather/breaker";

test("a decision is sent with its reason, and said back", async () => {
  await using manager = await toldManager({
    [path]: [
      [200, serverOf("weather", { breaker: "open" })],
      [200, serverOf("weather", { breaker: "closed" })],
    ],
  });
  const words = ["server", "breaker", "weather", "open", "--reason", "silence until noon", "--url", manager.url];
  const open = await type(words);
  assert.deepEqual([open.status, open.stdout], [0, "the breaker of server weather is held open\n"]);
  const auto = await type(["server", "breaker", "weather", "auto", "--url", manager.url]);
  assert.deepEqual([auto.status, auto.stdout], [0, "the breaker of server weather is left to itself; it is closed\n"]);
  assert.deepEqual(
    manager.asked.map(({ body }) => JSON.parse(body) as unknown),
    [{ state: "open", reason: "silence until noon" }, { state: "auto" }],
  );
});

test("a word that is no state, and a decision without a reason, ask nothing of the manager", async () => {
  await using manager = await toldManager({});
  const run = async (words: string): Promise<string> => {
    const { status, stderr } = await type([...words.split(" "), "--url", manager.url]);
    assert.equal(status, 2);
    return stderr;
  };
  assert.match(await run("server breaker weather ajar"), /takes open, closed or auto, not "ajar"/);
  assert.match(await run("server breaker weather open"), /server breaker open needs --reason TEXT/);
  assert.match(await run("server breaker weather"), /needs STATE/);
  assert.equal(manager.asked.length, 0);
});

test("a refusal is one line, with exit status 1", async () => {
  await using manager = await toldManager({
    [path]: [[409, problem("failed_precondition", 'server "weather" is being deleted: its breaker goes with it')]],
  });
  const ran = await type(["server", "breaker", "weather", "auto", "--url", manager.url]);
  assert.deepEqual(
    [ran.status, ran.stderr],
    [1, 'mcp-manager: server "weather" is being deleted: its breaker goes with it\n'],
  );
});
