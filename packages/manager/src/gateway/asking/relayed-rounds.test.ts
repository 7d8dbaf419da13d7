/** A modern server's questions to its modern client: passed on as they are, round by round, and kept by nobody. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { answerMsMax } from "../calls/call-time.ts";
import { TestGateway } from "../testing/gateway.ts";
import { type Answer, Peer } from "../testing/peer.ts";
import type { Received, ScriptedConnection } from "../testing/scripted-connection.ts";

/** The requests that may be answered with a question, and what names their target. */
const asking: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "tools/call": { name: "docs__a" },
  "prompts/get": { name: "docs__a" },
  "resources/read": { uri: "docs+a:1" },
};
const inputRequests =
  '{"q" : {"method":"elicitation/create","params":{"message":"é","x":[1.0,{"y":null}]},"extra":12345678901234567890}}';
const asks = `{"resultType":"input_required","inputRequests":${inputRequests},"requestState":"s","_meta":{"a.b/c":1}}`;

function serve(gateway: TestGateway): ScriptedConnection {
  const answer = (call: Received): void =>
    call.message.params?.["inputResponses"] === undefined
      ? call.result(asks)
      : call.result({ resultType: "complete", ttlMs: 60_000, cacheScope: "public", answered: true });
  return gateway.serve("docs", {
    era: "modern",
    script: Object.fromEntries(Object.keys(asking).map((method) => [method, answer])),
  });
}

for (const [method, target] of Object.entries(asking)) {
  const offered = { "io.modelcontextprotocol/clientCapabilities": { elicitation: {} } };
  const call = (peer: Peer, params: object = {}): Promise<Answer> =>
    peer.modern(method, { ...target, ...params }, { meta: offered });

  test(`G12 what is asked in answer to ${method} passes as it was written, each round is one call, and nobody answers for the client`, async () => {
    await using gateway = await TestGateway.open();
    const docs = serve(gateway);
    const peer = new Peer(gateway.url);
    const { text, body } = await call(peer);
    const requestState = String(body?.result?.["requestState"]);
    assert.equal(text, `{"jsonrpc":"2.0","id":1,"result":${asks.replace('"s"', JSON.stringify(requestState))}}`);
    assert.equal(docs.calls(method).length, 1);
    const inputResponses = { q: { action: "accept", content: { n: 1 } } };
    const end = await call(peer, { requestState, inputResponses });
    assert.equal(end.body?.result?.["answered"], true, end.text);
    const [, retry] = docs.calls(method);
    assert.deepEqual([retry?.message.params?.["requestState"], docs.calls(method).length], ["s", 2]);
    assert.deepEqual(retry?.message.params?.["inputResponses"], inputResponses);
    const counted = `method="${method}",outcome=`;
    for (const outcome of ["input_required", "result"]) {
      assert.ok(gateway.metrics.text().includes(`${counted}"${outcome}"} 1`), outcome);
    }
  });

  test(`G12 a state of ${method} that is too old is refused without contact`, async () => {
    await using gateway = await TestGateway.open({ clock: new ManualClock() });
    const docs = serve(gateway);
    const peer = new Peer(gateway.url);
    const requestState = (await call(peer)).body?.result?.["requestState"];
    await gateway.time.advance(answerMsMax + 1_000);
    const late = await call(peer, { requestState, inputResponses: {} });
    assert.deepEqual([late.status, late.body?.error?.code], [200, -32602], late.text);
    assert.equal(docs.calls(method).length, 1);
  });
}

test("G24 what came of answers is kept for nobody: the next reader, or the same again, is asked too", async () => {
  await using gateway = await TestGateway.open();
  gateway.principal("bob", ["admin"]);
  const docs = serve(gateway);
  const meta = { "io.modelcontextprotocol/clientCapabilities": { elicitation: {} } };
  const read = (peer: Peer, more: object = {}): Promise<Answer> =>
    peer.modern("resources/read", { uri: "docs+a:1", ...more }, { meta });
  const ada = new Peer(gateway.url);
  const requestState = (await read(ada)).body?.result?.["requestState"];
  assert.equal((await read(ada, { requestState, inputResponses: { q: {} } })).body?.result?.["answered"], true);
  for (const peer of [ada, new Peer(gateway.url, { who: "bob" })]) {
    assert.equal((await read(peer)).body?.result?.["resultType"], "input_required");
  }
  assert.equal(docs.calls("resources/read").length, 4);
});
