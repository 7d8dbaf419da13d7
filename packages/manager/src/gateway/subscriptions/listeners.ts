/** Who listens: the session of a legacy client, or a modern client's stream; and which revision's lists such a one is shown. Pure. */
import { revisionFor } from "../routing/assignment.ts";
import { sessionRevision } from "../routing/revision-of.ts";
import type { ServerRoute } from "../routing/routing-table.ts";
import { Session } from "../sessions/session.ts";
import { revisionOfKey } from "../view.ts";
import type { SubscriptionStream } from "./subscription-stream.ts";

/** One that is told of changes. */
export type Listener = Session | SubscriptionStream;

/** The revision of a server whose lists it is shown; undefined: any, or not known. */
export function revisionShownTo(listener: Listener, route: ServerRoute): string | undefined {
  if (listener instanceof Session) return revisionOfKey(listener.viewKey) ?? sessionRevision(listener, route);
  const { bound, caller } = listener;
  return bound?.server === route.name ? bound.revision : revisionFor(route, caller);
}
