/**
 * What it takes to write a server's source: a command can do whatever the manager can, and a reference to a secret has its value sent to
 * wherever the source says. Pure.
 */
import type { Principal, ServerSource } from "@mcp-manager/api";
import { secretNames } from "@mcp-manager/api";
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
  const [secret] = secretNames(source);
  if (secret === undefined || sameJson(source, current)) return;
  demand(authorizer, principal, "secrets:write", `have the secret ${secret} sent to a server (server "${server}")`);
}
