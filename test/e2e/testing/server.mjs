/**
 * A small MCP server on stdio for end-to-end tests, plain JavaScript without dependencies. Its first argument says how it behaves:
 *
 *   plain    tools: echo (its arguments back), slow (answers after `ms`), pid, fail (says isError; not listed), exit (ends the process)
 *   faulty   the same, and a tool `fault` that answers with the error `code`, where one is given, and else with `done`
 *   busy     the same, and does nothing else while it is slow, not even read
 *   silent   never answers anything
 *   garbage  prints lines that are no messages before and between its answers, and answers all the same
 *   babble   prints lines that are no messages, and never answers
 *   broken   writes to stderr and exits with status 3
 *   mute     answers initialize, and no list
 *   keyed    the same as plain; prints its API_TOKEN and its last argument, and has a tool `proof` that answers with their SHA-256
 */
import { createHash } from "node:crypto";

const mode = process.argv[2] ?? "plain";
const names = ["echo", "slow", "pid", "exit", ...(mode === "faulty" ? ["fault"] : [])];
const tools = names.map((name) => ({ name, inputSchema: { type: "object" } }));

if (mode === "babble") {
  process.stderr.write("cannot speak MCP\n");
  process.stdout.write("hello?\nis anybody there?\n");
}
if (mode === "broken") {
  process.stderr.write("cannot open the map\nno licence found\n");
  process.exit(3);
}

function keys() {
  return [process.env["API_TOKEN"], process.argv.at(-1)];
}

if (mode === "keyed") process.stderr.write(`my keys are ${keys().join(" and ")}\n`);

function send(id, result) {
  if (mode === "garbage") process.stdout.write("[debug] about to answer\n");
  process.stdout.write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}\n`);
}

function text(value) {
  return JSON.stringify({ content: [{ type: "text", text: value }] });
}

function receive(line) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined || mode === "silent" || mode === "babble") return;
  if (method === "initialize") {
    const serverInfo = { name: "e2e", version: "1" };
    return send(id, JSON.stringify({ protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo }));
  }
  if (method === "ping") return send(id, "{}");
  if (method === "tools/list") return mode === "mute" ? undefined : send(id, JSON.stringify({ tools }));
  if (method !== "tools/call") {
    const error = { code: -32601, message: "Method not found" };
    return process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, error })}\n`);
  }
  if (params.name === "exit") process.exit(0);
  if (params.name === "proof") return send(id, text(createHash("sha256").update(keys().join(":")).digest("hex")));
  if (params.name === "pid") return send(id, text(String(process.pid)));
  if (params.name === "fail") return send(id, '{"content":[{"type":"text","text":"no such city"}],"isError":true}');
  if (params.name === "fault") {
    const { code } = params.arguments;
    if (code === undefined) return send(id, text("done"));
    const error = { code, message: "as it was told" };
    return process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, error })}\n`);
  }
  if (params.name === "slow" && mode === "busy") {
    for (const end = performance.now() + params.arguments.ms; performance.now() < end;);
    return send(id, text("done"));
  }
  if (params.name === "slow") return setTimeout(() => send(id, text("done")), params.arguments.ms);
  // The arguments' own bytes: what JSON.parse would lose has to come back.
  const start = line.indexOf('"arguments":') + '"arguments":'.length;
  send(id, `{"content":[],"echo":${line.slice(start, -2)}}`);
}

process.stderr.write(`started ${mode} as ${process.pid}\n`);
if (mode === "garbage") process.stdout.write("Listening on port 3000\n\u001B[32mready\u001B[0m\n");
let rest = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (chunk) => {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) receive(line);
});
process.stdin.on("end", () => process.exit(0));
