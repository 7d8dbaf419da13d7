/** Payloads arrive as they were sent, both ways, in each of the four cells of eras and over both transports. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { nested, objectText } from "../../packages/manager/src/protocol/testing/json-texts.ts";
import { type HttpServer, startHttpServer } from "./testing/http-server.ts";
import { type ManagerProcess, root, startManager } from "./testing/manager.ts";
import { initialize, send } from "./testing/mcp.ts";

let manager: ManagerProcess;
let upstreams: readonly HttpServer[];
let session: string;

before(async () => {
  const legacy = await startHttpServer("legacy");
  const modern = await startHttpServer("modern");
  upstreams = [legacy, modern];
  const remote = (url: string): object => ({ source: { kind: "remote", url } });
  const program = `${root}/test/e2e/testing/server.mjs`;
  const stdio = { source: { kind: "process", command: process.execPath, args: [program, "plain"] } };
  const servers = { old: remote(legacy.url), new: remote(modern.url), pipe: stdio };
  manager = await startManager({ config: JSON.stringify({ servers }) });
  await manager.serversReady("old", "new", "pipe");
  session = await initialize(manager);
});
after(async () => {
  await manager[Symbol.asyncDispose]();
  for (const upstream of upstreams) await upstream[Symbol.asyncDispose]();
});

const meta =
  '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}},';

async function echo(server: string, era: "legacy" | "modern", payload: string, id: string): Promise<string> {
  const fields = era === "modern" ? meta : "";
  const params = `{${fields}"name":"${server}__echo","arguments":${payload}}`;
  const message = `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${params}}`;
  const headers = {
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": `${server}__echo`,
  };
  const answer = await send(manager, message, era === "modern" ? { headers } : { session });
  assert.equal(answer.status, 200, answer.text);
  assert.ok(answer.text.includes(`"id":${id}`), answer.text);
  return answer.text;
}

// Names that routing reads would come twice in the same object only inside the arguments, where they are nobody's business.
const payload = fc.oneof(
  { weight: 9, arbitrary: objectText },
  { weight: 1, arbitrary: fc.constant(nested('{"x":1}', 100, true)) },
);
const id = fc.oneof(
  fc.integer().map(String),
  fc.string({ unit: "grapheme" }).map((text) => JSON.stringify(text)),
);

for (const server of ["old", "new", "pipe"]) {
  for (const era of ["legacy", "modern"] as const) {
    test(`G21 a ${era} client and the server "${server}" see each other's bytes`, async () => {
      await fc.assert(
        fc.asyncProperty(payload, id, async (text, written) => {
          const got = await echo(server, era, text, written);
          // A line break would end a message on stdio: white space there is the one thing that may differ.
          const flat = (value: string): string => (server === "pipe" ? value.replaceAll(/[\r\n]/g, " ") : value);
          assert.ok(flat(got).includes(`"echo":${flat(text)}`), `sent ${text}\ngot ${got}`);
        }),
        { numRuns: 60 },
      );
    });
  }
}

test("no credential of a caller reaches a server", () => {
  const headers = upstreams.flatMap(({ seen }) => seen);
  assert.ok(headers.length > 100);
  assert.ok(headers.every(({ authorization, cookie }) => authorization === undefined && cookie === undefined));
});
