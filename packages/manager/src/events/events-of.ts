/**
 * What a change of the store is to the world: a pure function from one resource before and after to events. It is the only source of
 * stored topics, so whoever reads the same revisions, live or long after, is told the same.
 */
import type { ApiKey, Event, Override, Replica } from "@mcp-manager/api";
import type { FollowedKind, ResourceChange } from "../registry/change-feed.ts";
import { kinds } from "../registry/kinds.ts";
import type { Fact } from "./fact.ts";
import { deploymentEvents } from "./deployment-events.ts";
import { serverEvents } from "./server-events.ts";

/** One kind's facts about a change; one of the two is there. */
type FactsOf<R> = (before: R | undefined, after: R | undefined, name: string) => readonly Fact[];

/** Kinds whose changes are events, in the order in which those of one revision are told; a kind without a row says nothing. */
const factsOf: Readonly<Record<string, FactsOf<never>>> = {
  Server: serverEvents,
  Deployment: deploymentEvents,
  Replica: replicaEvents,
  ApiKey: keyEvents,
  Override: overrideEvents,
  Webhook: settingEvents("webhook"),
  Secret: settingEvents("secret"),
};

/** The kinds whose changes can be events. */
export const eventfulKinds: readonly FollowedKind[] = Object.values(kinds).filter(({ kind }) =>
  Object.hasOwn(factsOf, kind),
);

/** The changes of one revision in the order in which people tell of them: a server before what belongs to it. */
export function inOrder(changes: readonly ResourceChange[]): readonly ResourceChange[] {
  if (changes.length < 2) return changes;
  const kindNames = Object.keys(factsOf);
  return changes.toSorted((a, b) => kindNames.indexOf(a.kind) - kindNames.indexOf(b.kind));
}

/** The events of one change, in order. `now` (RFC 3339) is when it happened, unless the resource itself says when. */
export function eventsOf(change: ResourceChange, revision: bigint, now: string): readonly Event[] {
  const { kind, name, before, after } = change;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the row of a kind takes resources of this kind
  const row = factsOf[kind] as FactsOf<unknown> | undefined;
  const facts = row?.(before, after, name) ?? [];
  return facts.map(({ at = now, topic, ...rest }) => ({ topic, at, revision: String(revision), ...rest }));
}

function replicaEvents(before: Replica | undefined, after: Replica | undefined): readonly Fact[] {
  if (before === undefined || after === undefined) return [];
  const [from, to] = [before.status.state, after.status.state];
  if (from === to) return [];
  const why = whyReplica(before, after);
  return [
    {
      topic: "replica.state",
      at: to === "failed" ? after.status.lastFailure?.at : undefined,
      server: after.spec.server,
      replica: after.metadata.name,
      message: `${from} → ${to}${why === undefined ? "" : `: ${why}`}`,
      severity: to === "failed" ? "warning" : "info",
      data: { from, to },
    },
  ];
}

function whyReplica({ status: before }: Replica, { status: after }: Replica): string | undefined {
  if (after.state === "failed") return after.lastFailure?.message;
  if (after.state === "idle") return "nobody called";
  const isSameRun = before.startedAt === after.startedAt;
  return before.state === "failed" && after.state === "ready" && isSameRun ? "it answers again" : undefined;
}

function keyEvents(before: ApiKey | undefined, after: ApiKey | undefined, name: string): readonly Fact[] {
  const key = after ?? before;
  if (key === undefined || before?.metadata.revision === after?.metadata.revision) return [];
  const { principal, roles } = key.spec;
  const what = before === undefined ? "made" : after === undefined ? "revoked" : "changed";
  const message = `API key ${name} for ${principal} (${roles.join(", ")}) was ${what}`;
  const at = before === undefined ? key.metadata.createdAt : undefined;
  return [{ topic: "access.changed", at, message, severity: "info", data: { key: name, principal, change: what } }];
}

function overrideEvents(before: Override | undefined, after: Override | undefined, name: string): readonly Fact[] {
  if (after === undefined) {
    const message = "its breaker is left to itself again";
    return [{ topic: "config.changed", server: name, message, severity: "info", data: { breaker: "auto" } }];
  }
  const { server, breaker, by, reason, at } = after.spec;
  if (before?.metadata.revision === after.metadata.revision) return [];
  const message = `its breaker is held ${breaker} by ${by}${reason === "" ? "" : `: ${reason}`}`;
  return [{ topic: "config.changed", at, server, message, severity: "info", data: { breaker, by } }];
}

/** What lies in a resource of such a kind may be secret: only that it is another is told. */
function settingEvents(noun: string): FactsOf<Pick<ApiKey, "metadata">> {
  return (before, after, name) => {
    if (before?.metadata.revision === after?.metadata.revision) return [];
    const what = before === undefined ? "made" : after === undefined ? "taken away" : "changed";
    const at = before === undefined ? after?.metadata.createdAt : undefined;
    const message = `${noun} ${name} was ${what}`;
    return [{ topic: "config.changed", at, message, severity: "info", data: { [noun]: name, change: what } }];
  };
}
