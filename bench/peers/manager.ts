/**
 * The manager, started as users do: `mcp-manager up` with a file, authentication, metrics and audit on as they are by default. Only
 * the log is lowered to errors, as the others' are.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Contestant, Era, Target } from "../rig/contestant.ts";
import { cache, root } from "../rig/paths.ts";
import { start, waitForLine } from "../rig/process.ts";
import { openSessions, tryCall } from "../rig/session.ts";

/** The one server behind it, as `spec.source` says it. */
export type Source =
  | { readonly kind: "remote"; readonly url: string }
  | { readonly kind: "process"; readonly command: string; readonly args: readonly string[] };

/** `aggregate`: all servers under prefixed names, `server`: one server under its own. */
export type ManagerEndpoint = "aggregate" | "server";

export interface ManagerOptions {
  readonly source: Source;
  readonly era: Era;
  readonly endpoint: ManagerEndpoint;
  readonly core: number;
  /** More flags for its Node, such as those of a profiler. */
  readonly nodeOptions?: string;
}

const server = "bench";
const adminKey = "bench-admin-key-0123456789abcdef";
const paths: Readonly<Record<ManagerEndpoint, string>> = { aggregate: "/mcp", server: `/servers/${server}/mcp` };

export function managerName(endpoint: ManagerEndpoint): string {
  return `manager ${paths[endpoint].replace(server, "{name}")}`;
}

export function manager(options: ManagerOptions): Contestant {
  const { source, era, endpoint, core, nodeOptions } = options;
  const name = managerName(endpoint);
  return {
    name,
    async start() {
      mkdirSync(cache, { recursive: true });
      const folder = mkdtempSync(`${cache}/manager-`);
      // JSON is YAML.
      const config = { log: { level: "error" }, servers: { [server]: { source } } };
      writeFileSync(`${folder}/mcp-manager.yaml`, JSON.stringify(config));
      const flags = ["--config", `${folder}/mcp-manager.yaml`, "--data", `${folder}/data`];
      const program = start({
        command: process.execPath,
        args: [`${root}/packages/cli/bin/mcp-manager.js`, "up", ...flags, "--port", "0", "--grpc-port", "0"],
        core,
        env: { MCP_MANAGER_ADMIN_KEY: adminKey, ...(nodeOptions === undefined ? {} : { NODE_OPTIONS: nodeOptions }) },
      });
      const [, address] = await waitForLine(program, /\bready\b.*?(http:\/\/[\w.:[\]-]+)/);
      const target: Target = {
        name,
        url: `${address}${paths[endpoint]}`,
        era,
        tool: endpoint === "aggregate" ? `${server}__echo` : "echo",
        authorization: `Bearer ${adminKey}`,
      };
      await untilServed(target, () => program.output());
      return {
        target,
        pid: program.pid,
        async stop() {
          await program.stop();
          rmSync(folder, { recursive: true, force: true });
        },
      };
    },
  };
}

/** Ready means that calls are taken; the server behind may come a moment later. */
async function untilServed(target: Target, output: () => string): Promise<void> {
  for (let end = Date.now() + 20_000, reason: unknown; ; await sleep(100)) {
    try {
      const [session] = await openSessions(target, 1);
      return await tryCall(target, session);
    } catch (error) {
      reason = error;
    }
    if (Date.now() > end)
      throw new Error(`${target.name} does not serve its server; it said:\n${output()}`, { cause: reason });
  }
}
