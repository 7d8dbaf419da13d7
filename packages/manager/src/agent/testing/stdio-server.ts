/**
 * A small MCP server on stdio that behaves as its argument says, run by tests as a child process:
 *
 *   legacy   answers initialize, refuses server/discover
 *   modern   answers server/discover, refuses initialize
 *   shy      a legacy server that exits at any message before initialize
 *   silent   never answers
 *   noisy    prints lines that are no messages, then never answers
 *   broken   writes to stderr and exits with status 3
 */
const mode = process.argv[2] ?? "legacy";
const serverInfo = { name: "stand-in", version: "1" };

function answer(id: unknown, body: object): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, ...body })}\n`);
}

function receive(line: string): void {
  const { id, method } = JSON.parse(line) as { id?: unknown; method?: string };
  if (id === undefined || mode === "silent" || mode === "noisy") return;
  if (mode === "shy" && method !== "initialize") process.exit(1);
  if (mode === "modern" && method === "server/discover") {
    const meta = { "io.modelcontextprotocol/serverInfo": serverInfo };
    const result = { supportedVersions: ["2026-07-28"], capabilities: { tools: {} }, _meta: meta };
    return answer(id, { result: { resultType: "complete", ...result, ttlMs: 0, cacheScope: "private" } });
  }
  if (mode !== "modern" && method === "initialize") {
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
let rest = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text: string) => {
  const lines = (rest + text).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) receive(line);
});
process.stdin.on("end", () => process.exit(0));
