/** A server that goes on refusing the headers of a call, whatever its list says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { eras, peerOf, TestGateway } from "../testing/gateway.ts";

for (const era of eras) {
  test(`G5 a call whose headers are refused is sent once more and no further (${era} client)`, async () => {
    await using gateway = await TestGateway.open({ clock: new ManualClock() });
    let version = 0;
    const weather = gateway.serve("weather", {
      era: "modern",
      script: {
        // Each time it is asked the list wants another header.
        "tools/list": (call) => {
          const properties = { region: { type: "string", "x-mcp-header": `H${++version}` } };
          const tools = [{ name: "a", inputSchema: { type: "object", properties } }];
          call.result({ resultType: "complete", ttlMs: 60_000, cacheScope: "public", tools });
        },
        "tools/call": (call) => call.error(-32020, "Header mismatch"),
      },
    });
    const peer = await peerOf(era, gateway);
    await peer[era]("tools/list");
    await gateway.time.advance(2_000);
    const params = { name: "weather__a", arguments: { region: "eu" } };
    const { status, body } = await peer[era]("tools/call", params, { headers: { [`mcp-param-h${version}`]: "eu" } });
    assert.deepEqual([status, body?.error?.code, body?.error?.data?.["code"]], [502, 502, "protocol_error"]);
    assert.equal(weather.calls("tools/call").length, 2);
    assert.equal(version, 2);
  });
}
