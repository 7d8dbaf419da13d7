/**
 * What every stand-in MCP server of the bench answers, so that contestants differ in nothing but themselves. Every result carries
 * the caller's `n`, by which the load generators check every answer: about 200 bytes from the tool `echo`, 1 MB from `large`.
 */

const padding =
  "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et".slice(0, 100);

const largePadding = padding.repeat(10_000);

const inputSchema = { type: "object", properties: { n: { type: "string" } }, required: ["n"] };
const echo = { name: "echo", description: "Gives back n", inputSchema };
const twenty = Array.from({ length: 20 }, (_, i) => ({
  name: i === 0 ? "echo" : `tool-${i}`,
  description: `${padding} ${padding.slice(0, 24)}`,
  inputSchema,
}));

const serverInfo = { name: "bench-upstream", version: "1.0.0" };
const capabilities = { tools: {} };

interface Request {
  readonly id?: number | string;
  readonly method: string;
  readonly params?: {
    readonly protocolVersion?: string;
    readonly name?: string;
    readonly arguments?: { readonly n?: string };
    readonly _meta?: object;
  };
}

/** Whether the request describes itself, as those of 2026-07-28 do. */
function isModern(request: Request): boolean {
  return request.params?._meta !== undefined && "io.modelcontextprotocol/protocolVersion" in request.params._meta;
}

/** What a server speaks. */
export type Eras = "legacy" | "modern" | "both";

/** What a server's list of tools holds. `long`: twenty of about 250 bytes each. */
export type Listed = "echo" | "large" | "long";

const lists: Readonly<Record<Listed, string>> = {
  echo: JSON.stringify([echo]),
  large: JSON.stringify([echo, { ...echo, name: "large" }]),
  long: JSON.stringify(twenty),
};

/** The answer to one message, or undefined for a notification. */
export function answerTo(body: string, eras: Eras, listed: Listed = "echo"): string | undefined {
  const request = JSON.parse(body) as Request;
  if (request.id === undefined) return undefined;
  const head = `{"jsonrpc":"2.0","id":${JSON.stringify(request.id)},`;
  const modern = eras !== "legacy" && isModern(request);
  const resultType = modern ? '"resultType":"complete",' : "";
  if (eras === "modern" && !modern) return `${head}"error":{"code":-32601,"message":"only 2026-07-28 is spoken here"}}`;
  switch (request.method) {
    case "tools/call":
      return `${head}"result":{${resultType}"content":[{"type":"text","text":"n=${request.params?.arguments?.n ?? ""} ${request.params?.name === "large" ? largePadding : padding}"}]}}`;
    case "tools/list":
      return `${head}"result":{${resultType}${modern ? '"ttlMs":60000,"cacheScope":"public",' : ""}"tools":${lists[listed]}}}`;
    case "ping":
      return `${head}"result":{}}`;
    case "initialize": {
      const protocolVersion = request.params?.protocolVersion ?? "2025-11-25";
      return `${head}"result":${JSON.stringify({ protocolVersion, capabilities, serverInfo })}}`;
    }
    case "server/discover":
      if (!modern) break;
      return `${head}"result":${JSON.stringify({
        resultType: "complete",
        supportedVersions: eras === "both" ? ["2026-07-28", "2025-11-25"] : ["2026-07-28"],
        capabilities,
        ttlMs: 60_000,
        cacheScope: "public",
        _meta: { "io.modelcontextprotocol/serverInfo": serverInfo },
      })}}`;
  }
  return `${head}"error":{"code":-32601,"message":"method not found"}}`;
}
