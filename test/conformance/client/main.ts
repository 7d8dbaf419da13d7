/**
 * The client that the suite starts for each of its client scenarios, with the URL of its test server as last argument. It registers
 * that server with a manager that is already there, does with it through the manager what the scenario asks for, takes it off again
 * and ends; with status 1 and a message when something fails. Where the manager is, its environment says.
 */
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { Client as Rest } from "@mcp-manager/client";
import { scenarios } from "./scenarios.ts";

const readyMaxMs = 10_000;

const {
  CONFORMANCE_MANAGER_URL: manager = "",
  CONFORMANCE_MANAGER_KEY: key = "",
  MCP_CONFORMANCE_SCENARIO: scenario = "",
  MCP_CONFORMANCE_PROTOCOL_VERSION: version = "",
  MCP_CONFORMANCE_CONTEXT: context = "{}",
} = process.env;
const rest = new Rest({ url: manager, key });
const name = `suite-${process.pid}`;

try {
  const run = scenarios[scenario];
  if (run === undefined) throw new Error(`there is no client for scenario ${scenario}`);
  await rest.servers.create({
    metadata: { name },
    spec: { source: { kind: "remote", url: process.argv.at(-1) ?? "" } },
  });
  try {
    await ready();
    const era = version >= "2026" ? "modern" : "legacy";
    await run({ url: `${manager}/servers/${name}/mcp`, key, era, context: JSON.parse(context) });
  } finally {
    await rest.servers.delete(name);
  }
} catch (error) {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
}

/** Resolves when the manager can use the server. */
async function ready(): Promise<void> {
  const endMs = performance.now() + readyMaxMs;
  while (performance.now() < endMs) {
    const { servers } = await rest.health();
    if (servers.some((server) => server.name === name && server.state === "ready")) return;
    await sleep(10);
  }
  throw new Error(`the server never became ready: ${JSON.stringify((await rest.servers.get(name)).status)}`);
}
