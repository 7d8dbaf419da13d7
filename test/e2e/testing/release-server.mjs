/**
 * A server of which there are versions, on stdio, in plain JavaScript. Its first argument is JSON:
 *
 *   version   a whole number, from 1. Version n has the tools `which` and `echo`, and `added_2` … `added_n`
 *   era       `legacy` (the default) or `modern`
 *   describe  the description of `echo`
 *   lacks     names of tools that are taken out
 *   fails     of ten calls of `which`, so many are answered with an error of the server's
 *   slowMs    how long `echo` takes
 *   broken    true: it ends before it says anything
 *   needs     path of a file; while there is none, it ends before it says anything
 *   mute      true: it never says anything
 *
 * `which` answers with the version. It ends with its standard input.
 */
import { existsSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";

const release = JSON.parse(process.argv[2]);
const { version, era = "legacy", describe, lacks = [], fails = 0, slowMs = 0, broken, needs, mute } = release;
if (broken === true || (needs !== undefined && !existsSync(needs))) {
  process.stderr.write("no licence found\n");
  process.exit(3);
}
const isModern = era === "modern";
const serverInfo = { name: "release", version: String(version) };
const capabilities = { tools: {} };
const inputSchema = { type: "object" };
const added = Array.from({ length: version - 1 }, (_, at) => `added_${at + 2}`);
const tools = ["which", "echo", ...added]
  .filter((name) => !lacks.includes(name))
  .map((name) => ({
    name,
    inputSchema,
    ...(name === "echo" && describe !== undefined ? { description: describe } : {}),
  }));
let calls = 0;

function send(message) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
}

function answer(id, result) {
  send({ id, result: isModern ? { resultType: "complete", ...result } : result });
}

function call(id, { name, arguments: args }) {
  if (!tools.some((tool) => tool.name === name))
    return send({ id, error: { code: -32602, message: `no tool ${name}` } });
  calls += 1;
  if (name === "which" && calls % 10 < fails) return send({ id, error: { code: -32603, message: "out of order" } });
  const text = name === "echo" ? JSON.stringify(args) : String(version);
  setTimeout(() => answer(id, { content: [{ type: "text", text }] }), name === "echo" ? slowMs : 0);
}

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { id, method, params } = JSON.parse(line);
    if (id === undefined || mute === true) return;
    if (method === "tools/call") return call(id, params);
    if (method === "tools/list") return answer(id, { tools, ...(isModern ? { ttlMs: 0, cacheScope: "public" } : {}) });
    if (method === "ping" && !isModern) return answer(id, {});
    if (method === "initialize" && !isModern)
      return answer(id, { protocolVersion: "2025-11-25", capabilities, serverInfo });
    if (method === "server/discover" && isModern) {
      const _meta = { "io.modelcontextprotocol/serverInfo": serverInfo };
      return answer(id, { supportedVersions: ["2026-07-28"], capabilities, ttlMs: 0, cacheScope: "public", _meta });
    }
    send({ id, error: { code: -32601, message: "Method not found" } });
  })
  .on("close", () => process.exit(0));
