/**
 * A small MCP server on stdio that behaves as its argument says, run by tests as a child process:
 *
 *   legacy   answers initialize, refuses server/discover
 *   asks     a legacy server whose tool asks its client something and gives the answer back, with what it was told of that client
 *   wary     a legacy server that does not answer initialize of a client that it might ask something
 *   modern   answers server/discover, refuses initialize
 *   shy      a legacy server that exits at any message before initialize
 *   silent   never answers
 *   noisy    prints lines that are no messages, then never answers
 *   leaky    refuses everything, and says which token it did not like
 *   chatty   a legacy server that prints its token again and again
 *   broken   writes to stderr and exits with status 3
 */
interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: { readonly capabilities?: object };
  readonly result?: unknown;
}

const mode = process.argv[2] ?? "legacy";
const serverInfo = { name: "stand-in", version: "1" };
const question = { id: "q-1", method: "elicitation/create", params: { message: "which city?", requestedSchema: {} } };
/** What `initialize` said that the client can do. */
let capabilities: object = {};
/** The id of the call that waits for an answer. */
let waitingId: unknown;

function answer(id: unknown, body: object): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, ...body })}\n`);
}

/** Serves a call by a question to its client; true when there is nothing else to do with the message. */
function converse({ id, method, result }: Message): boolean {
  if (method === "tools/call") {
    waitingId = id;
    process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...question })}\n`);
  } else if (id === question.id) {
    answer(waitingId, {
      result: { structuredContent: { pid: process.pid, capabilities, answer: result }, content: [] },
    });
  }
  return method === "tools/call" || id === question.id;
}

function receive(line: string): void {
  const message = JSON.parse(line) as Message;
  const { id, method } = message;
  if (mode === "asks" && converse(message)) return;
  if (id === undefined || mode === "silent" || mode === "noisy") return;
  if (mode === "leaky") return answer(id, { error: { code: -32000, message: `bad token ${process.env["TOKEN"]}` } });
  if (mode === "shy" && method !== "initialize") process.exit(1);
  if (mode === "modern" && method === "server/discover") {
    const meta = { "io.modelcontextprotocol/serverInfo": serverInfo };
    const result = { supportedVersions: ["2026-07-28"], capabilities: { tools: {} }, _meta: meta };
    return answer(id, { result: { resultType: "complete", ...result, ttlMs: 0, cacheScope: "private" } });
  }
  if (mode !== "modern" && method === "initialize") {
    capabilities = message.params?.capabilities ?? {};
    if (mode === "wary" && Object.keys(capabilities).length > 0) return;
    return answer(id, { result: { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo } });
  }
  answer(id, { error: { code: -32601, message: "Method not found" } });
}

if (mode === "broken") {
  process.stderr.write(`cannot open the database with token ${process.env["TOKEN"] ?? "none"}\n`);
  process.exit(3);
}
process.stderr.write(`started ${mode}\n`);
if (mode === "noisy") process.stdout.write("Listening on port 3000\n");
if (mode === "chatty") process.stdout.write(`token ${process.env["TOKEN"]}\n`.repeat(1_000));
let rest = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text: string) => {
  const lines = (rest + text).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) receive(line);
});
process.stdin.on("end", () => process.exit(0));
