/**
 * Long answers of many callers at once, read at different speeds, given up in the middle, one after the other on one connection: each
 * caller gets its own bytes and nothing else. The manager reads and writes them in memory that it uses again and again.
 */
import assert from "node:assert/strict";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { after, before, test } from "node:test";
import { type AnswerForm, startLongAnswerServer } from "./testing/long-answer-server.ts";
import { type ManagerProcess, startManager } from "./testing/manager.ts";
import { initialize } from "./testing/mcp.ts";
import { modernRequest } from "./testing/modern.ts";

const eras = ["legacy", "modern"] as const;
const forms: readonly AnswerForm[] = ["JSON", "events"];
const cells = eras.flatMap((era) => forms.map((form) => ({ era, form, name: `${era}-${form.toLowerCase()}` })));
const letters = "ABCDEFGHIJKLMNOPQRSTUVWX";
/** From what is held whole to what takes many reads; no two alike. */
const lengths = [20_000, 70_001, 150_003, 300_007, 700_011, 1_500_013];

const running = new AsyncDisposableStack();
let manager: ManagerProcess;

before(async () => {
  const sources: [string, object][] = [];
  for (const { era, form, name } of cells) {
    const server = running.use(await startLongAnswerServer(era, form));
    sources.push([name, { source: { kind: "remote", url: server.url } }]);
  }
  manager = running.use(await startManager({ config: JSON.stringify({ servers: Object.fromEntries(sources) }) }));
  await manager.serversReady(...cells.map(({ name }) => name));
});
after(() => running.disposeAsync());

for (const client of eras) {
  test(`G21 long answers to many ${client} clients at once are each caller's own, to the last byte`, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 24 });
    const session = client === "legacy" ? await initialize(manager) : "";
    const callers = Array.from({ length: 24 }, async (_, who) => {
      const letter = letters[who] ?? "A";
      for (let round = 0; round < 6; round++) {
        const { name } = cells[(who + round) % cells.length] ?? { name: "" };
        const bytes = lengths[(who * 5 + round) % lengths.length] ?? 0;
        const response = await call({ client, session, agent, server: name, letter, bytes });
        // Some give up in the middle, so that memory comes back from broken connections too.
        if (who % 6 === 5 && round % 2 === 1) {
          response.destroy();
          continue;
        }
        assert.equal(await textOf(response, who % 4 === 0), letter.repeat(bytes), `${name}, ${bytes} bytes`);
      }
    });
    await Promise.all(callers);
    agent.destroy();
  });
}

interface LongCall {
  readonly client: "legacy" | "modern";
  readonly session: string;
  readonly agent: Agent;
  readonly server: string;
  readonly letter: string;
  readonly bytes: number;
}

function call({ client, session, agent, server, letter, bytes }: LongCall): Promise<IncomingMessage> {
  // One endpoint looks through the beginning of an answer for links, the other passes it on as it comes.
  const path = client === "legacy" ? "/mcp" : `/servers/${server}/mcp`;
  const params = { name: client === "legacy" ? `${server}__long` : "long", arguments: { bytes, letter } };
  const modern = modernRequest("tools/call", params);
  const legacy = {
    message: { jsonrpc: "2.0", id: `id-${letter}`, method: "tools/call", params },
    headers: { "mcp-session-id": session },
  };
  const { message, headers } = client === "modern" ? modern : legacy;
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${manager.url}${path}`, {
      method: "POST",
      agent,
      headers: {
        ...headers,
        accept: "application/json, text/event-stream",
        "content-type": "application/json",
        authorization: `Bearer ${manager.key}`,
      },
    });
    request.on("response", resolve).on("error", reject);
    request.end(JSON.stringify(message));
  });
}

/** The text of the one content block. A slow reader lets the event loop turn between pieces. */
async function textOf(response: IncomingMessage, isSlow: boolean): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    if (isSlow) await new Promise((resolve) => setImmediate(resolve));
  }
  const body = Buffer.concat(chunks).toString();
  const data = /^data: (.+)$/m.exec(body)?.[1] ?? body;
  const { result } = JSON.parse(data) as { result?: { content: [{ text: string }] } };
  assert.ok(result, data.slice(0, 300));
  return result.content[0].text;
}
