/** `server deploy`: another version of a server by flags or from a file, without writing its whole spec again. */
import type { DeployRequestInput, ServerSource, ServerSourceInput, StrategyInput } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Command, Invocation } from "../command.ts";
import { UsageError } from "../usage.ts";
import { followAndTell } from "./deployment-begun.ts";
import { deploymentWaitNotes, deploymentWaitOptions, waitOf } from "./deployment-wait.ts";
import { strategyOf, strategyOptions } from "./deploy-strategy.ts";
import { readServers } from "./server-file.ts";

export const serverDeploy: Command = {
  words: ["server", "deploy"],
  summary: "Run another version of a server: another command, URL or strategy, the rest as it is",
  positionals: [{ name: "NAME" }],
  options: {
    file: {
      type: "string",
      short: "f",
      value: "FILE",
      summary: "Source and strategy of the Server in a file; - is stdin",
    },
    command: { type: "string", value: "PROGRAM", summary: "The program; without it the present one" },
    arg: {
      type: "string",
      value: "TEXT",
      many: true,
      summary: "An argument; all of them, in their order, replace the present ones",
    },
    cwd: { type: "string", value: "DIR", summary: "Working directory" },
    env: { type: "string", value: "NAME=VALUE", many: true, summary: "A variable to set; NAME= takes it out" },
    "remote-url": { type: "string", value: "URL", summary: "Of a remote server: where it is" },
    header: {
      type: "string",
      value: "NAME=VALUE",
      many: true,
      summary: "Of a remote server: a header to send; NAME= takes it out",
    },
    ...strategyOptions,
    "accept-breaking": { type: "boolean", summary: "Accept what breaks for clients before it is seen" },
    ...deploymentWaitOptions,
  },
  notes: [
    "What is not named stays. An argument or a value that begins with a dash is written with =, as in --arg=-y. A deployment under way is superseded: the new one begins from the stable revision.",
    ...deploymentWaitNotes,
  ],
  examples: [
    "mcp-manager server deploy weather --arg=-y --arg @acme/weather-mcp@2.2.0",
    "mcp-manager server deploy weather --remote-url https://weather.example.com/v2/mcp --strategy blue-green",
    "mcp-manager server deploy weather --env LOG=debug --strategy canary --step 10:5m --step 50:10m",
    "mcp-manager server deploy weather -f weather.yaml --accept-breaking --no-wait",
  ],
  async run(invocation) {
    const { client, positionals, io } = invocation;
    const [name = ""] = positionals;
    const wait = waitOf(invocation, serverDeploy.words);
    const request = await requestOf(invocation, name);
    const deployment = await client().servers.deploy(name, request, { signal: io.signal });
    return await followAndTell(invocation, deployment, wait);
  },
};

async function requestOf(invocation: Invocation, name: string): Promise<DeployRequestInput> {
  const inFile = await fromFile(invocation, name);
  const strategy = strategyOf(invocation, serverDeploy.words) ?? inFile?.strategy;
  const source = inFile?.source ?? (await fromOptions(invocation, name));
  const request: DeployRequestInput = {
    ...(source === undefined ? {} : { source }),
    ...(strategy === undefined ? {} : { strategy }),
    ...(invocation.flag("accept-breaking") ? { acceptBreaking: true } : {}),
  };
  if (Object.keys(request).length > 0) return request;
  throw new UsageError(
    "server deploy needs what is to be otherwise: -f FILE, --command, --arg, --env, --remote-url, --strategy …",
    serverDeploy.words,
  );
}

interface InFile {
  readonly source: ServerSourceInput;
  readonly strategy?: StrategyInput;
}

async function fromFile(invocation: Invocation, name: string): Promise<InFile | undefined> {
  const file = invocation.option("file");
  if (file === undefined) return undefined;
  const given = sourceOptions.find((option) => isGiven(invocation, option));
  if (given !== undefined)
    throw new UsageError(`-f FILE says what is to run, and so does --${given}: take one`, serverDeploy.words);
  const servers = await readServers(invocation.io, file);
  const server = servers.find(({ metadata }) => metadata.name === name);
  if (server !== undefined) return server.spec;
  const names = servers.map(({ metadata }) => metadata.name).join(", ");
  throw new ManagerError("invalid_argument", `${file} holds no server "${name}" (it holds ${names})`);
}

const processOptions = ["command", "arg", "cwd", "env"];
/** Not `--url`, which is the manager's. */
const remoteOptions = ["remote-url", "header"];
const sourceOptions = [...processOptions, ...remoteOptions];

function isGiven({ option, all }: Invocation, name: string): boolean {
  return option(name) !== undefined || all(name).length > 0;
}

/** The present source with what the options change; undefined when they change nothing of it. */
async function fromOptions(invocation: Invocation, name: string): Promise<ServerSourceInput | undefined> {
  const { client, io, option } = invocation;
  const ofProcess = processOptions.find((word) => isGiven(invocation, word));
  const ofRemote = remoteOptions.find((word) => isGiven(invocation, word));
  if (ofProcess === undefined && ofRemote === undefined) return undefined;
  if (ofProcess !== undefined && ofRemote !== undefined)
    throw new UsageError(
      `--${ofProcess} is of a process and --${ofRemote} of a remote server: take one`,
      serverDeploy.words,
    );
  const { source } = (await client().servers.get(name, { signal: io.signal })).spec;
  if (ofProcess !== undefined) return processFrom(source, invocation);
  if (source.kind !== "remote" && option("remote-url") === undefined)
    throw new UsageError(`server ${name} is a process: --remote-url says where it is from now on`, serverDeploy.words);
  return remoteFrom(source, invocation);
}

function processFrom(source: ServerSource, { positionals, option, all }: Invocation): ServerSourceInput {
  const before = source.kind === "process" ? source : undefined;
  const command = option("command") ?? before?.command;
  if (command === undefined)
    throw new UsageError(
      `server ${positionals[0] ?? ""} is remote: --command says which program runs from now on`,
      serverDeploy.words,
    );
  const cwd = option("cwd") ?? before?.cwd;
  const isAnother = option("command") !== undefined;
  const args = all("arg").length > 0 || isAnother ? all("arg") : (before?.args ?? []);
  const env = changed(before?.env ?? {}, all("env"), "env");
  return { kind: "process", command, args, env, ...(cwd === undefined ? {} : { cwd }) };
}

function remoteFrom(source: ServerSource, { option, all }: Invocation): ServerSourceInput {
  const before = source.kind === "remote" ? source : undefined;
  const url = option("remote-url") ?? before?.url ?? "";
  const headers = changed(before?.headers ?? {}, all("header"), "header");
  return { kind: "remote", url, headers, ...(before === undefined ? {} : { transport: before.transport }) };
}

/** `NAME=VALUE` sets, `NAME=` takes out. */
function changed(
  before: Readonly<Record<string, string>>,
  pairs: readonly string[],
  option: string,
): Readonly<Record<string, string>> {
  const after = new Map(Object.entries(before));
  for (const pair of pairs) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
    // What was given may be a secret alone.
    if (key === undefined || value === undefined)
      throw new UsageError(`--${option} takes NAME=VALUE: a name, =, and what it is to be`, serverDeploy.words);
    if (value === "") after.delete(key);
    else after.set(key, value);
  }
  return Object.fromEntries(after);
}
