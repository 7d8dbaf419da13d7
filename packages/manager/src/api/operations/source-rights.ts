/**
 * What it takes to write a server's source: a command can do whatever the manager can, and a reference has what it stands for sent to
 * wherever the source says: a secret, or a file or variable of the manager's own. Pure.
 */
import type { Principal, ServerSource } from "@mcp-manager/api";
import { sourceReferences } from "@mcp-manager/api";
import { sameJson } from "../../registry/transaction.ts";
import type { Authorizer } from "../ports.ts";
import { demand } from "../request.ts";

/** Throws `permission_denied`. `current` is the source that is registered: who leaves it as it is sends nothing anywhere. */
export function demandSource(
  authorizer: Authorizer,
  principal: Principal,
  {
    server,
    source,
    current,
  }: { readonly server: string; readonly source: ServerSource; readonly current: ServerSource | undefined },
): void {
  if (source.kind === "process")
    demand(authorizer, principal, "processes:write", `have a command started (server "${server}")`);
  if (sameJson(source, current)) return;
  const references = sourceReferences(source);
  const to = `sent to a server (server "${server}")`;
  if (references.some(({ source: from }) => from === "secret"))
    demand(authorizer, principal, "secrets:write", `have a secret ${to}`);
  // Among them is what would make anybody an admin: `admin.key`, say.
  if (references.some(({ source: from }) => from !== "secret"))
    demand(authorizer, principal, "processes:write", `have the manager's own files or variables ${to}`);
}
