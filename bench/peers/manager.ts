/**
 * The manager, started as users do: `mcp-manager up` with a file, authentication, metrics and audit on as they are by default. Only
 * the log is lowered to errors, as the others' are.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Contestant, type DoorKind, type Era, smallCall, type Target, type Work } from "../rig/contestant.ts";
import { cache, root } from "../rig/paths.ts";
import { freePort } from "../rig/ports.ts";
import { isAlive, start } from "../rig/process.ts";
import { openSessions, tryCall } from "../rig/session.ts";

/** A server behind it, as `spec.source` says it. */
export type Source =
  | { readonly kind: "remote"; readonly url: string }
  | { readonly kind: "process"; readonly command: string; readonly args: readonly string[] };

export type Sources = Readonly<Record<string, Source>>;

/** `aggregate`: all servers under prefixed names, `server`: one server, the first, under its own. */
export type ManagerEndpoint = "aggregate" | "server";

/** How the manager's process is started. */
export interface StartOptions {
  readonly servers: Sources;
  readonly core: number;
  /** What else the specs of some servers say. */
  readonly specs?: Readonly<Record<string, object>>;
  /** `agent.spares`. Default: the manager's own. */
  readonly spares?: number;
  /** More flags for its Node, such as those of a profiler. */
  readonly nodeOptions?: string;
}

export interface StartedManager {
  readonly url: string;
  readonly authorization: string;
  readonly pid: number;
  /** Where its gRPC listens, once it has said so. */
  grpcUrl(): string;
  output(): string;
  /** Also takes its files away. */
  stop(): Promise<void>;
}

export interface ManagerOptions extends StartOptions {
  /** The row's name, where it is not said well enough by the endpoint. */
  readonly name?: string;
  readonly era: Era;
  readonly endpoint: ManagerEndpoint;
  /** Default: a small call. */
  readonly work?: Work;
  /** On how many of the servers the tool is called in turn. Default: the first. */
  readonly called?: number;
  /** Through which door the load goes instead of MCP; with the endpoint `server`. */
  readonly door?: DoorKind;
}

const adminKey = "bench-admin-key-0123456789abcdef";
/** Many servers take a while. */
const servedMsMax = 60_000;

export function managerName(endpoint: ManagerEndpoint): string {
  return endpoint === "aggregate" ? "manager /mcp" : "manager /servers/{name}/mcp";
}

/** Starts it and waits for nothing but the process. */
export async function startManager({
  servers,
  core,
  specs = {},
  spares,
  nodeOptions,
}: StartOptions): Promise<StartedManager> {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(`${cache}/manager-`);
  const configured = Object.entries(servers).map(([name, source]) => [name, { source, ...specs[name] }]);
  // JSON is YAML.
  const agent = spares === undefined ? {} : { agent: { spares } };
  const config = { log: { level: "error" }, ...agent, servers: Object.fromEntries(configured) };
  writeFileSync(`${folder}/mcp-manager.yaml`, JSON.stringify(config));
  const port = await freePort();
  const files = ["--config", `${folder}/mcp-manager.yaml`, "--data", `${folder}/data`];
  const program = start({
    command: process.execPath,
    args: [
      // As users do; but a program that is sampled must not go on in another's place, whose first sample would end it.
      ...(nodeOptions === undefined ? [] : ["--conditions=mcp-manager-source"]),
      `${root}/packages/cli/bin/mcp-manager.js`,
      "up",
      ...files,
      "--port",
      String(port),
      "--grpc-port",
      "0",
    ],
    core,
    env: { MCP_MANAGER_ADMIN_KEY: adminKey, ...(nodeOptions === undefined ? {} : { NODE_OPTIONS: nodeOptions }) },
  });
  return {
    url: `http://127.0.0.1:${port}`,
    authorization: `Bearer ${adminKey}`,
    pid: program.pid,
    grpcUrl: () => `http://${/ and grpc:\/\/(\S+)/.exec(program.output())?.[1] ?? "127.0.0.1:0"}`,
    output: () => program.output(),
    async stop() {
      await program.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function manager(options: ManagerOptions): Contestant {
  const { endpoint } = options;
  const name = options.name ?? managerName(endpoint);
  return {
    name,
    async start() {
      const started = await startManager(options);
      const target = targetOf(options, name, started);
      await untilServed(target, started);
      return { target: throughDoor(target, options, started), pid: started.pid, stop: () => started.stop() };
    },
  };
}

function targetOf(options: ManagerOptions, name: string, { url, authorization }: StartedManager): Target {
  const { servers, era, endpoint, work = smallCall, called = 1 } = options;
  const [first = "", ...others] = Object.keys(servers).slice(0, called);
  const shown = (server: string): string => (endpoint === "aggregate" ? `${server}__${work.tool}` : work.tool);
  const path = endpoint === "aggregate" ? "/mcp" : `/servers/${first}/mcp`;
  return { name, url: `${url}${path}`, era, work, tool: shown(first), otherTools: others.map(shown), authorization };
}

function throughDoor(target: Target, { door: kind, servers }: ManagerOptions, started: StartedManager): Target {
  if (kind === undefined) return target;
  const url = kind === "rest" ? started.url : started.grpcUrl();
  return { ...target, door: { kind, url, server: Object.keys(servers)[0] ?? "" } };
}

/**
 * Ready means that calls are taken; the servers behind may come a moment later. Resolves when a call of every tool of the target was
 * answered; stops the manager and rejects with what it said when that does not come.
 */
export async function untilServed(target: Target, manager: StartedManager): Promise<void> {
  for (const end = Date.now() + servedMsMax; ; await sleep(100)) {
    try {
      const [session] = await openSessions(target, 1);
      for (const tool of [target.tool, ...(target.otherTools ?? [])]) await tryCall({ ...target, tool }, session);
      return;
    } catch (error) {
      if (Date.now() <= end && isAlive(manager.pid)) continue;
      await manager.stop();
      throw new Error(`${target.name} does not serve: ${String(error)}; it said:\n${manager.output()}`, {
        cause: error,
      });
    }
  }
}
