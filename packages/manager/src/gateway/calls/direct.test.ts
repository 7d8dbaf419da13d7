/** Tools without a client: what the management API asks of the data plane. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import { TestGateway } from "../testing/gateway.ts";

function code(expected: string): (error: unknown) => boolean {
  return (error) => error instanceof ManagerError && error.code === expected;
}

test("a tool is called under its shown name, and its result comes as the server wrote it", async () => {
  await using gateway = await TestGateway.open();
  const ada = gateway.principal("ada", ["admin"]);
  const weather = gateway.serve(
    "weather",
    {
      script: {
        "tools/list": (call) => call.result({ tools: [{ name: "a" }, { name: "hidden" }] }),
        "tools/call": (call) => call.result('{"n": 12345678901234567890}'),
      },
    },
    { expose: { tools: { deny: ["hidden"], override: { a: { name: "b", description: "d" } } } } },
  );
  assert.deepEqual(await gateway.tools.list("weather", ada), [{ name: "b", description: "d" }]);
  assert.equal(gateway.tools.count("weather"), 2);
  const result = await gateway.tools.call("weather", "b", { x: 1 }, ada);
  assert.equal(result.toString(), '{"n": 12345678901234567890}');
  assert.deepEqual(weather.calls("tools/call")[0]?.message.params, { name: "a", arguments: { x: 1 } });
});

test("what is unknown, not allowed, away or late fails as itself", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  const ada = gateway.principal("ada", ["admin"]);
  const looker = gateway.principal("eve", ["viewer"]);
  const weather = gateway.serve("weather", {}, { limits: { callTimeout: "1s" }, expose: { tools: { deny: ["x"] } } });
  const { tools } = gateway;
  await assert.rejects(tools.call("nowhere", "a", {}, ada), code("not_found"));
  await assert.rejects(tools.call("weather", "x", {}, ada), code("not_found"));
  await assert.rejects(tools.call("weather", "a", {}, looker), code("not_found"));
  const late = assert.rejects(tools.call("weather", "a", {}, ada), code("deadline_exceeded"));
  await weather.call("tools/call");
  await gateway.time.advance(1_100);
  await late;
  weather.script = { "tools/call": (call) => call.error(-32602, "bad city") };
  await assert.rejects(tools.call("weather", "a", {}, ada), code("invalid_argument"));
  weather.script = { "tools/call": (call) => call.error(-1, "boom") };
  await assert.rejects(tools.call("weather", "a", {}, ada), code("protocol_error"));
  await weather.close();
  await assert.rejects(tools.call("weather", "a", {}, ada), code("unavailable"));
  const text = gateway.metrics.text();
  assert.match(text, /method="tools\/call",outcome="timeout"\} 1/);
});

test("a caller that goes takes its call back, whether it waits for a place or for its answer", async () => {
  await using gateway = await TestGateway.open();
  const ada = gateway.principal("ada", ["admin"]);
  const weather = gateway.serve("weather", {}, { limits: { concurrency: 1 } });
  const { tools } = gateway;
  const [asked, waits] = [new AbortController(), new AbortController()];
  const first = assert.rejects(tools.call("weather", "a", {}, ada, asked.signal), code("cancelled"));
  const call = await weather.call("tools/call");
  const second = assert.rejects(tools.call("weather", "a", {}, ada, waits.signal), code("cancelled"));
  waits.abort();
  await second;
  asked.abort();
  await first;
  assert.equal(call.cancelled, "the caller has gone");
  await assert.rejects(tools.call("weather", "a", {}, ada, asked.signal), code("cancelled"));
  // One of them reached a revision.
  assert.equal(gateway.metrics.text().match(/method="tools\/call",outcome="cancelled"\} 1\n/g)?.length, 2);
  weather.script = { "tools/call": (next) => next.result({ n: 1 }) };
  assert.equal((await tools.call("weather", "a", {}, ada)).toString(), '{"n":1}');
  assert.equal(weather.calls("tools/call").length, 2);
});
