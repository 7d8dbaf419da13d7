/** What goes on at this moment between this instance and a server, put together for people: never stored, and of no use to a call. */
import type { LiveServer, ReplicaLoad } from "@mcp-manager/api";
import type { Guards } from "./guards.ts";
import type { UpstreamSet } from "./upstream-set.ts";

/** What can be asked of this moment. */
export interface LiveFigures {
  /** Undefined for a server that is not routed. */
  server(name: string): LiveServer | undefined;
  /** Undefined for a replica that takes no calls. */
  replica(server: string, replica: string): ReplicaLoad | undefined;
}

export function liveState(upstreams: UpstreamSet, guards: Guards): LiveFigures {
  return {
    server(name) {
      const guard = guards.of(name);
      if (guard === undefined) return undefined;
      const { breaker, detail, load } = guard;
      return { breaker, load, ...(detail === undefined ? {} : { breakerDetail: detail }) };
    },
    replica(server, replica) {
      const found = upstreams.replicas(server).find(({ name }) => name === replica);
      if (found === undefined) return undefined;
      const { connection, leases } = found;
      const ejectedUntil = guards.of(server)?.ejectedUntil(replica);
      const heldOffUntil = guards.of(server)?.heldOffUntil(replica);
      const aside = {
        ...(ejectedUntil === undefined ? {} : { ejectedUntil }),
        ...(heldOffUntil === undefined ? {} : { heldOffUntil }),
      };
      if (leases === undefined) return { inFlight: connection.inFlight, ...aside };
      const { inUse, idle, spare, waiting, calls } = leases;
      return { inFlight: connection.inFlight + calls, pool: { inUse, idle, spare, waiting }, ...aside };
    },
  };
}
