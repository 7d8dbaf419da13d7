/**
 * The Servers that a file, or what is piped in, holds. Everything is checked before the first is handed out, so that a mistake in
 * the last one changes nothing.
 */
import type { ServerInput } from "@mcp-manager/api";
import { ManagerError, parseServer } from "@mcp-manager/api";
import type { Io } from "../io.ts";
import { readItems } from "./file-items.ts";

/** The checked Servers of a file, `-` for stdin; at least one. Throws `invalid_argument`. */
export async function readServers(io: Io, file: string): Promise<readonly ServerInput[]> {
  return (await readItems(io, file, "a Server")).map(({ item, where }) => checked(item, where));
}

function checked(item: unknown, where: string): ServerInput {
  if (typeof item === "object" && item !== null && ("mcpServers" in item || "servers" in item)) {
    throw new ManagerError(
      "invalid_argument",
      `${where} is a configuration file, not a Server: start the manager with it (mcp-manager up --config)`,
    );
  }
  try {
    parseServer(item);
  } catch (error) {
    const { code, message, fields } = ManagerError.from(error);
    throw new ManagerError(code, `${where}: ${message}`, { fields });
  }
  return item as ServerInput;
}
