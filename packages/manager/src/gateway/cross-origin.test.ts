/** Pages of other origins: what a browser is told before they may call, and that they may read every answer, refusals too. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestGateway } from "./testing/gateway.ts";
import { Peer } from "./testing/peer.ts";

const page = "http://localhost:5173";
const paths = ["/mcp", "/servers/weather/mcp", "/api/v1/servers/weather"];

function preflight(url: string, origin: string): Promise<Response> {
  const asks = {
    origin,
    "access-control-request-method": "PUT",
    "access-control-request-headers": "authorization,content-type,if-match,mcp-protocol-version,x-other",
  };
  return fetch(url, { method: "OPTIONS", headers: asks });
}

test("a browser that asks for a page of an allowed origin is told what it may send, at every path, without a credential", async () => {
  await using gateway = await TestGateway.open();
  for (const path of paths) {
    const { status, headers } = await preflight(gateway.url + path, page);
    assert.equal(status, 204, path);
    assert.equal(headers.get("access-control-allow-origin"), page);
    assert.equal(headers.get("vary"), "Origin");
    assert.match(headers.get("access-control-allow-methods") ?? "", /\bPUT\b/);
    assert.equal(
      headers.get("access-control-allow-headers"),
      "authorization, content-type, if-match, mcp-protocol-version",
    );
    assert.equal(headers.get("access-control-allow-credentials"), null);
  }
});

test("for a page of another origin there is nothing but the refusal", async () => {
  await using gateway = await TestGateway.open();
  for (const path of paths) {
    const answer = await preflight(gateway.url + path, "https://evil.example");
    assert.equal(answer.status, 403, path);
    const names = [...answer.headers.keys()];
    assert.deepEqual(
      names.filter((name) => name.startsWith("access-control-")),
      [],
    );
  }
});

test("a page reads answers of the endpoint, streams and refusals, and the headers that matter to it", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("weather", {
    script: {
      "tools/call": (call) => {
        if (call.name === "long") call.notify("notifications/progress", { progress: 1 });
        call.result({ content: [] });
      },
    },
  });
  const peer = new Peer(gateway.url, { headers: { origin: page } });
  const good = await peer.modern("tools/call", { name: "weather__a" });
  const stream = await peer.modern("tools/call", { name: "weather__long" }, { meta: { progressToken: "t" } });
  const stranger = await new Peer(gateway.url, { who: "nobody", headers: { origin: page } }).modern("tools/list");
  assert.deepEqual([good.status, stream.events.length, stranger.status], [200, 1, 401]);
  for (const { headers } of [good, stream, stranger]) {
    assert.equal(headers.get("access-control-allow-origin"), page);
    assert.match(headers.get("access-control-expose-headers") ?? "", /ETag.*Mcp-Session-Id.*Retry-After/);
  }
  assert.equal(good.headers.get("mcp-manager-revision"), "weather-1");
});

test("nothing of it is said to clients that are no browsers, and OPTIONS alone is no method of an endpoint", async () => {
  await using gateway = await TestGateway.open();
  const plain = await new Peer(gateway.url).modern("server/discover");
  assert.equal(plain.headers.get("access-control-allow-origin"), null);
  const headers = { authorization: "Bearer ada" };
  assert.equal((await fetch(`${gateway.url}/mcp`, { method: "OPTIONS", headers })).status, 405);
});
