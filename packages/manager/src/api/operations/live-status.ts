/** What the instance that answers knows beside what is stored, laid over a status at the moment of the answer. Stores nothing. */
import type { Replica, Server } from "@mcp-manager/api";
import type { LiveState } from "../ports.ts";

/** Events of a server that is read by name. */
const eventsShown = 20;

/** With the breaker as it is and the load of this moment. */
export function withLoad(server: Server, live: LiveState): Server {
  return { ...server, status: { ...server.status, ...live.server(server.metadata.name) } };
}

/** With what happened last, too. */
export function withEvents(server: Server, live: LiveState): Server {
  const events = live.events(server.metadata.name, eventsShown);
  const recentEvents = events.map(({ at, topic, replica, message, severity }) => ({
    at,
    topic,
    ...(replica === undefined ? {} : { replica }),
    message,
    severity,
  }));
  return { ...server, status: { ...server.status, recentEvents } };
}

/** A replica with its load of this moment. */
export function replicaWithLoad(replica: Replica, live: LiveState): Replica {
  const load = live.replica(replica.spec.server, replica.metadata.name);
  return load === undefined ? replica : { ...replica, status: { ...replica.status, load } };
}
