/**
 * What must hold whatever goes wrong (reliability.md §5.2), each as a list of breaches: empty when it holds. Pure but for what it reads of
 * the machine; what to check when is the scenario's.
 *
 *   I1  every request that was taken ends exactly once, in its time
 *   I2  a call reaches at most one replica, once
 *   I3  nobody gets what is another's
 *   I4  the weights of a server that has traffic add up to 100
 *   I6  afterwards everything is as it should be, and nothing is left over
 *   I7  what was acknowledged is kept
 *   I8  secrets are nowhere to be seen
 *
 * I5 is about several leaders, of which an embedded store has none.
 */
import type { Server } from "@mcp-manager/api";
import { processesWith } from "../../e2e/testing/processes.ts";
import type { JournalEntry } from "./fake.ts";
import type { Entry, Ledger } from "./ledger.ts";
import type { Holdings } from "./machine.ts";
import { descendantsOf } from "./machine.ts";

/** What a call may take over its deadline: the second of I1, and what a busy machine with two processors adds to it. */
const overtimeMs = 1_000 + 4_000;

/** At `nowMs` what has time left may be under way; without it, nothing may. */
export function endedOnce({ entries }: Ledger, nowMs: number = Infinity): readonly string[] {
  return entries.flatMap((entry) => {
    const { end, deadlineMs, startedMs, id } = entry;
    if (end === undefined)
      return nowMs - startedMs > deadlineMs + overtimeMs ? `I1: ${nameOf(entry)} has not ended` : [];
    const { kind, tookMs, responses, text } = end;
    if (tookMs > deadlineMs + overtimeMs) return `I1: ${nameOf(entry)} took ${tookMs} ms, and had ${deadlineMs}`;
    if (kind !== "answered") return [];
    const [answered] = responses;
    const isOnce = responses.length === 1 && (answered === id || answered === undefined);
    return isOnce ? [] : `I1: ${nameOf(entry)} was answered ${responses.length} times: ${text}`;
  });
}

/** No tool of a fake server is idempotent: each may be executed once. */
export function executedOnce({ entries }: Ledger, journal: readonly JournalEntry[]): readonly string[] {
  const copies = new Map<string, string[]>();
  for (const { method, call, copy, refused } of journal) {
    if (method !== "tools/call" || call === undefined || refused !== undefined) continue;
    copies.set(call, [...(copies.get(call) ?? []), copy]);
  }
  return entries.flatMap((entry) => {
    const of = copies.get(entry.call) ?? [];
    return of.length > 1 ? `I2: ${nameOf(entry)} was executed by ${of.join(" and ")}` : [];
  });
}

export function keptApart({ entries }: Ledger): readonly string[] {
  return entries.flatMap((entry) => {
    const foreign = entry.end?.foreign ?? [];
    return foreign.length > 0 ? `I3: ${nameOf(entry)} was given what belongs to ${foreign.join(", ")}` : [];
  });
}

export function weighed(servers: readonly Server[]): readonly string[] {
  return servers.flatMap(({ metadata, status }) => {
    const sum = status.traffic.reduce((total, { weight }) => total + weight, 0);
    return status.traffic.length > 0 && sum !== 100 ? `I4: the weights of ${metadata.name} add up to ${sum}` : [];
  });
}

/** Desired is observed, but for servers that are meant to be down. */
export function converged(servers: readonly Server[], down: ReadonlySet<string>): readonly string[] {
  return servers.flatMap(({ metadata: { name }, status: { state, replicas, lastFailure } }) => {
    const isAsWanted = (state === "ready" && replicas.ready === replicas.desired) || state === "idle";
    if (isAsWanted || down.has(name)) return [];
    return `I6: server ${name} is ${state}, ${replicas.ready} of ${replicas.desired} ready: ${lastFailure?.message ?? ""}`;
  });
}

export function noZombies(pid: number): readonly string[] {
  return descendantsOf(pid).flatMap((child) => (child.isZombie ? `I6: ${child.pid} is a zombie` : []));
}

/** What a manager holds, its processes with it. */
export interface AllHoldings extends Holdings {
  /** All that descend from it. */
  readonly processes: number;
}

/** How much more than before is held; a tenth, and what caches and pools come to. */
export interface Slack {
  readonly descriptors: number;
  readonly rssBytes: number;
  readonly processes: number;
}

export function givenBack(before: AllHoldings, now: AllHoldings, slack: Slack): readonly string[] {
  const more = (what: string, was: number, is: number, extra: number): readonly string[] =>
    is <= was * 1.1 + extra ? [] : [`I6: ${is} ${what} are held, and ${was} were before`];
  return [
    ...more("descriptors", before.descriptors, now.descriptors, slack.descriptors),
    ...more("bytes", before.rssBytes, now.rssBytes, slack.rssBytes),
    ...more("processes", before.processes, now.processes, slack.processes),
  ];
}

/** Of all that carried the tag. */
export function noOrphans(tag: string): readonly string[] {
  return processesWith(tag).map((pid) => `I6: process ${pid} was left behind`);
}

/** `acknowledged`: generation by name. */
export function writesKept(acknowledged: ReadonlyMap<string, number>, servers: readonly Server[]): readonly string[] {
  const kept = new Map(servers.map(({ metadata }) => [metadata.name, metadata.generation]));
  return [...acknowledged].flatMap(([name, generation]) =>
    (kept.get(name) ?? -1) >= generation ? [] : `I7: generation ${generation} of ${name} is lost`,
  );
}

/** `texts` by where they come from. */
export function secretsHidden(secrets: readonly string[], texts: ReadonlyMap<string, string>): readonly string[] {
  return [...texts].flatMap(([where, text]) =>
    secrets.flatMap((secret) => {
      const at = text.indexOf(secret);
      return at < 0 ? [] : `I8: a secret is in ${where}: ${text.slice(Math.max(0, at - 200), at + secret.length)}`;
    }),
  );
}

function nameOf({ call, client, server }: Entry): string {
  return `${call} of ${client} to ${server}`;
}
