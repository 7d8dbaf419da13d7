/** `server apply`: what a file says becomes so; then it is waited for. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Server, ServerInput } from "@mcp-manager/api";
import { ManagerError, parseServer } from "@mcp-manager/api";
import type { Client } from "@mcp-manager/client";
import { parseAllDocuments } from "yaml";
import type { Command, Invocation } from "../command.ts";
import type { Io } from "../io.ts";
import { UsageError } from "../usage.ts";
import { failureText } from "./describe.ts";
import { waitFor, waitOption, waitSeconds } from "./wait.ts";

export const serverApply: Command = {
  words: ["server", "apply"],
  summary: "Register or change the servers in a file, and wait until they are ready",
  options: {
    file: {
      type: "string",
      short: "f",
      value: "FILE",
      summary: "YAML or JSON with one Server, or several documents; - reads stdin",
    },
    "dry-run": { type: "boolean", summary: "Check everything, change nothing" },
    ...waitOption,
  },
  examples: [
    "mcp-manager server apply -f weather.yaml",
    "mcp-manager server get weather -o yaml | sed 's/replicas: 1/replicas: 2/' | mcp-manager server apply -f -",
  ],
  async run(invocation) {
    const file = invocation.option("file");
    if (file === undefined) throw new UsageError("server apply needs -f FILE", serverApply.words);
    const seconds = waitSeconds(invocation);
    const inputs = await readServers(invocation.io, file);
    const client = invocation.client();
    let status = 0;
    const results: Server[] = [];
    for (const input of inputs) {
      const applied = await applyOne(client, input, invocation, seconds);
      results.push(applied.server);
      status = Math.max(status, applied.status);
    }
    if (invocation.print.format !== "table") {
      const [only] = results;
      invocation.print.result(results.length === 1 ? only : { items: results }, () => undefined);
    }
    return status;
  },
};

interface AppliedServer {
  readonly server: Server;
  readonly status: number;
}

async function applyOne(
  client: Client,
  input: ServerInput,
  invocation: Invocation,
  seconds: number,
): Promise<AppliedServer> {
  const { print, io, flag } = invocation;
  const { name } = input.metadata;
  const isDry = flag("dry-run");
  const say = (text: string): void => (print.format === "table" ? print.line(text) : print.note(text));
  let server = await client.servers.apply(input, { dryRun: isDry, signal: io.signal });
  if (isDry) {
    say(`server ${name} is valid; nothing was changed`);
    return { server, status: 0 };
  }
  const { generation } = server.metadata;
  await waitFor(
    async () => {
      server = await client.servers.get(name, { signal: io.signal });
      return isSettled(server, generation);
    },
    seconds,
    io.signal,
  );
  return { server, status: report(server, generation, seconds, say) };
}

/** Whether controllers have looked at this generation and come to an end, good or bad. */
function isSettled({ status }: Server, generation: number): boolean {
  if ((status.observedGeneration ?? generation) < generation) return false;
  return status.state === "ready" || status.state === "idle" || status.state === "failed";
}

function report(server: Server, generation: number, seconds: number, say: (text: string) => void): number {
  const { name } = server.metadata;
  const { state, replicas, tools, lastFailure } = server.status;
  const counts = `${replicas.ready}/${replicas.desired} replicas${tools === undefined ? "" : `, ${tools} tools`}`;
  if (seconds === 0) {
    say(`server ${name} is applied (generation ${generation})`);
    return 0;
  }
  if (isSettled(server, generation) && state !== "failed") {
    say(`server ${name} is ${state} (${counts})`);
    return 0;
  }
  const why = lastFailure === undefined ? `it is ${state} after ${seconds} s` : failureText(lastFailure);
  const lines = (lastFailure?.stderr ?? []).slice(-5).map((line) => `\n  | ${line}`);
  say(`server ${name} is not ready: ${why}${lines.join("")}`);
  return 1;
}

/** The checked Servers of a file, so that a mistake in the last one changes nothing. Throws `invalid_argument`. */
async function readServers(io: Io, file: string): Promise<readonly ServerInput[]> {
  const name = file === "-" ? "stdin" : file;
  const text = file === "-" ? await io.readStdin() : readFile(io, file);
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents) || documents.length === 0)
    throw new ManagerError("invalid_argument", `${name} is empty`);
  return documents.flatMap((document, index) => {
    const [problem] = document.errors;
    const [line] = (problem?.message ?? "").split("\n");
    if (problem !== undefined) throw new ManagerError("invalid_argument", `${name}: ${line?.replace(/:$/, "")}`);
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    const items = isList(value) ? value.items : [value];
    return items
      .filter((item) => item !== null)
      .map((item) => checked(item, documents.length > 1 ? `${name} (document ${index + 1})` : name));
  });
}

function readFile(io: Io, file: string): string {
  try {
    return readFileSync(resolve(io.cwd, file), "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const why = code === "ENOENT" ? "there is no such file" : code;
    throw new ManagerError("invalid_argument", `cannot read ${file}: ${why}`);
  }
}

function checked(item: unknown, where: string): ServerInput {
  if (typeof item === "object" && item !== null && ("mcpServers" in item || "servers" in item)) {
    throw new ManagerError(
      "invalid_argument",
      `${where} is a configuration file, not a Server: start the manager with it (mcp-manager up --config)`,
    );
  }
  try {
    parseServer(item);
  } catch (error) {
    const { code, message, fields } = ManagerError.from(error);
    throw new ManagerError(code, `${where}: ${message}`, { fields });
  }
  return item as ServerInput;
}

function isList(value: unknown): value is { readonly items: readonly unknown[] } {
  return typeof value === "object" && value !== null && "items" in value && Array.isArray(value.items);
}
