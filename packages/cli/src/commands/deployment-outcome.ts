/** What came of a deployment that was followed: for whom, why, and what to do. */
import type { LastFailure, Server } from "@mcp-manager/api";
import type { Client } from "@mcp-manager/client";
import type { Invocation } from "../command.ts";
import { canRedraw } from "../live.ts";
import { printable, printableText } from "../output.ts";
import { adviceFor } from "./deployment-advice.ts";
import { phaseCell } from "./deployment-text.ts";
import type { Followed } from "./deployment-wait.ts";
import { failureText } from "./describe.ts";

/** A deployment that ended or was left, with its server as it is then. */
export interface FollowedServer {
  readonly server: Server;
  readonly followed: Followed;
  /** What went wrong with the replicas of the new revision last. */
  readonly failure?: LastFailure;
}

/** A deployment that was followed, with its server as it is now. Throws `not_found` when that is gone. */
export async function withServer(
  { servers }: Client,
  name: string,
  followed: Followed,
  signal: AbortSignal,
): Promise<FollowedServer> {
  const server = await servers.get(name, { signal });
  if (followed.ending !== "back") return { server, followed };
  const { items } = await servers.replicas(name, { limit: 1000, signal });
  const to = followed.deployment?.spec.to;
  const replica = items.find(({ spec, status }) => spec.revision === to && status.lastFailure !== undefined);
  const failure = replica?.status.lastFailure ?? since(followed, server.status.lastFailure);
  return { server, followed, ...(failure === undefined ? {} : { failure }) };
}

/** A failure of the server's, unless it is older than the deployment and so none of its. */
function since({ deployment }: Followed, failure: LastFailure | undefined): LastFailure | undefined {
  const begunMs = Date.parse(deployment?.metadata.createdAt ?? "");
  return failure !== undefined && Date.parse(failure.at) >= begunMs ? failure : undefined;
}

/** Reasons that are the replicas' own: what they said last says more than the deployment can. */
const ownReasons: ReadonlySet<string> = new Set(["CannotStart", "CrashLoop"]);

/** `server weather is ready (2/2 replicas, 12 tools); all new traffic is on weather-7`. */
export function followedText({ server, followed, failure }: FollowedServer): string {
  const { name } = server.metadata;
  const { name: deployment, ending, deployment: last } = followed;
  switch (ending) {
    case "there":
      return thereText(server, followed);
    case "gone":
      return `server ${name} was deleted in the meantime, and deployment ${deployment} with it`;
    case "going": {
      const where = last === undefined ? "under way" : phaseCell(last).text;
      const why = last?.status.reason === undefined ? "" : `: ${printable(last.status.message ?? "")}`;
      return `server ${name} is not there yet: deployment ${deployment} is ${where}${why}`;
    }
    case "back":
      return backText({ server, followed, ...(failure === undefined ? {} : { failure }) });
  }
}

function thereText({ metadata, status }: Server, { deployment }: Followed): string {
  const { state, replicas, tools } = status;
  const counts = `${replicas.ready}/${replicas.desired} replicas${tools === undefined ? "" : `, ${tools} tools`}`;
  const where =
    deployment === undefined || deployment.spec.from === null
      ? ""
      : `; all ${deployment.status.phase === "Draining" ? "new " : ""}traffic is on ${deployment.spec.to}`;
  return `server ${metadata.name} is ${state} (${counts})${where}`;
}

/** `server weather has failed (CannotStart), and weather-6 serves on: …`, `server weather went back to weather-6 (AnalysisFailed): …`. */
function backText({ server, followed, failure }: FollowedServer): string {
  const { name } = server.metadata;
  const { status, spec } = followed.deployment ?? {};
  const reason = status?.reason === undefined ? "" : ` (${status.reason})`;
  const from = spec?.from ?? undefined;
  const hasFailed = status?.phase === "Failed";
  const what = hasFailed
    ? `has failed${reason}${from === undefined ? "" : `, and ${from} serves on`}`
    : from === undefined
      ? `was taken back${reason}`
      : `went back to ${from}${reason}`;
  const isOwn = failure !== undefined && ownReasons.has(status?.reason ?? "");
  const message = printable(status?.message ?? followed.name);
  const why = isOwn ? failureText(name, failure, Date.now()) + failureLines(failure) : message;
  return `server ${name} ${what}: ${why}`;
}

/** The end of what a replica wrote to stderr, a line each. */
export function failureLines(failure: LastFailure | undefined): string {
  return (failure?.stderr ?? [])
    .slice(-5)
    .map((line) => `\n  | ${printableText(line)}`)
    .join("");
}

/** The commands that help now, beside the result; where they are drawn already, not again. */
export function noteAdvice({ io, print }: Invocation, { deployment }: Followed): void {
  if (deployment === undefined || (print.format === "table" && canRedraw(io))) return;
  for (const { aim, command } of adviceFor(deployment)) print.note(`${aim}: ${command}`);
}
