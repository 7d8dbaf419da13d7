/** The operation that tells what happens. */
import type { OperationName, Permission, Principal } from "@mcp-manager/api";
import type { EventStreams, View } from "../../events/stream.ts";
import type { Authorizer } from "../ports.ts";
import type { Implementation } from "../request.ts";
import { flag, text } from "../request.ts";
import { viewServer } from "./server-view.ts";

export interface EventOperationsOptions {
  readonly streams: EventStreams;
  readonly authorizer: Authorizer;
}

/** What decides how much of a server somebody sees. */
const deciding: readonly Permission[] = ["processes:write", "servers:write", "logs:read"];

/** The implementations, by operation. */
export function eventOperations(
  options: EventOperationsOptions,
): Readonly<Record<Extract<OperationName, "watchEvents">, Implementation>> {
  const { streams, authorizer } = options;
  const views = new Map<string, View>();
  // One for all who see the same, so that what they see is made once.
  const viewOf = (principal: Principal): View => {
    const held = deciding.filter((permission) => authorizer.allows(principal, permission));
    const view = views.get(held.join()) ?? viewFor(held);
    views.set(held.join(), view);
    return view;
  };
  return {
    watchEvents(request) {
      const after = text(request, "after");
      const items = streams.open({
        topics: text(request, "topics")?.split(",") ?? [],
        ...(after === undefined ? {} : { after }),
        snapshot: flag(request, "snapshot"),
        view: viewOf(request.principal),
        signal: request.signal,
      });
      return Promise.resolve({ kind: "stream", items });
    },
  };
}

/** How somebody sees servers who holds these permissions; without any, no value that may be secret. */
export function viewFor(held: readonly Permission[]): View {
  const somebody = { name: "", roles: [] };
  return (server) => viewServer(server, somebody, { allows: (_, permission) => held.includes(permission) });
}
