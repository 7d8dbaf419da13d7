/**
 * Audit of the data plane: who called which tool and how it ended, and who was turned away. One entry each; nothing of arguments
 * or results. Recording is handed on and never waited for; without an audit it costs a comparison.
 */
import type { Audit } from "../../telemetry/audit.ts";
import type { CallOutcome } from "./call-metrics.ts";
import type { Call } from "./call.ts";

/** What this room needs of the audit. */
export type AuditSink = Pick<Audit, "record">;

/** A call that was let through and has ended. Only tool calls are recorded. */
export function auditCall(
  audit: AuditSink | undefined,
  call: Call,
  server: string,
  name: string | undefined,
  outcome: CallOutcome,
): void {
  const { method } = call.envelope;
  if (audit === undefined || method !== "tools/call") return;
  const target = `servers/${server}/tools/${shortened(name ?? "")}`;
  const isAnswered = outcome === "result" || outcome === "tool_error" || outcome === "input_required";
  audit.record({
    ...whoOf(call),
    action: method,
    target,
    ...(isAnswered ? { outcome: "allowed" } : { outcome: "failed", reason: outcome }),
  });
}

/** A call that its principal may not make, or that came with somebody else's session. */
export function auditDenied(
  audit: AuditSink | undefined,
  call: Pick<Call, "principal" | "reply">,
  action: string,
  target: string,
  reason: string,
): void {
  audit?.record({ ...whoOf(call), action, target: shortened(target), outcome: "denied", reason });
}

function whoOf({ principal, reply }: Pick<Call, "principal" | "reply">): {
  who: string;
  authMethod: string;
  address?: string;
} {
  const { address } = reply;
  return { who: principal.name, authMethod: principal.authMethod, ...(address === undefined ? {} : { address }) };
}

/** Names come from outside. */
function shortened(name: string): string {
  return name.length <= 200 ? name : `${name.slice(0, 200)}…`;
}
