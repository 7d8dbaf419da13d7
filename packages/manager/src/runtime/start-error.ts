/** Why the operating system did not start a process, in words. */
import { ManagerError } from "@mcp-manager/api";

const shortages: readonly unknown[] = ["EAGAIN", "EMFILE", "ENFILE", "ENOMEM", "ENOSPC"];

/** `resource_exhausted` for what may pass by itself, else `failed_precondition`. By the error's code alone: Node's text may quote a secret. */
export function startError(server: string, error: unknown): ManagerError {
  if (error instanceof ManagerError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
  const options = { server, cause: error };
  if (shortages.includes(code)) {
    const text =
      "the machine has no more processes, open files, memory or disk space to give; raise its limits or run less";
    return new ManagerError(
      "resource_exhausted",
      `server "${server}" can't be started now (${code}): ${text}`,
      options,
    );
  }
  const text = "check spec.source: its command, arguments and environment must be acceptable to the operating system";
  return new ManagerError("failed_precondition", `server "${server}" can't be started (${code}): ${text}`, options);
}
