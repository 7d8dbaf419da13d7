/** Clients whose connection ends in the middle of a call, in each pair of eras: for one era that is a cancellation, for the other it is not. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { HttpPeer } from "../../packages/manager/src/transport/testing/http-peer.ts";
import { type ManagerProcess, startManager, until } from "./testing/manager.ts";
import { initialize, post, send } from "./testing/mcp.ts";
import { postModern } from "./testing/modern.ts";

const eras = ["legacy", "modern"] as const;
type Era = (typeof eras)[number];

let manager: ManagerProcess;
const peers: Readonly<Record<Era, HttpPeer>> = {
  legacy: new HttpPeer({ era: "legacy", answers: "events", sessions: true }),
  modern: new HttpPeer({ era: "modern", answers: "events" }),
};

before(async () => {
  const servers: Record<string, object> = {};
  for (const era of eras) {
    servers[era] = { source: { kind: "remote", url: `http://127.0.0.1:${await peers[era].listen()}/mcp` } };
  }
  manager = await startManager({ config: JSON.stringify({ servers }) });
  await manager.serversReady(...eras);
});
after(async () => {
  await manager[Symbol.asyncDispose]();
  for (const era of eras) await peers[era][Symbol.asyncDispose]();
});

/** Resolves when a server has noted this. */
function seen(server: Era, line: string): Promise<void> {
  return until(`${server}: ${line}`, () => Promise.resolve(peers[server].journal.includes(line)));
}

for (const server of eras) {
  test(`G8 a modern client that closes its stream cancels the call at its ${server} server`, async () => {
    peers[server].journal.length = 0;
    const hangUp = new AbortController();
    const call = postModern(manager, "tools/call", { name: `${server}__hold` }, { signal: hangUp.signal });
    await seen(server, "call hold");
    hangUp.abort();
    await assert.rejects(call);
    await seen(server, "cancelled hold");
  });

  test(`G8 a legacy client that only loses its connection cancels nothing at its ${server} server`, async () => {
    peers[server].journal.length = 0;
    const session = await initialize(manager);
    const lost = new AbortController();
    const message = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: `${server}__hold` } };
    const call = post(manager, message, { session, signal: lost.signal });
    await seen(server, "call hold");
    lost.abort();
    await assert.rejects(call);
    // The end of that connection is there before the next request on another one is.
    await send(manager, { jsonrpc: "2.0", id: 2, method: "ping" }, { session });
    peers[server].peer.release();
    await until("the call is counted", async () => {
      const headers = { authorization: `Bearer ${manager.key}` };
      const text = await (await fetch(`${manager.url}/metrics`, { headers })).text();
      return new RegExp(`server="${server}".*method="tools/call",outcome="result"`).test(text);
    });
    assert.ok(!peers[server].journal.some((line) => line.startsWith("cancelled")), String(peers[server].journal));
  });
}
