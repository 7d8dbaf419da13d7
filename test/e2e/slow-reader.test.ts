/** Answers of 50 MB to a client that reads slowly: they stream through, and the manager's memory hardly grows. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { type AnswerForm, type LongAnswerServer, startLongAnswerServer } from "./testing/long-answer-server.ts";
import { type ManagerProcess, startManager, until } from "./testing/manager.ts";
import { initialize } from "./testing/mcp.ts";
import { modernRequest } from "./testing/modern.ts";

const megabyte = 1_048_576;
const answerBytes = 50 * megabyte;
// Held whole it would be 90 MB and more. What remains is what the sockets and the first answers of that length take.
const growthMax = 60 * megabyte;
/** What the server may be rid of while nobody reads. */
const heldMax = 40 * megabyte;
const letter = 0x7a;

const eras = ["legacy", "modern"] as const;
const forms: readonly AnswerForm[] = ["JSON", "events"];
const cells = eras.flatMap((era) => forms.map((form) => ({ era, form, name: `${era}-${form.toLowerCase()}` })));

const running = new AsyncDisposableStack();
let manager: ManagerProcess;
const servers = new Map<string, LongAnswerServer>();

before(async () => {
  for (const { era, form, name } of cells) servers.set(name, running.use(await startLongAnswerServer(era, form)));
  const sources = [...servers].map(([name, { url }]) => [name, { source: { kind: "remote", url } }]);
  manager = running.use(await startManager({ config: JSON.stringify({ servers: Object.fromEntries(sources) }) }));
  await manager.serversReady(...servers.keys());
});
after(() => running.disposeAsync());

for (const { era, form, name } of cells) {
  test(`G8 50 MB as ${form} of a ${era} server stream to a slow reader in less than 40 MB`, async () => {
    const server = servers.get(name);
    // What grows with any first traffic is no matter of the answer's length.
    await read(await call(era, name, 8 * megabyte));
    const rssBefore = rssOf(manager.pid);
    const wantedBefore = server?.wanted ?? 0;
    const response = await call(era, name, answerBytes);
    // The client reads nothing until the server is held up: whatever the manager would keep is in it by then.
    const wanted = (await heldUp(server)) - wantedBefore;
    assert.ok(wanted < heldMax, `the server was rid of ${wanted} bytes that nobody read`);
    const { letters, rssMax } = await read(response);
    assert.equal(letters, answerBytes);
    const growth = rssMax - rssBefore;
    assert.ok(growth < growthMax, `it grew by ${Math.round(growth / megabyte)} MB`);
  });
}

for (const era of eras) {
  test(`an event of a ${era} server that is larger than any that is taken fails its call, and no other`, async () => {
    const response = await call(era, `${era}-events`, 1, 65 * megabyte);
    assert.equal(response.statusCode, 502);
    const { id, error } = JSON.parse(await text(response)) as { id: unknown; error: { code: number; message: string } };
    assert.deepEqual([id, error.code], [1, 502]);
    assert.match(error.message, /longer than 67108864 bytes/);
    const { letters } = await read(await call(era, `${era}-events`, 100));
    assert.equal(letters, 100);
  });
}

/** Reads an answer to its end; looks at the manager's memory every megabyte. */
async function read(response: IncomingMessage): Promise<{ readonly letters: number; readonly rssMax: number }> {
  let rssMax = rssOf(manager.pid);
  let letters = 0;
  let next = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    for (const byte of chunk) if (byte === letter) letters += 1;
    if (letters < next) continue;
    next += megabyte;
    rssMax = Math.max(rssMax, rssOf(manager.pid));
  }
  assert.ok(response.complete);
  return { letters, rssMax };
}

/** What of the server's answers was wanted when no more is: it looked the same many times. */
async function heldUp(server: LongAnswerServer | undefined): Promise<number> {
  let wanted = 0;
  let times = 0;
  await until("the server is held up", () => {
    const now = server?.wanted ?? 0;
    times = now > 0 && now === wanted ? times + 1 : 0;
    wanted = now;
    return Promise.resolve(times === 10);
  });
  return wanted;
}

/** Calls the server's tool; the answer is not read yet. */
async function call(era: "legacy" | "modern", server: string, bytes: number, noteBytes = 0): Promise<IncomingMessage> {
  const params = { name: `${server}__long`, arguments: { bytes, noteBytes } };
  const modern = modernRequest("tools/call", params);
  const legacy = {
    message: { jsonrpc: "2.0", id: 1, method: "tools/call", params },
    headers: { "mcp-session-id": await initialize(manager) },
  };
  const { message, headers } = era === "modern" ? modern : legacy;
  const accept = "application/json, text/event-stream";
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${manager.url}/mcp`, {
      method: "POST",
      headers: { ...headers, accept, "content-type": "application/json", authorization: `Bearer ${manager.key}` },
    });
    request.on("response", resolve).on("error", reject);
    request.end(JSON.stringify(message));
  });
}

function rssOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1_024;
}
