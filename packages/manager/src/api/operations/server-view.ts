/**
 * A Server as a caller may see it: values of `env` and `headers` may be secrets, so only those who could write them see them.
 * References stay readable, they hold no secret. What a server wrote before it failed is for those who may read its log.
 */
import type { LastFailure, Principal, Server, ServerSource } from "@mcp-manager/api";
import { findReferences, hiddenValue } from "@mcp-manager/api";
import type { Authorizer } from "../ports.ts";

/** `server` for this principal; one whose deletion was asked for is shown as draining from that moment on. */
export function viewServer(server: Server, principal: Principal, authorizer: Authorizer): Server {
  const shown = viewFailure(server.status, principal, authorizer);
  const status = server.metadata.deletedAt === undefined ? shown : { ...shown, state: "draining" as const };
  return { ...server, spec: { ...server.spec, source: viewSource(server.spec.source, principal, authorizer) }, status };
}

/** A status without the lines of a log that this principal may not read. */
export function viewFailure<Status extends { readonly lastFailure?: LastFailure }>(
  status: Status,
  principal: Principal,
  authorizer: Authorizer,
): Status {
  if (status.lastFailure?.stderr === undefined || authorizer.allows(principal, "logs:read")) return status;
  const { stderr: _, ...lastFailure } = status.lastFailure;
  return { ...status, lastFailure };
}

/** A source with the values hidden that this principal could not have written. */
export function viewSource(source: ServerSource, principal: Principal, authorizer: Authorizer): ServerSource {
  const permission = source.kind === "process" ? "processes:write" : "servers:write";
  return authorizer.allows(principal, permission) ? source : hideSource(source);
}

/** A source with its values hidden from everybody. */
export function hideSource(source: ServerSource): ServerSource {
  if (source.kind === "process") return { ...source, env: hideValues(source.env) };
  return { ...source, headers: hideValues(source.headers) };
}

function hideValues(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, isReference(value) ? value : hiddenValue]),
  );
}

/** Whether the value is one reference and nothing beside it; a fallback may be a secret. */
function isReference(value: string): boolean {
  const [reference] = findReferences(value);
  return reference?.text === value && reference.fallback === undefined;
}
