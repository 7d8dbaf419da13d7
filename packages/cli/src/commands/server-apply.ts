/** `server apply`: what a file says becomes so, all of it at once; then it is waited for. */
import type { Server, ServerInput } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Command, Invocation } from "../command.ts";
import { UsageError } from "../usage.ts";
import { isGood, outcomesOf, outcomeText } from "./apply-outcome.ts";
import type { Outcome } from "./apply-outcome.ts";
import { noteAdvice } from "./deployment-outcome.ts";
import { deploymentWaitNotes, deploymentWaitOptions, waitOf } from "./deployment-wait.ts";
import { readServers } from "./server-file.ts";

export const serverApply: Command = {
  words: ["server", "apply"],
  summary: "Register or change the servers in a file, and wait until calls go to what it says",
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
    ...deploymentWaitOptions,
  },
  notes: [
    "A change of what runs (source, sandbox, sharing, limits of memory, processors and processes) makes a revision and a deployment to it by the server's strategy.",
    ...deploymentWaitNotes,
  ],
  examples: [
    "mcp-manager server apply -f weather.yaml",
    "mcp-manager server apply -f weather.yaml --wait completed --timeout 30m",
    "mcp-manager server get weather -o yaml | sed 's/replicas: 1/replicas: 2/' | mcp-manager server apply -f -",
  ],
  async run(invocation) {
    const file = invocation.option("file");
    if (file === undefined) throw new UsageError("server apply needs -f FILE", serverApply.words);
    const wait = waitOf(invocation, serverApply.words);
    const inputs = await readServers(invocation.io, file);
    const applied: Server[] = [];
    for (const input of inputs) applied.push(await applyOne(input, invocation));
    const isWaiting = wait !== undefined && !invocation.flag("dry-run");
    const outcomes: readonly Outcome[] = isWaiting
      ? await outcomesOf(invocation, applied, wait)
      : applied.map((server) => ({ kind: "applied", server }));
    showOutcomes(outcomes, invocation);
    return outcomes.every(isGood) ? 0 : 1;
  },
};

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

/** The servers for programs; for people, and beside the result, a line on each. */
export function showOutcomes(outcomes: readonly Outcome[], invocation: Invocation): void {
  const { print, flag } = invocation;
  const servers = outcomes.map(({ server }) => server);
  const [only] = servers;
  print.result(servers.length === 1 ? only : { items: servers }, () => undefined);
  for (const outcome of outcomes) {
    const text = flag("dry-run")
      ? `server ${outcome.server.metadata.name} is valid; nothing was changed`
      : outcomeText(outcome);
    if (print.format === "table") print.line(text);
    else print.note(text);
    if (outcome.kind === "followed" && !isGood(outcome)) noteAdvice(invocation, outcome.followed);
  }
}
