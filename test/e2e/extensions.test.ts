/** An extension that the manager knows nothing of, through the manager: its declaration, its methods and their headers. */
import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { objectText } from "../../packages/manager/src/protocol/testing/json-texts.ts";
import { HttpPeer } from "../../packages/manager/src/transport/testing/http-peer.ts";
import { type ManagerProcess, startManager } from "./testing/manager.ts";
import { send } from "./testing/mcp.ts";
import { sendModern } from "./testing/modern.ts";

const extensions = { "com.example/echo": { version: 2 } };
const discovered = {
  resultType: "complete",
  supportedVersions: ["2026-07-28"],
  capabilities: { tools: {}, extensions },
  ttlMs: 0,
  cacheScope: "private",
};
const path = "/servers/work/mcp";

let manager: ManagerProcess;
let last: { readonly headers: IncomingMessage["headers"]; readonly params: string } | undefined;
/** A modern server whose method `echo/back` answers with its params as they were written. */
const work = new HttpPeer({
  era: "modern",
  intercept(request, body, response) {
    const [, id = "", method = "", params = ""] =
      /^\{"jsonrpc":"2\.0","id":("(?:[^"\\]|\\.)*"|\d+),"method":"([^"]*)","params":(.*)\}$/s.exec(body) ?? [];
    if (method !== "echo/back" && method !== "server/discover") return false;
    if (method === "echo/back") last = { headers: request.headers, params };
    const result = method === "echo/back" ? `{"resultType":"echo","back":${params}}` : JSON.stringify(discovered);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(`{"jsonrpc":"2.0","id":${id},"result":${result}}`);
    return true;
  },
});

before(async () => {
  const source = { kind: "remote", url: `http://127.0.0.1:${await work.listen()}/mcp` };
  manager = await startManager({ config: JSON.stringify({ servers: { work: { source } } }) });
  await manager.serversReady("work");
});
after(async () => {
  await manager[Symbol.asyncDispose]();
  await work[Symbol.asyncDispose]();
});

test("G21 a server's endpoint declares its extensions as the server did, and the aggregate none of them", async () => {
  const told = async (at: string): Promise<unknown> =>
    (await sendModern(manager, "server/discover", {}, { path: at })).json().result?.["capabilities"];
  assert.deepEqual(((await told(path)) as typeof discovered.capabilities).extensions, extensions);
  assert.equal(((await told("/mcp")) as typeof discovered.capabilities).extensions, undefined);
});

test("G21 an extension's method reaches its server with its headers, and payloads pass byte-equal both ways", async () => {
  const meta =
    '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}';
  const headers = {
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "echo/back",
    "mcp-name": "=?base64?w7xi?=",
    "mcp-param-region": "eu",
  };
  await fc.assert(
    fc.asyncProperty(objectText, async (payload) => {
      const params = `{${meta},"x":${payload}}`;
      const message = `{"jsonrpc":"2.0","id":"i","method":"echo/back","params":${params}}`;
      const { status, text } = await send(manager, message, { path, headers });
      assert.equal(status, 200, text);
      assert.equal(text, `{"jsonrpc":"2.0","id":"i","result":{"resultType":"echo","back":${params}}}`);
      const { "mcp-method": method, "mcp-name": name, "mcp-param-region": region } = last?.headers ?? {};
      assert.deepEqual([last?.params, method, name, region], [params, "echo/back", "=?base64?w7xi?=", "eu"]);
    }),
    { numRuns: 60 },
  );
});

test("G21 on the aggregate such a method is unknown", async () => {
  const { status, json } = await sendModern(manager, "echo/back");
  assert.deepEqual([status, json().error?.code], [404, -32601]);
});
