/** What came of a Server that was applied: its deployment is followed, and where none is under way its state is waited for. */
import type { Deployment, Server } from "@mcp-manager/api";
import { isOver } from "@mcp-manager/api";
import type { Client } from "@mcp-manager/client";
import type { Invocation } from "../command.ts";
import type { FollowedServer } from "./deployment-outcome.ts";
import { failureLines, followedText, withServer } from "./deployment-outcome.ts";
import type { Followed, Wait } from "./deployment-wait.ts";
import { failureText } from "./describe.ts";
import { follow } from "./follow.ts";
import type { Rollout } from "./rollout.ts";
import { rolloutOf } from "./rollout.ts";
import { waitDefaultMs, waitFor } from "./wait.ts";

/** A server after its change: `applied` when nothing was waited for. */
export type Outcome =
  | { readonly kind: "applied"; readonly server: Server }
  | { readonly kind: "settled"; readonly server: Server; readonly rollout: Rollout; readonly seconds: number }
  | ({ readonly kind: "followed" } & FollowedServer);

/** Whether what was asked for is so, or was not waited for. */
export function isGood(outcome: Outcome): boolean {
  if (outcome.kind === "applied") return true;
  return outcome.kind === "settled" ? outcome.rollout.kind === "done" : outcome.followed.ending === "there";
}

/** In the order of `applied`, when each has come to an end, good or bad, or when the time is up. */
export async function outcomesOf(
  invocation: Invocation,
  applied: readonly Server[],
  wait: Wait,
): Promise<readonly Outcome[]> {
  const startMs = performance.now();
  const client = invocation.client();
  const { signal } = invocation.io;
  const begun = await Promise.all(applied.map((server) => newestOf(client, server, signal)));
  const moving = begun.filter((deployment) => deployment !== undefined && !hasArrived(deployment));
  const names = moving.flatMap((deployment) => deployment?.metadata.name ?? []);
  const followed = names.length === 0 ? [] : await follow(invocation, names, wait);
  const seconds = (wait.timeoutMs ?? waitDefaultMs) / 1000;
  const spent = wait.timeoutMs === undefined ? 0 : (performance.now() - startMs) / 1000;
  return await Promise.all(
    applied.map(async (server, index): Promise<Outcome> => {
      const one = followed.find(({ name }) => name === begun[index]?.metadata.name);
      return one === undefined
        ? await settled(client, { server, target: begun[index]?.spec.to, seconds, spent, signal })
        : await ended(client, server, one, signal);
    }),
  );
}

/** The deployment that the change began, or the last before; undefined where there was none yet. */
async function newestOf(client: Client, { status }: Server, signal: AbortSignal): Promise<Deployment | undefined> {
  return status.deployment === undefined ? undefined : await client.deployments.get(status.deployment, { signal });
}

/** Nothing that runs was changed, or it is there already. A first one that failed is tried on, so its end says nothing. */
function hasArrived({ spec, status }: Deployment): boolean {
  return status.phase === "Completed" || (spec.from === null && isOver(status));
}

async function ended(client: Client, applied: Server, followed: Followed, signal: AbortSignal): Promise<Outcome> {
  if (followed.ending === "gone") return { kind: "followed", server: applied, followed };
  return { kind: "followed", ...(await withServer(client, applied.metadata.name, followed, signal)) };
}

interface Settling {
  readonly server: Server;
  /** The revision that it is to run; its newest when that is not known. */
  readonly target: string | undefined;
  /** How long in all, and how much of it is over. */
  readonly seconds: number;
  readonly spent: number;
  readonly signal: AbortSignal;
}

/** The server when it is as it should be, cannot be, or is not in time. */
async function settled(
  client: Client,
  { server: applied, target, seconds, spent, signal }: Settling,
): Promise<Outcome> {
  const { name } = applied.metadata;
  let server = applied;
  let rollout: Rollout = { kind: "going" };
  const isDone = async (): Promise<boolean> => {
    const [now, revisions, replicas] = await Promise.all([
      client.servers.get(name, { signal }),
      client.servers.revisions(name, { limit: 1, signal }),
      client.servers.replicas(name, { limit: 1000, signal }),
    ]);
    server = now;
    const newest = revisions.items[0]?.metadata.name;
    rollout = rolloutOf({ server, target: target ?? newest, replicas: replicas.items });
    return rollout.kind !== "going";
  };
  await waitFor(isDone, seconds - spent, signal);
  return { kind: "settled", server, rollout, seconds };
}

/** What is said of it, in a line; with what it wrote to stderr when it does not run. */
export function outcomeText(outcome: Outcome): string {
  const { name, generation } = outcome.server.metadata;
  switch (outcome.kind) {
    case "applied": {
      const { deployment } = outcome.server.status;
      const begun = deployment === undefined ? "" : `, deployment ${deployment}`;
      return `server ${name} is applied (generation ${generation}${begun})`;
    }
    case "followed":
      return followedText(outcome);
    case "settled":
      return settledText(outcome);
  }
}

function settledText({ server, rollout, seconds }: Extract<Outcome, { readonly kind: "settled" }>): string {
  const { name } = server.metadata;
  const { state, replicas, tools, lastFailure } = server.status;
  const counts = `${replicas.ready}/${replicas.desired} replicas${tools === undefined ? "" : `, ${tools} tools`}`;
  switch (rollout.kind) {
    case "done":
      return `server ${name} is ${state} (${counts})`;
    case "going": {
      const why = lastFailure === undefined ? "" : `; ${failureText(name, lastFailure, Date.now())}`;
      return `server ${name} is not there after ${seconds} s: it is ${state} (${counts})${why}`;
    }
    case "failed": {
      const still = state === "failed" ? "" : ", and what ran before runs on";
      return `server ${name} has failed${still}: ${failureText(name, rollout.failure, Date.now())}${failureLines(rollout.failure)}`;
    }
  }
}
