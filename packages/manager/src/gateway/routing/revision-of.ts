/**
 * Which revision one call goes to: the one that it names or belongs to, else the one that its session is on, else the one that its
 * caller is assigned to. A session is put on a revision by its first use of a server and stays there.
 * Source: reliability.md §1.2, "Assignment rules".
 */
import type { Principal } from "../../security/principal.ts";
import type { HeaderRecord } from "../../protocol/headers.ts";
import { asRecord } from "../../protocol/server-facts.ts";
import type { Call } from "../calls/call.ts";
import type { Standing } from "../sessions/put-aside.ts";
import { type Caller, revisionFor } from "./assignment.ts";
import type { ServerRoute } from "./routing-table.ts";

/** What is looked at of a call. */
export type RoutedCall = Pick<Call, "bound" | "session" | "principal" | "envelope" | "headers">;

/** The revision that a call to this server goes to; undefined: any replica. */
export function revisionOf(call: RoutedCall, route: ServerRoute): string | undefined {
  const { bound, session } = call;
  if (bound !== undefined && bound.server === route.name) return bound.revision;
  if (session === undefined) return assigned(call, route);
  const pinned = session.pins.get(route.name);
  if (pinned !== undefined) return pinned;
  const revision = assigned(call, route);
  if (revision !== undefined) session.pin(route.name, revision);
  return revision;
}

/** The same for what only looks: its session is put on nothing. */
export function seenRevision(call: RoutedCall, route: ServerRoute): string | undefined {
  const { bound, session } = call;
  if (bound !== undefined && bound.server === route.name) return bound.revision;
  return session?.pins.get(route.name) ?? assigned(call, route);
}

/**
 * The revision that a session's next call goes to, as far as it is known without the call: headers of single requests are not. Undefined
 * also for a session that nobody has used since the manager started.
 */
export function sessionRevision({ pins, principal, clientName }: Standing, route: ServerRoute): string | undefined {
  const pinned = pins.get(route.name);
  if (pinned !== undefined || principal === undefined) return pinned;
  return revisionFor(route, { principal, clientName, header: () => undefined });
}

/** Whether what began at this revision can no longer go on there. Where there is no route, nothing is known against it. */
export function hasLeft({ revisions }: Pick<ServerRoute, "revisions">, revision: string): boolean {
  if (revisions === undefined || revisions.stable === revision || revisions.next?.revision === revision) return false;
  return !revisions.draining.includes(revision);
}

/** Whether a session can no longer be on this revision: it has left, or only its tasks are still waited for. */
export function hasEndedSessions(route: Pick<ServerRoute, "revisions">, revision: string): boolean {
  return hasLeft(route, revision) || route.revisions?.tasksOnly?.includes(revision) === true;
}

/** Whether this revision takes new work: what listens there is to listen anew elsewhere when it no longer does. */
export function takesNew({ revisions }: ServerRoute, revision: string): boolean {
  return revisions === undefined || revisions.stable === revision || revisions.next?.revision === revision;
}

/** Whether more than one revision has calls of this server: a deployment is under way, and its calls are measured. */
export function servesSeveral({ revisions }: ServerRoute): boolean {
  return revisions !== undefined && (revisions.next !== undefined || revisions.draining.length > 0);
}

/** Whether a route says of these two revisions that they offer the same. */
export function areSame({ revisions }: ServerRoute, one: string, other: string): boolean {
  const { stable, next } = revisions ?? {};
  if (next === undefined || next.differs) return false;
  return (one === stable && other === next.revision) || (other === stable && one === next.revision);
}

/** What a legacy client calls itself in `initialize`, cut to what is kept of it; undefined when it does not say. */
export function clientNameIn(info: Buffer | undefined): string | undefined {
  const name = info === undefined ? undefined : asRecord(JSON.parse(info.toString()))?.["name"];
  return typeof name === "string" ? name.slice(0, clientNameMax) : undefined;
}

/** Who makes a call, kept beyond it: of its message nothing is held. */
export function callerOf({ principal, session, envelope, headers }: RoutedCall): Caller {
  const clientName = session?.clientName ?? clientNameIn(envelope.raw("clientInfo"));
  return { principal, clientName, header: (name) => headerIn(headers, name) };
}

/** Names travel in session ids. */
const clientNameMax = 64;

function assigned(call: RoutedCall, route: ServerRoute): string | undefined {
  // Nearly always: nothing of the call has to be looked at.
  if (route.revisions?.next === undefined) return route.revisions?.stable;
  return revisionFor(route, new CallingClient(call));
}

/** Who makes a call; what nobody asks for is not read. */
class CallingClient implements Caller {
  readonly #call: RoutedCall;

  constructor(call: RoutedCall) {
    this.#call = call;
  }

  get principal(): Principal {
    return this.#call.principal;
  }

  get clientName(): string | undefined {
    const { session, envelope } = this.#call;
    return session?.clientName ?? clientNameIn(envelope.raw("clientInfo") ?? envelope.raw("initClientInfo"));
  }

  header(name: string): string | undefined {
    return headerIn(this.#call.headers, name);
  }
}

function headerIn(headers: HeaderRecord, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : value?.join(", ");
}
