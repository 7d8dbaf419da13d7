/** Waiting until calls here go by what is stored of a server: for whoever tells people that traffic has gone over. */
import type { Clock } from "../../base/clock.ts";
import { kinds } from "../../registry/kinds.ts";
import type { Registry } from "../../registry/registry.ts";
import type { FollowedTable } from "./follow-servers.ts";

/** It takes milliseconds; who cannot follow the store keeps nobody waiting for longer. */
const routedMsMax = 1_000;

/** Reads what is stored of a server now, and resolves when the table goes by it; after a second in any case. */
export function routedBy(
  registry: Registry,
  table: Pick<FollowedTable, "reached">,
  clock: Clock,
): (server: string) => Promise<void> {
  return async (server) => {
    const stored = await registry.resources(kinds.Server).read(server);
    if (stored === undefined) return;
    const late = new AbortController();
    const timer = clock.after(routedMsMax, () => late.abort());
    await table.reached(server, stored.statusRevision, late.signal);
    timer.cancel();
  };
}
