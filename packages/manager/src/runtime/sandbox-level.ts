/** Which sandbox a run gets: what its spec asks for, raised to what this instance gives to all, refused when that is too weak. Pure. */
import type { Sandbox, SandboxLevel } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";

/** The rule of one instance for all its servers. */
export interface SandboxPolicy {
  readonly default: SandboxLevel;
  readonly minimum: SandboxLevel;
}

/** What a run gets. */
export interface EffectiveSandbox {
  readonly level: SandboxLevel;
  readonly network: "host" | "none";
  /** Absolute paths that may be written to. */
  readonly writable: readonly string[];
}

const strength: Readonly<Record<SandboxLevel, number>> = { trusted: 0, default: 1, strict: 2 };

/** The sandbox of a run of `server`. Throws `failed_precondition` when this instance starts nothing so weak. */
export function effectiveSandbox(server: string, asked: Sandbox, policy: SandboxPolicy): EffectiveSandbox {
  const rules = typeof asked === "string" ? { level: asked } : asked;
  const level = strength[rules.level] < strength[policy.default] ? policy.default : rules.level;
  if (strength[level] < strength[policy.minimum]) {
    const text =
      `server "${server}" has the sandbox ${level}, and this manager starts nothing below ${policy.minimum}; ` +
      `set spec.sandbox to ${policy.minimum}, or change the setting sandbox.minimum`;
    throw new ManagerError("failed_precondition", text, { server, reason: "SANDBOX_TOO_WEAK" });
  }
  // A plain child process has what the machine has: taking the network away needs a sandbox.
  if (level === "trusted" && (rules.network !== undefined || (rules.writable ?? []).length > 0)) {
    const text = `server "${server}" asks for rules of a sandbox it has not: set spec.sandbox.level to default or strict`;
    throw new ManagerError("failed_precondition", text, { server, reason: "SANDBOX_WITHOUT_LEVEL" });
  }
  const network = level === "strict" || (level !== "trusted" && rules.network === "none") ? "none" : "host";
  return { level, network, writable: rules.writable ?? [] };
}
