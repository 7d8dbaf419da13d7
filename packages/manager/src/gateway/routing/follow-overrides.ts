/** Keeps the guards in step with what people decided about servers: an Override holds its server's breaker, also of one routed later. */
import type { Override } from "@mcp-manager/api";
import type { Unsubscribe, Watched } from "../../base/watched.ts";
import type { Informer } from "../../registry/informer.ts";
import type { Forced, Guards } from "../../upstream/guards.ts";
import type { RoutingTable } from "./routing-table.ts";

/** Until the answer is called. */
export function followOverrides(
  overrides: Informer<Override>,
  table: Watched<RoutingTable>,
  guards: Guards,
): Unsubscribe {
  const decided = new Map<string, Forced>();
  const take = (name: string, override: Override | undefined): void => {
    if (override === undefined) decided.delete(name);
    else decided.set(name, { state: override.spec.breaker, reason: override.spec.reason, by: override.spec.by });
    guards.force(name, decided.get(name));
  };
  const follow = ({ servers }: RoutingTable): void => {
    guards.follow(servers);
    for (const [name, forced] of decided) guards.force(name, forced);
  };
  const unsubscribe = [overrides.onChange(take), table.onChange(follow)];
  follow(table.current);
  for (const override of overrides.list()) take(override.metadata.name, override);
  return () => {
    for (const end of unsubscribe) end();
  };
}
