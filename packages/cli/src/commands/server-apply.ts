/** `server apply`: what a file says becomes so, all of it at once; then it is waited for. */
import type { Server, ServerInput } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Client } from "@mcp-manager/client";
import type { Command, Invocation } from "../command.ts";
import { printableText } from "../output.ts";
import { UsageError } from "../usage.ts";
import { failureText } from "./describe.ts";
import type { Rollout } from "./rollout.ts";
import { rolloutOf } from "./rollout.ts";
import { readServers } from "./server-file.ts";
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
    "if-unchanged": {
      type: "boolean",
      summary: "Refuse when somebody changed the server since the file was read (its metadata.revision)",
    },
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
    const applied: Server[] = [];
    for (const input of inputs) applied.push(await applyOne(input, invocation));
    const isWaiting = seconds > 0 && !invocation.flag("dry-run");
    const results: readonly Result[] = isWaiting
      ? await settle(applied, invocation, seconds)
      : applied.map((server) => ({ server }));
    show(results, invocation, seconds);
    return results.every(({ rollout }) => rollout === undefined || rollout.kind === "done") ? 0 : 1;
  },
};

/** A server after its change; `rollout` is what came of it, when that was waited for. */
interface Result {
  readonly server: Server;
  readonly rollout?: Rollout;
}

function applyOne(input: ServerInput, { client, flag, io }: Invocation): Promise<Server> {
  const { name, revision } = input.metadata;
  const options = { dryRun: flag("dry-run"), signal: io.signal };
  if (!flag("if-unchanged")) return client().servers.apply(input, options);
  if (typeof revision === "string") return client().servers.apply(input, { ...options, ifRevision: revision });
  throw new ManagerError(
    "invalid_argument",
    `server ${name} has no metadata.revision in the file, which --if-unchanged compares: read it with server get -o yaml`,
  );
}

/** The servers when each has come to an end, good or bad, or when the time is up. */
async function settle(
  applied: readonly Server[],
  { client, io }: Invocation,
  seconds: number,
): Promise<readonly Result[]> {
  const connected = client();
  const results = new Map<string, Result>(
    applied.map((server) => [server.metadata.name, { server, rollout: { kind: "going" } }]),
  );
  const isDone = async (): Promise<boolean> => {
    for (const [name, { rollout }] of results) {
      if (rollout?.kind === "going") results.set(name, await observe(connected, name, io.signal));
    }
    return [...results.values()].every(({ rollout }) => rollout?.kind !== "going");
  };
  await waitFor(isDone, seconds, io.signal);
  return [...results.values()];
}

async function observe({ servers }: Client, name: string, signal: AbortSignal): Promise<Result> {
  const [server, revisions, replicas] = await Promise.all([
    servers.get(name, { signal }),
    servers.revisions(name, { limit: 1, signal }),
    servers.replicas(name, { limit: 1000, signal }),
  ]);
  const target = revisions.items[0]?.metadata.name;
  return { server, rollout: rolloutOf({ server, target, replicas: replicas.items }) };
}

/** The servers for programs; for people, and beside the result, a line on each. */
function show(results: readonly Result[], { print, flag }: Invocation, seconds: number): void {
  const servers = results.map(({ server }) => server);
  const [only] = servers;
  print.result(servers.length === 1 ? only : { items: servers }, () => undefined);
  for (const result of results) {
    const text = flag("dry-run")
      ? `server ${result.server.metadata.name} is valid; nothing was changed`
      : resultText(result, seconds);
    if (print.format === "table") print.line(text);
    else print.note(text);
  }
}

function resultText({ server, rollout }: Result, seconds: number): string {
  const { name, generation } = server.metadata;
  const { state, replicas, tools, lastFailure } = server.status;
  const counts = `${replicas.ready}/${replicas.desired} replicas${tools === undefined ? "" : `, ${tools} tools`}`;
  switch (rollout?.kind) {
    case undefined:
      return `server ${name} is applied (generation ${generation})`;
    case "done":
      return `server ${name} is ${state} (${counts})`;
    case "going": {
      const why = lastFailure === undefined ? "" : `; ${failureText(name, lastFailure, Date.now())}`;
      return `server ${name} is not there after ${seconds} s: it is ${state} (${counts})${why}`;
    }
    case "failed": {
      const still = state === "failed" ? "" : ", and what ran before runs on";
      const stderr = (rollout.failure?.stderr ?? []).slice(-5).map((line) => `\n  | ${printableText(line)}`);
      return `server ${name} has failed${still}: ${failureText(name, rollout.failure, Date.now())}${stderr.join("")}`;
    }
  }
}
