/**
 * `npm start`: the manager with the quick start's servers, or with what `MCP_MANAGER_CONFIG` or `-- --config FILE` names. It only
 * fills in the words and hands over to the command, which finds the right Node and goes on in this process's place; so there is
 * nothing here that could swallow a signal or an exit status.
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findNode } from "./set-up/node.mjs";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const node = findNode(path(".."));

if (node.problem === undefined) {
  const config = process.env.MCP_MANAGER_CONFIG ? [] : ["--config", path("../examples/quickstart.yaml")];
  const program = path("../packages/cli/bin/mcp-manager.js");
  process.argv = [process.execPath, program, "up", ...config, ...process.argv.slice(2)];
  await import("../packages/cli/bin/mcp-manager.js");
} else {
  process.stderr.write(`start: ${node.problem}\n`);
  process.exitCode = 1;
}
