/**
 * Which manager is meant and with which key: options, then environment, then what this machine's data directory holds. The admin
 * key from a file is only shown to a manager on this machine.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ManagerError } from "@mcp-manager/api";
import type { Io } from "./io.ts";

export interface Target {
  readonly url: string;
  readonly key?: string;
  /** Where the key is from, in words; absent when there is none. */
  readonly keySource?: string;
  /** Whether the key may do everything. */
  readonly isAdminKey: boolean;
  /** What to do when the manager refuses for want of a credential. */
  readonly keyHint: string;
}

/** Throws `failed_precondition` when the key's file is there and cannot be read. */
export function findTarget(
  io: Io,
  options: { readonly url?: string | undefined; readonly data?: string | undefined },
): Target {
  const port = io.env["MCP_MANAGER_PORT"] ?? "";
  const url =
    options.url ?? (io.env["MCP_MANAGER_URL"] || `http://127.0.0.1:${port === "" || port === "0" ? "8080" : port}`);
  const path = join(resolve(io.cwd, options.data ?? (io.env["MCP_MANAGER_DATA"] || "data")), "admin.key");
  const keyHint = `set MCP_MANAGER_API_KEY, or name the manager's data directory with --data (${path} was looked for)`;
  const apiKey = io.env["MCP_MANAGER_API_KEY"] || undefined;
  if (apiKey !== undefined) return { url, key: apiKey, keySource: "MCP_MANAGER_API_KEY", isAdminKey: false, keyHint };
  const adminKey = io.env["MCP_MANAGER_ADMIN_KEY"] || undefined;
  if (adminKey !== undefined)
    return { url, key: adminKey, keySource: "MCP_MANAGER_ADMIN_KEY", isAdminKey: true, keyHint };
  const fileKey = isLoopback(url) ? readKey(path) : undefined;
  if (fileKey === undefined) return { url, isAdminKey: false, keyHint };
  return { url, key: fileKey, keySource: path, isAdminKey: true, keyHint };
}

/** Whether a URL leads to this machine. */
export function isLoopback(text: string): boolean {
  const host = URL.parse(text)?.hostname ?? "";
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function readKey(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new ManagerError(
      "failed_precondition",
      `cannot read the admin key in ${path} (${String(code)}): set MCP_MANAGER_API_KEY instead`,
    );
  }
}
