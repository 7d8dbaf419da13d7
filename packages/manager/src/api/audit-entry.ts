/** What the audit says of an operation: every change, every tool call, and whatever was refused. Pure. */
import type { ManagerError, Operation, OperationName, Principal } from "@mcp-manager/api";
import type { AuditEntry } from "../telemetry/audit.ts";

/** What of an asked operation is written down. */
export interface AuditedOperation {
  readonly name: OperationName;
  readonly operation: Operation;
  /** Path parameters. */
  readonly path: Readonly<Record<string, string>>;
  readonly principal: Principal & { readonly authMethod?: string };
  readonly address: string | undefined;
}

/** The entry; undefined for reads that went well, which would drown the rest. */
export function auditEntry(asked: AuditedOperation, failure?: ManagerError): AuditEntry | undefined {
  if (asked.operation.method === "GET" && failure?.code !== "permission_denied") return undefined;
  const { principal, address } = asked;
  return {
    who: principal.name,
    ...(principal.authMethod === undefined ? {} : { authMethod: principal.authMethod }),
    action: asked.name,
    target: targetOf(asked),
    ...outcomeOf(failure),
    ...(address === undefined ? {} : { address }),
  };
}

function outcomeOf(failure: ManagerError | undefined): Pick<AuditEntry, "outcome" | "reason"> {
  if (failure === undefined) return { outcome: "allowed" };
  return { outcome: failure.code === "permission_denied" ? "denied" : "failed", reason: failure.code };
}

/** `servers/weather/tools/forecast`: the path without its root and the verb at its end. */
function targetOf({ operation, path }: AuditedOperation): string {
  const words = operation.path
    .replace("/api/v1/", "")
    .replace(/\{(\w+)\}/g, (_, name: string) => (path[name] ?? "").slice(0, 128))
    .split("/");
  return (words.length > 2 && words.length % 2 === 1 ? words.slice(0, -1) : words).join("/");
}
